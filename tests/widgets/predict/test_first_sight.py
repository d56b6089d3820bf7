"""The Predict dock with nothing trained yet: what it offers by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.starters import STARTERS
from napari_unet.widgets.layers.arrays import placed_as

STARTER = STARTERS[0].path


def add_em(viewer: Any, files: Any) -> Any:
    return viewer.add_image(files.stack.data, name="em", **placed_as(files.stack, 3))


def save(path: Path) -> Path:
    """Write a small network that learnt pixels of 4 nm."""
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    card = ModelCard(network=config, pixel_size=(50, 4, 4), unit="nm")
    save_model(path, Model(UNet(config), card))
    return path


def answered(predict: Any, qtbot: Any) -> None:
    """Wait until it is known what the image looks like."""
    qtbot.wait(20)
    qtbot.waitUntil(lambda: not predict.em_watch.looking, timeout=30_000)
    qtbot.wait(20)


def test_an_image_of_em_is_predicted_by_the_starter_which_says_what_it_is(
    dock: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    predict = dock.predict
    assert not predict.run_button.isEnabled()
    add_em(viewer, files)
    qtbot.waitUntil(lambda: predict.model.value() == STARTER, timeout=30_000)
    assert "Finds the interior of cells" in predict.about.text()
    predict.run_button.click()
    finish(predict)
    assert viewer.layers["prediction"].data.any()
    # It is nobody's wish: what is no EM is not predicted by it.
    rows = np.linspace(0, 200, 112)[:, None] * np.ones((6, 112, 96))
    predict.image.setValue(viewer.add_image(rows.astype(np.uint8), name="smooth"))
    qtbot.waitUntil(lambda: predict.model.value() is None, timeout=30_000)
    assert not predict.about.text()


def test_a_model_of_the_project_is_not_given_up_for_the_starter(
    dock: Any, viewer: Any, files: Any, tmp_path: Path, qtbot: Any
) -> None:
    path = save(tmp_path / "own.safetensors")
    dock.predict.workspace.model = path
    add_em(viewer, files)
    answered(dock.predict, qtbot)
    assert dock.predict.model.value() == path
    assert not dock.predict.about.text()


def test_a_preference_keeps_the_starter_away(
    dock: Any, viewer: Any, files: Any, qtbot: Any
) -> None:
    from napari.settings import get_plugin_settings

    get_plugin_settings("napari-unet-em").work.starter = False
    add_em(viewer, files)
    answered(dock.predict, qtbot)
    assert dock.predict.model.value() is None


@pytest.mark.parametrize(("size", "warned"), [("50 4 4", False), ("50 40 40", True)])
def test_the_pixel_size_is_shown_and_set_there(
    dock: Any, viewer: Any, files: Any, tmp_path: Path, size: str, warned: bool
) -> None:
    layer, predict = add_em(viewer, files), dock.predict
    predict.model.setValue(save(tmp_path / "own.safetensors"))
    assert predict.pixel_size.sizes.text() == "50 4 4"
    assert not predict.sizes.text()
    predict.pixel_size.sizes.setText(size)
    predict.pixel_size.set_button.click()
    assert " ".join(f"{one:g}" for one in layer.scale) == size
    assert bool(predict.sizes.text()) == warned
    assert predict.rescale.isVisibleTo(predict) == warned
