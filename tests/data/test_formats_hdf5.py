"""HDF5: which data set is meant, what its dimensions are, and no file left open."""

from __future__ import annotations

import gc
import json
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import h5py
import numpy as np
import pytest

from napari_unet.data.formats import hdf5
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

VOLUME = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
PACKED = {"chunks": (2, 3, 4), "compression": "gzip"}


@pytest.fixture
def no_memory(monkeypatch):
    for name in ("memory_limit", "plain_limit"):
        monkeypatch.setattr(hdf5, name, lambda: 0)


def write(path, name="raw", values=VOLUME, *, attributes=None, **options):
    with h5py.File(path, "a") as file:
        dataset = file.create_dataset(name, data=values, **options)
        dataset.attrs.update(attributes or {})
    return path


def assert_is_closed(path):
    with h5py.File(path, "a"):  # HDF5 refuses this while the file is open to read
        pass


# ------------------------------------------------------------------------- reading


def test_plain_data_are_read_and_the_file_is_closed(tmp_path):
    path = write(tmp_path / "a.h5")
    stack = read_stack(path)
    assert isinstance(stack.data, np.ndarray)
    np.testing.assert_array_equal(stack.data, VOLUME)
    assert_is_closed(path)


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", ">u2", ">f4", "u8"])
@pytest.mark.parametrize("options", [{}, PACKED], ids=["plain", "packed"])
def test_every_type_keeps_its_values(tmp_path, dtype, options):
    values = (VOLUME % 2).astype(dtype) if dtype == "?" else VOLUME.astype(dtype)
    stack = read_stack(write(tmp_path / "a.h5", values=values, **options))
    assert stack.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(stack.data, values)


def test_packed_data_are_read_whole_and_the_file_is_closed(tmp_path):
    path = write(tmp_path / "a.h5", **PACKED)
    assert type(read_stack(path).data) is np.ndarray
    assert_is_closed(path)


@pytest.mark.usefixtures("no_memory")
def test_packed_data_larger_than_memory_are_read_from_any_thread(tmp_path):
    path = write(tmp_path / "a.h5", **PACKED)
    stack = read_stack(path)
    assert isinstance(stack.data, da.Array)
    assert stack.data.chunks[0] == (1,) * 4
    with ThreadPoolExecutor(8) as pool:
        planes = list(pool.map(stack.data.__getitem__, [*range(4)] * 20))
    np.testing.assert_array_equal(planes, np.concatenate([VOLUME] * 20))
    np.testing.assert_array_equal(
        stack.data[1:3, ::2, 3].compute(), VOLUME[1:3, ::2, 3]
    )
    with pytest.raises(OSError, match="already open"):
        assert_is_closed(path)
    del stack, planes
    gc.collect()
    assert_is_closed(path)


@pytest.mark.usefixtures("no_memory")
def test_a_chunk_that_is_broken_spoils_only_its_slices(tmp_path):
    noise = np.random.default_rng(0).integers(0, 9999, (4, 32, 32))
    path = write(
        tmp_path / "a.h5", values=noise, chunks=(1, 32, 32), compression="gzip"
    )
    with h5py.File(path) as file:
        chunk = file["raw"].id.get_chunk_info(2)
    with path.open("rb+") as raw:
        raw.seek(chunk.byte_offset + 10)
        raw.write(bytes(200))
    data = read_stack(path).data
    np.testing.assert_array_equal(data[1], noise[1])
    with pytest.raises(InputError, match="cannot be read at /raw"):
        data[2]


# ------------------------------------------------------------------------ choosing


@pytest.mark.parametrize("way", [":{}", ":/{}", "/{}", "://{}"])
@pytest.mark.parametrize("name", ["raw", "volumes/raw"])
def test_one_of_several_images_is_chosen_by_its_name(tmp_path, way, name):
    path = write(write(tmp_path / "a.h5", name), "labels", VOLUME + 1)
    chosen = read_stack(f"{path}{way.format(name)}")
    np.testing.assert_array_equal(chosen.data, VOLUME)
    np.testing.assert_array_equal(read_stack(f"{path}:labels").data, VOLUME + 1)
    with pytest.raises(InputError) as error:
        read_stack(path)
    for words in ("several images", f"{name} (4 x 5 x 6)", "labels", f"{path}:"):
        assert words in str(error.value)
    with pytest.raises(InputError, match=r'no image called "nothing": choose one of'):
        read_stack(f"{path}:nothing")


