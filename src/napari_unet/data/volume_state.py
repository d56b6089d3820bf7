"""What tells whether a volume was changed, without reading all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_unet.data.addresses import is_address
from napari_unet.data.files import unreadable
from napari_unet.data.formats.hdf5 import files_of
from napari_unet.data.volume import Volume

_DIGITS = 16
_SAMPLES = 8
"""Chunks that are read of a volume on a server."""
_LABELS = "labels"
"""Folder of a Zarr in which labels are put: they are none of its values."""


def state_of(volume: Volume) -> str:
    """Return 16 digits that are others once the values of a volume are.

    Of files, sizes and times are looked at: those of all chunks, or of an HDF5 file
    and of those that it refers to. Of a server, which need not tell them, some chunks
    are read.

    Raises
    ------
    InputError
        When the volume cannot be reached, or is not there any more.
    """
    if is_address(volume.path):
        digest = hashlib.sha256()
        for box in _samples(volume):
            digest.update(np.ascontiguousarray(volume[box]).data)
        return digest.hexdigest()[:_DIGITS]
    path = Path(volume.path)
    try:
        if path.is_file():
            files = files_of(path, volume.inside)
            marks = iter([_mark(str(one), one.stat()) for one in files if one.exists()])
        else:
            marks = _marks(path / volume.inside, 1 + volume.ndim)
        # Folders list their files in any order, and too many to be sorted.
        total = sum(int.from_bytes(mark) for mark in marks)
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{total % 16**_DIGITS:0{_DIGITS}x}"


def _marks(folder: Path | str, depth: int) -> Iterator[bytes]:
    """Yield a mark of every file in a folder, and in those in it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield _mark(entry.path, entry.stat())
            elif depth and entry.name != _LABELS:
                yield from _marks(entry.path, depth - 1)


def _mark(path: str, found: os.stat_result) -> bytes:
    """Return what changes when a file does."""
    words = f"{found.st_size} {found.st_mtime_ns} ".encode() + os.fsencode(path)
    return hashlib.blake2b(words, digest_size=_DIGITS // 2).digest()


def _samples(volume: Volume) -> Iterator[tuple[slice, ...]]:
    """Yield the boxes of some chunks, from the first to the last."""
    pairs = zip(volume.shape, volume.chunks, strict=True)
    counts = [max(1, -(-length // side)) for length, side in pairs]
    last = int(np.prod(counts, dtype=np.int64)) - 1
    places = dict.fromkeys(np.linspace(0, last, _SAMPLES).astype(np.int64).tolist())
    for place in places:
        numbers = np.unravel_index(place, counts)
        yield tuple(
            slice(int(number) * side, (int(number) + 1) * side)
            for number, side in zip(numbers, volume.chunks, strict=True)
        )
