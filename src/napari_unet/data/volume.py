"""A volume on disk, of any size, of which everybody reads the box that they need."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.addresses import is_address
from napari_unet.data.files import flush, unreadable, unwritable
from napari_unet.data.formats.arrange import Held
from napari_unet.data.formats.extra import library
from napari_unet.data.formats.hdf5 import open_dataset
from napari_unet.errors import InputError

_TASKS = 2**14
"""Chunks that dask keeps a list of without a moment's wait."""


@dataclass(frozen=True)
class Volume:
    """An array of a Zarr hierarchy or an HDF5 file, with the meaning of its dimensions.

    It holds no values and no open file: it travels to other processes, and whoever
    reads from it opens it.

    Parameters
    ----------
    path
        Folder or address of the OME-Zarr, or of the plain array or group; an HDF5 file.
    inside
        Path of the array within it; "" where it is the array itself.
    axes
        One of the letters C, T, Z, Y, X for each dimension, as they are stored.
    shape, dtype
        Of the array; values come in the byte order of the machine.
    chunks
        Sides of what is decompressed as one.
    scale
        Size of a voxel along each dimension, 1.0 where there is none.
    unit
        Unit of the scale of Z, Y and X; "pixel" when unknown.
    origin
        Where its first voxel lies along each dimension.
    shards
        Sides of what is written as one, where chunks are kept in shards.
    level
        Its resolution, counted from 0, the finest.
    version
        Of OME-Zarr, "0.4" or "0.5"; "" for plain Zarr.
    unknown_axes
        Those of Z, Y and X whose size is unknown although `unit` is not.
    """

    path: str
    inside: str
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    scale: tuple[float, ...]
    unit: str
    origin: tuple[float, ...]
    shards: tuple[int, ...] | None = None
    level: int = 0
    version: str = ""
    unknown_axes: str = ""

    @property
    def source(self) -> str:
        """What it is opened by, as a user writes it."""
        return f"{self.path}:{self.inside}" if Path(self.path).is_file() else self.path

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all values in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def pixel_size(self) -> tuple[float, ...]:
        """Size along those of Z, Y and X that there are, in this order."""
        sizes = dict(zip(self.axes, self.scale, strict=True))
        return tuple(sizes[letter] for letter in "ZYX" if letter in sizes)

    @property
    def written_at_once(self) -> tuple[int, ...]:
        """Sides of the boxes of which no two writers may share one."""
        return self.shards or self.chunks

    def __getitem__(self, box: Any) -> NDArray[Any]:
        """Read a box, given as a slice or number for each of the first dimensions.

        Raises
        ------
        InputError
            When a chunk is broken or cannot be reached.
        """
        try:
            with opened(self) as array:
                values = _unwritten(self, array, box)
                if values is None:
                    values = np.asarray(array[box])
        except InputError:
            raise
        except OSError as error:
            raise unreadable(self._name, error) from error
        except Exception as error:
            # Every codec has errors of its own.
            reason = str(error) or type(error).__name__
            raise InputError(
                f"{self._name} cannot be read ({reason}): a chunk is broken, or the "
                "connection; copy it again."
            ) from error
        return values.astype(self.dtype, copy=False)

    def __array__(
        self, dtype: Any = None, copy: bool | None = None
    ) -> NDArray[Any]:  # numpy's own signature
        """Read all of it."""
        return np.asarray(self[...], dtype)

    def lazy(self) -> Any:
        """Return it as a dask array, in its chunks or, of very many, in several."""
        import dask.array as da

        chunks, counts = list(self.chunks), list(self.shape)
        while True:
            sides = zip(self.shape, chunks, strict=True)
            counts = [max(1, -(-length // side)) for length, side in sides]
            if math.prod(counts) <= _TASKS:
                break
            chunks = [
                2 * side if n > 1 else side
                for side, n in zip(chunks, counts, strict=True)
            ]
        # A name of its own: what lies there may be written anew.
        empty = np.empty((0,) * self.ndim, self.dtype)
        return da.from_array(self, chunks=tuple(chunks), name=False, meta=empty)

    def held(self) -> Held:
        """Return it as the readers of files hand over what they read, lazily."""
        known = zip(self.axes, self.scale, strict=True)
        unit = "" if self.unit == "pixel" else self.unit
        stated = set("ZYX") - set(self.unknown_axes)
        sizes = {letter: (size, unit) for letter, size in known if letter in stated}
        return Held(self.lazy(), self.axes, "OME-Zarr", sizes)

    @property
    def _name(self) -> str:
        return f"{self.path}/{self.inside}".rstrip("/")


def write_box(volume: Volume, box: tuple[slice, ...], values: NDArray[Any]) -> None:
    """Write a box, to the disk itself where it lies on one.

    Two that write at the same time must not share chunks or, where there are any,
    shards (`Volume.written_at_once`): what one of them writes is lost.

    Raises
    ------
    ValueError
        When the values have another shape than the box, or do not fit its type: zarr
        would take them without a word, and put them elsewhere.
    OutputError
        When the operating system refuses: no space left, no permission.
    """
    pairs = zip(box, volume.shape, strict=True)
    wanted = tuple(len(range(*part.indices(length))) for part, length in pairs)
    if wanted != values.shape or not np.can_cast(values.dtype, volume.dtype):
        raise ValueError(
            f"values of {values.shape} {values.dtype} for a box of {wanted} "
            f"{volume.dtype}"
        )
    try:
        with opened(volume, "r+") as array:
            array[box] = values
        if not is_address(volume.path):
            flush(_chunk_files(volume, array, box))
    except OSError as error:
        raise unwritable(volume.path, error) from error


def _chunk_files(volume: Volume, array: Any, box: tuple[slice, ...]) -> Iterator[Path]:
    """Yield the files of a box; chunks of nothing but background have none."""
    triples = zip(box, volume.shape, volume.written_at_once, strict=True)
    ranges = []
    for part, length, side in triples:
        start, stop, _ = part.indices(length)
        ranges.append(range(start // side, -(-stop // side)))
    name = array.metadata.encode_chunk_key
    for place in itertools.product(*ranges):
        yield Path(volume.path, volume.inside, name(place))


def _unwritten(volume: Volume, array: Any, box: Any) -> NDArray[Any] | None:
    """Return a box of which no chunk was ever stored; None where it has to be read.

    Labels of a large volume are mostly such boxes, and zarr asks for chunk by chunk.
    """
    if is_address(volume.path) or Path(volume.path).is_file():
        return None
    if not isinstance(box, tuple) or len(box) != volume.ndim:
        return None
    if not all(isinstance(part, slice) and part.step in (None, 1) for part in box):
        return None
    if any(map(Path.exists, _chunk_files(volume, array, box))):
        return None
    sides = zip(box, volume.shape, strict=True)
    shape = [len(range(*part.indices(length))) for part, length in sides]
    fill = array.fill_value
    return np.full(shape, 0 if fill is None else fill, volume.dtype)


@contextmanager
def opened(volume: Volume, mode: str = "r") -> Iterator[Any]:
    """Open the array of a volume for as long as the block lasts.

    The file of an HDF5 is open no longer, for it is locked meanwhile. What was read of
    a Zarr, its metadata, is kept until these change.

    Raises
    ------
    InputError
        When its library is not installed, or the array is not there any more.
    """
    path = Path(volume.path)
    if path.is_file():
        with open_dataset(path, volume.inside) as dataset:
            yield dataset
        return
    where = f"{volume.path}/{volume.inside}".rstrip("/")
    try:
        array = _open_zarr(where, mode, _written(path / volume.inside))
    except FileNotFoundError as error:
        raise unreadable(where, error) from error
    yield array


@lru_cache(maxsize=64)
def _open_zarr(where: str, mode: str, _written: int) -> Any:
    """Open an array of Zarr, once in every process for metadata of one time."""
    return library("zarr", "OME-Zarr and Zarr", "zarr").open_array(where, mode=mode)


def _written(folder: Path) -> int:
    """Return when the metadata of an array were written; 0 for those of a server."""
    for name in ("zarr.json", ".zarray"):
        with suppress(OSError):
            return (folder / name).stat().st_mtime_ns
    return 0