def test_what_is_no_image_is_not_counted(tmp_path):
    path = write(tmp_path / "a.h5")
    write(path, "line", np.arange(9))
    write(path, "single", 3)
    write(path, "table", np.zeros(3, [("a", "f4"), ("b", "f4")]))
    np.testing.assert_array_equal(read_stack(path).data, VOLUME)
    empty = write(tmp_path / "b.h5", "line", np.arange(9))
    with pytest.raises(InputError, match="holds no image"):
        read_stack(empty)


def test_imaris_is_named_although_it_is_hdf5(tmp_path):
    path = write(tmp_path / "a.h5", "DataSet/ResolutionLevel 0/Data")
    write(path, "DataSetInfo/Image", 1)
    with pytest.raises(InputError, match="Imaris"):
        read_stack(path)


# --------------------------------------------------------------------------- axes


def tags(axes, **resolution):
    return json.dumps(
        {
            "axes": [
                {"key": k, "typeFlags": 2, "resolution": resolution.get(k, 0)}
                for k in axes
            ]
        }
    )


@pytest.mark.parametrize("axes", ["zyx", "xyz", "yxz", "tzyxc", "czyx", "zyxc", "yxc"])
@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_ilastik_names_the_dimensions_in_any_order(
    tmp_path, axes, larger_than_memory, request
):
    if larger_than_memory:
        request.getfixturevalue("no_memory")
    sizes = dict(zip("ctzyx", (2, 3, 4, 5, 6), strict=True))
    values = np.random.default_rng(0).integers(0, 99, [sizes[k] for k in axes])
    path = write(
        *(tmp_path / "a.h5", "exported_data", values),
        chunks=True,
        attributes={"axistags": tags(axes)},
    )
    stack = read_stack(path)
    order = [k for k in "ctzyx" if k in axes]
    assert stack.axes == "".join(order).upper()
    assert stack.notes == ()
    expected = values.transpose([axes.index(k) for k in order])
    np.testing.assert_array_equal(np.asarray(stack.data), expected)
    np.testing.assert_array_equal(np.asarray(stack.data[1]), expected[1])


def test_ilastik_states_sizes_beside_the_axes(tmp_path):
    attributes = {
        "axistags": tags("zyx", z=40, y=4.5, x=4.5),
        "axis_units": json.dumps({"z": "nm", "y": "nm", "x": "nm"}),
    }
    stack = read_stack(write(tmp_path / "a.h5", attributes=attributes))
    assert stack.pixel_size == (40.0, 4.5, 4.5)
    assert stack.unit == "nm"
    del attributes["axis_units"]
    plain = read_stack(write(tmp_path / "b.h5", attributes=attributes))
    assert plain.unit == "pixel"
    assert "without a unit" in plain.notes[0]


@pytest.mark.parametrize(
    ("shape", "axes", "read"),
    [
        ((5, 6), "YX", "YX"),
        ((4, 5, 6), "ZYX", "ZYX"),
        ((50, 60, 3), "YXC", "CYX"),
        ((2, 4, 5, 6), "CZYX", "CZYX"),
        ((8, 50, 60, 2), "ZYXC", "CZYX"),
        ((1, 8, 50, 60, 2), "TZYXC", "CZYX"),
    ],
)
def test_dimensions_without_names_are_guessed_and_told(tmp_path, shape, axes, read):
    stack = read_stack(write(tmp_path / "a.h5", values=np.zeros(shape)))
    assert stack.axes == read
    assert stack.notes == (f"its dimensions are not named: read as {axes}",)


def test_labels_of_the_dimensions_are_believed(tmp_path):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        for dimension, label in zip(file["raw"].dims, ("t", "y", "x"), strict=True):
            dimension.label = label
    assert read_stack(path).axes == "TYX"
    (note,) = read_stack(path).notes
    assert note.startswith("its 4 time points are read as slices")


@pytest.mark.parametrize("options", [{}, PACKED], ids=["plain", "packed"])
@pytest.mark.usefixtures("no_memory")
def test_what_the_user_says_of_the_dimensions_counts(tmp_path, options):
    values = VOLUME.transpose(1, 2, 0)
    path = write(tmp_path / "a.h5", values=values, **options)
    assert read_stack(path).axes == "CYX"
    stack = read_stack(path, axes="YXZ")
    assert stack.axes == "ZYX"
    np.testing.assert_array_equal(np.asarray(stack.data), VOLUME)
    stack = read_stack(path, axes="ZYX")
    np.testing.assert_array_equal(np.asarray(stack.data), values)
    with pytest.raises(InputError, match="do not fit"):
        read_stack(path, axes="YX")


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
@pytest.mark.usefixtures("no_memory")
def test_six_dimensions_are_those_that_the_user_says(tmp_path, options):
    values = np.arange(16).reshape(1, 1, 2, 2, 2, 2)
    path = write(tmp_path / "a.h5", values=values, **options)
    with pytest.raises(InputError, match=r"does not say what its 6 dim.*--axes"):
        read_stack(path)
    stack = read_stack(path, axes="YXCZ")
    assert stack.axes == "CZYX"
    np.testing.assert_array_equal(
        np.asarray(stack.data), values[0, 0].transpose(2, 3, 0, 1)
    )


