"""Train on slices 0-23 of ISBI 2012, score slices 24-29, and print JSON lines.

    python benchmarks/isbi.py --data FOLDER --minutes 4 --seeds 0 1 2

Trains and predicts by the command line, as a user does, and nothing is held out in
training: the last model is scored, not the best. Prediction is averaged over 8 flips
and turns. One threshold makes cell interior of the probabilities, and the watershed of
`predict --objects watershed` splits cells that ran together; `connected` is the same
without it. IoU is that of the cell interior, V_rand and V_info are the scores of the
challenge after border thinning, means over the slices (Arganda-Carreras et al. 2015).
One line for each seed and, of several, one with the medians.

FOLDER holds isbi2012-train-volume.tif and isbi2012-train-labels.tif, the training
volume and labels of the ISBI 2012 challenge; NAPARI_UNET_TEST_DATA is its default.
"""

import argparse
import csv
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data, run
from numpy.typing import NDArray

from napari_unet.data.annotation import separate
from napari_unet.data.read import read_stack
from napari_unet.score.objects.partition import score_slices
from napari_unet.score.pixels.overlap import overlap

# Chosen on training slices: trained on 0-17, scored on 18-23.
THRESHOLD, NECK, MIN_SIZE = 0.4, 0.4, 50


def measure(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    image = options.data / "isbi2012-train-volume.tif"
    labels = options.data / "isbi2012-train-labels.tif"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(
            *("train", "--out", folder / "run", "--image", image, "--labels", labels),
            *("--train", options.train, "--preset", options.preset),
            *budget(options),
            *("--seed", seed, *options.train_options),
        )
        model, out = folder / "run" / "last.safetensors", folder / "out.tif"
        chances = folder / "probabilities.tif"
        run(
            *("predict", model, image, "--slices", options.score, "--average"),
            *(
                "--threshold",
                options.threshold,
                "--objects",
                "watershed",
                "--neck",
                NECK,
            ),
            *("--min-size", MIN_SIZE, "--out", out, "--probabilities", chances),
        )
        objects = np.asarray(read_stack(out).as_zyx(), np.int32)
        interior = np.asarray(read_stack(chances).as_czyx()[1]) > options.threshold
        with (folder / "run" / "history.csv").open(encoding="utf-8") as file:
            steps = sum(1 for _ in csv.DictReader(file))
    first, last = map(int, options.score.split(":"))
    truth = np.asarray(read_stack(labels).as_zyx())[first:last] > 0
    return {
        "figure": "ISBI 2012",
        **scores(separate(objects, ndim=2) > 0, truth),
        "connected": scores(interior, truth),
        "steps": steps,
        "minutes": None if options.steps else options.minutes,
        "seconds": round(time.perf_counter() - began),
        "preset": options.preset,
        "options": " ".join(options.train_options),
        "threshold": options.threshold,
        "slices": options.score,
        "seed": seed,
    }


def budget(options: argparse.Namespace) -> tuple[str, float]:
    """Return how long to train: by the clock, or in steps where others work too."""
    if options.steps is not None:
        return "--steps", options.steps
    return "--minutes", options.minutes


def scores(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    shared = overlap(found, truth.astype(np.uint8), 2)
    parts = score_slices(found, truth)
    return {
        "iou": round(shared.iou, 4),
        "v_rand": round(parts.v_rand, 4),
        "v_info": round(parts.v_info, 4),
    }


def medians(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("iou", "v_rand", "v_info", "steps", "seconds")
    middle = {name: statistics.median(row[name] for row in rows) for name in names}
    plain = [row["connected"] for row in rows]
    middle["connected"] = {
        name: statistics.median(row[name] for row in plain) for name in plain[0]
    }
    seeds = [row["seed"] for row in rows]
    return {**rows[0], **middle, "figure": "ISBI 2012, median", "seed": seeds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    parser.add_argument("--train", default="0:24", help="slices to train on")
    parser.add_argument("--score", default="24:30", help="slices to score")
    parser.add_argument(
        "train_options",
        nargs="*",
        help="further options of `napari-unet train`, after --",
    )
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        rows.append(measure(options, seed))
        print(json.dumps(rows[-1]), flush=True)
    if len(rows) > 1:
        print(json.dumps(medians(rows)))


if __name__ == "__main__":
    main()
