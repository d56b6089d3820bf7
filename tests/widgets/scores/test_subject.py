"""What is known of a prediction tells how it is scored."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
from napari.layers import Labels

from napari_unet.config import UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.made_by import MadeBy
from napari_unet.steps import result_of
from napari_unet.widgets.scores.subject import Subject


def test_the_classes_of_its_model_are_no_objects(tmp_path: Path) -> None:
    config = UNetConfig(base_channels=1, depth=1, num_classes=3)
    model = tmp_path / "m.safetensors"
    save_model(model, Model(UNet(config), ModelCard(network=config)))
    truth = np.zeros((1, 64, 64), np.uint8)
    truth[0, 4:30, 4:30], truth[0, 10:20, 10:20] = 1, 2
    changed = np.array([0, 2, 1], np.uint8)[truth]
    layers = Labels(changed), Labels(truth)

    def iou(made_by: MadeBy | None) -> float:
        subject = Subject(*layers, changed, truth, made_by=made_by)
        found = result_of(subject.score(None, None, None, Event()), lambda _: None)
        assert found is not None
        return found.scores.values()["iou"]

    gone = MadeBy(tmp_path / "gone.safetensors")
    assert iou(None) == iou(gone) == 1
    assert iou(MadeBy(model)) == 0