def test_element_sizes_are_micrometres(tmp_path):
    path = write(
        tmp_path / "a.h5", attributes={"element_size_um": [0.04, 0.004, 0.004]}
    )
    stack = read_stack(path)
    assert stack.pixel_size == (0.04, 0.004, 0.004)
    assert stack.unit == "um"
    assert stack.calibration_source == "HDF5 metadata"


def test_cremi_states_nanometres(tmp_path):
    path = tmp_path / "sample_A.hdf"
    write(path, "volumes/raw", attributes={"resolution": [40.0, 4.0, 4.0]})
    with h5py.File(path, "a") as file:
        file.attrs["file_format"] = "0.2"
    stack = read_stack(path)
    assert stack.pixel_size == (40.0, 4.0, 4.0)
    assert stack.unit == "nm"


# ------------------------------------------------------------------ BigDataViewer

XML = """<SpimData version="0.2"><SequenceDescription><ViewSetups><ViewSetup><id>1</id>
<voxelSize><unit>{}</unit><size>0.004 0.005 0.03</size></voxelSize></ViewSetup>
</ViewSetups></SequenceDescription></SpimData>"""


def big_data_viewer(path, times=1, setups=("s01",), dtype="i2"):
    for setup in setups:
        write(path, f"{setup}/resolutions", np.ones((2, 3)))
        for time in range(times):
            # Its unsigned numbers are stored as if they were signed.
            values = (VOLUME + 65000 + time).astype("u2").view(dtype)
            write(path, f"t{time:05d}/{setup}/0/cells", values, **PACKED)
            write(path, f"t{time:05d}/{setup}/1/cells", values[::2, ::2, ::2])
    return path


@pytest.mark.parametrize("dtype", ["i2", "u2"])
@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_big_data_viewer_is_read_in_full_resolution(
    tmp_path, dtype, larger_than_memory, request
):
    if larger_than_memory:
        request.getfixturevalue("no_memory")
    path = big_data_viewer(tmp_path / "a.h5", dtype=dtype)
    path.with_suffix(".xml").write_text(XML.format("µm"), encoding="utf-8")
    stack = read_stack(path)
    assert stack.axes == "ZYX"
    assert stack.pixel_size == (0.03, 0.005, 0.004)
    assert stack.unit == "um"
    np.testing.assert_array_equal(np.asarray(stack.data), VOLUME + 65000)


@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_its_time_points_are_a_series(tmp_path, larger_than_memory, request):
    if larger_than_memory:
        request.getfixturevalue("no_memory")
    path = big_data_viewer(tmp_path / "a.h5", times=3)
    stack = read_stack(path)
    assert stack.axes == "TZYX"
    assert stack.unit == "pixel"
    expected = [VOLUME + 65000 + time for time in range(3)]
    np.testing.assert_array_equal(np.asarray(stack.data), expected)
    one = read_stack(f"{path}:t00002/s01/0/cells")
    np.testing.assert_array_equal(np.asarray(one.data), expected[2])


def test_one_of_its_setups_is_chosen_by_name(tmp_path):
    path = big_data_viewer(tmp_path / "a.h5", setups=("s00", "s01"))
    path.with_suffix(".xml").write_text(XML.format("micron"), encoding="utf-8")
    with pytest.raises(InputError, match=r"s00 \(4 x 5 x 6\), s01 .*:s00"):
        read_stack(path)
    assert read_stack(f"{path}:s01").unit == "um"
    assert read_stack(f"{path}:s00").unit == "pixel"


# ---------------------------------------------------------------------------- EMD


