"""The mask of a prediction layer, made anew of probabilities as a threshold moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.labels import wide_enough
from napari_unet.errors import InputError
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.postprocessing import classify, numbered_after
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.edits import edit_slices
from napari_unet.widgets.layers.eye import Eye
from napari_unet.widgets.layers.maps import (
    copied,
    maps_of,
    probabilities,
    with_background,
)
from napari_unet.widgets.layers.marks import (
    MADE_BY,
    PREDICTED,
    made_by,
    remember,
    untouched,
)
from napari_unet.widgets.layers.places import current_slice
from napari_unet.widgets.layers.undo import latest, undo_since

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels
    from numpy.typing import NDArray


_SEVERAL = 2


class ThresholdMask:
    """Shows the mask of the current slice at once, and of all slices when it is done.

    What is shown meanwhile is no step of the layer's undo; the end is one.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        The prediction.

    Attributes
    ----------
    maps
        Its probabilities; empty where there are none.
    slices
        Slices that have probabilities.
    undo
        Takes back what was put last; None where nothing changed.
    """

    def __init__(self, viewer: ViewerModel, layer: Labels) -> None:
        self.layer = layer
        self.maps: list[Image] = maps_of(viewer, layer)
        lists = [set(one.metadata[PREDICTED]) for one in self.maps]
        self.slices = sorted(set.intersection(*lists)) if lists else []
        self._viewer = viewer
        self.undo: Callable[[], None] | None = None
        self._before: dict[int, NDArray[np.integer]] = {}
        self._shown: dict[int, NDArray[np.integer]] = {}

    @property
    def made_by(self) -> MadeBy | None:
        """How the prediction was made."""
        return made_by(self.layer)

    def look_again(self) -> bool:
        """Know again how the layer was made where an undo or a redo has changed that.

        Returns
        -------
        Whether it was made in another way than was known.
        """
        if self._before or len(self.layer.metadata.get(MADE_BY, ())) < _SEVERAL:
            return False
        made = untouched(self.layer)
        if made is None or made == self.made_by:
            return False
        remember(self.layer, made)
        return True

    def same_probabilities(self, other: ThresholdMask) -> bool:
        """Return whether both are made of the same layers."""
        return bool(self.maps) and self.maps == other.maps

    def foreground(self, slices: Sequence[int]) -> Callable[[], NDArray[np.float32]]:
        """Copy the probabilities of some slices; on the main thread.

        Returns
        -------
        What makes of them, on any thread, the probability of not being background:
        (Z, Y, X), 0 in all other slices.
        """
        chosen, others = list(slices), copied(self.maps, list(slices))
        shape = planes(self.maps[0]).shape

        def add_up() -> NDArray[np.float32]:
            whole = np.zeros(shape, np.float32)
            whole[chosen] = 1 - with_background(others)[0]
            return whole

        return add_up

    def move(self, threshold: float) -> None:
        """Show the mask of the current slice, in the place of errors or nothing.

        Raises
        ------
        InputError
            When the user has corrected the prediction: that would be lost.
        """
        z = current_slice(self._viewer, self.layer)
        if z not in self.slices:
            return
        self._check_untouched()
        self._check_shown()
        if not self.layer.visible:
            Eye.of(self._viewer).bring(self.layer)
        stack = self._stack()
        self._before.setdefault(z, stack[z].copy())
        likely = probabilities(self.maps, slice(z, z + 1))
        stack[z] = classify(likely, threshold)[0]
        self._shown[z] = stack[z].copy()
        self.layer.refresh(extent=False, highlight=False, thumbnail=False)

    def work(
        self, threshold: float
    ) -> Callable[[], NDArray[np.unsignedinteger]] | None:
        """Return what makes the mask of all slices, on any thread; None without need.

        Raises
        ------
        InputError
            As `move`.
        """
        made = self.made_by
        settled = made is None or (made.threshold == threshold and not self._shown)
        if made is None or settled or not self.slices:
            return None
        self._check_untouched()
        span = slice(self.slices[0], self.slices[-1] + 1)
        others = copied(self.maps, span)
        return lambda: made.mask_at(threshold, with_background(others))

    def put(self, labels: NDArray[np.unsignedinteger], threshold: float) -> int:
        """Put what `work` returned into the layer, as one step of undo.

        Returns
        -------
        Pixels that changed.
        """
        made = self.made_by
        self._check_shown()
        self.take_back()
        stack, first = self._stack(), self.slices[0]
        whole = stack[first : first + len(labels)].copy()
        others = np.ones(len(stack), bool)
        others[self.slices] = False
        if made is not None and made.finish.numbers_objects and others.any():
            # Objects of slices without probabilities keep their numbers.
            highest = int(stack[others].max(initial=0))
            labels = numbered_after(highest, labels)
        chosen = np.array(self.slices) - first
        whole = whole.astype(wide_enough(whole.dtype, labels))
        whole[chosen] = labels[chosen]
        step = latest(self.layer)
        changed = edit_slices(self.layer, first, whole)
        undo = undo_since(self.layer, step)
        self.undo = None if undo is None else partial(self._undo, undo)
        if made is not None:
            remember(self.layer, replace(made, threshold=threshold))
        return changed

    def take_back(self) -> None:
        """Show again what was there before the threshold moved.

        A slice that was painted on meanwhile stays as it is.
        """
        stack = self._stack()
        for z, plane in self._before.items():
            if self._is_as_shown(z):
                stack[z] = plane
        if self._before:
            self.layer.refresh(extent=False, highlight=False, thumbnail=False)
        self._before, self._shown = {}, {}

    def _undo(self, undo: Callable[[], None]) -> None:
        """Take a step back, and know again how the layer was made before it."""
        undo()
        self.look_again()

    def _stack(self) -> NDArray[np.integer]:
        stack: NDArray[np.integer] = planes(self.layer)
        return stack

    def _check_untouched(self) -> None:
        if not self._before and untouched(self.layer) is None:
            raise InputError(
                f"{self.layer.name} was corrected by hand, and a new mask would undo "
                "that: rename it and predict again, or take it back by Ctrl+Z."
            )

    def _check_shown(self) -> None:
        """Leave strokes alone that were painted on what is only shown."""
        if not all(self._is_as_shown(z) for z in self._shown):
            self.take_back()
            raise InputError(
                f"{self.layer.name} was painted on meanwhile: it stays as it is."
            )

    def _is_as_shown(self, z: int) -> bool:
        stack = self._stack()
        # Other data, of fewer slices, may lie in the layer by now.
        return z < len(stack) and np.array_equal(stack[z], self._shown[z])
