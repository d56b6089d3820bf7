"""A starter that is trained on one painted box goes on knowing all else."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, RunConfig, TrainConfig
from napari_unet.model.checkpoint import Model
from napari_unet.predict.predictor import Predictor
from napari_unet.samples import em_stack
from napari_unet.score.pixels.overlap import overlap
from napari_unet.train.start import load_start
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import TrainingImage, prepare_image

BOX = slice(60, 124), slice(60, 124)


@pytest.fixture(scope="module")
def em():
    """Two sections of tissue that the starter never saw, and the interior of cells."""
    stack, cells = em_stack((2, 192, 192), seed=4001)
    return stack, cells > 0


def starter() -> Model:
    model = load_start("em-membranes")
    assert model is not None
    return model


def painted(em) -> TrainingImage:
    stack, inside = em
    labels = np.zeros(inside.shape, np.uint8)
    labels[0][BOX] = 1 + inside[0][BOX]
    return prepare_image(
        stack, labels, kind=AnnotationKind.SCRIBBLES, validation="none"
    )


def iou(model: Model, em) -> float:
    stack, inside = em
    found = Predictor(model).predict(stack.as_czyx()[:, 1:]).labels
    return overlap(found, inside[1:].astype(np.uint8), 2).iou


def fine_tuned(em, **train) -> Model:
    config = TrainConfig(steps=60, batch_size=2, patch_size=64, threads=1, **train)
    trainer = Trainer([painted(em)], RunConfig(train=config), start=starter())
    for _ in trainer.run():
        pass
    return trainer.model()


def test_a_starter_keeps_what_it_knows_of_all_that_is_not_painted(em):
    before = iou(starter(), em)
    assert iou(fine_tuned(em), em) > before - 0.004
    assert iou(fine_tuned(em, old_rate=1.0), em) < before - 0.004
