"""Images of a training set brought to one pixel size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.calibration import normal_unit, unit_factor
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import Stack
from napari_unet.predict.pixel_size import Factors, check_growth, growth, size_words

Values = TypeVar("Values", bound=np.generic)


@dataclass(frozen=True)
class PixelSize:
    """The pixel size of the first image, that others are compared with.

    Attributes
    ----------
    size, unit
        Along Z, Y and X.
    rescale
        Whether others are brought to it.
    """

    size: Factors
    unit: str
    rescale: bool = False

    @classmethod
    def of(cls, stack: Stack) -> PixelSize:
        """Return the pixel size of an image."""
        return cls(stack.zyx_size, stack.unit)

    def growth(self, other: PixelSize, ndim: int) -> Factors | None:
        """Return by how much another image grows to get this size, as `growth`."""
        return growth(other.size, other.unit, self.size, self.unit, ndim)

    def words(self, other: PixelSize, ndim: int) -> str:
        """Return how the pixels of another image differ from these."""
        own = size_words(other.size, other.unit, ndim)
        first = size_words(self.size, self.unit, ndim)
        return f"its pixels are {own}, those of the first image {first}"

    def note(self, other: PixelSize, ndim: int) -> str:
        """Return what is done about that, too."""
        advice = "rescale to the first image to make them one"
        done = "rescaled to these" if self.rescale else advice
        return f"{self.words(other, ndim)}: {done}"

    def rescaled(self, stack: Stack, ndim: int) -> Stack:
        """Return an image of this pixel size, interpolated as for a prediction.

        `ndim` is that of the network: with 2, slices stay what they are.

        Raises
        ------
        InputError
            When the sizes differ so much that one of them must be wrong.
        """
        from napari_unet.predict.rescale import resize

        by = self.growth(PixelSize.of(stack), ndim) or (1.0, 1.0, 1.0)
        check_growth(by, "the first image")
        planes = np.asarray(stack.as_czyx())
        depth, height, width = grown(planes.shape[1:], by)
        distance = self._distance(stack) if by[0] == 1 else self.size[0]
        return replace(
            stack,
            data=resize(planes, (depth, height, width)),
            axes="CZYX",
            pixel_size=(distance, *self.size[1:]),
            unit=self.unit,
        )

    def _distance(self, stack: Stack) -> float:
        """Return the distance of slices that an image keeps, in this unit."""
        units = normal_unit(stack.unit), normal_unit(self.unit)
        return stack.zyx_size[0] * unit_factor(str(units[0]), str(units[1]))


def grown(shape: tuple[int, ...], by: Factors) -> tuple[int, ...]:
    """Return the shape of an image or labels, (Z, Y, X), that were rescaled."""
    return tuple(
        max(1, round(length * factor)) for length, factor in zip(shape, by, strict=True)
    )


def nearest(
    labels: SparseSlices[Values],
    shape: tuple[int, ...],
    known: NDArray[np.intp] | None = None,
    *,
    thin: bool = False,
) -> SparseSlices[Values]:
    """Resample (Z, Y, X) labels to a shape: each pixel gets the nearest one's value.

    Pixels are areas: the borders stay where they are.

    Parameters
    ----------
    labels, shape
        What is resampled to what.
    known
        Slices that are annotated, if not all that hold labels: where the stack shrinks,
        none is lost beside slices that are not.
    thin
        Whether labels are strokes on nothing, of which none is lost between the pixels.
    """
    slices, rows, columns = (
        _places(np.arange(new), new, old)
        for old, new in zip(labels.shape, shape, strict=True)
    )
    known = labels.slices if known is None else known
    places = _places(known, labels.shape[0], shape[0])
    lost = ~np.isin(slices[places], known)
    slices[places[lost]] = known[lost]

    def resampled(plane: NDArray[Values]) -> NDArray[Values]:
        found = plane[np.ix_(rows, columns)]
        if thin:
            painted = np.nonzero(plane)
            sides = zip(painted, plane.shape, found.shape, strict=True)
            at = tuple(_places(*one) for one in sides)
            free = found[at] == 0
            found[tuple(one[free] for one in at)] = plane[painted][free]
        return found

    wanted = np.flatnonzero(np.isin(slices, labels.slices))
    planes = {int(z): resampled(labels[slices[z]]) for z in wanted}
    return SparseSlices(shape, labels.dtype, labels.fill, planes)


def _places(at: NDArray[np.intp], length: int, other: int) -> NDArray[np.intp]:
    """Return where pixels of an axis lie once it has another length."""
    return np.asarray((at + 0.5) * other / length, np.intp)
