"""Run the study's experiments one after another, and collect them into one table.

    python benchmarks/experiments.py --data FOLDER --out FOLDER --runs 3 4 6 8

Each is run by `napari-unet experiment run`, ISBI 2012 with its last six slices held
out, the lungs twice: with every fifth slice held out, and trained on slices 0-39 and
measured on 45-56. A run that was finished before is not repeated, and one that was
stopped is gone on with, so that the same command can be given again at any time.
Without --minutes every run has the whole budget of its preset; --minutes-large is for
those with 64 filters (1, 2 and 7), which take some hours on two cores. 5, 9 and 10
train the networks of 3, 8 and 6: the table reads their figures off these, and they are
run by themselves only where --runs names them.

One JSON line for each figure, with what the study printed, where it printed anything;
in the end OUT/table.md. FOLDER holds isbi2012-train-volume.tif and -labels.tif,
lung-ct-images.tif and lung-ct-masks.tif; the lungs are another set than the study's.
"""

import argparse
import json
from pathlib import Path

from command_line import add_data, run

from napari_unet.experiments import EXPERIMENTS, Result, read_result
from napari_unet.experiments.result import FILE
from napari_unet.experiments.table import figures, trained_alike

FILES = {
    "ISBI 2012": ("isbi2012-train-volume.tif", "isbi2012-train-labels.tif"),
    "lungs": ("lung-ct-images.tif", "lung-ct-masks.tif"),
}
SPLITS = {"ISBI 2012": ("block",), "lungs": ("every-fifth", "0:40/45:57")}


def experiment(number: int, split: str, seed: int, options: argparse.Namespace) -> Path:
    """Run an experiment unless it is finished, and return its folder."""
    preset = EXPERIMENTS[number]
    slices = split.translate(str.maketrans(":/", "--"))
    out: Path = options.out / f"{number}-{slices}-{seed}"
    image, labels = (options.data / name for name in FILES[preset.data])
    large = preset.settings.network.base_channels >= 64
    minutes = options.minutes_large if large else options.minutes
    bounded = () if minutes is None else ("--minutes", minutes)
    run(
        *("experiment", "run", number, "--image", image, "--labels", labels),
        *("--out", out, "--split", split, "--seed", seed, *bounded),
    )
    return out


def tell(result: Result) -> None:
    """Print a line for each figure that the study reports of the experiment."""
    table = result.preset.printed
    for name, value in figures(result).items():
        line = {
            "figure": name,
            "value": round(value, 4),
            "printed": None if table is None else table.figures[name],
            "experiment": result.experiment,
            "data": result.image,
            "split": result.split,
            "seed": result.seed,
            "steps": result.steps,
            "epochs": result.epochs,
            "minutes": result.minutes,
            "full": result.full,
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of all runs")
    runs = [n for n, one in EXPERIMENTS.items() if n <= min([n, *trained_alike(one)])]
    parser.add_argument("--runs", type=int, nargs="+", default=runs)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minutes", type=float, help="instead of the preset's steps")
    parser.add_argument(
        "--minutes-large", type=float, help="the same, for networks with 64 filters"
    )
    options = parser.parse_args()
    folders = []
    for seed in options.seeds:
        for number in options.runs:
            for split in SPLITS[EXPERIMENTS[number].data]:
                folders.append(experiment(number, split, seed, options))
                tell(read_result(folders[-1]))
    # All that are finished, also those of an earlier call.
    done = sorted(path.parent for path in options.out.glob(f"*/{FILE}"))
    run("experiment", "table", *done, "--out", options.out / "table.md")


if __name__ == "__main__":
    main()
