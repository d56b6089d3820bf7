"""What happens now, on which device and with how much memory, in one line."""

from __future__ import annotations

from typing import Any

import pytest

from napari_unet.model.started import Started
from napari_unet.widgets.choose.device_line import DeviceLine


@pytest.fixture
def line(qtbot: Any) -> DeviceLine:
    made = DeviceLine()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def started() -> Started:
    asked: list[int] = []

    def memory() -> str:
        asked.append(1)
        return f"{len(asked)} GB in use, 21 GB free"

    return Started("CPU, 2 threads", ("read as classes",), memory)


def test_it_names_work_device_memory_and_notes(
    line: DeviceLine, started: Started
) -> None:
    line.begin("Training", started)
    words = "Training on CPU, 2 threads; 1 GB in use, 21 GB free\nread as classes"
    assert line.text() == words
    line.say("Paused")
    assert line.text().startswith("Paused on CPU, 2 threads; 2 GB in use")


def test_the_memory_is_followed_while_the_work_runs(
    line: DeviceLine, started: Started, qtbot: Any
) -> None:
    line.begin("Training", started)
    qtbot.waitUntil(lambda: "2 GB in use" in line.text(), timeout=10_000)


def test_once_the_work_has_ended_device_and_notes_stay(
    line: DeviceLine, started: Started
) -> None:
    line.begin("Training", started)
    line.end()
    assert line.text() == "CPU, 2 threads\nread as classes"


def test_it_takes_no_room_while_there_is_nothing_to_say(
    line: DeviceLine, started: Started
) -> None:
    line.begin("Training", started)
    assert not line.isHidden()
    line.clear()
    assert line.text() == ""
    assert line.isHidden()


def test_training_and_predicting_say_what_they_do(
    quick: Any, finish: Any, qtbot: Any
) -> None:
    train, predict = quick.train, quick.predict
    train.run_button.click()
    qtbot.waitUntil(lambda: "Training on" in train.device.text(), timeout=60_000)
    assert "GB in use" in train.device.text()
    train.pause_button.click()
    assert "Paused on" in train.device.text()
    qtbot.waitUntil(lambda: train.job.is_paused, timeout=20_000)
    train.pause_button.click()
    train.run_button.click()
    finish(train)
    assert "in use" not in train.device.text()
    said: list[str] = []
    predict.run_button.click()
    predict.job.stepped.connect(lambda _item: said.append(predict.device.text()))
    finish(predict)
    assert said[0].startswith("Predicting on ")
    assert "GB free" in said[0]
    assert "in use" not in predict.device.text()
