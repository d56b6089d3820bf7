"""Train on slices 0-23 of ISBI 2012, score slices 24-29, and print one JSON line.

Runs the command line as a user does::

    python benchmarks/isbi.py --data FOLDER --minutes 4 --seed 0

FOLDER holds isbi2012-train-volume.tif and isbi2012-train-labels.tif, the training
volume and labels of the ISBI 2012 challenge; NAPARI_UNET_TEST_DATA is its default.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAIN, HELD_OUT = "0:24", "24:30"


def run(*arguments: str | Path) -> None:
    """Run a command; what it prints goes to stderr, so that stdout is the result."""
    command = [sys.executable, "-m", "napari_unet", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=sys.stderr)


def measure(data: Path, minutes: float, seed: int) -> dict[str, float]:
    image = data / "isbi2012-train-volume.tif"
    labels = data / "isbi2012-train-labels.tif"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(
            *("train", "--out", folder / "run", "--image", image, "--labels", labels),
            # Nothing is held out in training: the last model is scored, not the best.
            *("--train", TRAIN, "--minutes", str(minutes), "--seed", str(seed)),
        )
        model, out = folder / "run" / "last.safetensors", folder / "out.tif"
        run("predict", model, image, "--slices", HELD_OUT, "--out", out)
        scores = folder / "scores.json"
        run("score", out, labels, "--truth-slices", HELD_OUT, "--json", scores)
        overall = json.loads(scores.read_text(encoding="utf-8"))["overall"]
        with (folder / "run" / "history.csv").open(encoding="utf-8") as file:
            steps = sum(1 for _ in csv.DictReader(file))
    return {
        "iou": overall["iou"],
        "dice": overall["dice"],
        "steps": steps,
        "seconds": round(time.perf_counter() - began, 1),
        "minutes": minutes,
        "seed": seed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("NAPARI_UNET_TEST_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=default,
        required=default is None,
        help="the folder with ISBI 2012 (default: NAPARI_UNET_TEST_DATA)",
    )
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(measure(options.data, options.minutes, options.seed)))


if __name__ == "__main__":
    main()
