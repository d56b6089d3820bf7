"""The undo of a layer: what becomes of it with other data, and one step taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Labels, Layer

from napari_unet.errors import InputError


def replace_data(layer: Layer, data: Any) -> None:
    """Give a layer other data, without the steps of undo of those of before.

    napari keeps them, so that the next Ctrl+Z would write old labels into the new ones;
    and it lets anything be edited that has new data.
    """
    real, editable = _real(layer), layer.editable
    real.data = data
    if isinstance(real, Labels):
        real._reset_history()
    real.editable = editable


def convert(layer: Labels, dtype: Any) -> None:
    """Give a layer another type, which holds its values: its steps of undo stay."""
    if layer.data.dtype != dtype:
        real, editable = _real(layer), layer.editable
        real.data = real.data.astype(dtype)
        if not editable:
            protect(real)


def protect(layer: Labels) -> None:
    """Let no brush change a layer; what was done to it can be taken back all the same.

    napari forgets all steps of a layer that cannot be edited, and lets new data be
    edited again.
    """
    real = _real(layer)
    steps = real._undo_history, real._redo_history
    layer.editable = False
    real._undo_history, real._redo_history = steps


def latest(layer: Layer) -> Any:
    """Return the latest step of a layer's undo, to tell steps apart; None without."""
    history = getattr(_real(layer), "_undo_history", ())
    return history[-1] if history else None


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


def _real(layer: Any) -> Any:
    """Return the layer itself, which plugins are handed a proxy of."""
    return getattr(layer, "__wrapped__", layer)
