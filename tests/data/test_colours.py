"""What is read is what the eye sees, and labels stay labels."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from imagecodecs import png_encode
from PIL import Image

from napari_unet.data import colours, folder, lazy, tiff
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

GREY = np.arange(256, dtype=np.uint16) * 257
RISING, FALLING = np.array([GREY] * 3), np.array([GREY[::-1]] * 3)
TURNED = "its low values are bright: turned round, so that bright is high"
APPLIED = "the grey values of its palette were taken"
NUMBERS = (
    "its palette of colours is read as the numbers that stand for them, as labels are: "
    "save a picture in colours or grey without a palette"
)
ANYWHERE = pytest.mark.parametrize("larger_than_memory", [False, True])


@pytest.fixture
def memory(monkeypatch):
    """Return what lets every stack be larger than memory."""

    def limit(larger_than_memory):
        if larger_than_memory:
            for module in (lazy, tiff, folder, colours):
                monkeypatch.setattr(module, "memory_limit", lambda: 0)

    return limit


def grey(shape=(5, 20, 30), dtype="u1"):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def mask():
    values = np.zeros((20, 30), bool)
    values[5:9, 5:9] = True
    return values


def assert_reads(path, expected, axes, *notes):
    read = read_stack(path)
    assert (read.axes, read.notes) == (axes, notes)
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(np.asarray(read.data), expected)


# ---------------------------------------------------------------- white stored as 0


@ANYWHERE
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
@pytest.mark.parametrize(("dtype", "white"), [("u1", 255), ("u2", 65535)])
def test_images_that_store_white_as_0_are_turned_round(
    tmp_path, memory, larger_than_memory, options, dtype, white
):
    memory(larger_than_memory)
    stored, path = grey(dtype=dtype), tmp_path / "a.tif"
    tifffile.imwrite(path, stored, photometric="miniswhite", **options)
    assert_reads(path, white - stored, "ZYX", TURNED)


def test_fewer_bits_count_from_their_own_white(tmp_path):
    stored, path = grey((20, 32)) % 16, tmp_path / "a.tif"
    packed = (stored[:, ::2] << 4 | stored[:, 1::2]).astype("u1")
    tifffile.imwrite(path, packed, photometric="miniswhite", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags["BitsPerSample"].overwrite(4)
        tif.pages[0].tags["ImageWidth"].overwrite(32)
    assert_reads(path, 15 - stored, "YX", TURNED)


def test_a_mask_of_one_bit_is_read_as_the_eye_sees_it(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ~mask(), photometric="miniswhite", metadata=None)
    assert_reads(path, mask(), "YX", TURNED)


def test_what_python_wrote_of_true_and_false_comes_back(tmp_path):
    """Its writer calls every such file MINISWHITE."""
    tifffile.imwrite(tmp_path / "a.tif", mask())
    assert_reads(tmp_path / "a.tif", mask(), "YX")


@ANYWHERE
def test_a_mask_of_fiji_with_an_inverting_lut_keeps_its_255(
    tmp_path, memory, larger_than_memory
):
    memory(larger_than_memory)
    stored, path = np.stack([mask(), ~mask()]).astype("u1") * 255, tmp_path / "a.tif"
    options = {"metadata": {"axes": "ZYX"}, "photometric": "miniswhite"}
    tifffile.imwrite(path, stored, imagej=True, **options)
    note = "a mask of ImageJ with an inverting LUT: its 255 is foreground"
    assert_reads(path, stored, "ZYX", note)


def test_an_image_of_fiji_with_an_inverting_lut_is_turned_round(tmp_path):
    stored, path = grey((20, 30)), tmp_path / "a.tif"
    tifffile.imwrite(path, stored, imagej=True, photometric="miniswhite")
    assert_reads(path, 255 - stored, "YX", TURNED)


# ------------------------------------------------------------------------- palettes


def save_with_palette(path, indices, palette):
    if path.suffix == ".tif":
        tifffile.imwrite(path, indices, photometric="palette", colormap=palette)
        return
    picture = Image.fromarray(indices)
    picture.putpalette((palette // 257).T.astype(np.uint8).ravel().tolist())
    picture.save(path)


FILES = pytest.mark.parametrize("name", ["a.tif", "a.png"])


@FILES
def test_an_inverting_palette_is_turned_round(tmp_path, name):
    indices, path = grey((20, 30)), tmp_path / name
    save_with_palette(path, indices, FALLING)
    assert_reads(path, 255 - indices, "YX", APPLIED)


def test_a_palette_of_8_bits_is_read_as_one_of_16(tmp_path):
    indices, path = grey((20, 30)), tmp_path / "a.tif"
    save_with_palette(path, indices, FALLING // 257)
    assert_reads(path, 255 - indices, "YX", APPLIED)


def test_floats_stay_as_they_are(tmp_path):
    values = grey((20, 30), "f4") / 7
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    assert_reads(tmp_path / "a.tif", values, "YX")


@FILES
def test_the_palette_of_a_microscope_that_writes_in_colours_is_grey(tmp_path, name):
    """SmartSEM: the index is the grey value, a few of them are its annotations."""
    palette = RISING.copy()
    palette[:, 250:] = [[65535] * 6, [0] * 6, [0] * 6]
    save_with_palette(tmp_path / name, grey((20, 30)), palette)
    assert_reads(tmp_path / name, grey((20, 30)), "YX")


@FILES
@pytest.mark.parametrize("values", [[0, 128, 255], [255, 0, 128]], ids=["up", "mixed"])
def test_labels_in_few_greys_stay_unless_their_order_is_lost(tmp_path, name, values):
    palette = np.zeros((3, 256), np.uint16)
    palette[:, :3] = np.array(values) * 257
    labels, path = grey((20, 30)) % 3, tmp_path / name
    save_with_palette(path, labels, palette)
    up = values == [0, 128, 255]
    expected = labels if up else np.array(values, "u1")[labels]
    assert_reads(path, expected, "YX", *([] if up else [APPLIED]))


@FILES
def test_a_palette_of_colours_stands_for_labels(tmp_path, name):
    palette = np.random.default_rng(1).integers(0, 65535, (3, 256)).astype("u2")
    save_with_palette(tmp_path / name, grey((20, 30)), palette)
    assert_reads(tmp_path / name, grey((20, 30)), "YX", NUMBERS)


@FILES
def test_a_slice_of_one_value_is_read_as_its_neighbours_are(tmp_path, name):
    save_with_palette(tmp_path / name, np.zeros((20, 30), np.uint8), FALLING)
    assert_reads(tmp_path / name, np.full((20, 30), 255, np.uint8), "YX", APPLIED)


@ANYWHERE
@pytest.mark.parametrize("end", ["tif", "png"])
def test_files_with_different_palettes_are_read_by_colour(
    tmp_path, memory, larger_than_memory, end
):
    memory(larger_than_memory)
    order = np.random.default_rng(1).permutation(256)
    shuffled = np.empty_like(RISING)
    shuffled[:, order] = RISING
    expected = grey((2, 20, 30))
    save_with_palette(tmp_path / f"0.{end}", expected[0], RISING)
    save_with_palette(tmp_path / f"1.{end}", order[expected[1]].astype("u1"), shuffled)
    note = "the palettes of its files differ: read by colour"
    doubt = read_stack(tmp_path).notes[1:]
    assert_reads(tmp_path, expected, "ZYX", note, *doubt)


def test_files_with_one_palette_keep_their_labels(tmp_path):
    palette = np.random.default_rng(1).integers(0, 65535, (3, 256)).astype("u2")
    labels = grey((6, 20, 30))
    for z, plane in enumerate(labels):
        save_with_palette(tmp_path / f"{z}.png", plane, palette)
    assert_reads(tmp_path, labels, "ZYX", NUMBERS)


@pytest.mark.parametrize("palette_first", [False, True])
def test_files_of_which_some_have_a_palette_are_read_each_in_its_own_way(
    tmp_path, palette_first
):
    expected = grey((2, 20, 30))
    first, second = (f"{z}.tif" for z in ((0, 1) if palette_first else (1, 0)))
    save_with_palette(tmp_path / first, 255 - expected[int(first[0])], FALLING)
    tifffile.imwrite(tmp_path / second, expected[int(second[0])])
    np.testing.assert_array_equal(read_stack(tmp_path).as_zyx(), expected)


# ----------------------------------------------------------- grey in colours, alpha


@ANYWHERE
@FILES
def test_three_equal_colours_are_grey(tmp_path, memory, larger_than_memory, name):
    memory(larger_than_memory)
    expected = grey((20, 30))
    colour = np.stack([expected] * 3, axis=-1)
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, colour, photometric="rgb")
    else:
        Image.fromarray(colour).save(tmp_path / name)
    assert_reads(tmp_path / name, expected, "YX")
    colour[3, 4, 2] += 1
    Image.fromarray(colour).save(tmp_path / "b.png")
    assert_reads(tmp_path / "b.png", colour, "YXS")


def test_a_folder_of_grey_in_colours_is_grey_and_one_coloured_slice_is_kept(tmp_path):
    expected = np.stack([grey((6, 20, 30))] * 3, axis=-1)
    for z, plane in enumerate(expected):
        Image.fromarray(plane).save(tmp_path / f"{z}.png")
    assert_reads(tmp_path, expected[..., 0], "ZYX")
    expected[4, 3, 3, 0] += 1
    Image.fromarray(expected[4]).save(tmp_path / "4.png")
    assert_reads(tmp_path, expected, "ZYXS")


@pytest.mark.parametrize("samples", [2, 4])
@FILES
def test_transparency_is_left_out_with_a_word(tmp_path, name, samples):
    values, path = grey((20, 30, samples)), tmp_path / name
    if name == "a.tif":
        kind = "minisblack" if samples == 2 else "rgb"
        options = {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
        tifffile.imwrite(path, values, photometric=kind, **options)
    else:
        Image.fromarray(values).save(path)
    expected, axes = values[..., :-1], "YXS"
    if samples == 2:
        expected, axes = values[..., 0], "YX"
    assert_reads(path, expected, axes, "its transparency (alpha) is left out")


def test_labels_in_colours_are_refused_in_one_sentence(tmp_path):
    Image.fromarray(grey((20, 30, 3))).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="3 channels or colours"):
        read_stack(tmp_path / "a.png").as_zyx()


@pytest.mark.parametrize("samples", [2, 3, 4])
def test_png_of_16_bits_keeps_all_of_them(tmp_path, samples):
    values = np.random.default_rng(0).integers(0, 2000, (20, 30, samples), "u2")
    (tmp_path / "a.png").write_bytes(png_encode(values))
    expected = {2: values[..., 0], 3: values, 4: values[..., :3]}[samples]
    notes = () if samples == 3 else ("its transparency (alpha) is left out",)
    assert_reads(tmp_path / "a.png", expected, "YX" if samples == 2 else "YXS", *notes)
    Image.fromarray(values[..., :3].astype("u1")).save(tmp_path / "b.png")
    with pytest.raises(InputError, match="16 bits" if samples == 3 else "RGB"):
        read_stack(tmp_path)
    (tmp_path / "a.png").write_bytes(png_encode(values)[:-200])
    with pytest.raises(InputError, match="broken or cut off"):
        read_stack(tmp_path / "a.png")
