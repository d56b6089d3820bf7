"""A file is known by its name and by its content, and what is not read is named."""

from __future__ import annotations

import gzip
import sys

import h5py
import mrcfile
import nibabel
import nrrd
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.data.formats.kinds import READABLE
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

VOLUME = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def write(path, values=VOLUME):
    """Write a file of the kind that its name says."""
    suffix = "".join(path.suffixes)
    if suffix == ".mrc":
        mrcfile.write(path, values)
    elif suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["raw"] = values
    elif suffix in (".nii", ".nii.gz"):
        nibabel.save(nibabel.Nifti1Image(values.T, np.eye(4)), path)
    elif suffix == ".nrrd":
        nrrd.write(str(path), values, index_order="C")
    elif suffix == ".tif":
        tifffile.imwrite(path, values, photometric="minisblack")
    else:
        Image.fromarray(values[0].astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("name", ["a.mrc", "a.h5", "a.nii", "a.nii.gz", "a.nrrd"])
def test_every_format_gives_the_same_stack(tmp_path, name):
    stack = read_stack(write(tmp_path / name))
    assert stack.axes == "ZYX"
    assert stack.dtype == VOLUME.dtype
    np.testing.assert_array_equal(stack.data, VOLUME)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_bmp_pictures_are_read_alone_and_as_slices(tmp_path, mode):
    colours = VOLUME[..., None] + np.array([0, 60, 120])
    values = (colours if mode == "RGB" else VOLUME).astype(np.uint8)
    for z, plane in enumerate(values):
        Image.fromarray(plane).save(tmp_path / f"{z}.bmp")
    stack = read_stack(tmp_path / "1.bmp")
    assert stack.axes == ("YXS" if mode == "RGB" else "YX")
    np.testing.assert_array_equal(stack.data, values[1])
    np.testing.assert_array_equal(read_stack(tmp_path).data, values)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("a.mrc", "mrcfile"),
        ("a.h5", "h5py"),
        ("a.nii.gz", "nibabel"),
        ("a.nrrd", "nrrd"),
    ],
)
def test_without_the_extra_one_sentence_says_what_to_install(
    tmp_path, monkeypatch, name, library
):
    path = write(tmp_path / name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=r'pip install "napari-unet-em\[formats\]"'):
        read_stack(path)


@pytest.mark.parametrize("kind", ["a.mrc", "a.h5", "a.nii", "a.nrrd", "a.png", "a.bmp"])
def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path, kind):
    path = write(tmp_path / kind)
    renamed = path.rename(tmp_path / "a.tif")
    with pytest.raises(InputError, match=rf"by its content: .* end in {path.suffix}\."):
        read_stack(renamed)


def test_a_tiff_file_with_another_name_is_named(tmp_path):
    path = write(tmp_path / "a.tif").rename(tmp_path / "a.mrc")
    with pytest.raises(InputError, match="is a TIFF file by its content"):
        read_stack(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.czi", "Zeiss CZI.*Bio-Formats"),
        ("a.lif", "Leica LIF.*Bio-Formats"),
        ("a.nd2", "Nikon ND2.*Bio-Formats"),
        ("a.ims", "Imaris.*Bio-Formats"),
        ("a.vsi", "Olympus VSI.*Bio-Formats"),
        ("a.oib", "FluoView.*Bio-Formats"),
        ("a.stk", "MetaMorph.*Bio-Formats"),
        ("a.svs", "whole-slide.*QuPath"),
        ("a.ser", "TIA series.*Velox"),
        ("a.am", "Amira"),
        ("a.mnc", "MINC.*mnc2nii"),
        ("a.ilp", "ilastik project.*export"),
        ("a.mrc.gz", "packed.*unpack"),
        ("a.xml", "open the image"),
    ],
)
def test_what_is_not_read_is_named_with_what_to_do(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(InputError, match=words):
        read_stack(tmp_path / name)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"ZISRAWFILE", "Zeiss CZI"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "FluoView"),
        (b"II\x97\x01", "TIA series"),
        (bytes(128) + b"DICM", "DICOM.*dcm2niix"),
        (gzip.compress(b"", mtime=0), "packed"),
    ],
)
def test_what_is_not_read_is_known_by_its_content_too(tmp_path, head, words):
    path = tmp_path / "renamed.tif"
    path.write_bytes(head + bytes(4000))
    with pytest.raises(InputError, match=words):
        read_stack(path)


@pytest.mark.parametrize("name", ["a.mrc", "a.h5", "a.nii", "a.nii.gz", "a.nrrd"])
@pytest.mark.parametrize("keep", [0.3, 0.95])
def test_a_file_that_is_cut_off_is_refused(tmp_path, name, keep):
    noise = np.random.default_rng(0).integers(0, 9999, (9, 40, 50)).astype(np.int16)
    path = write(tmp_path / name, noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(
        InputError, match=r"cut off|broken|not a whole|cannot be opened"
    ):
        np.asarray(read_stack(path).data)


def test_a_missing_file_is_missing_whatever_its_format():
    for suffix in READABLE:
        with pytest.raises(InputError, match="does not exist"):
            read_stack(f"nowhere/a{suffix}")
