"""What is made of a trained network's predictions, chosen by what it was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE, Target, connected_objects
from napari_unet.data.crop import cut_slices
from napari_unet.data.regions import VALIDATION
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.model.allocator import return_freed_memory
from napari_unet.predict.postprocessing import classify
from napari_unet.predict.predictor import Predictor
from napari_unet.train.choose_finish import (
    PIXELS,
    ChosenFinish,
    Predicted,
    Window,
    choose_finish,
    default_finish,
    finish_by_mask,
    several_classes,
    window,
)
from napari_unet.train.training_image import TrainingImage
from napari_unet.train.validation import held_out, shows_foreground

_MOST = 8
"""Images that are looked at."""


def finish_of_network(
    predictor: Predictor,
    images: Sequence[TrainingImage],
    pixels: int = PIXELS,
    before: ChosenFinish | None = None,
) -> ChosenFinish:
    """Choose what is made of a network's predictions by default.

    By held-out slices, where there are any; else by the annotations. Where these are
    scribbles, what suited the model that was started from goes on, and without one it
    is chosen by what the network makes of some of their slices. A few slices are
    predicted, or the middle of them; of many images those of a few, spread evenly.

    Parameters
    ----------
    predictor
        Of the network.
    images
        What it was trained on.
    pixels
        How many are predicted, about.
    before
        What suits the model that the network started from and still resembles.
    """
    if predictor.num_classes > 2:
        return several_classes()
    held = held_out(images)
    if held:
        if len(held) > _MOST:
            held = _spread_out([one for one in held if shows_foreground(one)])
        predicted = [_held_out(predictor, one, pixels // len(held)) for one in held]
        return_freed_memory()  # of the network
        return choose_finish(predicted, ndim=predictor.footprint.ndim)
    some = _spread_out([image for image in images if image.train.size])
    if any(image.kind is not AnnotationKind.SCRIBBLES for image in some):
        return default_finish([image.target for image in some])
    if before is not None:
        return before
    return finish_by_mask([_mask(predictor, one, pixels // len(some)) for one in some])


def _spread_out(images: Sequence[TrainingImage]) -> list[TrainingImage]:
    """Return a few of them, from the first to the last: neighbours look alike."""
    last, count = len(images) - 1, min(len(images), _MOST)
    return [images[round(n)] for n in np.linspace(0, last, count)]


def _held_out(predictor: Predictor, image: TrainingImage, pixels: int) -> Predicted:
    """Predict some of the held-out pixels."""
    target, ndim = image.target, predictor.footprint.ndim
    known = target.classes.changed(
        lambda z, one: (one != IGNORE) & (image.roles[z] == VALIDATION), np.bool_
    )
    where = window(known, pixels, ndim)
    held = image.roles[where] == VALIDATION
    classes = np.where(held, target.classes[where], np.uint8(IGNORE))
    objects = target.objects[where]
    if not objects.any():
        # What is being painted has none: they are only made for weight maps.
        objects = connected_objects((classes > 0) & (classes != IGNORE), ndim=ndim)
    truth = Target(classes, objects, target.num_classes, target.notes, target.kind)
    return Predicted(_probabilities(predictor, image, where), truth)


def _mask(predictor: Predictor, image: TrainingImage, pixels: int) -> NDArray[np.uint8]:
    """Predict the classes of some of the slices that are annotated."""
    shape = image.roles.shape
    slices = dict.fromkeys(image.train.tolist(), np.broadcast_to(True, shape[1:]))
    known = SparseSlices[np.bool_](shape, bool, 0, slices)
    where = window(known, pixels, predictor.footprint.ndim)
    return classify(_probabilities(predictor, image, where))


def _probabilities(
    predictor: Predictor, image: TrainingImage, where: Window
) -> NDArray[np.floating]:
    part = cut_slices(image.image, *where)
    found = predictor.predict(part, keep=True, normalised=True).probabilities
    return np.asarray(found)
