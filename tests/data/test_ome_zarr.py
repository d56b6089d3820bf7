"""OME-Zarr and Zarr of others, opened and read."""

from __future__ import annotations

import pickle
import sys

import dask.array as da
import numpy as np
import pytest

from napari_unet.data.ome_zarr import open_volume, open_zarr
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

zarr = pytest.importorskip("zarr")
GREY = np.random.default_rng(0).integers(0, 255, (6, 40, 50)).astype(np.uint8)


def axis(name, unit="nanometer"):
    if name in "tc":
        return {"name": name, "type": {"t": "time", "c": "channel"}[name]}
    return {"name": name, "type": "space", **({"unit": unit} if unit else {})}


def multiscale(names, *scales, unit="nanometer", **more):
    datasets = [
        {
            "path": f"s{level}",
            "coordinateTransformations": [{"type": "scale", "scale": list(scale)}],
        }
        for level, scale in enumerate(scales)
    ]
    return {"axes": [axis(k, unit) for k in names], "datasets": datasets, **more}


def write(path, arrays, said, version="0.5"):
    form = 2 if version == "0.4" else 3
    group = zarr.open_group(path, mode="w", zarr_format=form)
    for level, values in enumerate(arrays):
        array = group.create_array(
            f"s{level}",
            shape=values.shape,
            dtype=values.dtype,
            chunks=tuple(min(16, side) for side in values.shape),
        )
        array[...] = values
    if version == "0.4":
        group.attrs["multiscales"] = [said | {"version": "0.4"}]
    else:
        group.attrs["ome"] = {"version": version, "multiscales": [said]}
    return path


@pytest.fixture(params=["0.4", "0.5"])
def two_levels(request, tmp_path):
    said = multiscale("zyx", (50, 4, 4), (50, 8, 8))
    arrays = [GREY, GREY[:, ::2, ::2]]
    return write(tmp_path / "em.ome.zarr", arrays, said, request.param)


def test_an_image_is_read_with_its_pixel_size_and_stays_lazy(two_levels):
    stack = read_stack(two_levels)
    assert isinstance(stack.data, da.Array)
    np.testing.assert_array_equal(stack.data, GREY)
    assert (stack.axes, stack.pixel_size, stack.unit) == ("ZYX", (50, 4, 4), "nm")
    assert stack.calibration_source == "OME-Zarr"


def test_another_level_is_read_with_its_own_pixel_size(two_levels):
    stack = read_stack(two_levels, level=1)
    np.testing.assert_array_equal(stack.data, GREY[:, ::2, ::2])
    assert stack.pixel_size == (50, 8, 8)


def test_a_level_that_is_not_there_is_refused_with_those_that_are(two_levels):
    with pytest.raises(InputError, match=r"no level 2: .* 0 \(6 x 40 x 50\), 1 \(6 x"):
        read_stack(two_levels, level=2)


def test_what_is_no_zarr_has_no_level(tmp_path):
    with pytest.raises(InputError, match="no level 1: only OME-Zarr"):
        read_stack(tmp_path / "a.tif", level=1)


def test_a_volume_travels_without_values_and_reads_the_box_that_is_asked_for(
    two_levels,
):
    volume = pickle.loads(pickle.dumps(open_volume(two_levels)))
    box = volume[2:4, 10:30, 7]
    np.testing.assert_array_equal(box, GREY[2:4, 10:30, 7])
    assert len(pickle.dumps(volume)) < 2000
    assert volume.chunks == (6, 16, 16)


def test_only_chunks_of_the_box_are_read(two_levels, monkeypatch):
    read = []
    array = type(zarr.open_array(two_levels / "s0"))
    whole = array.__getitem__
    monkeypatch.setattr(
        array, "__getitem__", lambda self, key: read.append(key) or whole(self, key)
    )
    np.asarray(read_stack(two_levels).data[1, 3:5, 20:22])
    assert read == [(1, slice(3, 5), slice(20, 22))]


def test_one_channel_and_one_time_point_are_no_dimensions(tmp_path):
    said = multiscale("tczyx", (1, 1, 50, 4, 4))
    path = write(tmp_path / "a.zarr", [GREY[None, None]], said)
    assert read_stack(path).axes == "ZYX"
    assert open_volume(path).pixel_size == (50, 4, 4)


def test_channels_stay(tmp_path):
    said = multiscale("czyx", (1, 50, 4, 4))
    path = write(tmp_path / "a.zarr", [np.stack([GREY, 255 - GREY])], said)
    stack = read_stack(path)
    assert (stack.axes, stack.num_channels) == ("CZYX", 2)


