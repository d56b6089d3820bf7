"""OME-Zarr of our own: made empty, written box by box, valid for others."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from threading import Event

import numpy as np
import psutil
import pytest

from napari_unet.data.ome_zarr import open_volume, open_zarr
from napari_unet.data.ome_zarr_writer import (
    create_image,
    create_labels,
    planned,
    write_zarr,
)
from napari_unet.data.pyramid import LevelStep, fill_pyramid
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.data.volume import write_box
from napari_unet.errors import InputError, OutputError

zarr = pytest.importorskip("zarr")
yaozarrs = pytest.importorskip("yaozarrs")
SHAPE = (10, 1100, 700)


def filled(levels, values, *, labels):
    write_box(levels[0], (slice(None),) * values.ndim, values)
    return list(fill_pyramid(levels, labels=labels))


@pytest.fixture(params=["0.4", "0.5"])
def image(request, tmp_path):
    path = tmp_path / "em.ome.zarr"
    volume = planned(path, "ZYX", SHAPE, np.uint8, (8, 4, 4), "nm")
    levels = create_image(replace(volume, version=request.param))
    grey = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
    filled(levels, grey, labels=False)
    return path, grey


def test_what_is_written_is_valid_and_reads_back(image):
    path, grey = image
    yaozarrs.validate_zarr_store(str(path))
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, grey)
    assert (stack.axes, stack.pixel_size, stack.unit) == ("ZYX", (8, 4, 4), "nm")


def test_a_box_is_on_the_disk_before_it_counts_as_written(image, monkeypatch):
    flushed, volume = set(), open_volume(image[0])
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda one: (fsync(one), flushed.add(os.fstat(one).st_ino))
    )
    box = slice(0, 10), slice(256, 512), slice(0, 128)
    write_box(volume, box, np.full((10, 256, 128), 7, np.uint8))
    root = image[0] / volume.inside
    folder = root / "c" / "0" if volume.version == "0.5" else root / "0"
    files = [folder / f"{row}/0" for row in (2, 3)]
    assert {file.stat().st_ino for file in files} <= flushed


def test_slices_are_halved_once_they_are_as_close_as_rows(image):
    levels = open_zarr(image[0]).levels
    assert [one.shape for one in levels] == [SHAPE, (10, 550, 350), (5, 275, 175)]
    assert [one.scale for one in levels] == [(8, 4, 4), (8, 8, 8), (16, 16, 16)]
    assert [one.origin for one in levels] == [(0, 0, 0), (0, 2, 2), (4, 6, 6)]


def test_coarser_levels_of_an_image_are_means(image):
    path, grey = image
    fine = grey.astype(np.float32).reshape(10, 550, 2, 350, 2).mean((2, 4))
    np.testing.assert_array_equal(open_volume(path, 1)[...], np.rint(fine))


@pytest.mark.parametrize("shards", [None, (128, 256, 256)])
def test_labels_have_the_levels_scale_and_place_of_their_image(image, shards):
    path, _ = image
    version = open_volume(path).version
    if shards and version == "0.4":
        shards = None
    chunks = None if shards is None else (64, 128, 128)
    like = open_volume(path)
    levels = create_labels(path, like, np.uint32, "cells", chunks=chunks, shards=shards)
    cells = np.arange(np.prod(SHAPE), dtype=np.uint32).reshape(SHAPE)
    filled(levels, cells, labels=True)
    yaozarrs.validate_zarr_store(str(path))
    yaozarrs.validate_zarr_store(str(path / "labels" / "cells"))
    found = open_zarr(path)
    assert found.labels == ("cells",)
    labels = found.label("cells").levels
    assert [one.shape for one in labels] == [one.shape for one in found.levels]
    assert [one.scale for one in labels] == [one.scale for one in found.levels]
    assert [one.origin for one in labels] == [one.origin for one in found.levels]
    np.testing.assert_array_equal(labels[1][...], cells[:, 1::2, 1::2])


@pytest.mark.parametrize("axis", [1, 2])
def test_labels_stay_on_their_image_at_all_levels(tmp_path, axis):
    path = tmp_path / "em.ome.zarr"
    volume = planned(path, "ZYX", (1, 2048, 2048), np.uint16, (4, 4, 4), "nm")
    place = np.indices(volume.shape, np.uint16)[axis]
    create_image(volume)
    filled(create_labels(path, volume, np.uint16, "cells"), place, labels=True)
    levels = open_zarr(path).label("cells").levels
    assert len(levels) > 2
    for labels in levels:
        off = labels[...].mean(dtype=float) - 1023.5
        # Of the pixels of the level.
        assert abs(off) <= 2**labels.level / 4


def test_several_labels_lie_in_one_image(image):
    path, _ = image
    for name in ("classes", "objects"):
        create_labels(path, open_volume(path), np.uint8, name)
    assert open_zarr(path).labels == ("classes", "objects")


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_labels_are_found_where_metadata_were_consolidated_before(image):
    path, _ = image
    form = 2 if open_volume(path).version == "0.4" else 3
    zarr.open_group(path.parent, mode="a", zarr_format=form)
    for folder in (path, path.parent):
        zarr.consolidate_metadata(folder, zarr_format=form)
    for name in ("classes", "objects"):
        create_labels(path, open_volume(path), np.uint8, name)
        for folder, inside in ((path, ""), (path.parent, f"{path.name}/")):
            group = zarr.open_group(folder, mode="r")
            assert group.metadata.consolidated_metadata is not None
            assert f"{inside}labels/{name}/0" in group
            listed = dict(group[f"{inside}labels"].attrs)
            assert name in listed.get("ome", listed)["labels"]


def test_labels_that_are_there_are_not_written_over(image):
    path, _ = image
    create_labels(path, open_volume(path), np.uint8, "cells")
    with pytest.raises(OutputError, match="cells is there already"):
        create_labels(path, open_volume(path), np.uint8, "cells")


def test_labels_of_a_coarser_level_still_have_as_many_levels_as_their_image(image):
    path, _ = image
    levels = create_labels(path, open_volume(path, 1), np.uint8, "cells")
    assert len(levels) == 3
    assert levels[0].shape == (10, 550, 350)
    assert levels[0].scale == (8, 8, 8)
    yaozarrs.validate_zarr_store(str(path / "labels" / "cells"))


def test_labels_lie_in_a_folder_of_their_own_too(image, tmp_path):
    path, _ = image
    out = tmp_path / "cells.ome.zarr"
    create_labels(out, open_volume(path), np.uint16)
    yaozarrs.validate_zarr_store(str(out))
    assert read_stack(out).pixel_size == (8, 4, 4)


def test_a_folder_of_labels_alone_names_them(image, tmp_path):
    path, _ = image
    out = tmp_path / "found.ome.zarr"
    for name in ("classes", "objects"):
        create_labels(out, open_volume(path), np.uint16, name)
    with pytest.raises(Exception, match=r"labels and no image: .*labels/classes"):
        read_stack(out)
    assert read_stack(out / "labels" / "objects").shape == SHAPE


def test_channels_and_a_single_time_point_are_left_out_of_labels(tmp_path):
    path = tmp_path / "em.ome.zarr"
    (like,) = create_image(
        planned(path, "TCZYX", (1, 2, 3, 40, 50), np.uint8, (50, 4, 4), "nm")
    )
    (labels,) = create_labels(path, like, np.uint8, "cells")
    assert (labels.axes, labels.shape, labels.scale) == ("ZYX", (3, 40, 50), (50, 4, 4))


def test_chunks_of_slices_are_flat_and_those_of_volumes_are_not(tmp_path):
    sizes = "ZYX", (1, 2000, 2000), np.uint8, (50, 4, 4), "nm"
    assert planned(tmp_path, *sizes).chunks == (1, 512, 512)
    deep = planned(tmp_path, "ZYX", (200, 2000, 2000), np.uint8, (4, 4, 4), "nm")
    assert deep.chunks == (64, 128, 128)


@pytest.mark.parametrize(
    ("box", "shape", "dtype"),
    [
        ((2, 5, 5), (3, 5, 5), np.uint8),  # a halo that was not cut off
        ((2, 5, 5), (2, 5), np.uint8),
        ((2, 5, 5), (2, 5, 5), np.uint16),
    ],
)
def test_values_that_do_not_fit_their_box_are_refused(tmp_path, box, shape, dtype):
    (level,) = create_image(
        planned(tmp_path / "a.zarr", "ZYX", (10, 20, 20), np.uint8, (1, 1, 1), "nm")
    )
    with pytest.raises(ValueError, match="for a box of"):
        write_box(level, tuple(slice(side) for side in box), np.ones(shape, dtype))
    assert not level[...].any()


def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / "file").write_text("here", encoding="utf-8")
    volume = planned(
        tmp_path / "file" / "a.zarr", "YX", (20, 20), np.uint8, (1, 1), "nm"
    )
    with pytest.raises(OutputError, match="cannot be written"):
        create_image(volume)


@pytest.fixture
def large(tmp_path):
    sizes = "ZYX", (512, 1024, 1024), np.uint8, (4, 4, 4), "nm"
    return create_image(planned(tmp_path / "large.zarr", *sizes))


def test_levels_are_filled_in_bounded_memory(large):
    process, most = psutil.Process(), 0
    base = process.memory_info().rss
    for _ in itertools.islice(fill_pyramid(large, labels=True), 6):
        most = max(most, process.memory_info().rss - base)
    assert most < 400 * 2**20 < large[0].nbytes


def test_filling_levels_ends_after_the_box_in_hand(large):
    stop, steps = Event(), []
    for step in fill_pyramid(large, labels=True, stop=stop):
        steps.append(step)
        stop.set()
    assert steps == [LevelStep(1, steps[0].total)]
    assert steps[0].total > 1


@pytest.mark.parametrize(
    "highest", [np.uint32(2**32 - 1), np.int32(2**31 - 1), np.float64(1e300)]
)
def test_the_highest_values_stay_the_highest(tmp_path, highest):
    sides = (1040, 4)
    volume = planned(tmp_path / "a.zarr", "YX", sides, highest.dtype, (8, 8), "nm")
    levels = create_image(volume)
    filled(levels, np.full(sides, highest), labels=False)
    for level in levels:
        assert (level[...] == highest).all()


# -------------------------------------------------------------- stacks with labels

STACK = Stack(np.ones((3, 20, 30), np.uint8), "ZYX", (1, 4, 4), "nm", "em")


def test_that_the_distance_of_slices_is_unknown_is_written_and_read(tmp_path):
    image = replace(STACK, unknown_axes="Z")
    write_zarr(tmp_path / "em.ome.zarr", image, {"cells": image})
    yaozarrs.validate_zarr_store(str(tmp_path / "em.ome.zarr"))
    for inside in ("em.ome.zarr", "em.ome.zarr/labels/cells"):
        found = read_stack(tmp_path / inside)
        assert (found.pixel_size, found.unit) == ((1, 4, 4), "nm")
        assert found.unknown_axes == "Z"


@pytest.mark.parametrize("shape", [(3, 22, 30), (2, 20, 30), (1, 20, 30)])
def test_labels_of_another_size_are_not_cut_to_their_image(tmp_path, shape):
    cells = replace(STACK, data=np.ones(shape, np.uint8))
    with pytest.raises(InputError, match="The labels cells are"):
        write_zarr(tmp_path / "em.ome.zarr", STACK, {"cells": cells})
    assert not (tmp_path / "em.ome.zarr").exists()


@pytest.mark.parametrize("name", ["{}/elsewhere", "..", "cells / last"])
def test_labels_of_any_name_are_written_into_their_image(tmp_path, name):
    path = tmp_path / "em.ome.zarr"
    write_zarr(path, STACK, {name.format(tmp_path): STACK})
    assert list(tmp_path.iterdir()) == [path]
    found = open_zarr(path)
    assert found.label(*found.labels).levels[0].shape == STACK.shape
