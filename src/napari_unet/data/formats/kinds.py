"""Which kind of file it is, by its name and by its first bytes, and who reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_unet.data.files import unreadable
from napari_unet.data.formats.arrange import Held, arranged
from napari_unet.data.formats.digital_micrograph import read_dm
from napari_unet.data.formats.hdf5 import read_hdf5
from napari_unet.data.formats.mrc import read_mrc
from napari_unet.data.formats.nifti import read_nifti
from napari_unet.data.formats.nrrd import read_nrrd
from napari_unet.data.tiff import Loaded
from napari_unet.errors import InputError

_FIJI = "open it in Fiji through Bio-Formats and save it as OME-TIFF"
_QUPATH = "export the region that you need as OME-TIFF from QuPath"
_TIA = "export it as TIFF or EMD from TIA or Velox"
_N5 = "open it in Fiji (File > Import > HDF5/N5/Zarr) and save it as TIFF"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Parameters
    ----------
    name
        In words to the user, with its article.
    suffixes
        What its names end in, the usual ending first.
    read
        What reads it; None for a kind that is not read here, or read elsewhere.
    advice
        What to do with a kind that is not read.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], Held] | None = None
    advice: str = ""


_TIFF = Kind("a TIFF file", (".tif", ".tiff"))
_PNG = Kind("a PNG picture", (".png",))
_JPEG = Kind("a JPEG picture", (".jpg", ".jpeg"))
_BMP = Kind("a BMP picture", (".bmp",))
_MRC = Kind(
    "an MRC file", (".mrc", ".mrcs", ".rec", ".map", ".st", ".ali", ".ccp4"), read_mrc
)
_HDF5 = Kind("an HDF5 file", (".h5", ".hdf5", ".hdf", ".he5", ".emd"), read_hdf5)
_NIFTI = Kind("a NIfTI file", (".nii", ".nii.gz"), read_nifti)
_NRRD = Kind("a NRRD file", (".nrrd", ".nhdr"), read_nrrd)
_DM = Kind("a DigitalMicrograph file", (".dm3", ".dm4"), read_dm)
_CZI = Kind("a Zeiss CZI file", (".czi",), advice=_FIJI)
_ND2 = Kind("a Nikon ND2 file", (".nd2",), advice=_FIJI)
_OIB = Kind("an Olympus FluoView or Zeiss ZVI file", (".oib", ".zvi"), advice=_FIJI)
_SER = Kind("a TIA series", (".ser", ".emi"), advice=_TIA)
_DICOM = Kind("a DICOM file", (".dcm",), advice="convert it to NIfTI by dcm2niix")
_JP2 = Kind("a JPEG 2000 picture", (".jp2", ".jpx"), advice="save it as TIFF in Fiji")
_GIF = Kind("a GIF picture", (".gif",), advice="save it as TIFF in Fiji")
_PACKED = Kind(
    *("a packed file", (".gz", ".bz2", ".xz", ".zip")),
    advice="unpack it and open what it holds",
)
_NUMPY = Kind(
    "a file of numpy", (".npy", ".npz"), advice="save its array by tifffile.imwrite"
)
_REFUSED = (
    *(_CZI, _ND2, _OIB, _SER, _DICOM, _JP2, _GIF, _PACKED, _NUMPY),
    Kind("a Leica LIF file", (".lif", ".xlef", ".lof"), advice=_FIJI),
    Kind("an Olympus FluoView series", (".oif",), advice=_FIJI),
    Kind("an Olympus VSI file", (".vsi",), advice=_FIJI),
    Kind("an Imaris file", (".ims",), advice=_FIJI),
    Kind("a DeltaVision file", (".dv", ".r3d"), advice=_FIJI),
    Kind("a MetaMorph stack", (".stk",), advice=_FIJI),
    Kind("a whole-slide image", (".svs", ".scn", ".mrxs", ".bif"), advice=_QUPATH),
    Kind("an image in N5", (".n5",), advice=_N5),
    Kind("an Amira file", (".am",), advice="save it as TIFF or MRC in Amira"),
    Kind("a MetaImage file", (".mha", ".mhd"), advice="save it as NRRD in 3D Slicer"),
    Kind("a HyperSpy file", (".hspy", ".zspy"), advice="save it as TIFF in HyperSpy"),
    Kind("a MINC file", (".mnc",), advice="convert it to NIfTI by mnc2nii"),
    Kind("a MATLAB file", (".mat",), advice="save its array by imwrite as TIFF"),
    Kind(
        *("an ilastik project", (".ilp",)),
        advice="export images and predictions from ilastik as TIFF or HDF5",
    ),
    Kind(
        *("a description of other files", (".xml", ".hdr", ".mdoc")),
        advice="open the image that it belongs to",
    ),
)
_READ = (_MRC, _HDF5, _NIFTI, _NRRD, _DM)
_BY_SUFFIX = {
    suffix: kind
    for kind in (_TIFF, _PNG, _JPEG, _BMP, *_READ, *_REFUSED)
    for suffix in kind.suffixes
}
# Where they stand, and what.
_MAGIC = (
    *((0, mark, _TIFF) for mark in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    *((place, b"\x89HDF\r\n\x1a\n", _HDF5) for place in (0, 512, 1024, 2048)),
    (0, b"\x89PNG\r\n\x1a\n", _PNG),
    (0, b"\xff\xd8\xff", _JPEG),
    (208, b"MAP", _MRC),
    (0, b"BM", _BMP),
    *((344, mark, _NIFTI) for mark in (b"n+1\0", b"ni1\0")),
    (4, b"n+2\0", _NIFTI),
    *((0, mark, _PACKED) for mark in (b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ")),
    (0, b"NRRD000", _NRRD),
    *((0, mark, _DM) for mark in (b"\0\0\0\3", b"\0\0\0\4")),
    (0, b"ZISRAWFILE", _CZI),
    (0, b"\xda\xce\xbe\x0a", _ND2),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OIB),
    (0, b"II\x97\x01", _SER),
    (128, b"DICM", _DICOM),
    (4, b"jP  ", _JP2),
    (0, b"GIF8", _GIF),
    (0, b"PK\x03\x04", _PACKED),
    (0, b"\x93NUMPY", _NUMPY),
)
# What follows the name of an HDF5 file: `file.h5:raw`, `file.h5/exported_data`.
_INSIDE = re.compile(
    rf"(.+?({'|'.join(map(re.escape, _HDF5.suffixes))}))[:/\\]+(.+)", re.IGNORECASE
)
READABLE = tuple(
    suffix for kind in (_TIFF, _PNG, _JPEG, _BMP, *_READ) for suffix in kind.suffixes
)


def title_of_file(path: Path) -> str:
    """Return the name of an image file without its ending; "" where it is none."""
    endings = sorted(READABLE, key=len, reverse=True)
    found = next((end for end in endings if path.name.lower().endswith(end)), "")
    return path.name[: -len(found)] if found else ""


def within_hdf5(path: Path) -> tuple[Path, str]:
    """Return an HDF5 file and what is named in it, "" where nothing is."""
    within = _INSIDE.fullmatch(str(path))
    if within and not path.exists() and Path(within[1]).is_file():
        return Path(within[1]), within[3]
    return path, ""


def is_hdf5(path: Path) -> bool:
    """Return whether a path is one of HDF5, by its name."""
    return within_hdf5(path)[0].suffix.lower() in _HDF5.suffixes


def read_other(path: Path, axes: str | None = None) -> Loaded | None:
    """Read a file of a kind that stands in this room.

    Parameters
    ----------
    path
        A file or folder; after the name of an HDF5 file, the image within it.
    axes
        Those that the user gives, as `arrange` takes them.

    Returns
    -------
    Loaded or None
        None for TIFF files, pictures, folders of slices and what has no known name.

    Raises
    ------
    InputError
        When nothing here reads this kind, its content is not what its name says, or its
        library is missing; and as its reader does.
    """
    file, inside = within_hdf5(path)
    if inside:
        return arranged(path, read_hdf5(file, inside), axes)
    named, held = _by_name(path), _by_content(path)
    if held is _PACKED and named is _NIFTI and path.suffix.lower() == ".gz":
        held = named
    for kind in (named, held):
        if kind in _REFUSED:
            raise InputError(
                f"{path} is {kind.name}, which is not read here: {kind.advice}."
            )
    if held is not None and held is not named:
        raise InputError(
            f"{path} is {held.name} by its content: let its name end in "
            f"{held.suffixes[0]}."
        )
    if named is None or named.read is None:
        return None
    return arranged(path, named.read(path), axes)


def _by_name(path: Path) -> Kind | None:
    name = path.name.lower()
    for length in (2, 1):
        suffix = "".join(Path(name).suffixes[-length:])
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
    return None


def _by_content(path: Path) -> Kind | None:
    if path.is_dir():
        return None
    try:
        with path.open("rb") as file:
            head = file.read(2056)
    except OSError as error:
        raise unreadable(path, error) from error
    for place, mark, kind in _MAGIC:
        if head[place : place + len(mark)] == mark:
            return kind
    return None
