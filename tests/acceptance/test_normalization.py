"""A trained network finds as much beside filling and hot pixels as without them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import PostprocessConfig, RunConfig, TrainConfig, UNetConfig
from napari_unet.predict.segment import segment
from napari_unet.samples import em_stack
from napari_unet.train.session import open_run
from napari_unet.train.training_source import TrainingSource

SIDE = 192
RIGHT = np.s_[..., SIDE // 2 :]
WHOLE = np.s_[...]
CLASSES = PostprocessConfig(objects="no")


@pytest.fixture(scope="module")
def trained():
    """Return a network, and sections that it has not seen, with their cells."""
    stack, objects = em_stack((6, SIDE, SIDE), seed=3)
    config = RunConfig(
        network=UNetConfig(base_channels=8, depth=3),
        train=TrainConfig(steps=60, patch_size=128, batch_size=2, threads=1),
    )
    cells = (objects > 0).astype(np.uint8)
    source = TrainingSource(stack, cells, train="0:4", validation="none")
    trainer = open_run([source], config).trainer
    for _ in trainer.run():
        pass
    return trainer.model(), np.asarray(stack.data)[4:], cells[4:] > 0


def filled(sections):
    sections = sections.copy()
    sections[..., : SIDE // 2] = 0
    return sections


def hot(sections):
    wide = sections.astype(np.uint16)
    wide[:, 100, 100] = 60_000
    return wide


@pytest.mark.parametrize(
    ("fault", "scored"), [(filled, RIGHT), (hot, WHOLE)], ids=["filled", "hot"]
)
def test_faults_of_sections_cost_hardly_anything(trained, fault, scored):
    model, sections, cells = trained

    def iou(image):
        labels = segment(model, image, finish=CLASSES).labels
        found, truth = (labels > 0)[scored], cells[scored]
        return (found & truth).sum() / (found | truth).sum()

    assert iou(sections) > 0.8
    assert iou(fault(sections)) > iou(sections) - 0.04
