"""Learn live from a few thin strokes, and watch what becomes of the rest; JSON lines.

    python benchmarks/strokes.py --data FOLDER --seeds 0 1 2
    python benchmarks/strokes.py --tissues synthetic --steps 100 200 400 800

On one slice, some strokes of 3 pixels are painted inside of cells and on membranes,
where these are widest along a row (`rows`) or along their middles (`middles`). Steps of
live training follow, and the preview is scored on that slice and on another one: IoU of
cell interior, and V_rand and V_info of what hangs together, after border thinning. One
line at each number of steps, and one of the starter network as it is. With --means, two
others that could be shown are scored too: `averaged`, the running mean of the weights
over 50 steps, and `with start`, the mean of the weights and those of the starter.

Tissues: the synthetic stack, 256 x 256 pixels of slices 0-23 of ISBI 2012, and every
tenth section of the medulla, whose membranes are the borders of bodies.
"""

import argparse
import copy
import json
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data
from isbi import scores
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_unet.config import AnnotationKind, PredictConfig, RunConfig, TrainConfig
from napari_unet.data.annotation import separate
from napari_unet.data.read import as_stack, read_stack
from napari_unet.live.live_learner import LiveLearner
from napari_unet.live.live_set import LiveSet
from napari_unet.model.checkpoint import Model
from napari_unet.model.networks import SegmentationNetwork
from napari_unet.predict.onlooker import TILE
from napari_unet.predict.predictor import Predictor
from napari_unet.samples import em_stack
from napari_unet.train.start import load_start, with_start

Mask = NDArray[np.bool_]
WIDTH, LENGTH, MEMORY = 3, 40, 50
SIDE, DEPTH = 256, 12
PART = (slice(128, 384), slice(128, 384))
BRUSH = np.ones((WIDTH, WIDTH), bool)


def tissue(name: str, seed: int, data: Path) -> tuple[NDArray[Any], Mask]:
    """Return an image, and where its cells are."""
    if name == "synthetic":
        stack, objects = em_stack((DEPTH, SIDE, SIDE), seed)
        return np.asarray(stack.data), objects > 0
    if name == "isbi":
        whole = (slice(0, 24), *PART)
        image = read_stack(data / "isbi2012-train-volume.tif").as_zyx()[whole]
        labels = read_stack(data / "isbi2012-train-labels.tif").as_zyx()[whole]
        return np.asarray(image), np.asarray(labels) > 0
    image = read_stack(data / "medulla-raw.tif").as_zyx()[::10]
    bodies = read_stack(data / "medulla-bodies.tif").as_zyx()[::10]
    cells = separate(np.asarray(bodies, np.int32), ndim=2) > 0
    border = ndimage.binary_dilation(~cells, np.ones((1, WIDTH, WIDTH)))
    return np.asarray(image), ~border


def paint_rows(there: Mask, count: int, rng: np.random.Generator) -> Mask:
    """Paint along rows, where a class is widest; nothing of it is chance."""
    runs = []
    for row in range(16, len(there) - 16, 6):
        steps = np.flatnonzero(np.diff(np.pad(there[row].astype(int), 1)))
        runs += [(row, *run) for run in steps.reshape(-1, 2).tolist()]
    runs.sort(key=lambda run: run[1] - run[2])
    painted = np.zeros_like(there)
    for row, start, stop in runs[: 3 * count : 3]:
        painted[row - 1 : row + 2, start + 2 : stop - 2] = True
    return painted


