"""All objects of a layer numbered anew, with the marks of those that are reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.proofread.repair import new_numbers, renumber
from napari_unet.widgets.layers.edits import edit_box
from napari_unet.widgets.layers.object_features import follow_numbers
from napari_unet.widgets.layers.undo import undo_of
from napari_unet.widgets.qt.status import undo_action

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_unet.widgets.proofread.object_watch import ObjectWatch
    from napari_unet.widgets.qt.status import Status


def number_anew(layer: Labels, watch: ObjectWatch, status: Status) -> None:
    """Give all objects the numbers 1, 2, 3, ..., which can be taken back."""
    boxes, reviewed = watch.boxes, watch.reviewed
    change, new = renumber(boxes), new_numbers(boxes)
    follow, go_back = reviewed.following(new), reviewed.following({n: n for n in new})
    if edit_box(layer, change.box, change.values) == 0:
        status.say("Nothing changed", change.words)
        return
    undo = undo_of(layer)
    follow_numbers(layer, new)
    watch.replace(follow())

    def take_back() -> None:
        undo()
        watch.replace(go_back())

    status.say(change.words, action=undo_action(take_back, status.say))
