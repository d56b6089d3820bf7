"""What is scored with what: slices of files that need not hold the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.label_survey import Survey
from napari_unet.data.regions import runs
from napari_unet.data.slabs import slabs_of
from napari_unet.data.stack import Stack, list_slices, parse_slices
from napari_unet.errors import InputError
from napari_unet.words import sides

_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False)
class Labels:
    """Predicted or true labels, and which of their slices are scored.

    Attributes
    ----------
    stack
        All slices that the file holds.
    selection
        As `napari_unet.data.stack.parse_slices` reads it; None for all.
    """

    stack: Stack
    selection: str | None = None

    @property
    def scored(self) -> Stack:
        """The slices that are scored."""
        return self.stack.slices(self.selection)

    @property
    def values(self) -> NDArray[np.generic]:
        """(Z, Y, X): the labels that are scored."""
        return np.asarray(self.scored.as_zyx())

    def survey(self, info_bar: int = 0) -> Survey:
        """Return what occurs in all that the file holds, outside of an info bar.

        Raises
        ------
        InputError
            When these are no whole numbers.
        """
        every = self.stack.as_zyx()
        rows = slice(0, every.shape[1] - info_bar)
        parts = (np.asarray(every[slab, rows]) for slab in slabs_of(every))
        return Survey.of_all(Survey.of(part) for part in parts)

    def places(self, selection: str | None) -> str | None:
        """Return slices of the file by their places among those that are scored.

        Parameters
        ----------
        selection
            As `list_slices` reads it; None for none.

        Raises
        ------
        InputError
            When the file has no such slice.
        """
        if not selection or selection.strip() == "all":
            return selection
        chosen = set(list_slices(selection, self.stack.num_slices))
        inside = [n for n, z in enumerate(self.slices) if z in chosen]
        return ",".join(runs(inside)) or None

    @property
    def slices(self) -> range:
        """Indices of the slices that are scored, in the file."""
        every = range(self.stack.num_slices)
        return every[parse_slices(self.selection or ":", len(every))]


@dataclass(frozen=True, eq=False)
class LabelPair:
    """A prediction and its ground truth, of which as many slices are scored.

    Attributes
    ----------
    prediction, truth
        The labels.
    """

    prediction: Labels
    truth: Labels

    @property
    def numbers(self) -> range:
        """Numbers by which the slices are called: those of the file that was cut."""
        return (self.prediction if self.truth.selection is None else self.truth).slices

    def places(self, other: Stack) -> range | None:
        """Return which slices of an image, or of probabilities, are the scored ones.

        Files with as many slices are taken to hold the same ones.

        Returns
        -------
        Indices of slices; None where lengths and sides leave it open.
        """
        if self._size(other)[1:] != self._size(self.truth.stack)[1:]:
            return None
        count = other.num_slices
        both = (self.prediction, self.truth)
        found = {one.slices for one in both if one.stack.num_slices == count}
        if not found and count == len(self.numbers):
            return range(count)
        return found.pop() if len(found) == 1 else None

    def cut(self, other: Stack) -> NDArray[np.generic]:
        """Return the scored slices of an image, or of probabilities, (C, Z, Y, X).

        Raises
        ------
        InputError
            When it cannot be told which these are.
        """
        places = self.places(other)
        if places is None:
            scored = (len(self.numbers), *self._size(self.truth.stack)[1:])
            raise InputError(
                f"{other.source} is {sides(self._size(other))}, and it cannot be told "
                f"which of its slices are the {sides(scored)} that are scored: give a "
                "file of just these, or of as many slices as prediction or ground "
                "truth have."
            )
        view: Any = other.as_czyx()
        return np.asarray(view[:, places.start : places.stop : places.step])

    @staticmethod
    def _size(stack: Stack) -> tuple[int, ...]:
        return tuple(stack.as_czyx().shape[1:])


def foreground(
    probabilities: Stack, pair: LabelPair
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the probabilities of foreground in the scored slices.

    Parameters
    ----------
    probabilities
        One channel, of foreground, or one for each class with the background first.
        Whole numbers up to the highest that their type holds are taken as 0 to 1.
    pair
        What is scored.

    Returns
    -------
    (Z, Y, X), and words to the user on how the values were read. What lies outside 0
    to 1 by more than rounding is returned as it is.

    Raises
    ------
    InputError
        When it is a colour image, or its slices are not those that are scored.
    """
    if "S" in probabilities.axes:
        raise InputError(
            f"{probabilities.source} is a colour (RGB) image: give the probabilities "
            "as one channel, of foreground, or one for each class."
        )
    values: NDArray[Any] = pair.cut(probabilities)
    channels = values.astype(np.float32)
    notes: tuple[str, ...] = ()
    highest = values.max(initial=0)
    if values.dtype.kind in "ui" and highest > 1:
        top = np.iinfo(values.dtype).max
        channels /= top
        notes = (
            f"probabilities: divided by {top:,}, the highest value is {highest:,}",
        )
    within = np.clip(channels, 0, 1)
    if np.abs(channels - within).max(initial=0) <= _ROUNDING:
        channels = within
    return channels[0] if len(channels) == 1 else 1 - channels[0], notes
