r"""The Scores dock on 100 slices of a medulla, or on ISBI 2012; JSON lines.

    xvfb-run -a -s "-screen 0 1280x800x24" \
        python benchmarks/scores_dock.py --data FOLDER --stack medulla

Seconds from the click on Score, in a real window, until the first numbers and all
scores stand in the dock, and until the errors are listed; then each of the ten largest
errors is gone to by the button, and it is told how many of them the camera shows. The
prediction is that of a network in `--prediction`, a TIFF of the first slices; else, of
the medulla, the truth, shifted by two pixels and with 30 pairs of bodies joined, and of
ISBI 2012 (`--stack isbi2012`) that of the starter network.

FOLDER holds medulla-raw.tif and medulla-bodies.tif, isbi2012-train-volume.tif and
isbi2012-train-labels.tif; NAPARI_UNET_TEST_DATA is its default.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data
from numpy.typing import NDArray

SLICES = 100
JUMPS = 10


def damaged(bodies: NDArray[Any]) -> NDArray[Any]:
    predicted = np.roll(bodies, 2, axis=2)
    rng = np.random.default_rng(0)
    ids = np.unique(bodies)[1:]
    for _ in range(30):
        one, other = rng.choice(ids, 2)
        predicted[predicted == one] = other
    return predicted


def wait(seconds: float, done: Callable[[], bool]) -> float:
    """Keep the window alive until something is done; return how long that took."""
    from qtpy.QtWidgets import QApplication

    began = time.perf_counter()
    while not done():
        if time.perf_counter() - began > seconds:
            raise TimeoutError
        QApplication.processEvents()
        time.sleep(0.005)
    return time.perf_counter() - began


def tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--stack", choices=("medulla", "isbi2012"), default="medulla")
    parser.add_argument("--prediction", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAPARI_UNET_HOME"] = home
        measure(options)


def read(options: argparse.Namespace) -> tuple[NDArray[Any], ...]:
    """Return the image, its truth and a prediction."""
    import tifffile

    names = "medulla-raw.tif", "medulla-bodies.tif"
    if options.stack == "isbi2012":
        names = "isbi2012-train-volume.tif", "isbi2012-train-labels.tif"
    raw, truth = (tifffile.imread(options.data / name)[:SLICES] for name in names)
    if options.prediction is not None:
        return raw, truth, tifffile.imread(options.prediction)[:SLICES]
    if options.stack == "medulla":
        return raw, truth, damaged(truth)
    from napari_unet.predict.segment import segment
    from napari_unet.starters.starter import find_starter

    made = segment(find_starter("em-membranes").path, options.data / names[0])
    return raw, truth, np.asarray(made.labels)


def measure(options: argparse.Namespace) -> None:
    import napari

    raw, true, predicted = read(options)
    viewer = napari.Viewer()
    viewer.add_image(raw, name="image")
    truth = viewer.add_labels(true.astype(np.int32), name="truth", visible=False)
    layer = viewer.add_labels(
        predicted.astype(np.int32), name="prediction", opacity=0.5
    )
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Scores")
    dock.prediction.setValue(layer)
    dock.truth.setValue(truth)
    wait(5, dock.run_button.isEnabled)
    dock.run_button.click()
    first = wait(120, lambda: dock.totals.numbers[0].text() != "–")
    tell(figure="first numbers shown", value=round(first, 2), unit="s")
    shown = first + wait(120, lambda: dock.scored is not None)
    tell(figure="all scores shown", value=round(shown, 2), unit="s")
    dock.pages.show_page("Errors")
    listed = wait(120, lambda: dock.errors.errors is not None)
    tell(figure="errors listed after that", value=round(listed, 2), unit="s")
    values = {name: round(one, 4) for name, one in dock.scores.values().items()}
    tell(figure="scores", **{name: values[name] for name in ("iou", "v_rand", "voi")})
    jump(viewer, dock)
    viewer.close()


def jump(viewer: Any, dock: Any) -> None:
    sizes, seen, seconds = [], 0, []
    for _ in range(JUMPS):
        began = time.perf_counter()
        dock.errors.next_button.click()
        wait(0.1, lambda: True)
        seconds.append(time.perf_counter() - began)
        error = dock.errors.error
        sizes.append(error.pixels)
        there = viewer.scene.camera.center[-2:]
        near = np.abs(np.array(there) - error.centre[1:]).max() < 2
        seen += bool(near and viewer.dims.current_step[0] == error.centre[0])
    tell(
        figure="largest errors gone to",
        value=seen,
        of=len(dock.errors.errors.errors),
        largest_first=sizes == sorted(sizes, reverse=True),
        median_s=round(float(np.median(seconds)), 2),
    )


if __name__ == "__main__":
    main()
