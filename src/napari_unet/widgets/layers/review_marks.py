"""What was reviewed of labels, kept with their layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_unet.widgets.layers.marks import REVIEWED

if TYPE_CHECKING:
    from napari.layers import Labels, Layer


class ReviewChanges:
    """Tells of every layer, of any viewer, of which something else is reviewed now."""

    changed = Signal(object)


review_changes = ReviewChanges()


def reviewed_of(layer: Layer) -> dict[str, str]:
    """Return the marks of a layer; empty where there are none."""
    stored: Any = layer.metadata.get(REVIEWED)
    return dict(stored) if isinstance(stored, Mapping) else {}


def marks_of(layer: Layer) -> tuple[int, int]:
    """Return how many objects and slices of a layer are marked."""
    marks = reviewed_of(layer)
    objects, slices = (marks.get(name, "") for name in ("objects", "slices"))
    return objects.count(":"), slices.count(":")


def keep_reviewed(layer: Labels, marks: Mapping[str, str]) -> None:
    """Keep marks with a layer, and let its project know."""
    if reviewed_of(layer) != marks:
        layer.metadata[REVIEWED] = dict(marks)
        review_changes.changed.emit(layer)
