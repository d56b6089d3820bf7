"""What the plugin costs napari: start-up, and the opening of its dock; JSON lines.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/startup.py
    xvfb-run -a ... python benchmarks/startup.py --against ../before/src

Starts napari in processes of their own, by turns with the plugin and with the plugin
disabled, and measures the clock from the start of the process to a window that answers.
Then the workflow dock is opened, as from the menu. Another checkout of the plugin is
started in the same rounds, so that both builds share whatever else the machine does.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "src"
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
    import napari_unet
    print(napari_unet.__file__)
viewer.close()
"""


def start(source: Path, *, disabled: bool) -> list[float]:
    """Return the milliseconds until the window, and those for the dock."""
    with tempfile.TemporaryDirectory() as home:
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-c", _START.format(disabled=disabled)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "NAPARI_UNET_HOME": home, "PYTHONPATH": str(source)},
        )
    first, *dock = done.stdout.split()
    if dock and source not in Path(dock.pop()).parents:
        raise SystemExit(f"napari took another build than that of {source}")
    return [1000 * (float(first) - began), *(1000 * float(one) for one in dock)]


def tell(
    figure: str, value: float, each: dict[str, list[float]], unit: str = "ms"
) -> None:
    rounded = {name: [round(one) for one in values] for name, values in each.items()}
    digits = 0 if unit == "ms" else 2
    line = {"figure": figure, "value": round(value, digits), "unit": unit}
    print(json.dumps({**line, **rounded}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, help="folder src of another checkout")
    options = parser.parse_args()
    builds = {"here": HERE}
    if options.against is not None:
        builds["against"] = options.against.resolve()
    without: list[float] = []
    more: dict[str, list[float]] = {name: [] for name in builds}
    docks: dict[str, list[float]] = {name: [] for name in builds}
    for source in builds.values():
        # What is compiled by the first start is not measured.
        start(source, disabled=False)
    for _ in range(options.rounds):
        without.append(start(HERE, disabled=True)[0])
        for name, source in builds.items():
            seconds, dock = start(source, disabled=False)
            more[name].append(seconds)
            docks[name].append(dock)
    medians = {name: statistics.median(values) for name, values in docks.items()}
    for name in builds:
        of = "" if name == "here" else f", {options.against}"
        cost = statistics.median(more[name]) - statistics.median(without)
        title = f"start-up with the plugin, more than without{of}"
        tell(title, cost, {"without": without, "with": more[name]})
        tell(f"opening the workflow dock{of}", medians[name], {"each": docks[name]})
    if options.against is not None:
        ratio = medians["here"] / medians["against"]
        tell("opening, as a part of that of the other build", ratio, {}, "times")


if __name__ == "__main__":
    main()
