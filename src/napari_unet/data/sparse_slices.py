"""Values of a stack of which most slices hold nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_unet.data.machine_memory import require_memory
from napari_unet.data.slabs import filled_strips
from napari_unet.data.stack import ArrayLike

T = TypeVar("T", bound=np.generic)
U = TypeVar("U", bound=np.generic)

_BETWEEN_LOOKS = 2**27
"""Bytes that are read until the next look at what is free."""


class SparseSlices(Generic[T]):
    """(Z, Y, X) values of which most slices hold one and the same, and take no memory.

    They are read and written as those of an array are.

    Parameters
    ----------
    shape, dtype
        As of an array.
    fill
        The value of every slice that is not given.
    planes
        (Y, X) of the others, by their index; they are not copied.
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: DTypeLike,
        fill: int = 0,
        planes: Mapping[int, NDArray[Any]] | None = None,
    ) -> None:
        depth, height, width = shape
        self.shape, self.dtype = (depth, height, width), np.dtype(dtype)
        self.fill, self._planes = fill, dict(planes or {})
        self._empty = np.broadcast_to(self.dtype.type(fill), (height, width))

    @classmethod
    def of(cls, labels: ArrayLike | SparseSlices[Any]) -> SparseSlices[Any]:
        """Return the slices of (Z, Y, X) labels that hold anything but 0.

        Those of an array are views. Of lazy labels as many slices and rows are read at
        once as their chunks are deep and high.
        """
        if isinstance(labels, cls):
            return labels
        found: SparseSlices[Any] = cls(labels.shape, labels.dtype)
        if isinstance(labels, np.ndarray):
            found._planes = {z: one for z, one in enumerate(labels) if one.any()}
            return found
        looked = 0
        for slices, rows in filled_strips(labels):
            for z, strip in enumerate(np.asarray(labels[slices, rows]), slices.start):
                if strip.any():
                    found._own(z)[rows] = strip
            if found.nbytes - looked > _BETWEEN_LOOKS:
                looked = found.nbytes
                words = f"the labels of more than {len(found._planes)} slices"
                require_memory(2 * _BETWEEN_LOOKS, words)
        return found

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def nbytes(self) -> int:
        """Bytes that these slices take."""
        return len(self._planes) * self._empty.size * self.dtype.itemsize

    @property
    def slices(self) -> NDArray[np.intp]:
        """Indices of the slices that take memory, sorted."""
        return np.array(sorted(self._planes), np.intp)

    def planes(self) -> Iterator[tuple[int, NDArray[T]]]:
        """Yield the index and the (Y, X) values of these slices."""
        for z in sorted(self._planes):
            yield z, self._planes[z]

    def changed(
        self,
        change: Callable[[int, NDArray[T]], NDArray[U]],
        dtype: type[U],
        fill: int = 0,
    ) -> SparseSlices[U]:
        """Return other values for these slices, made from index and values of each."""
        planes = {z: change(z, plane) for z, plane in self.planes()}
        return SparseSlices(self.shape, dtype, fill, planes)

    def copied(self) -> SparseSlices[T]:
        """Return the same in memory of its own, which lets go of what it views."""
        planes = {z: plane.copy() for z, plane in self._planes.items()}
        return SparseSlices(self.shape, self.dtype, self.fill, planes)

    def rows(self, rows: slice) -> SparseSlices[T]:
        """Return some rows of all slices, which are views."""
        depth, height, width = self.shape
        parts = {z: plane[rows] for z, plane in self._planes.items()}
        kept = {z: part for z, part in parts.items() if (part != self.fill).any()}
        shape = depth, len(range(height)[rows]), width
        return SparseSlices(shape, self.dtype, self.fill, kept)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:  # numpy's own signature
        whole = np.full(self.shape, self.fill, self.dtype)
        for z, plane in self._planes.items():
            whole[z] = plane
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        first, rest = _split(key)
        if isinstance(first, int | np.integer):
            return self._plane(int(first))[rest]
        if _are_pixels(first, rest):
            places = np.broadcast_arrays(first, *rest)
            values = np.full(places[0].shape, self.fill, self.dtype)
            for z, here in _by_slice(places[0]):
                values[here] = self._plane(z)[tuple(one[here] for one in places[1:])]
            return values
        chosen = np.arange(len(self))[first]
        found = [self._plane(int(z))[rest] for z in chosen]
        if not found:
            return np.empty((0, *self._empty[rest].shape), self.dtype)
        return np.stack(found)

    def __setitem__(self, key: Any, value: Any) -> None:
        first, rest = _split(key)
        if isinstance(first, int | np.integer):
            self._write(int(first), rest, value)
        elif _are_pixels(first, rest):
            places = np.broadcast_arrays(first, *rest)
            values = np.broadcast_to(value, places[0].shape)
            for z, here in _by_slice(places[0]):
                self._write(z, tuple(one[here] for one in places[1:]), values[here])
        else:
            chosen = np.arange(len(self))[first]
            part = self._empty[rest].shape
            values = np.broadcast_to(value, (len(chosen), *part))
            for z, one in zip(chosen, values, strict=True):
                self._write(int(z), rest, one)

    def _plane(self, z: int) -> NDArray[Any]:
        return self._planes.get(range(len(self))[z], self._empty)

    def _write(self, z: int, rest: tuple[Any, ...], values: Any) -> None:
        z = range(len(self))[z]
        empty = bool(np.all(np.equal(values, self.fill)))
        if empty and not rest:
            self._planes.pop(z, None)
        elif z in self._planes or not empty:
            self._own(z)[rest] = values

    def _own(self, z: int) -> NDArray[Any]:
        """Return a slice to write to."""
        plane = self._planes.get(z)
        if plane is None or not plane.flags.writeable:
            self._planes[z] = plane = np.array(self._plane(z))
        return plane


def _split(key: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return which slices an index means, and what of them."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) == 1 and isinstance(parts[0], np.ndarray) and parts[0].ndim == 3:
        parts = np.nonzero(parts[0])
    if any(part is None for part in parts):
        raise IndexError("Labels of which most slices hold nothing get no new axis.")
    rest = [_plain(part) for part in parts if part is not Ellipsis]
    if len(rest) < len(parts):
        left = next(at for at, part in enumerate(parts) if part is Ellipsis)
        rest[left:left] = [slice(None)] * (3 - sum(map(_axes, rest)))
    return rest[0], tuple(rest[1:])


def _plain(part: Any) -> Any:
    """Return a list as an array, and an array of one number as that."""
    if isinstance(part, slice | int | np.integer):
        return part
    part = np.asarray(part)
    return part if part.ndim else int(part)


def _axes(part: Any) -> int:
    """Return how many axes a part of an index is for."""
    mask = isinstance(part, np.ndarray) and part.dtype == bool
    return part.ndim if mask else 1


def _are_pixels(first: Any, rest: tuple[Any, ...]) -> bool:
    """Return whether an index names single pixels, by arrays along the axes."""
    places = [isinstance(one, int | np.integer) or _is_places(one) for one in rest]
    return _is_places(first) and len(places) == 2 and all(places)


def _is_places(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype != bool


def _by_slice(places: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    for z in np.unique(places):
        yield int(z), places == z
