"""The plugin costs nothing before it is used, and torch comes with the first work."""

from __future__ import annotations

import subprocess
import sys

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
