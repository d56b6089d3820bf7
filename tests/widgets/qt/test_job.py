"""Work on a thread: what goes wrong there is told, and triton stays out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QThreadPool, QTimer
from qtpy.QtWidgets import QWidget

from napari_unet.errors import InputError
from napari_unet.widgets.qt.job import Job, once


@pytest.fixture
def parent(qtbot: Any, viewer: Any) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def one_core(qapp: Any) -> Iterator[None]:
    """Give Qt the threads that it has where there is one core."""
    pool = QThreadPool.globalInstance()
    before = pool.maxThreadCount()
    pool.setMaxThreadCount(1)
    yield
    pool.setMaxThreadCount(before)


def _fails_with(error: Exception) -> Any:
    def work(_stop: threading.Event) -> Iterator[int]:
        yield 1
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("slice 3 is empty"), "slice 3 is empty"),
        (RuntimeError("mat1 and mat2"), "mat1 and mat2"),
        (ValueError("odd"), "ValueError: odd"),
        (MemoryError("20 GiB"), "The memory is full (20 GiB): close other programs"),
    ],
)
def test_every_error_on_the_thread_is_told(
    parent: QWidget, qtbot: Any, error: Exception, words: str
) -> None:
    failures: list[str] = []
    job = Job(parent)
    job.failed.connect(failures.append)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start("Working", _fails_with(error))
    assert len(failures) == 1
    assert words in failures[0]


def test_items_and_result_reach_the_main_thread(parent: QWidget, qtbot: Any) -> None:
    from qtpy.QtCore import QThread

    def work(_stop: threading.Event) -> Any:
        yield 1
        yield 2
        return "done"

    seen: list[Any] = []
    job = Job(parent)
    job.stepped.connect(seen.append)
    job.done.connect(lambda result: seen.extend([result, QThread.currentThread()]))
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start("Working", work)
    assert seen == [1, 2, "done", parent.thread()]


def test_a_slot_takes_one_job_after_the_other(parent: QWidget, qtbot: Any) -> None:
    job, seen = Job(parent), []
    for letter in "ab":
        with qtbot.waitSignal(job.ended, timeout=10_000):
            job.start("Working", once(letter.upper), on_done=seen.append)
            with pytest.raises(RuntimeError, match="Working is still running"):
                job.start("More", once(lambda: 3))
        assert not job.running
    assert seen == ["A", "B"]


def test_stop_sets_the_event_that_the_work_was_given(
    parent: QWidget, qtbot: Any
) -> None:
    def work(stop: threading.Event) -> Any:
        while not stop.wait(0.01):
            yield 1
        return "kept"

    job, results = Job(parent), []
    job.stop()  # nothing runs: nothing happens
    job.start("Working", work, on_done=results.append)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.stop()
    assert results == ["kept"]


def test_work_that_outlives_its_window_ends_without_an_error(
    parent: QWidget, qtbot: Any
) -> None:
    go_on = threading.Event()

    def work(_stop: threading.Event) -> Iterator[int]:
        yield 1
        go_on.wait(20)
        yield 2

    job = Job(parent)
    with qtbot.waitSignal(job.stepped, timeout=10_000):
        job.start("Working", work)
    with qtbot.waitSignal(job._worker.signals.destroyed, timeout=10_000):
        job._worker.signals.deleteLater()
    with qtbot.captureExceptions() as raised:
        go_on.set()
        assert QThreadPool.globalInstance().waitForDone(20_000)
        qtbot.wait(50)
    assert raised == []


_SCRIPT = """
import sys
import napari, numpy as np
viewer = napari.Viewer()
viewer.add_image(np.random.default_rng(0).random((3, 64, 64)))
viewer.screenshot(canvas_only=False, flash=False)
from qtpy.QtTest import QTest
_, train = viewer.window.add_plugin_dock_widget("napari-unet-em", "Train")
viewer.add_labels(np.tile([[0, 1], [1, 0]], (3, 32, 32)).astype("uint8"))
train.forms["network"].setValue(
    train.forms["network"].value().model_copy(update={"depth": 2})
)
train.forms["train"].setValue(
    train.forms["train"].value().model_copy(update={"patch_size": 32})
)
train.start_from.setValue(8)
train.amount_of.setCurrentText("steps")
train.amount.setValue(1)
train.run_button.click()
for _ in range(1200):
    QTest.qWait(50)
    if not train.running:
        break
import torch._dynamo
assert train.workspace.model is not None, train.status.text()
print("trained", "torch" in sys.modules)
viewer.close()
"""


def test_a_long_job_keeps_no_other_waiting_on_a_machine_of_one_core(
    parent: QWidget, qtbot: Any, one_core: None
) -> None:
    def long(stop: threading.Event) -> Iterator[int]:
        yield 1
        stop.wait(60)

    first, second = Job(parent), Job(parent)
    with qtbot.waitSignal(first.stepped, timeout=10_000):
        first.start("Long", long)
    with qtbot.waitSignal(second.ended, timeout=10_000):
        second.start("Short", once(lambda: 1))
    with qtbot.waitSignal(first.ended, timeout=10_000):
        first.stop()


@pytest.mark.one_binding
def test_training_never_imports_triton_into_a_window(qapp: Any, tmp_path: Path) -> None:
    """The crash is stood in for by a triton that ends the process when imported."""
    package = tmp_path / "path" / "triton"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import os\nos.abort()\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "path")}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "trained True" in done.stdout


def test_the_window_lives_between_items_that_came_at_once(
    parent: QWidget, qtbot: Any
) -> None:
    all_sent = threading.Event()

    def work(_stop: threading.Event) -> Iterator[int]:
        yield from range(4)
        all_sent.set()

    seen: list[int | str] = []

    def show(item: int) -> None:
        all_sent.wait(10)
        seen.append(item)

    tick = QTimer(parent)
    tick.timeout.connect(lambda: seen.append("tick"))
    tick.start(0)
    job = Job(parent)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start("Working", work, on_step=show)
    places = [seen.index(item) for item in range(4)]
    assert all("tick" in seen[one:other] for one, other in pairwise(places))


def test_a_slot_is_free_after_what_its_result_was_refused(
    parent: QWidget, qtbot: Any
) -> None:
    def refuse(_result: object) -> None:
        raise InputError("no image lies under the labels")

    job, failures = Job(parent), []
    job.failed.connect(failures.append)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start("Working", once(lambda: 3), on_done=refuse)
    assert failures == ["no image lies under the labels"]
    assert not job.running


@pytest.mark.parametrize("end", ["window", "dock"])
def test_what_is_held_ends_with_its_dock_and_with_the_window(
    qtbot: Any, end: str
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(stop: threading.Event) -> Iterator[int]:
        while not stop.wait(0.01):
            begun.set()
            yield 1
        ended.set()

    dock = QWidget()
    job = Job(dock, quiet=True)
    job.start("Held", work)
    assert begun.wait(10)
    job.toggle_pause()
    if end == "window":
        # As napari does with what still runs.
        job._worker.quit()
    dock.deleteLater()
    qtbot.waitUntil(ended.is_set, timeout=10_000)
