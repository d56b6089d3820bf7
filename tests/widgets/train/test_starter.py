"""The starter network in a real window: offered, explained, shown, corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.config import Preset, WeightMapConfig
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.starters import find_starter
from napari_unet.widgets.project.preferences import preferences

pytestmark = pytest.mark.one_binding

STARTER = find_starter("em-membranes")


@pytest.fixture
def train(dock: Any, viewer: Any) -> Any:
    yield dock.train
    dock.train.job.stop()


def add_em(viewer: Any, files: Any, name: str = "em") -> Any:
    from napari_unet.widgets.layers.arrays import placed_as

    return viewer.add_image(files.stack.data, name=name, **placed_as(files.stack, 3))


def add_smooth(viewer: Any, name: str = "smooth") -> Any:
    rows = np.linspace(0, 200, 112)[:, None] * np.ones((6, 112, 96))
    return viewer.add_image(rows.astype(np.uint8), name=name)


def wait_for_answer(train: Any, qtbot: Any) -> None:
    qtbot.wait(20)
    qtbot.waitUntil(lambda: not train.em_watch.looking, timeout=30_000)
    qtbot.wait(20)


def test_it_is_listed_first_and_chosen_for_an_image_of_em_alone(
    train: Any, viewer: Any, files: Any, qtbot: Any
) -> None:
    assert train.start_from.box.itemText(0) == STARTER.title
    assert train.start_from.value() == 16
    assert "nothing yet" in train.rows.start_words.text()
    add_em(viewer, files)
    qtbot.waitUntil(lambda: train.start_from.value() == STARTER.path, timeout=30_000)
    assert train.settings().start == STARTER.name
    assert "before you paint" in train.rows.start_words.text()
    tip = train.rows.start_words.toolTip()
    assert STARTER.words in tip
    assert "Creative Commons" in tip
    # It is no wish of the user's: another image gets a new network again.
    train.image.setValue(add_smooth(viewer))
    qtbot.waitUntil(lambda: train.start_from.value() == 16, timeout=30_000)
    assert train.settings().start == "noise"


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_was_chosen_before_stays(
    train: Any, viewer: Any, files: Any, qtbot: Any, by_hand: bool
) -> None:
    box = train.start_from
    if by_hand:
        index = box.box.findData(16)
        box.box.setCurrentIndex(index)
        box.box.activated.emit(index)
    else:
        box.setValue(16)
    add_em(viewer, files)
    wait_for_answer(train, qtbot)
    assert box.value() == 16


def test_the_border_weight_follows_the_start_unless_somebody_chose_another(
    train: Any, files: Any, tmp_path: Path
) -> None:
    form, box = train.forms["weight_map"], train.start_from
    assert form.value().w0 == 5
    box.setValue(STARTER.path)
    assert form.value().w0 == STARTER.border_weight == 2
    assert train.workspace.weight_map.w0 == 2
    train.recipe.setCurrentIndex(train.recipe.findData(Preset.THOROUGH))
    assert form.value().w0 == 2
    # A model goes on with what it learnt with.
    card = ModelCard(weight_map=WeightMapConfig(w0=3))
    save_model(tmp_path / "old.safetensors", Model(UNet(card.network), card))
    box.setValue(tmp_path / "old.safetensors")
    assert form.value().w0 == 3
    box.setValue(16)
    assert form.value().w0 == 5
    form.setValue(form.value().model_copy(update={"w0": 7.0}))
    box.setValue(STARTER.path)
    assert form.value().w0 == 7


def test_the_preference_keeps_the_new_network(
    train: Any, viewer: Any, files: Any, qtbot: Any
) -> None:
    from napari.settings import get_plugin_settings

    assert preferences().work.starter
    get_plugin_settings("napari-unet-em").work.starter = False
    add_em(viewer, files)
    wait_for_answer(train, qtbot)
    assert train.start_from.value() == 16


def test_the_recipe_of_the_paper_is_of_a_new_network(
    train: Any, viewer: Any, files: Any, qtbot: Any
) -> None:
    add_em(viewer, files)
    qtbot.waitUntil(lambda: train.rows.model is not None, timeout=30_000)
    for preset, start in ((Preset.PAPER, 64), (Preset.THOROUGH, STARTER.path)):
        train.recipe.setCurrentIndex(train.recipe.findData(preset))
        assert train.start_from.value() == start


def test_settings_come_back_with_what_is_started_from(
    train: Any, tmp_path: Path
) -> None:
    train.start_from.setValue(STARTER.path)
    settings = train.settings()
    train.start_from.setValue(8)
    train.rows.setValue(settings)
    assert train.settings() == settings
    # A model that is gone is a new network.
    gone = settings.model_copy(update={"start": str(tmp_path / "gone.safetensors")})
    train.rows.setValue(gone)
    assert train.start_from.value() == 16


def test_no_row_moves_with_what_is_chosen(
    train: Any, dock: Any, files: Any, qtbot: Any
) -> None:
    dock.tabs.setCurrentWidget(train)
    dock.resize(360, 800)
    places = set()
    for start in (16, STARTER.path, files.image):
        train.start_from.setValue(start)
        qtbot.wait(50)
        places.add(train.recipe.mapTo(train, train.recipe.rect().topLeft()).y())
    assert len(places) == 1


def test_live_training_shows_it_at_once_and_painting_corrects_it(
    train: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    add_em(viewer, files)
    qtbot.waitUntil(lambda: train.rows.model == STARTER.path, timeout=30_000)
    form = train.forms["train"]
    update = {"live_patch_size": 64, "batch_size": 2}
    form.setValue(form.value().model_copy(update=update))
    train.live_button.click()
    words = "Preview of EM membranes; paint to correct it."
    qtbot.waitUntil(lambda: train.status.text() == words, timeout=60_000)
    z = viewer.dims.current_step[0]
    preview = viewer.layers["preview"]
    qtbot.waitUntil(lambda: bool(preview.data[z].any()), timeout=30_000)
    assert train.live.age.text().startswith(f"Preview: slice {z}, ")
    assert train.live.age.text().endswith(" by EM membranes")
    assert train.curves.num_points[0] == 0
    layer = viewer.layers["annotations"]
    index = np.nonzero(np.ones(files.cells[z].shape, bool))
    values = (files.cells[z] + 1)[index].astype(np.uint8)
    layer.data_setitem((np.full(index[0].size, z), *index), values)
    qtbot.waitUntil(
        lambda: train.live.age.text().endswith(" by your network"), timeout=60_000
    )
    train.run_button.click()
    finish(train)
    # The next start goes on from what was learnt.
    assert train.start_from.value() == train.workspace.model


def test_a_new_network_waits_for_paint_as_before(
    train: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    add_em(viewer, files)
    train.start_from.setValue(8)
    train.live_button.click()
    words = "Paint background and every class to begin."
    qtbot.waitUntil(lambda: train.status.text() == words, timeout=60_000)
    assert not viewer.layers["preview"].data.any()
    train.run_button.click()
    finish(train)
    assert "no model was made" in train.status.text()


def test_it_predicts_as_it_is(
    dock: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    add_em(viewer, files)
    predict = dock.predict
    assert predict.model.value() is None
    assert "a starter network" in predict.run_button.toolTip()
    predict.model.box.setCurrentIndex(0)
    assert predict.model.value() == STARTER.path
    predict.run_button.click()
    finish(predict)
    assert viewer.layers["prediction"].data.any(), predict.status.text()
