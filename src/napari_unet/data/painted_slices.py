"""Labels that are painted on, of any size: memory is taken by touched slices alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_unet.data.sparse_slices import SparseSlices

_LARGE_BYTES = 256 * 2**20


class PaintedSlices(SparseSlices[Any]):
    """(Z, Y, X) labels, as the data of a layer: 0 wherever nobody has painted.

    What is read of a slice may be written to; it is a copy where nothing was painted.
    """

    @classmethod
    def like(cls, labels: SparseSlices[Any], dtype: DTypeLike) -> PaintedSlices:
        """Return labels of another type, in memory of their own."""
        planes = {z: np.array(plane, dtype) for z, plane in labels.planes()}
        return cls(labels.shape, dtype, 0, planes)

    @property
    def size(self) -> int:
        """Number of pixels, painted or not."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that are taken."""
        return sum(plane.nbytes for _, plane in self.planes())

    def astype(self, dtype: DTypeLike) -> PaintedSlices:
        """Return the labels in another type."""
        return self.like(self, dtype)

    def any(self) -> bool:
        """Return whether anything is painted."""
        return any(bool(plane.any()) for _, plane in self.planes())

    def max(self, *_how: Any, **_more: Any) -> Any:
        """Return the highest label, as numpy asks for it; 0 where there is none."""
        highest = (plane.max() for _, plane in self.planes())
        return max(highest, default=self.dtype.type(0))

    def held(self) -> NDArray[Any]:
        """Return a copy of the slices that take memory, (z, Y, X)."""
        empty = np.empty((0, *self.shape[1:]), self.dtype)
        return np.concatenate([empty, *(plane[None] for _, plane in self.planes())])

    def in_file(self) -> tuple[tuple[int, ...], NDArray[Any]]:
        """Return which slices a file is to hold, one at least, and what they hold."""
        slices = tuple(map(int, self.slices)) or (0,)
        return slices, np.asarray(self[list(slices)])

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if found.flags.writeable else found.copy()


def empty_labels(
    shape: Sequence[int], dtype: DTypeLike, *, lazy: bool
) -> NDArray[Any] | PaintedSlices:
    """Return labels of which nothing is painted.

    Parameters
    ----------
    shape, dtype
        Of the labels.
    lazy
        Whether their image does not lie in the memory either.
    """
    large = math.prod(shape) * np.dtype(dtype).itemsize > _LARGE_BYTES
    if lazy and large and len(shape) == 3:
        return PaintedSlices(shape, dtype)
    return np.zeros(shape, dtype)


def slices_in_memory(labels: Any) -> Sequence[int]:
    """Return which slices of labels may hold anything and can be changed in place.

    They are counted over all dimensions but the last two. None of a file.
    """
    if isinstance(labels, PaintedSlices):
        return [int(z) for z in labels.slices]
    writable = isinstance(labels, np.ndarray) and labels.flags.writeable
    return range(math.prod(labels.shape[:-2])) if writable else ()
