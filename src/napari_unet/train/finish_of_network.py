"""What is made of a trained network's predictions, chosen by what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE, connected_objects
from napari_unet.data.regions import VALIDATION
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

Scalar = TypeVar("Scalar", bound=np.generic)

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
    predicted, or the middle of them.

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
    held = [image for image in images if image.validation.size][:_MOST]
    if held:
        predicted = [_held_out(predictor, one, pixels // len(held)) for one in held]
        return choose_finish(predicted, ndim=predictor.footprint.ndim)
    some = [image for image in images if image.train.size][:_MOST]
    if any(image.kind is not AnnotationKind.SCRIBBLES for image in some):
        return default_finish([image.target for image in some])
    if before is not None:
        return before
    return finish_by_mask([_mask(predictor, one, pixels // len(some)) for one in some])


def _held_out(predictor: Predictor, image: TrainingImage, pixels: int) -> Predicted:
    """Predict some of the held-out pixels."""
    target, known = image.target, image.roles == VALIDATION
    where = window(known & target.annotated, pixels, predictor.footprint.ndim)
    classes = np.where(known, target.classes, np.uint8(IGNORE))
    classes, objects = _cut(classes, where), _cut(target.objects, where)
    if not objects.any():
        # What is being painted has none: they are only made for weight maps.
        foreground = (classes > 0) & (classes != IGNORE)
        objects = connected_objects(foreground, ndim=predictor.footprint.ndim)
    truth = replace(target, classes=classes, objects=objects)
    return Predicted(_probabilities(predictor, image, where), truth)


def _mask(predictor: Predictor, image: TrainingImage, pixels: int) -> NDArray[np.uint8]:
    """Predict the classes of some of the slices that are annotated."""
    known = np.zeros(image.roles.shape, bool)
    known[image.train] = True
    where = window(known, pixels, predictor.footprint.ndim)
    return classify(_probabilities(predictor, image, where))


def _probabilities(
    predictor: Predictor, image: TrainingImage, where: Window
) -> NDArray[np.floating]:
    part = np.stack([_cut(channel, where) for channel in image.image])
    found = predictor.predict(part, keep=True, normalised=True).probabilities
    return np.asarray(found)


def _cut(values: NDArray[Scalar], where: Window) -> NDArray[Scalar]:
    """Cut a window out of (Z, Y, X)."""
    slices, rows, columns = where
    return values[slices][:, rows, columns]
