"""Score the baselines on slices 24-29 of ISBI 2012, beside the U-Net; JSON lines.

    python benchmarks/baselines.py --data FOLDER --model MODEL --plot FILE.png

The methods of `napari-unet baseline` with their default settings, which were chosen on
slices 0-23. The random forest learns from the labels of slices 0-23; the others only
ask them whether the foreground is bright or dark. Scores are those of
`benchmarks/isbi.py`: IoU and Dice of the cell interior, and V_rand and V_info after
border thinning, means over the slices (Arganda-Carreras et al. 2015). The first line is
a mask that is foreground everywhere. `seconds` is all the work, learning included.

With --model, a network that was trained on slices 0-23 is scored alike, predicted as in
`benchmarks/isbi.py`; its seconds are those of the prediction alone. --plot draws the
masks of the first slice.
"""

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data, run
from isbi import MIN_SIZE, NECK, THRESHOLD, scores
from numpy.typing import NDArray

from napari_unet.baselines import BASELINES, segment_stack
from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import IGNORE, separate
from napari_unet.data.read import read_stack
from napari_unet.score.pixels.overlap import overlap

TRAIN, HELD_OUT = slice(0, 24), slice(24, 30)
Masks = NDArray[np.bool_]


def masks(
    image: NDArray[np.generic], truth: Masks, options: argparse.Namespace
) -> Iterator[tuple[str, Masks, float]]:
    """Yield the name of each method, what it found on all slices, and its seconds."""
    yield "foreground everywhere", np.ones_like(truth[HELD_OUT]), 0.0
    classes = truth.astype(np.uint8)
    classes[HELD_OUT] = IGNORE
    slices = range(HELD_OUT.start, HELD_OUT.stop)
    for name in options.names:
        config = BaselineConfig(seed=options.seed)
        began = time.perf_counter()
        found = segment_stack(name, image, classes, slices=slices, config=config) > 0
        yield name, found, time.perf_counter() - began
    if options.model is not None:
        began = time.perf_counter()
        found = predict(options.model, options.data / "isbi2012-train-volume.tif")
        yield "U-Net", found, time.perf_counter() - began


def predict(model: Path, image: Path) -> Masks:
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out.tif"
        slices = f"{HELD_OUT.start}:{HELD_OUT.stop}"
        run(
            *("predict", model, image, "--slices", slices, "--average", "--out", out),
            *("--threshold", THRESHOLD, "--objects", "watershed", "--neck", NECK),
            *("--min-size", MIN_SIZE),
        )
        objects = np.array(read_stack(out).as_zyx(), np.int32)
    return separate(objects, ndim=2) > 0


def measure(name: str, found: Masks, truth: Masks, seconds: float) -> dict[str, Any]:
    shared = overlap(found, truth.astype(np.uint8), 2)
    return {
        "figure": "baselines on ISBI 2012",
        "method": name,
        **scores(found, truth),
        "dice": round(shared.dice, 4),
        "seconds": round(seconds, 1),
        "slices": f"{HELD_OUT.start}:{HELD_OUT.stop}",
    }


def plot(
    plane: NDArray[np.generic], truth: Masks, found: dict[str, Masks], path: Path
) -> None:
    from matplotlib.figure import Figure

    panels: dict[str, Any] = {"image": plane, "truth": truth, **found}
    columns = 5
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    for ax, (title, values) in zip(axes, panels.items(), strict=False):
        ax.imshow(values, cmap="gray", interpolation="nearest")
        ax.set_title(title, fontsize=10)
    figure.savefig(path, dpi=150)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--names", nargs="+", choices=BASELINES, default=[*BASELINES])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--model", type=Path, help="model file, trained on slices 0-23 alone"
    )
    parser.add_argument("--plot", type=Path, help="PNG to draw (needs matplotlib)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.plot is not None:
        importlib.import_module("matplotlib")  # Before the work, not after it.
    image = np.asarray(read_stack(options.data / "isbi2012-train-volume.tif").as_zyx())
    labels = read_stack(options.data / "isbi2012-train-labels.tif").as_zyx()
    truth = np.asarray(labels) > 0
    drawn = {}
    for name, found, seconds in masks(image, truth, options):
        row = measure(name, found, truth[HELD_OUT], seconds)
        print(json.dumps(row), flush=True)
        drawn[name] = found[0]
    if options.plot is not None:
        del drawn["foreground everywhere"]
        plot(image[HELD_OUT.start], truth[HELD_OUT.start], drawn, options.plot)


if __name__ == "__main__":
    main()
