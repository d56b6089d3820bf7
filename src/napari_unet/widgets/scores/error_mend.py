"""The tool that mends an error, offered where the error is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.score.errors.error_kinds import ErrorKind
from napari_unet.widgets.layers.eye import Eye

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

    from napari_unet.score.comparison import Comparison
    from napari_unet.score.errors.error_kinds import Error

MEND_TIP = (
    "Opens Proofread with the tool for this error: two cells merged are split, a cell "
    "that was split is merged, a missed one taken from the probability, and an "
    "invented one deleted."
)
_TOOLS = {
    ErrorKind.MERGE: "split",
    ErrorKind.SPLIT: "merge",
    ErrorKind.MISS: "take",
    ErrorKind.INVENTION: "delete",
    ErrorKind.EXTRA_PIECE: "largest",
}
_NOT_CHOSEN = "Choose an error first."
_NO_TOOL = "No tool mends this: paint it, or send it to the annotations."
_NO_NUMBERS = (
    "The prediction holds classes, and cells are mended by their numbers: predict with "
    "Objects."
)


def why_no_mending(error: Error | None, comparison: Comparison | None) -> str:
    """Return why there is no tool for an error, "" where there is one."""
    if error is None or comparison is None:
        return _NOT_CHOSEN
    if comparison.predicted_ids is None:
        return _NO_NUMBERS
    known = error.predicted_ids or error.kind is ErrorKind.MISS
    return "" if error.kind in _TOOLS and known else _NO_TOOL


def mend(
    viewer: napari.viewer.Viewer,
    error: Error,
    prediction: Labels,
    comparison: Comparison,
) -> None:
    """Open the Proofread dock with the tool for an error, and its object chosen."""
    name = ("napari-unet-em", "Proofread")
    _, dock = viewer.window.add_plugin_dock_widget(*name, tabify=True)
    # What is corrected is seen, instead of the errors alone.
    Eye.of(viewer).bring(prediction)
    if error.kind is ErrorKind.MISS:
        one_slice = not comparison.volume
        dock.offer_missed(prediction, error.centre, error.box, one_slice)
        return
    # The larger part comes last, and what belongs to it is clicked on.
    number = error.predicted_ids[-1]
    dock.offer(prediction, _TOOLS[error.kind], number, not comparison.volume)
