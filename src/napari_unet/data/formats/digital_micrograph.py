"""DM3 and DM4 files of Gatan's DigitalMicrograph (GMS).

Gatan has not published the format; the layout of its tags is the one that C. Boothroyd
describes at https://personal.ntu.edu.sg/cbb/info/dmformat/.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from napari_unet.data.formats.arrange import Held
from napari_unet.data.lazy import read_plain
from napari_unet.errors import InputError
from napari_unet.words import sides

_GROUP, _DATA = 20, 21  # kinds of entries
_STRUCT, _STRING, _ARRAY = 15, 18, 20  # kinds of values that are not one number
_NUMBERS = {2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8", 8: "u1", 9: "i1"}
_NUMBERS |= {10: "u1", 11: "i8", 12: "u8"}
_PIXELS = {1: "i2", 2: "f4", 6: "u1", 7: "i4", 9: "i1", 10: "u2", 11: "u4", 12: "f8"}
_PIXELS |= {14: "u1", 39: "i8", 40: "u8"}
_COLOURS = (8, 23)  # blue, green, red and nothing, one byte each
_TIMES = {"s", "ms", "us", "µs", "μs", "min", "h"}


class _Block(NamedTuple):
    """Where the numbers of an array lie in the file."""

    offset: int
    dtype: np.dtype[Any]
    length: int


class _Picture(NamedTuple):
    kind: int
    shape: tuple[int, ...]  # as in the file: X first
    block: _Block
    scales: tuple[Any, ...]
    units: tuple[str, ...]
    format: str
    notes: tuple[str, ...]


def read_dm(path: Path) -> Held:
    """Read the image of a DM3 or DM4 file, with its calibration.

    A third dimension is Z, or T where its unit is one of time.

    Raises
    ------
    InputError
        When the file is broken, or holds a spectrum, a Fourier transform or more
        dimensions.
    """
    try:
        with path.open("rb") as file:
            picture = _picture(_Tags(file))
    except (struct.error, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not a whole DM3 or DM4 file: save it anew in DigitalMicrograph."
        ) from error
    what = _no_image(picture)
    if what:
        raise InputError(
            f"{path} holds {what} ({sides(picture.shape)}): save an image or a stack "
            "from DigitalMicrograph."
        )
    axes = "XYT" if picture.units[-1] in _TIMES else "XYZ"
    axes = axes[: len(picture.shape)]
    order, shape = picture.block.dtype.byteorder, picture.shape[::-1]
    if picture.kind in _COLOURS:
        place = picture.block.offset
        data = read_plain(path, np.dtype("u1"), place, (*shape, 4), page_ndim=3)
        data, names = data[..., 2::-1], axes[::-1] + "S"
    else:
        dtype = np.dtype(_PIXELS[picture.kind]).newbyteorder(order)
        data, names = read_plain(path, dtype, picture.block.offset, shape), axes[::-1]
    stated = zip(picture.scales, picture.units, strict=True)
    sizes = dict(zip(axes, stated, strict=True))
    return Held(data, names, "DigitalMicrograph", sizes, picture.notes)


def _no_image(picture: _Picture) -> str:
    """Return what it is that cannot be taken for an image; "" if nothing."""
    if "pectrum" in picture.format or "eV" in "".join(picture.units):
        return "a spectrum"
    if not 2 <= len(picture.shape) <= 3:
        return f"data of {len(picture.shape)} dimensions"
    if picture.kind not in _PIXELS and picture.kind not in _COLOURS:
        return "complex numbers, such as a Fourier transform"
    return ""


def _picture(tags: _Tags) -> _Picture:
    """Find the first image that is not a thumbnail."""
    tree = tags.tree
    thumbnails = {entry["ImageIndex"] for entry in tree.get("Thumbnails", {}).values()}
    images = list(tree["ImageList"].values())
    pictures = [image for n, image in enumerate(images) if n not in thumbnails]
    image = (pictures or images)[0]
    data = image["ImageData"]
    shape = tuple(data["Dimensions"].values())
    dimensions = list(data["Calibrations"]["Dimension"].values())[: len(shape)]
    dimensions += [{"Scale": 0, "Units": ""}] * (len(shape) - len(dimensions))
    notes: tuple[str, ...] = ()
    if len(pictures) > 1:
        notes = (f"holds {len(pictures)} images; the first, {sides(shape)}, was read",)
    meta = image.get("ImageTags", {}).get("Meta Data", {})
    return _Picture(
        kind=data["DataType"],
        shape=shape,
        block=data["Data"],
        scales=tuple(np.float32(entry["Scale"]) for entry in dimensions),
        units=tuple(tags.text(entry["Units"]) for entry in dimensions),
        format=tags.text(meta.get("Format", "")),
        notes=notes,
    )


class _Tags:
    """The tags of a file as a tree; of arrays only the place is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        (version,) = struct.unpack(">i", file.read(4))
        self._long = {3: ">i", 4: ">q"}[version]
        self._number()  # bytes that follow
        (little,) = struct.unpack(">i", file.read(4))
        self._order = "<" if little else ">"
        self.tree = self._group()

    def text(self, value: Any) -> str:
        """Return the text that an array of 16-bit characters holds."""
        if not isinstance(value, _Block):
            return str(value)
        self._file.seek(value.offset)
        raw = self._file.read(value.length * value.dtype.itemsize)
        encoding = "utf-16-le" if self._order == "<" else "utf-16-be"
        return raw.decode(encoding, "replace").strip("\0 ")

    def _number(self) -> int:
        size = struct.calcsize(self._long)
        return int(struct.unpack(self._long, self._file.read(size))[0])

    def _group(self) -> dict[str, Any]:
        self._file.read(2)  # sorted, open
        entries: dict[str, Any] = {}
        for index in range(self._number()):
            kind, length = struct.unpack(">BH", self._file.read(3))
            name = self._file.read(length).decode("latin-1") or str(index)
            if self._long == ">q":
                self._number()  # bytes of the entry
            if kind not in (_GROUP, _DATA):
                raise ValueError(f"an entry of kind {kind}")
            entries[name] = self._group() if kind == _GROUP else self._value()
        return entries

    def _value(self) -> Any:
        if self._file.read(4) != b"%%%%":
            raise ValueError("an entry without its mark")
        kind, *info = [self._number() for _ in range(self._number())]
        if kind == _ARRAY:
            return self._skip(self._dtype(*info[:-1]), info[-1])
        if kind == _STRING:
            return self._skip(np.dtype(self._order + "u2"), info[0])
        dtype = self._dtype(kind, *info)
        return np.frombuffer(self._file.read(dtype.itemsize), dtype)[0].item()

    def _dtype(self, kind: int, *info: int) -> np.dtype[Any]:
        if kind != _STRUCT:
            return np.dtype(self._order + _NUMBERS[kind])
        codes = [self._order + _NUMBERS[code] for code in info[3::2]]
        return np.dtype([(f"{n}", code) for n, code in enumerate(codes)])

    def _skip(self, dtype: np.dtype[Any], count: int) -> _Block:
        block = _Block(self._file.tell(), dtype, count)
        self._file.seek(count * dtype.itemsize, 1)
        return block
