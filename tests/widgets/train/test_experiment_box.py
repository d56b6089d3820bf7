"""The experiments of the study in the Train dock: shown, and taken over."""

from __future__ import annotations

from typing import Any

import pytest

from napari_unet.experiments import EXPERIMENTS
from napari_unet.widgets.train.experiment_box import ExperimentBox


@pytest.fixture
def box(qtbot: Any) -> ExperimentBox:
    widget = ExperimentBox()
    qtbot.addWidget(widget)
    return widget


def shown(box: ExperimentBox) -> list[list[str]]:
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
            assert names == [f"table {one.printed.number}", *one.columns[:3]]
            figures = [f"{value:.4f}" for value in one.printed.figures.values()]
            assert [*training[1:], *validation[1:]] == figures


def test_the_button_hands_out_the_settings_of_what_is_shown(box, qtbot):
    box.setValue(8)
    with qtbot.waitSignal(box.chosen) as heard:
        box.button.click()
    assert heard.args == [EXPERIMENTS[8].settings]


def test_while_training_runs_the_button_says_why_it_waits(box):
    box.set_busy("Training goes on: stop it first.")
    assert not box.button.isEnabled()
    assert box.button.toolTip().startswith("Training goes on")
    box.set_busy("")
    assert box.button.isEnabled()


def test_the_train_dock_takes_the_settings_of_every_experiment(dock):
    train = dock.train
    for number, one in EXPERIMENTS.items():
        train.experiments.setValue(number)
        train.experiments.button.click()
        assert train.settings() == one.settings
        assert train.rows.model is None


def test_the_train_dock_keeps_its_device_with_the_settings_of_an_experiment(dock):
    train = dock.train
    mine = train.settings()
    on_cpu = mine.train.model_copy(update={"device": "cpu"})
    train.rows.setValue(mine.model_copy(update={"train": on_cpu}))
    train.experiments.setValue(3)
    train.experiments.button.click()
    assert train.settings().train.device == "cpu"
    assert train.settings().network == EXPERIMENTS[3].settings.network
