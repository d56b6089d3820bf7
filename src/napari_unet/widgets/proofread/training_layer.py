"""What was reviewed, as a layer of annotations that is chosen to train on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet.config import AnnotationKind
from napari_unet.errors import InputError
from napari_unet.proofread.learnable import Learnable, learnable
from napari_unet.widgets.layers.annotations import class_names, name_classes
from napari_unet.widgets.layers.arrays import in_hand, placed_like, plane_shape
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.marks import MEANING, NUMBERED, ROLE
from napari_unet.widgets.layers.places import bring_to, lies_on
from napari_unet.widgets.layers.roles import Role, is_picture
from napari_unet.widgets.layers.undo import latest
from napari_unet.widgets.project.workspace import Workspace

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.proofread.reviewed import Reviewed

_CLASSES = ("background", "foreground")


def what_to_learn(
    viewer: ViewerModel, layer: Labels, reviewed: Reviewed
) -> Callable[[], Learnable]:
    """Copy what was reviewed, and return what makes annotations of it on a thread.

    Raises
    ------
    InputError
        When no image lies under the labels.
    """
    image_under(viewer, layer)
    labels = np.array(planes(layer))
    return partial(
        learnable, labels, reviewed.objects(), reviewed.slices(), _kind(layer)
    )


def add_training_layer(
    viewer: ViewerModel, layer: Labels, made: Learnable
) -> Callable[[], None]:
    """Add annotations of what was reviewed in a layer, chosen in all docks.

    Returns
    -------
    What takes it back; it raises an `InputError` once they were painted on.
    """
    workspace = Workspace.of(viewer)
    with in_hand(viewer):
        added: Labels = viewer.add_labels(
            made.labels.reshape(plane_shape(layer)),
            name=f"{layer.name} reviewed",
            metadata={
                ROLE: Role.ANNOTATIONS,
                MEANING: (made.kind, made.coverage),
            },
            **placed_like(layer),
        )
    bring_to(added, viewer.dims.units)
    if made.kind is AnnotationKind.SCRIBBLES:
        name_classes(added, class_names(layer) or _CLASSES)
    before = workspace.image, workspace.annotations
    workspace.image, workspace.annotations = image_under(viewer, layer), added

    def undo() -> None:
        if latest(added) is not None:
            raise InputError(
                f"{added.name} was painted on since: remove the layer by hand, and "
                "choose other annotations in Train."
            )
        if added in viewer.layers:
            viewer.layers.remove(added)
        there = [one if one in viewer.layers else None for one in before]
        workspace.image, workspace.annotations = there

    return undo


def image_under(viewer: ViewerModel, layer: Labels) -> Image:
    """Return the image that labels lie on, best the one that is worked on.

    Raises
    ------
    InputError
        When there is none.
    """
    chosen = Workspace.of(viewer).image
    images: list[Any] = [one for one in viewer.layers if is_picture(one)]
    images.sort(key=lambda one: one != chosen)
    for image in images:
        if lies_on(layer, image):
            return image
    raise InputError(
        f"No image lies under {layer.name}: open the one that it was made of, and "
        "train on both."
    )


def _kind(layer: Labels) -> AnnotationKind | None:
    """Return what the values of labels mean, where that is known."""
    kept, _ = layer.metadata.get(MEANING, (None, None))
    if kept is None and NUMBERED in layer.metadata:
        numbered = layer.metadata[NUMBERED]
        return AnnotationKind.OBJECTS if numbered else AnnotationKind.CLASSES
    return kept and AnnotationKind(kept)
