"""What is made of a prediction: settled beforehand, and done slice by slice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import PostprocessConfig
from napari_unet.data.machine_memory import machine_memory
from napari_unet.model.card import ModelCard
from napari_unet.predict.pixel_size import Factors
from napari_unet.predict.postprocessing import classify, numbered_after, postprocess
from napari_unet.predict.prediction import TileDone
from napari_unet.words import gigabytes

_BYTES_OF_VOXEL = 120
"""What a watershed through slices holds for each voxel at its peak, as measured."""
_LITTLE = 2**30


@dataclass(frozen=True)
class Settled:
    """What will be made of a prediction.

    Attributes
    ----------
    finish
        With nothing left open.
    words
        What the user should know of it beforehand, or "".
    """

    finish: PostprocessConfig
    words: str = ""


def settle(
    finish: PostprocessConfig | None,
    card: ModelCard,
    shape: Sequence[int],
    by: Factors | None = None,
) -> Settled:
    """Take what is left open from a model, as far as the memory holds it.

    A watershed through the slices of a stack, to split objects or to grow their cores,
    needs some 120 bytes for each voxel. It is done beyond the free memory only where
    the user asks for it, not the model.

    Parameters
    ----------
    finish
        As chosen; None leaves everything open.
    card
        What the model says of itself.
    shape
        (Z, Y, X) of what is predicted.
    by
        By how much that grows along Z, Y and X to meet the model, if it is rescaled:
        the smallest object is as large as it was in what the model learnt from.
    """
    finish = finish or PostprocessConfig()
    kept = card.finish
    if by is not None and kept is not None and kept.min_size:
        least = round(kept.min_size / math.prod(by))
        kept = kept.changed("the model", min_size=least)
    settled = finish.settled(kept)
    of_the_model = finish.objects == "auto" and card.finish is not None
    words = card.finish_reason if of_the_model else ""
    grows = settled.numbers_objects and settled.core
    floods = grows or settled.objects == "watershed"
    if not floods or by_slice(settled, card.network.ndim):
        return Settled(settled, words)
    needed = _BYTES_OF_VOXEL * math.prod(shape)
    free = machine_memory().available
    if needed < _LITTLE:
        return Settled(settled, words)
    takes = (
        f"objects that go through the slices take about {gigabytes(needed)} of memory "
        f"in the end, and {gigabytes(free)} are free"
    )
    if needed > free and of_the_model:
        classes = finish.changed("the memory", objects="no")
        return Settled(classes.settled(kept), f"a mask of classes: {takes}")
    return Settled(settled, f"{words}; {takes}".removeprefix("; "))


def by_slice(finish: PostprocessConfig, ndim: int) -> bool:
    """Return whether every slice is finished by itself.

    `ndim` is that of the network.
    """
    return ndim == 2 and not finish.follow_slices and finish.smooth == 0


class FinishedSlices:
    """Finishes every slice as soon as its last tile is there, and lets go of its tiles.

    Gives what `postprocess` makes of the whole, whose probabilities need not be kept.

    Parameters
    ----------
    shape
        (Z, Y, X) of the stack.
    rows
        Those that are predicted: less where an info bar lies below.
    finish
        What is made of a slice; `by_slice` holds.
    threshold
        Of the foreground, as in `classify`.

    Attributes
    ----------
    labels
        (Z, Y, X): classes, or numbers of objects that are unique in the stack; 0 where
        a slice is not done.
    """

    def __init__(
        self,
        shape: Sequence[int],
        rows: int,
        finish: PostprocessConfig,
        threshold: float | None,
    ) -> None:
        self._finish, self._threshold = finish, threshold
        self._area = rows * shape[2]
        self._begun: dict[int, tuple[NDArray[np.floating], int]] = {}
        self._last = 0
        self._numbers = finish.numbers_objects
        dtype = np.uint16 if self._numbers else np.uint8
        self.labels: NDArray[np.unsignedinteger] = np.zeros(tuple(shape), dtype)

    def add(self, tile: TileDone) -> None:
        """Take a tile of one slice, or an empty one."""
        z, rows, columns = tile.core
        found = tile.probabilities[:, 0] if tile.probabilities.size else None
        if found is None:
            return
        whole, seen = self._begun.pop(z.start, (None, 0))
        if whole is None:
            whole = np.zeros((len(found), *self.labels.shape[1:]), found.dtype)
            whole[0] = 1
        whole[:, rows, columns] = found
        seen += found[0].size
        if seen < self._area:
            self._begun[z.start] = whole, seen
        else:
            self._put(z.start, whole[:, None])

    def _put(self, z: int, probabilities: NDArray[np.floating]) -> None:
        labels = postprocess(
            classify(probabilities, self._threshold),
            self._finish,
            probabilities=probabilities,
            threshold=self._threshold,
        )
        if self._numbers:
            labels = numbered_after(self._last, labels)
            self._last = max(self._last, int(labels.max(initial=0)))
            if self._last > np.iinfo(self.labels.dtype).max:
                self.labels = self.labels.astype(np.uint32)
        self.labels[z] = labels[0]