def velox(path, detector, shape=(5, 6, 1), unit="m", size="3.5e-10"):
    result = {"Detector": detector, "PixelUnitX": unit, "PixelUnitY": unit}
    result["PixelSize"] = {"width": size, "height": size}
    text = json.dumps({"BinaryResult": result}).encode()
    frames = np.zeros((2000, shape[-1]), np.uint8)
    frames[: len(text)] = np.frombuffer(text, np.uint8)[:, None]
    values = np.arange(np.prod(shape), dtype="u2").reshape(shape)
    group = f"Data/Image/{detector.encode().hex() * 4}"
    write(path, f"{group}/Data", values, chunks=(*shape[:2], 1))
    write(path, f"{group}/Metadata", frames)
    return values


def test_damaged_words_leave_the_pixels(tmp_path):
    words = {"axistags": "{damaged", "axis_units": "[]"}
    write(tmp_path / "a.h5", attributes=words)
    assert read_stack(tmp_path / "a.h5").axes == "ZYX"
    velox(tmp_path / "a.emd", 'HAADF"')
    with h5py.File(tmp_path / "a.emd", "a") as file:
        (group,) = file["Data/Image"].values()
        group["Metadata"][5] = 0
    assert read_stack(tmp_path / "a.emd").unit == "pixel"


@pytest.mark.parametrize("size", ["", "0,5 0,5 2,0", "2 2"])
def test_voxels_that_are_no_numbers_are_unknown(tmp_path, size):
    big_data_viewer(tmp_path / "a.h5")
    text = XML.format("um").replace("0.004 0.005 0.03", size)
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    assert read_stack(tmp_path / "a.h5").pixel_size[0] == 1
    velox(tmp_path / "a.emd", "HAADF", size=size)
    assert read_stack(tmp_path / "a.emd").shape == (5, 6)


def test_velox_states_its_pixels_in_metres(tmp_path):
    values = velox(tmp_path / "a.emd", "HAADF")
    stack = read_stack(tmp_path / "a.emd")
    assert stack.axes == "YX"
    assert stack.pixel_size == (0.35, 0.35)
    assert stack.unit == "nm"
    np.testing.assert_array_equal(stack.data, values[..., 0])


@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_frames_of_velox_are_a_series(tmp_path, larger_than_memory, request):
    if larger_than_memory:
        request.getfixturevalue("no_memory")
    values = velox(tmp_path / "a.emd", "Ceta", (5, 6, 3))
    stack = read_stack(tmp_path / "a.emd")
    assert stack.axes == "TYX"
    np.testing.assert_array_equal(np.asarray(stack.data), values.transpose(2, 0, 1))


def test_images_of_velox_are_chosen_by_their_detector(tmp_path):
    velox(tmp_path / "a.emd", "HAADF")
    values = velox(tmp_path / "a.emd", "BF", (7, 8, 1))
    with pytest.raises(InputError, match=r"HAADF \(5 x 6 x 1\)"):
        read_stack(tmp_path / "a.emd")
    np.testing.assert_array_equal(
        read_stack(f"{tmp_path / 'a.emd'}:BF").data, values[..., 0]
    )


def test_a_diffraction_pattern_has_no_length(tmp_path):
    velox(tmp_path / "a.emd", "Ceta", unit="1/m")
    stack = read_stack(tmp_path / "a.emd")
    assert stack.unit == "pixel"
    assert "1/m, which is no length" in stack.notes[0]


def berkeley(path, names=("z", "y", "x"), unit="[n_m]", steps=(30, 4, 4)):
    with h5py.File(path, "w") as file:
        group = file.create_group("data/stack")
        group.attrs["emd_group_type"] = 1
        group["data"] = VOLUME
        for n, (name, side, step) in enumerate(
            zip(names, VOLUME.shape, steps, strict=True), 1
        ):
            group[f"dim{n}"] = 100 + step * np.arange(side, dtype="f4")
            group[f"dim{n}"].attrs.update({"name": name, "units": np.bytes_(unit)})
    return path


@pytest.mark.parametrize("unit", ["[n_m]", "n_m", "nm"])
def test_berkeley_lists_the_places_of_the_pixels(tmp_path, unit):
    stack = read_stack(berkeley(tmp_path / "a.emd", unit=unit))
    assert stack.axes == "ZYX"
    assert stack.pixel_size == (30.0, 4.0, 4.0)
    assert stack.unit == "nm"
    np.testing.assert_array_equal(stack.data, VOLUME)


def test_berkeley_names_the_dimensions_in_any_order(tmp_path):
    path = berkeley(tmp_path / "a.emd", names=("R_x", "R_y", "tilt"), unit="nm")
    stack = read_stack(path)
    assert stack.axes == "ZYX"
    assert stack.pixel_size == (4.0, 4.0, 30.0)
    np.testing.assert_array_equal(stack.data, VOLUME.transpose(2, 1, 0))
