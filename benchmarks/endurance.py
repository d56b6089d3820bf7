"""Half an hour of live training with somebody who never rests; JSON lines.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/endurance.py --data FOLDER

Paints strokes by mouse events, fills, erases and undoes, moves to other slices, zooms
and switches the preview, at random. Prints the memory of the process every minute, and
at the end its growth from the first minute to the last, as a share, the loss of the
first and last tenths of the steps, and errors that reached the user.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from command_line import add_data
from interface import Window

from napari_unet.config.run import NOISE


def act(window: Window, rng: np.random.Generator) -> None:
    """Do one of the things that people do."""
    viewer, layer = window.viewer, window.annotations
    chance = rng.random()
    if chance < 0.6:
        window.stroke(rng)
    elif chance < 0.7:
        layer.undo()
    elif chance < 0.85:
        viewer.dims.set_point(0, int(rng.integers(0, 30)))
    elif chance < 0.95:
        viewer.scene.camera.zoom = float(rng.uniform(0.8, 4.0))
    else:
        preview = window.train.live.preview
        preview.setChecked(not preview.isChecked())
    window.wait(float(rng.uniform(0.1, 1.5)))


def memory() -> float:
    """Return the memory of the process, MB."""
    return float(psutil.Process().memory_info().rss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--minutes", type=float, default=30.0)
    options = parser.parse_args()
    import tifffile
    from napari.utils.notifications import notification_manager

    image = tifffile.imread(options.data / "isbi2012-train-volume.tif")
    truth = tifffile.imread(options.data / "isbi2012-train-labels.tif") > 0
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAPARI_UNET_HOME"] = str(Path(home))
        window = Window(image, truth, NOISE)
        window.paint_box()
        window.train.live_button.click()
        readings = run(window, rng, options.minutes)
        window.train.run_button.click()
        window.wait(60.0, lambda: not window.train.running)
        conclude(window, readings, [n.message for n in notification_manager.records])
        window.viewer.close()


def run(
    window: Window, rng: np.random.Generator, minutes: float
) -> list[tuple[float, float]]:
    """Return minutes and MB."""
    began = shown = time.perf_counter()
    readings: list[tuple[float, float]] = []
    while (passed := (time.perf_counter() - began) / 60) < minutes:
        act(window, rng)
        readings.append((passed, memory()))
        if time.perf_counter() - shown > 60:
            shown = time.perf_counter()
            line: dict[str, Any] = {"minute": round(passed, 1), "mb": readings[-1][1]}
            line["steps"] = window.train.curves.num_points[0]
            line["words"] = window.train.status.text()
            print(json.dumps(line), flush=True)
    return readings


def conclude(
    window: Window, readings: list[tuple[float, float]], errors: list[str]
) -> None:
    after = np.array([one for one in readings if one[0] > 1])
    growth = after[-1, 1] / after[0, 1] - 1
    model = window.train.workspace.model
    losses = np.genfromtxt(model.parent / "history.csv", delimiter=",", names=True)
    tenth = max(1, len(losses) // 10)
    line = {
        "figure": "growth of memory after the first minute",
        "value": round(float(growth), 4),
        "mb": [round(float(one)) for one in (after[0, 1], after[-1, 1])],
        "minutes": round(float(after[-1, 0]), 1),
        "steps": len(losses),
        "loss": [
            round(float(losses["loss"][part].mean()), 4)
            for part in (slice(tenth), slice(tenth, 2 * tenth), slice(-tenth, None))
        ],
        "errors": errors,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