def paint_middles(there: Mask, count: int, rng: np.random.Generator) -> Mask:
    """Paint along the middles of a class, from random places on."""
    middle = skeletonize(there)
    places, painted = np.argwhere(middle), np.zeros_like(there)
    for _ in range(count):
        line = np.zeros_like(middle)
        line[tuple(places[rng.integers(len(places))])] = True
        line = ndimage.binary_dilation(line, BRUSH, LENGTH // 2, mask=middle)
        painted |= ndimage.binary_dilation(line, BRUSH) & there
    return painted


PAINT = {"rows": paint_rows, "middles": paint_middles}


def scored(
    network: SegmentationNetwork,
    learner: LiveLearner,
    labels: LiveSet,
    slices: list[int],
    cells: Mask,
) -> dict[str, dict[str, float]]:
    """Score the preview of each slice as the window shows it."""
    threshold = None if learner.finish is None else learner.finish.threshold
    model = Model(network, learner.card(labels.image))
    config = PredictConfig(tile_size=TILE, batch_size=1, threshold=threshold)
    image = np.concatenate([labels.image.image[:, z : z + 1] for z in slices], axis=1)
    found = Predictor(model, config).predict(image, normalised=True).labels
    names = ("painted slice", "other slice")
    return {
        name: scores(found[i : i + 1] > 0, cells[[z]])
        for i, (name, z) in enumerate(zip(names, slices, strict=True))
    }


def toward(
    network: SegmentationNetwork, other: SegmentationNetwork, share: float
) -> None:
    """Move the weights of a network, and its moments, some way to those of another."""
    pairs = zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    for mine, its in pairs:
        if mine.is_floating_point():
            mine.lerp_(its.to(mine.device), share)


def measure(
    name: str, start: str, seed: int, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    image, cells = tissue(name, seed, options.data)
    rng = np.random.default_rng(seed)
    slices = rng.choice(len(image), 2, replace=False).tolist()
    painted = np.zeros(cells.shape[1:], np.uint8)
    for value, there in ((2, cells[slices[0]]), (1, ~cells[slices[0]])):
        painted[PAINT[options.paint](there, options.strokes, rng)] = value
    settings = TrainConfig(
        seed=seed,
        live_patch_size=options.patch,
        batch_size=options.batch,
        device=options.device,
    )
    config, model = with_start(RunConfig(train=settings), start), load_start(start)
    seen_as = None if model is None else model.card.normalization
    labels = LiveSet(
        as_stack(image),
        AnnotationKind.SCRIBBLES,
        config.weight_map,
        normalization=seen_as,
    )
    learner = LiveLearner(config, labels.image, model)
    fresh = labels.update(slices[0], painted)
    learner.renew(labels.image, labels.touched, fresh)
    what = {
        "figure": "strokes",
        "tissue": name,
        "start": start,
        "seed": seed,
        "paint": options.paint,
        "pixels": int(np.count_nonzero(painted)),
    }
    score = partial(scored, learner=learner, labels=labels, slices=slices, cells=cells)
    if model is not None:
        yield {**what, "step": 0, **score(learner.network)}
    losses, averaged = [], copy.deepcopy(learner.network)
    for _ in range(max(options.steps)):
        losses.append(learner.learn()[0])
        toward(averaged, learner.network, max(1 / MEMORY, 1 / learner.step))
        if learner.step not in options.steps:
            continue
        row: dict[str, Any] = {
            "step": learner.step,
            "loss": round(statistics.fmean(losses[-10:]), 4),
        }
        row |= score(learner.network)
        if options.means:
            row["averaged"] = score(averaged)
        if options.means and model is not None:
            between = copy.deepcopy(learner.network)
            toward(between, model.network, 0.5)
            row["with start"] = score(between)
        yield {**what, **row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument(
        "--tissues", nargs="+", default=["synthetic", "isbi", "medulla"]
    )
    parser.add_argument("--starts", nargs="+", default=["em-membranes", "noise"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[30, 60, 100, 200, 400, 800]
    )
    parser.add_argument("--paint", choices=list(PAINT), default="rows")
    parser.add_argument("--strokes", type=int, default=3, help="of each class")
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--means", action="store_true", help="score means of weights")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    for seed in options.seeds:
        for name in options.tissues:
            for start in options.starts:
                for row in measure(name, start, seed, options):
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
