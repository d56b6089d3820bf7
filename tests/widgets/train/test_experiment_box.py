"""The experiments of the study: shown in a dock, and taken over by Train."""

from __future__ import annotations

from typing import Any

import pytest

from napari_unet.experiments import EXPERIMENTS
from napari_unet.widgets.train.experiment_box import ExperimentsWidget

pytestmark = pytest.mark.one_binding


@pytest.fixture
def box(viewer: Any) -> ExperimentsWidget:
    name = ("napari-unet-em", "Reproduce a published experiment")
    _, widget = viewer.window.add_plugin_dock_widget(*name)
    return widget


def shown(box: ExperimentsWidget) -> list[list[str]]:
    cells = [[cell.text() for cell in row] for row in box.figures.cells]
    return [[text for text in row if text] for row in cells]


def test_every_experiment_can_be_shown_with_its_words_and_figures(box):
    for number, one in EXPERIMENTS.items():
        box.setValue(number)
        assert box.value() is one
        assert f"{one.parameters:,} parameters" in box.words.text()
        if one.printed is None:
            assert shown(box)[0] == ["The study printed no figures of it."]
        else:
            names, training, validation = shown(box)
            assert names[:2] == [f"table {one.printed.number}", "loss"]
            terms = [f"{name} in the study" for name in one.columns[1:3]]
            titles = box.figures.cells[0]
            assert [title.toolTip() for title in titles[2:]] == terms
            figures = [f"{value:.4f}" for value in one.printed.figures.values()]
            assert [*training[1:], *validation[1:]] == figures


def test_train_takes_the_settings_of_every_experiment(box, dock):
    train = dock.train
    for number, one in EXPERIMENTS.items():
        box.setValue(number)
        box.button.click()
        assert "Train" in box.taken.text()
        assert train.settings() == one.settings
        assert train.rows.model is None


def test_a_train_tab_that_is_opened_later_takes_them(box, viewer, qtbot):
    box.setValue(3)
    box.button.click()
    name = ("napari-unet-em", "Train")
    _, train = viewer.window.add_plugin_dock_widget(*name)
    assert train.settings() == EXPERIMENTS[3].settings
    train.rows.setValue(EXPERIMENTS[8].settings)
    box.button.click()
    assert train.settings() == EXPERIMENTS[3].settings, "wanted once more"


def test_train_keeps_its_device_with_the_settings_of_an_experiment(box, dock):
    train = dock.train
    mine = train.settings()
    on_cpu = mine.train.model_copy(update={"device": "cpu"})
    train.rows.setValue(mine.model_copy(update={"train": on_cpu}))
    box.setValue(3)
    box.button.click()
    assert train.settings().train.device == "cpu"
    assert train.settings().network == EXPERIMENTS[3].settings.network


def test_while_something_trains_the_button_says_why_it_waits(box, dock):
    dock.train.workspace.begin("training")
    assert not box.button.isEnabled()
    assert box.button.toolTip().startswith("Training goes on")
    dock.train.workspace.end("training")
    assert box.button.isEnabled()