def test_a_scale_of_all_levels_counts_with_that_of_each_and_places_move_with_it(
    tmp_path,
):
    said = multiscale("zyx", (2, 1, 1), (2, 2, 2))
    said["datasets"][1]["coordinateTransformations"].append(
        {"type": "translation", "translation": [0, 0.5, 0.5]}
    )
    said["coordinateTransformations"] = [{"type": "scale", "scale": [25, 4, 4]}]
    path = write(tmp_path / "a.zarr", [GREY, GREY[:, ::2, ::2]], said)
    first, second = open_zarr(path).levels
    assert (first.scale, second.scale) == ((50, 4, 4), (50, 8, 8))
    assert second.origin == (0, 2, 2)


def test_axes_in_units_of_their_own_come_in_one(tmp_path):
    said = multiscale("zyx", (0.05, 4, 4))
    said["axes"][0]["unit"] = "micrometer"
    assert open_volume(write(tmp_path / "a.zarr", [GREY], said)).scale == (50, 4, 4)


def test_scales_without_a_unit_are_no_pixel_size(tmp_path):
    path = write(tmp_path / "a.zarr", [GREY], multiscale("zyx", (5, 1, 1), unit=None))
    stack = read_stack(path)
    assert stack.unit == "pixel"
    assert any("set the pixel size" in note for note in stack.notes)


def test_an_axis_without_a_unit_among_others_is_unknown(tmp_path):
    said = multiscale("zyx", (1, 4, 4))
    del said["axes"][0]["unit"]
    stack = read_stack(write(tmp_path / "a.zarr", [GREY], said))
    assert (stack.pixel_size[1:], stack.unit) == ((4, 4), "nm")
    assert stack.unknown_axes == "Z"
    with pytest.raises(InputError, match="how far apart its slices are"):
        stack.size_for(3)


def test_x_before_z_is_turned_round(tmp_path):
    path = write(tmp_path / "a.zarr", [GREY.T], multiscale("xyz", (4, 4, 50)))
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, GREY)
    assert stack.pixel_size == (50, 4, 4)


def test_labels_in_an_image_are_listed_and_opened(two_levels):
    version = open_zarr(two_levels).levels[0].version
    said = multiscale("zyx", (50, 4, 4), (50, 8, 8))
    cells = GREY // 50
    write(two_levels / "labels" / "cells", [cells, cells[:, ::2, ::2]], said, version)
    form = 2 if version == "0.4" else 3
    group = zarr.open_group(two_levels / "labels", mode="a", zarr_format=form)
    group.attrs.update(
        {"labels": ["cells"]} if form == 2 else {"ome": {"labels": ["cells"]}}
    )
    found = open_zarr(two_levels)
    assert found.labels == ("cells",)
    np.testing.assert_array_equal(found.label("cells").levels[0][...], cells)
    np.testing.assert_array_equal(read_stack(two_levels / "labels/cells").data, cells)


def test_an_export_by_bioformats2raw_opens_its_first_series(tmp_path):
    write(tmp_path / "a.zarr" / "0", [GREY], multiscale("zyx", (1, 1, 1)), "0.4")
    group = zarr.open_group(tmp_path / "a.zarr", mode="a", zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    np.testing.assert_array_equal(read_stack(tmp_path / "a.zarr").data, GREY)


@pytest.mark.parametrize("form", [2, 3])
def test_a_plain_array_asks_for_its_axes(tmp_path, form):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=GREY, zarr_format=form)
    with pytest.raises(InputError, match=r"its 3 dimensions .* mean: say it by --axes"):
        read_stack(path)
    stack = read_stack(path, axes="zyx")
    assert (stack.axes, stack.shape, stack.unit) == ("ZYX", GREY.shape, "pixel")


def test_a_plain_array_whose_dimensions_are_named_is_read(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=GREY, dimension_names=["z", "y", "x"])
    assert read_stack(tmp_path / "a.zarr").axes == "ZYX"


def test_dimensions_of_length_1_need_no_letter(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=GREY[None, :, None])
    stack = read_stack(tmp_path / "a.zarr", axes="ZYX")
    np.testing.assert_array_equal(stack.data, GREY)


def test_axes_that_do_not_fit_are_refused(two_levels):
    with pytest.raises(InputError, match=r'axes "ZX" do not fit .* 3 dimensions'):
        read_stack(two_levels, axes="ZX")


