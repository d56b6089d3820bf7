"""HDF5 files: one image of those that they hold, read when it is needed."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.formats.arrange import Held
from napari_unet.data.formats.extra import library
from napari_unet.data.formats.hdf5_layouts import Found, dataset_in, images_in
from napari_unet.data.lazy import lazy_pages, memory_limit, plain_limit
from napari_unet.data.open_file import Watched
from napari_unet.errors import InputError
from napari_unet.words import reason, sides

# A slice crosses many chunks, and the next slice the same ones again.
_CHUNK_CACHE = {"rdcc_nbytes": 256 * 2**20, "rdcc_nslots": 50_021}
_NAMED = 8  # images that an error names
_UNKNOWN = "QIJKMNOUW"  # letters of dimensions of which nothing is known


def read_hdf5(path: Path, inside: str = "") -> Held:
    """Read an image from an HDF5 file.

    `hdf5_layouts` knows which of its data sets are images, and what they mean. Up
    to `plain_limit`, or `memory_limit` where they are packed, data are read as a whole,
    and slice by slice beyond it: the file then stays open as long as they are used.

    Parameters
    ----------
    inside
        Name or path of the image within the file; needed where there are several.

    Raises
    ------
    InputError
        When the file is broken, or holds no image, or several (which).
    """
    h5py = library("h5py", "HDF5 files")
    with _open(h5py, path) as file:
        found = _choose(file, path, inside)
        data = _load(file, path, found)
    axes = "T" + found.axes if len(found.paths) > 1 else found.axes
    if data is None:
        planes = _Planes(_open(h5py, path), path, found, axes)
        data = planes.lazy()
    return Held(data, axes, "HDF5 metadata", found.sizes, found.notes)


def find_image(path: Path, inside: str = "") -> tuple[Found, tuple[int, ...]]:
    """Return an image in an HDF5 file, with its `dtype`, and the sides of its chunks.

    Raises
    ------
    InputError
        As `read_hdf5` does.
    """
    with _open(library("h5py", "HDF5 files"), path) as file:
        found = _choose(file, path, inside)
        first = file[found.paths[0]]
        return replace(found, dtype=found.dtype or first.dtype), _chunks(first)


def _chunks(dataset: Any) -> tuple[int, ...]:
    """Return what is read as one; of data in one piece, single slices."""
    shape = tuple(map(int, dataset.shape))
    return dataset.chunks or (1,) * (len(shape) - 2) + shape[-2:]


@contextmanager
def open_dataset(path: Path, name: str) -> Iterator[Any]:
    """Open a data set for as long as the block lasts.

    Raises
    ------
    InputError
        When the file is broken, or not there any more.
    """
    with _open(library("h5py", "HDF5 files"), path) as file:
        try:
            dataset = file[name]
        except KeyError as error:
            raise InputError(
                f"{path} holds no {name} any more: open it again."
            ) from error
        yield dataset


def files_of(path: Path, name: str) -> list[Path]:
    """Return the files that the values of a data set lie in, which may be several.

    Raises
    ------
    InputError
        As `open_dataset` does.
    """
    with open_dataset(path, name) as dataset:
        names = [part[0] for part in dataset.external or ()]
        if dataset.is_virtual:
            names += [part.file_name for part in dataset.virtual_sources()]
        own = Path(dataset.file.filename)
    return [path, own, *(path.parent / name for name in sorted(set(names)))]


def _open(h5py: Any, path: Path) -> Any:
    with path.open("rb"):
        pass  # what the operating system refuses, it says better than HDF5
    try:
        # Some network disks have no locks; nothing is written here.
        return h5py.File(path, "r", locking="best-effort", **_CHUNK_CACHE)
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened as HDF5 ({reason(error)}): copy it again, or "
            "close it in the program that writes it."
        ) from error


def _choose(file: Any, path: Path, inside: str) -> Found:
    held = images_in(file, path)
    chosen = held
    if inside:
        wanted = inside.strip("/")
        chosen = [image for image in held if wanted == image.name]
        chosen = chosen or [
            # One time point of a series.
            replace(image, paths=(wanted,))
            for image in held
            if wanted in image.paths
        ]
        chosen = chosen or dataset_in(file, wanted)
    names = [f"{image.name} ({sides(image.shape)})" for image in held[:_NAMED]]
    more = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
    if not held or (inside and not chosen):
        lacks = f'no image called "{inside}"' if inside else "no image"
        offers = f"one of {', '.join(names)}{more}" if names else "another file"
        raise InputError(f"{path} holds {lacks}: choose {offers}.")
    if len(chosen) > 1:
        raise InputError(
            f"{path} holds several images, {', '.join(names)}{more}: choose one by "
            f"writing its name after the file's, as in {path}:{chosen[0].name}"
        )
    (one,) = chosen
    return one if one.axes else replace(one, axes=_UNKNOWN[: len(one.shape)])


def _load(file: Any, path: Path, found: Found) -> Any:
    """Read the data; None where they are large."""
    sets = [file[name] for name in found.paths]
    first, dtype = sets[0], found.dtype or sets[0].dtype
    plain = not (first.chunks or first.is_virtual or first.external)
    if first.nbytes * len(sets) > (plain_limit() if plain else memory_limit()):
        return None
    arrays = [_values(path, dataset, ..., dtype) for dataset in sets]
    return np.stack(arrays) if len(arrays) > 1 else arrays[0]


def _values(path: Path, dataset: Any, key: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        values = np.asarray(dataset[key])
    except OSError as error:
        raise InputError(
            f"{path} cannot be read at {dataset.name} ({reason(error)}): it is broken, "
            "or compressed in a way that needs a plugin; copy it again, or repack it "
            "by h5repack -f GZIP=1."
        ) from error
    return values.view(dtype).astype(dtype.newbyteorder("="), copy=False)


class _Planes:
    """Reads single slices, from any thread, of a file that it keeps open."""

    def __init__(self, file: Any, path: Path, found: Found, axes: str) -> None:
        self._path, self._stored = path, found.axes
        self._watched = Watched(path, file.id.get_vfd_handle())
        self._sets = [file[name] for name in found.paths]
        self._dtype = np.dtype(found.dtype or self._sets[0].dtype)
        lengths = dict(zip(found.axes, self._sets[0].shape, strict=True))
        if len(self._sets) > 1:
            lengths["T"] = len(self._sets)
        known = [letter for letter in "YXS" if letter in lengths]
        self._within = known or list(axes[-2:])
        self._before = [letter for letter in axes if letter not in self._within]
        self._count = tuple(lengths[letter] for letter in self._before)
        self._page = tuple(lengths[letter] for letter in self._within)
        self._axes = axes
        weakref.finalize(self, file.close)

    def lazy(self) -> Any:
        """Return all as a dask array, its dimensions in the order of the file."""
        dtype = self._dtype.newbyteorder("=")
        whole = lazy_pages(self._read, self._count, self._page, dtype)
        order = [*self._before, *self._within]
        if order == list(self._axes):
            return whole
        return whole.transpose([order.index(letter) for letter in self._axes])

    def _read(self, index: int) -> NDArray[Any]:
        place = dict(
            zip(self._before, np.unravel_index(index, self._count), strict=True)
        )
        number = int(place["T"]) if len(self._sets) > 1 else 0
        key = tuple(
            int(place[letter]) if letter in place else slice(None)
            for letter in self._stored
        )
        try:
            values = _values(self._path, self._sets[number], key, self._dtype)
        finally:
            self._watched.check()
        left = [letter for letter in self._stored if letter not in place]
        return values.transpose([left.index(letter) for letter in self._within])
