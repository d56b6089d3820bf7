"""Work on a thread: what goes wrong there is told, and triton stays out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QWidget

from napari_unet.errors import InputError
from napari_unet.widgets.qt.job import Job


def _idle() -> None:
    """Nothing to stop."""


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
    def work() -> Iterator[int]:
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
    told: list[str] = []
    job = Job("Working", _fails_with(error), _idle, parent)
    job.failed.connect(told.append)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start()
    assert len(told) == 1
    assert words in told[0]


def test_items_and_result_reach_the_main_thread(parent: QWidget, qtbot: Any) -> None:
    from qtpy.QtCore import QThread

    def work() -> Any:
        yield 1
        yield 2
        return "done"

    seen: list[Any] = []
    job = Job("Working", work, _idle, parent)
    job.stepped.connect(seen.append)
    job.done.connect(lambda result: seen.extend([result, QThread.currentThread()]))
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start()
    assert seen == [1, 2, "done", parent.thread()]


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
train.amount.setValue(0.05)
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
    ended = threading.Event()

    def long() -> Iterator[int]:
        yield 1
        ended.wait(60)

    first = Job("Long", long, ended.set, parent)
    with qtbot.waitSignal(first.stepped, timeout=10_000):
        first.start()
    second = Job("Short", lambda: iter([1]), _idle, parent)
    with qtbot.waitSignal(second.ended, timeout=10_000):
        second.start()
    with qtbot.waitSignal(first.ended, timeout=10_000):
        first.stop()


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
