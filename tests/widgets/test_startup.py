"""The plugin costs nothing before it is used, and torch comes with the first work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_CODE = """
import sys
import napari

viewer = napari.Viewer()
print(*(name for name in sys.modules if name.startswith("napari_unet")))
viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
print("torch" in sys.modules, "scipy.signal" in sys.modules)
viewer.close()
"""


def test_napari_starts_without_the_plugin_and_the_dock_opens_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE], capture_output=True, text=True, check=True
    )
    started, opened = done.stdout.splitlines()
    assert started.split() == []
    assert opened.split() == ["False", "False"]


_LOADS = """
import sys
import time
import napari
from qtpy.QtWidgets import QApplication

def wait(until, seconds=60):
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    return until()

viewer = napari.Viewer(show=False)
_, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
train = dock.train
is_loaded = lambda: "napari_unet.live.loop" in sys.modules
train.start_from.box.setCurrentIndex(0)
wait(is_loaded, 1)
print("hidden window:", is_loaded())
viewer.show()
train.start_from.setValue(16)
dock.tabs.setCurrentWidget(train)
wait(is_loaded, 1)
print("new network:", is_loaded())
train.start_from.box.setCurrentIndex(0)
print("starter:", is_loaded(), wait(is_loaded), sys.modules.get("triton"))
viewer.close()
"""


def test_torch_is_loaded_beside_a_train_tab_that_starts_from_a_model(
    tmp_path: Path,
) -> None:
    # In a window, triton would take the process down: it must be kept out before.
    (tmp_path / "triton.py").write_text("import os; os.abort()")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", _LOADS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, "NAPARI_UNET_HOME": str(tmp_path)},
    )
    assert done.stdout.splitlines() == [
        "hidden window: False",
        "new network: False",
        "starter: False True None",
    ]
