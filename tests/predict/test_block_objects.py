"""Objects found block by block are those of the whole volume."""

from __future__ import annotations

import tracemalloc
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config import PostprocessConfig
from napari_unet.data.ome_zarr_writer import create_image, planned
from napari_unet.data.volume import write_box
from napari_unet.predict.block_objects import (
    FacesWork,
    NumbersWork,
    Pieces,
    ShiftWork,
    join_pieces,
    number_slices,
)
from napari_unet.predict.blocks import Grid
from napari_unet.predict.engines import LocalEngine
from napari_unet.predict.postprocessing import postprocess


def on_disk(path, values):
    """Return a volume that holds values."""
    level, *_ = create_image(
        planned(path, "ZYX", values.shape, values.dtype, (1, 1, 1), "pixel")
    )
    write_box(level, tuple(slice(0, n) for n in values.shape), values)
    return level


def numbered(classes, block, folder, ndim=3, min_size=0, **options):
    """Return the objects of classes that are labelled block by block."""
    grid, engine = Grid(classes.shape, block), LocalEngine()
    volume = on_disk(folder / "classes.zarr", classes)
    list(engine.run(FacesWork(volume, folder, grid, ndim), grid, Event()))
    number = join_pieces(folder, grid, min_size)
    out = on_disk(folder / "objects.zarr", np.zeros(classes.shape, np.uint32))
    work = NumbersWork(volume, folder, ndim, out, **options)
    list(engine.run(work, grid, Event()))
    return out[()], number


def same_partition(one, other):
    """Return whether two volumes of numbers name the same objects."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()], 1), axis=0)
    return len(pairs) == len(np.unique(one)) == len(np.unique(other))


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    block=st.tuples(*[st.integers(3, 6)] * 3),
    density=st.floats(0.05, 0.95),
    num_classes=st.integers(1, 3),
    min_size=st.integers(0, 12),
    ndim=st.sampled_from([2, 3]),
)
def test_blocks_of_any_size_give_the_objects_of_the_whole(
    tmp_path_factory, seed, shape, block, density, num_classes, min_size, ndim
):
    rng = np.random.default_rng(seed)
    found = rng.random(shape) < density
    classes = (found * rng.integers(1, num_classes + 1, shape)).astype(np.uint8)
    folder = tmp_path_factory.mktemp("blocks")
    objects, number = numbered(classes, block, folder, ndim, min_size)
    finish = PostprocessConfig(objects="connected", core=0, min_size=min_size)
    whole = postprocess(classes, finish, ndim=ndim)
    assert same_partition(objects, whole)
    assert ((objects > 0) == (whole > 0)).all()
    assert number == len(np.unique(whole[whole > 0])) == objects.max(initial=0)


def test_a_spiral_that_crosses_every_face_is_one_object(tmp_path):
    classes = np.zeros((9, 24, 24), np.uint8)
    classes[::2, 1:23, 1:23] = 1
    classes[1::4, 22, 22] = classes[3::4, 1, 1] = 1
    objects, number = numbered(classes, (2, 5, 7), tmp_path)
    assert number == 1
    assert (objects == (classes > 0)).all()


def test_pieces_that_touch_no_face_take_no_memory_together(tmp_path):
    def peak(blocks):
        folder = tmp_path / str(blocks)
        folder.mkdir()
        grid = Grid((8 * blocks, 128, 128), (8, 128, 128))
        classes = np.zeros(grid.shape, np.uint8)
        classes[1::8, ::2, ::2] = classes[4::8, ::2, ::2] = 1
        volume = on_disk(folder / "classes.zarr", classes)
        list(LocalEngine().run(FacesWork(volume, folder, grid, 3), grid, Event()))
        tracemalloc.start()
        assert join_pieces(folder, grid) == 8192 * blocks
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    _, few, many = map(peak, (1, 2, 16))  # libraries are loaded by the first
    assert many < 1.5 * few


def test_classes_without_small_pieces_stay_classes(tmp_path):
    classes = np.zeros((1, 8, 8), np.uint8)
    classes[0, 0:3, 0:6], classes[0, 6, 6] = 2, 1
    cleaned, _ = numbered(classes, (1, 4, 4), tmp_path, min_size=5, numbered=False)
    expected = np.where(classes == 2, classes, 0)
    np.testing.assert_array_equal(cleaned, expected)


def test_objects_of_blocks_that_share_none_are_numbered_on(tmp_path):
    pieces = np.zeros((3, 4, 4), np.uint8)
    pieces[0, 0, 0], pieces[0, 2, 2], pieces[2, 1, 1] = 1, 2, 1
    grid = Grid(pieces.shape, (1, 4, 4))
    number = number_slices(tmp_path, {2: 1, 0: 2, 1: 0})
    out = on_disk(tmp_path / "objects.zarr", np.zeros(pieces.shape, np.uint32))
    work = ShiftWork(on_disk(tmp_path / "pieces.zarr", pieces), tmp_path, out)
    list(LocalEngine().run(work, grid, Event()))
    values = out[()]
    assert number == 3
    assert values.max() == 3
    assert [values[0, 0, 0], values[0, 2, 2], values[2, 1, 1]] == [1, 2, 3]


@pytest.mark.parametrize("ndim", [2, 3])
def test_pieces_of_two_classes_that_touch_are_two(ndim):
    classes = np.array([[[1, 2, 0, 2]], [[1, 2, 0, 1]]], np.uint8)
    pieces = Pieces.of(classes, ndim)
    assert len(pieces.classes) - 1 == {2: 6, 3: 4}[ndim]
    np.testing.assert_array_equal(pieces.classes[pieces.ids], classes)
