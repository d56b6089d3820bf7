"""What dimensions mean is said where a file leaves it open, and can be changed."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

WHERE = " (or Axes in the Load tab)"


def values(*shape):
    return np.random.default_rng(0).integers(0, 100, shape).astype("u1")


def pages(path, stored):
    with tifffile.TiffWriter(path) as tif:
        for page in stored:
            tif.write(page, metadata=None, photometric="minisblack")


def test_two_pages_of_one_size_may_be_two_detectors(tmp_path):
    stored, path = values(2, 20, 30), tmp_path / "sem.tif"
    pages(path, stored)
    read = read_stack(path)
    assert read.axes == "ZYX"
    assert read.notes == (
        "its 2 pages of one size are read as slices: if they are channels or "
        f"detectors, --axes CYX{WHERE}",
    )
    stack = read_stack(path, axes="CYX")
    assert (stack.axes, stack.notes) == ("CYX", ())
    np.testing.assert_array_equal(stack.as_czyx(), stored[:, None])


def test_many_pages_are_a_stack_without_a_word(tmp_path):
    pages(tmp_path / "a.tif", values(5, 20, 30))
    assert read_stack(tmp_path / "a.tif").notes == ()


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        ("C", f"its 7 channels are no slices: if they are, --axes ZYX{WHERE}"),
        ("T", "its 7 time points are read as slices"),
    ],
)
@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_slices_stored_as_channels_or_time_are_told(tmp_path, kind, letter, words):
    stored, path = values(7, 20, 30), tmp_path / "a.tif"
    options = {kind: True, "metadata": {"axes": f"{letter}YX"}}
    tifffile.imwrite(path, stored, **options)
    read = read_stack(path)
    assert read.notes == (words,)
    stack = read_stack(path, axes="zyx")
    assert (stack.axes, stack.notes) == ("ZYX", ())
    np.testing.assert_array_equal(stack.as_zyx(), stored)


def test_few_channels_and_plain_slices_are_no_question(tmp_path):
    for axes, shape in (("CYX", (3, 20, 30)), ("ZYX", (3, 20, 30))):
        path = tmp_path / f"{axes}.ome.tif"
        tifffile.imwrite(path, values(*shape), metadata={"axes": axes})
        assert read_stack(path).notes == ()


@pytest.mark.parametrize("wanted", ["ZCYX", "CZYX"])
def test_a_plain_array_of_four_dimensions_is_told_or_asked_for(tmp_path, wanted):
    stored = values(2, 3, 20, 30)
    colours, plain = tmp_path / "colours.tif", tmp_path / "plain.tif"
    tifffile.imwrite(colours, stored, photometric="rgb")
    tifffile.imwrite(plain, stored, photometric="minisblack")
    assert read_stack(colours).notes == (
        "its 2 x 3 x 20 x 30 values are read as 2 slices of 3 colours: if they are "
        f"not, --axes ZCYX or CZYX{WHERE}",
    )
    with pytest.raises(InputError, match=r"2 x 3 x 20 x 30\) mean: .* --axes ZCYX"):
        read_stack(plain)
    expected = stored.swapaxes(0, 1) if wanted == "ZCYX" else stored
    for path in (colours, plain):
        stack = read_stack(path, axes=wanted)
        assert (stack.axes, stack.notes) == ("CZYX", ())
        np.testing.assert_array_equal(stack.as_czyx(), expected)


def test_empty_dimensions_and_colours_need_no_letter(tmp_path):
    stored = values(1, 5, 1, 20, 30)
    metadata = {"axes": "TZCYX"}
    tifffile.imwrite(tmp_path / "a.tif", stored, imagej=True, metadata=metadata)
    assert read_stack(tmp_path / "a.tif", axes="ZYX").shape == (5, 20, 30)
    Image.fromarray(values(20, 30, 3)).save(tmp_path / "a.png")
    assert read_stack(tmp_path / "a.png", axes="YX").axes == "YXS"


def test_files_of_a_folder_may_be_channels(tmp_path):
    stored = values(3, 20, 30)
    for name, page in zip("abc", stored, strict=True):
        Image.fromarray(page).save(tmp_path / f"{name}.png")
    stack = read_stack(tmp_path, axes="CYX")
    np.testing.assert_array_equal(stack.as_czyx(), stored[:, None])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("ZCYX", r"do not fit .*3 dimensions \(5 x 20 x 30\)"),
        ("YX", "do not fit"),
        ("ZZYX", "cannot be read"),
        ("QYX", "cannot be read"),
        ("ZYC", "cannot be read"),
    ],
)
def test_axes_that_do_not_fit_are_refused(tmp_path, wanted, words):
    tifffile.imwrite(tmp_path / "a.tif", values(5, 20, 30))
    with pytest.raises(InputError, match=words):
        read_stack(tmp_path / "a.tif", axes=wanted)
