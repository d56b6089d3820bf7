"""How soon a click on *Annotate here next* leads to the first place.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/first_place.py --data DATA

Opens napari with the training stack of ISBI 2012 (512 x 512) and the starter for cells,
and searches some times in each of four situations: with nothing predicted, while the
starter learns live from a box of 256 x 256 pixels, after that, and with the
probabilities of all slices in the viewer. Prints JSON lines: seconds from the click
until the box is drawn at the first place, the same by one pass of a 512 x 512 image
through the starter, timed before each search, and what the process computed meanwhile,
all threads together; and the longest gap of the event loop until then.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from command_line import add_data
from interface import Gaps, Window, tell

_STARTER = "em-membranes"


def measure(options: argparse.Namespace) -> None:
    import tifffile

    from napari_unet.starters.model_file import model_file

    image = tifffile.imread(options.data / "isbi2012-train-volume.tif")
    truth = tifffile.imread(options.data / "isbi2012-train-labels.tif") > 0
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAPARI_UNET_HOME"] = home
        window = Window(image, truth, _STARTER)
        train, model = window.train, model_file(_STARTER)
        train.workspace.model = model
        gaps, a_pass = Gaps(), pass_of(model, image[0])
        search(window, gaps, a_pass, options.times, "nothing predicted")
        window.paint_box()
        train.live_button.click()
        window.wait(120.0, lambda: train.curves.num_points[0] > 20)
        search(window, gaps, a_pass, options.times, "while it learns live")
        train.run_button.click()
        window.wait(120.0, lambda: not train.running)
        search(window, gaps, a_pass, options.times, "after it learnt live")
        predict(window, model)
        train.workspace.model = model
        search(window, gaps, a_pass, options.times, "all slices predicted")
        window.viewer.close()


def pass_of(model: Path, image: np.ndarray) -> Callable[[], float]:
    """Return what times one pass of an image through a model."""
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.predictor import Predictor

    predictor, grey = Predictor(load_model(model)), image[None, None]

    def timed() -> float:
        began = time.perf_counter()
        predictor.predict(grey)
        return time.perf_counter() - began

    timed()
    return timed


def search(
    window: Window, gaps: Gaps, a_pass: Callable[[], float], times: int, what: str
) -> None:
    from napari_unet.widgets.train.suggestions import BOX_LAYER

    part, layers = window.train.suggestions, window.viewer.layers
    took, passes, computed, longest = [], [], [], []
    for _ in range(times):
        passes.append(a_pass())
        window.wait(0.5)
        gaps.times[:] = [time.perf_counter()]
        began, computed_before = time.perf_counter(), time.process_time()
        part.run_button.click()
        window.wait(60.0, lambda: BOX_LAYER in layers)
        took.append(time.perf_counter() - began)
        computed.append(time.process_time() - computed_before)
        window.wait(0.1)
        longest.append(float(np.diff(gaps.times).max()))
        part.run_button.click()
        window.wait(60.0, lambda: not part.running)
        layers.remove(BOX_LAYER)
    middle = statistics.median
    tell(f"click to the first place, {what}: median", middle(took), "s", n=times)
    tell(f"click to the first place, {what}: longest", max(took), "s")
    share = middle(a / b for a, b in zip(took, passes, strict=True))
    tell(f"of a pass, {what}", share, "", seconds=round(middle(passes), 3))
    tell(f"computed, {what}", middle(computed), "s")
    tell(f"longest gap of the event loop, {what}", middle(longest), "s")


def predict(window: Window, model: Path) -> None:
    """Put a prediction into the viewer, with its probabilities, as the dock does."""
    from napari_unet.predict.made_by import MadeBy
    from napari_unet.predict.segment import segment
    from napari_unet.widgets.layers.maps import add_slice, make_maps
    from napari_unet.widgets.layers.marks import remember

    image = window.layer
    made = segment(model, image.data, probabilities=True)
    prediction = window.viewer.add_labels(made.labels, visible=False)
    remember(prediction, MadeBy(model, image.name))
    (likely,) = make_maps(window.viewer, image, model, 1, image.data.shape)
    likely.data[:] = np.asarray(made.probabilities)[1]
    for z in range(len(likely.data)):
        add_slice(likely, z)
    window.train.workspace.prediction = prediction


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--times", type=int, default=5, help="searches of each kind")
    measure(parser.parse_args())


if __name__ == "__main__":
    main()
