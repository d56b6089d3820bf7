"""Time all scores of two stacks, with those of another build; prints JSON lines.

    python benchmarks/scoring.py --data FOLDER --against ../before/src

The 30 slices of ISBI 2012 as the starter network predicts them, and 100 slices of the
medulla with joined bodies: from arrays to all scores with their intervals, as the
Scores dock counts them. Each round is a process of its own, and the builds take turns.
Told are the medians of the clock and of the time on all cores, the ratios of either,
when this build has its first numbers, and whether both found the same scores.
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
from threading import Event
from typing import Any

import numpy as np
import tifffile
from command_line import add_data
from scores_dock import SLICES, damaged

HERE = Path(__file__).resolve().parents[1] / "src"
STACKS = ("isbi2012", "medulla")


def write_stacks(data: Path, folder: Path) -> None:
    from napari_unet.predict.segment import segment
    from napari_unet.starters.starter import find_starter

    made = segment(
        find_starter("em-membranes").path, data / "isbi2012-train-volume.tif"
    )
    truth = tifffile.imread(data / "isbi2012-train-labels.tif")
    np.savez(folder / "isbi2012.npz", prediction=made.labels, truth=truth)
    bodies = tifffile.imread(data / "medulla-bodies.tif")[:SLICES].astype(np.int32)
    np.savez(folder / "medulla.npz", prediction=damaged(bodies), truth=bodies)


def count(path: Path) -> None:
    """Print the seconds that scoring took, and the scores."""
    from napari_unet.score import scoring
    from napari_unet.score.comparison import compare
    from napari_unet.steps import result_of

    arrays = np.load(path)
    prediction, truth = arrays["prediction"], arrays["truth"]
    # What is loaded at the first use is not measured.
    _ = scoring.score(compare(prediction[:2], truth[:2])).intervals
    began, computed = time.perf_counter(), time.process_time()
    comparison = compare(prediction, truth)
    found: dict[str, Any] = {}
    if hasattr(scoring, "score_objects"):
        first = result_of(scoring.score_objects(comparison, Event()))
        assert first is not None  # it is not stopped
        _ = first.values()
        found["first"] = time.perf_counter() - began
        scores = result_of(scoring.add_borders(comparison, first, Event()))
    else:
        scores = scoring.score(comparison)
    values = scores.to_dict()
    found["clock"] = time.perf_counter() - began
    found["cores"] = time.process_time() - computed
    print(json.dumps({**found, "scores": values}))


def run(source: Path, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--data", ".", "--child", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def line(stack: str, runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {"figure": f"all scores of {stack}", "unit": "s"}
    found["first"] = round(statistics.median(r["first"] for r in runs["here"]), 2)
    for name in ("clock", "cores"):
        medians = {k: statistics.median(r[name] for r in v) for k, v in runs.items()}
        found[name] = {k: round(value, 2) for k, value in medians.items()}
        if "against" in medians:
            ratio = medians["against"] / medians["here"]
            found[name]["ratio"] = round(ratio, 2)
    every = [one["scores"] for each in runs.values() for one in each]
    found["same"] = all(scores == every[0] for scores in every)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--against", type=Path, help="folder src of another checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        count(options.child)
        return
    builds = {"here": HERE}
    if options.against is not None:
        builds["against"] = options.against.resolve()
    with tempfile.TemporaryDirectory() as folder:
        write_stacks(options.data, Path(folder))
        for stack in STACKS:
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in builds}
            for _ in range(options.rounds):
                for name, source in builds.items():
                    runs[name].append(run(source, Path(folder) / f"{stack}.npz"))
            print(json.dumps(line(stack, runs)), flush=True)


if __name__ == "__main__":
    main()