def test_a_group_of_several_arrays_asks_which(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    for name in ("raw", "mask"):
        group.create_array(name, data=GREY, dimension_names=["z", "y", "x"])
    with pytest.raises(
        InputError, match=r"holds (raw|mask) \(6 x 40 x 50\).*choose one"
    ):
        read_stack(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_stack(tmp_path / "a.zarr" / "raw").data, GREY)


def test_a_plate_is_refused_with_what_to_open(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w").attrs["ome"] = {"plate": {}}
    with pytest.raises(
        InputError, match="plate of many images: open one of its fields"
    ):
        read_stack(tmp_path / "a.zarr")


BROKEN = {
    "no axes": (lambda said: said.pop("axes"), "no 'axes'"),
    "no levels": (lambda said: said.update(datasets=[]), "no resolutions"),
    "two sizes": (
        lambda said: said["datasets"][0]["coordinateTransformations"][0].update(
            scale=[1, 1]
        ),
        "does not fit 3 axes",
    ),
    "no array": (lambda said: said["datasets"][0].update(path="s9"), "s9 .* not there"),
    "no words": (lambda said: said.update(datasets=3), "metadata are broken"),
    "unknown axis": (
        lambda said: said["axes"][0].update(name="angle", type="other"),
        "does not say what its 3 dimensions",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_metadata_are_told_in_one_sentence(tmp_path, fault):
    said = multiscale("zyx", (50, 4, 4))
    breaks, words = BROKEN[fault]
    breaks(said)
    with pytest.raises(InputError, match=words) as raised:
        read_stack(write(tmp_path / "a.zarr", [GREY], said))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_json_is_told_in_one_sentence(two_levels):
    for name in (".zattrs", ".zgroup", "zarr.json"):
        file = two_levels / name
        if file.exists():
            whole = file.read_bytes()
            file.write_text("{", encoding="utf-8")
            with pytest.raises(InputError, match=str(two_levels.name)) as raised:
                read_stack(two_levels)
            assert "\n" not in str(raised.value)
            file.write_bytes(whole)
    assert read_stack(two_levels).shape == GREY.shape


def test_an_earlier_version_is_named(tmp_path):
    path = write(tmp_path / "a.zarr", [GREY], multiscale("zyx", (1, 1, 1)), "0.3")
    with pytest.raises(InputError, match=r"OME-Zarr 0\.3, of which 0\.4 and 0\.5"):
        read_stack(path)


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_zarr_is_told(tmp_path, made):
    if made:
        (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="holds no Zarr" if made else "does not exist"):
        read_stack(tmp_path / "a.zarr")


def test_a_broken_chunk_is_told(two_levels):
    volume = open_volume(two_levels)
    for chunk in (two_levels / "s0").rglob("*"):
        if chunk.is_file() and chunk.suffix != ".json" and chunk.name[0] != ".":
            chunk.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"s0 cannot be read .* a chunk is broken"):
        volume[...]


def test_without_zarr_one_sentence_says_what_to_install(two_levels, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(InputError, match=r'install "napari-unet-em\[zarr\]"'):
        read_stack(two_levels)


def test_an_address_is_read_through_fsspec():
    fsspec = pytest.importorskip("fsspec")
    array = zarr.create_array(
        "memory://em.zarr", data=GREY, dimension_names=["z", "y", "x"]
    )
    assert array.shape == GREY.shape
    np.testing.assert_array_equal(read_stack("memory://em.zarr").data, GREY)
    fsspec.filesystem("memory").rm("/em.zarr", recursive=True)


def test_an_address_that_is_not_reached_is_told(monkeypatch):
    def refuse(*_args, **_options):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(zarr, "open_group", refuse)
    with pytest.raises(InputError, match=r"reached \(Connection refused\): check the"):
        read_stack("https://example.org/em.zarr")


def test_what_a_store_lacks_is_told_with_what_to_install(monkeypatch):
    def refuse(*_args, **_options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(zarr, "open_group", refuse)
    with pytest.raises(InputError, match=r'Install s3fs .* install "fsspec'):
        read_stack("s3://bucket/em.zarr")


def test_a_terabyte_is_opened_at_once(tmp_path):
    path = tmp_path / "big.zarr"
    zarr.create_array(
        path, shape=(10**4,) * 3, chunks=(64,) * 3, dtype="u1", dimension_names=[*"zyx"]
    )
    view = read_stack(path).as_czyx()
    assert view.shape == (1, 10**4, 10**4, 10**4)
    assert np.asarray(view[:, 9_999:, :100, -100:]).shape == (1, 1, 100, 100)
