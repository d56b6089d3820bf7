"""The undo of a layer: what becomes of it with other data, and one step taken back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from napari.layers import Labels, Layer

from napari_unet.errors import InputError
from napari_unet.widgets.layers.proxy import real


def replace_data(layer: Layer, data: Any) -> None:
    """Give a layer other data, without the steps of undo of those of before.

    napari keeps them, so that the next Ctrl+Z would write old labels into the new ones;
    and it lets anything be edited that has new data.
    """
    own, editable = real(layer), layer.editable
    own.data = data
    if isinstance(own, Labels):
        own._reset_history()
    own.editable = editable


def convert(layer: Labels, dtype: Any) -> None:
    """Give a layer another type, which holds its values: its steps of undo stay."""
    if layer.data.dtype != dtype:
        own, editable = real(layer), layer.editable
        own.data = own.data.astype(dtype)
        if not editable:
            protect(own)


def protect(layer: Labels) -> None:
    """Let no brush change a layer; what was done to it can be taken back all the same.

    napari forgets all steps of a layer that cannot be edited, and lets new data be
    edited again.
    """
    own = real(layer)
    steps = own._undo_history, own._redo_history
    layer.editable = False
    own._undo_history, own._redo_history = steps


def latest(layer: Layer) -> Any:
    """Return the latest step of a layer's undo, to tell steps apart; None without."""
    history = getattr(real(layer), "_undo_history", ())
    return history[-1] if history else None


class StepWatch:
    """Tells whether the latest step of a layer is done or taken back, later on.

    Parameters
    ----------
    layer
        The layer, which has a step; neither is kept alive.
    """

    def __init__(self, layer: Labels) -> None:
        # napari makes another list of a step that is taken back, of the same parts.
        self._part = weakref.ref(latest(layer)[0][1])

    def is_done(self, layer: Labels) -> bool | None:
        """Return that; None once the step is forgotten."""
        part = self._part()
        done = real(layer)._undo_history
        if part is None:
            return None
        return any(one[1] is part for step in done for one in step)


def undo_of(layer: Labels) -> Callable[[], None]:
    """Return what takes back the latest step of a layer, whichever layer is active.

    It raises an `InputError` once another step came after it, which it never takes
    back, or when it is taken back already.
    """
    step = latest(layer)

    def undo() -> None:
        if step is None or latest(layer) is not step:
            raise InputError(
                f"{layer.name} was changed since: choose that layer, and Ctrl+Z takes "
                "back one change after the other."
            )
        layer.undo()

    return undo


def undo_since(layer: Labels, step: Any) -> Callable[[], None] | None:
    """Return what takes back the step that came after another one; None without any.

    `step` is what `latest` returned before the change.
    """
    return None if latest(layer) is step else undo_of(layer)
