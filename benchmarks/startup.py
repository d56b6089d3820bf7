"""What the plugin costs napari: start-up, and the opening of its dock; JSON lines.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/startup.py

Starts napari in processes of their own, by turns with the plugin and with the plugin
disabled, and measures the clock from the start of the process to a window that answers.
Then the workflow dock is opened, as from the menu.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

_START = """
import time
from npe2 import PluginManager
if {disabled}:
    manager = PluginManager.instance()
    manager.discover()
    manager.disable("napari-unet-em")
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
QApplication.processEvents()
print(time.time())
if not {disabled}:
    began = time.time()
    viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
    QApplication.processEvents()
    print(time.time() - began)
viewer.close()
"""


def start(*, disabled: bool) -> list[float]:
    """Return the seconds until the window, and those for the dock."""
    with tempfile.TemporaryDirectory() as home:
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START.format(disabled=disabled)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "NAPARI_UNET_HOME": home},
        )
    first, *dock = (float(line) for line in done.stdout.split())
    return [first - began, *dock]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    start(disabled=True)
    without, with_plugin, docks = [], [], []
    for _ in range(rounds):
        without.append(start(disabled=True)[0])
        seconds, dock = start(disabled=False)
        with_plugin.append(seconds)
        docks.append(dock)
    more = statistics.median(with_plugin) - statistics.median(without)
    line = {"figure": "start-up with the plugin, more than without", "unit": "ms"}
    line["value"] = round(1000 * more)
    line["without"] = [round(1000 * one) for one in without]
    line["with"] = [round(1000 * one) for one in with_plugin]
    print(json.dumps(line))
    value = round(1000 * statistics.median(docks))
    each = [round(1000 * one) for one in docks]
    line = {"figure": "opening the workflow dock", "value": value, "unit": "ms"}
    print(json.dumps({**line, "each": each}))


if __name__ == "__main__":
    main()
