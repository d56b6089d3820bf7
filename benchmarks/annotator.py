"""A robot annotates ISBI 2012: where the tool suggests, or at random; JSON lines.

    python benchmarks/annotator.py --data FOLDER --seeds 0 1 2 3 4 --plot FILE.png
    python benchmarks/annotator.py --data FOLDER --seeds 0 1 2 3 4 \
        --start em-membranes noise

The robot paints the truth of slices 0-23 as scribbles (1 membrane, 2 cell), in boxes
or in strokes of limited length, a few places a round. After each round the network of
the round before is trained on with all that is painted, and slices 24-29 are scored:
IoU of cell interior, and V_rand and V_info after border thinning as in
`benchmarks/isbi.py`, whose threshold and watershed are used. Then the next places are
chosen: those that `napari_unet.predict.suggest` draws, or random ones of the same
size. Both begin with the same random places and take the same steps with the same
seed. The reference is trained in the same rounds and steps with all pixels of slices
0-23 painted. With several `--start`, each of these begins from noise and from a starter
network in turn, and the reference of each begins as it does.

One line for each round, with the share of the pixels painted; round 0 is a starter
network as it is. Of the last round, the scores as shares of the reference's, and the
share of the pixels painted at which V_rand first reached 95 % of the reference's. Of
several seeds, the means, and the number of seeds for which suggested places were better
than random ones.
"""

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data
from isbi import MIN_SIZE, NECK, THRESHOLD, scores
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import disk, skeletonize

from napari_unet.config import (
    AnnotationKind,
    PostprocessConfig,
    PredictConfig,
    Preset,
    RunConfig,
)
from napari_unet.data.annotation import separate
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.model.checkpoint import Model
from napari_unet.predict.postprocessing import postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.suggest import Suggestion, suggest
from napari_unet.predict.uncertainty import uncertainty
from napari_unet.train.start import load_start
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image

TRAIN, HELD_OUT = slice(0, 24), slice(24, 30)
BRUSH = disk(2)
NAMES = ("iou", "v_rand", "v_info")
Labels = NDArray[np.uint8]


class Robot:
    """Paints the truth (1 membrane, 2 cell) where it is told to."""

    def __init__(self, truth: Labels, options: argparse.Namespace) -> None:
        self.truth = truth
        self.painted = np.zeros_like(truth)
        self._strokes = options.paint == "strokes"
        self._length = options.length

    @property
    def share(self) -> float:
        """Share of the pixels that is painted."""
        return np.count_nonzero(self.painted) / self.painted.size

    def paint(self, place: Suggestion) -> None:
        """Paint a box, or a stroke of each class near its middle."""
        key = (place.z, *place.box)
        truth, painted = self.truth[key], self.painted[key]
        if self._strokes:
            strokes = (self._stroke(truth == value) for value in (1, 2))
            marked = np.logical_or.reduce(list(strokes))
        else:
            marked = np.ones(truth.shape, bool)
        painted[marked] = truth[marked]

    def _stroke(self, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Follow the middle of a class from near the centre, some way, with a brush."""
        middle = skeletonize(there)
        places = np.argwhere(middle)
        if not len(places):
            return middle
        centre = (np.array(there.shape) - 1) / 2
        start = places[((places - centre) ** 2).sum(axis=1).argmin()]
        line = np.zeros_like(middle)
        line[tuple(start)] = True
        line = ndimage.binary_dilation(
            line, np.ones((3, 3)), iterations=self._length // 2, mask=middle
        )
        return ndimage.binary_dilation(line, BRUSH) & there


def random_places(
    rng: np.random.Generator, painted: Labels, box: int, count: int
) -> list[Suggestion]:
    """Draw boxes that no other one, and nothing painted, lies on."""
    taken = painted > 0
    places: list[Suggestion] = []
    while len(places) < count:
        z, y, x = (int(rng.integers(n)) for n in _room(painted.shape, box))
        key = (z, slice(y, y + box), slice(x, x + box))
        if taken[key].mean() <= 0.1:
            taken[key] = True
            places.append(Suggestion(z, key[1:], 0.0))
    return places


def _room(shape: tuple[int, ...], box: int) -> tuple[int, ...]:
    return shape[0], shape[1] - box + 1, shape[2] - box + 1


def suggested_places(
    model: Model,
    image: Stack,
    painted: Labels,
    rng: np.random.Generator,
    options: argparse.Namespace,
) -> list[Suggestion]:
    """Ask as the dock does; every slice is looked at."""
    unsure = np.zeros(painted.shape, np.float32)
    predictor = Predictor(model, PredictConfig(device=options.device))
    for one in uncertainty(predictor, image.as_czyx(), turns=options.turns):
        unsure[one.z] = getattr(one, options.measure)
    chance = rng if options.choose == "drawn" else None
    return suggest(
        unsure, painted > 0, box=options.box, count=options.places, rng=chance
    )


def train(
    image: Stack, labels: Labels, start: Model | None, seed: int, options: Any
) -> Model:
    prepared = prepare_image(
        image, labels, kind=AnnotationKind.SCRIBBLES, validation="none"
    )
    config = settings(seed, options)
    trainer = Trainer([prepared], config, start=start)
    for _ in trainer.run():
        pass
    return trainer.model()


def settings(seed: int, options: argparse.Namespace) -> RunConfig:
    config = Preset.FAST.settings()
    network = config.network.model_copy(update={"base_channels": options.base})
    changes = {
        "steps": options.steps,
        "patch_size": options.patch,
        "batch_size": options.batch,
        "seed": seed,
        "device": options.device,
        "minutes": None,
    }
    train = config.train.model_copy(update=changes)
    return config.model_copy(update={"network": network, "train": train})


def score(model: Model, image: Stack, truth: Labels, device: str) -> dict[str, float]:
    settings = PredictConfig(threshold=THRESHOLD, device=device)
    predicted = Predictor(model, settings).predict(image.as_czyx(), keep=True)
    objects = postprocess(
        predicted.labels,
        PostprocessConfig(objects="watershed", neck=NECK, min_size=MIN_SIZE),
        probabilities=predicted.probabilities,
        threshold=THRESHOLD,
    )
    cells = separate(objects.astype(np.int32), ndim=2) > 0
    return scores(cells, truth == 2)


def run(
    start: str,
    strategy: str,
    seed: int,
    image: Stack,
    truth: Labels,
    options: argparse.Namespace,
) -> Iterator[dict[str, Any]]:
    """Annotate and train in rounds, and yield what each round reached."""
    seen, unseen = image.slices(TRAIN), image.slices(HELD_OUT)
    robot = Robot(truth[TRAIN], options)
    if strategy == "full":
        robot.painted[:] = robot.truth
    rng = np.random.default_rng(seed)
    model = load_start(start)
    began = time.perf_counter()
    for number in range(-1, options.rounds):
        if number < 0 and model is None:
            continue
        if number < 0:
            places = []
        elif strategy == "random" or (strategy == "suggested" and number == 0):
            places = random_places(rng, robot.painted, options.box, options.places)
        elif strategy == "suggested":
            assert model is not None  # the first round has trained one
            places = suggested_places(model, seen, robot.painted, rng, options)
        else:
            places = []
        for place in places:
            robot.paint(place)
        if number >= 0:
            steps_seed = 1000 * seed + number
            model = train(seen, robot.painted, model, steps_seed, options)
        assert model is not None
        yield {
            "figure": "annotator",
            "start": start,
            "strategy": strategy,
            "seed": seed,
            "round": number + 1,
            "painted": 0.0 if number < 0 else round(robot.share, 5),
            **score(model, unseen, truth[HELD_OUT], options.device),
            "seconds": round(time.perf_counter() - began),
            "paint": options.paint,
        }


def against_full(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the scores of a seed as shares of those of its reference.

    Those of the last round, and the means over all rounds in which the strategies
    differ (all but the first), which are less a matter of luck; and the share of the
    pixels painted at which V_rand first came to 95 % of the reference's.
    """
    rows = [row for row in rows if row["round"] > 0]
    by_name = grouped(rows, "strategy")
    full = by_name.pop("full", None)
    if full is None:
        return []
    return [
        {
            "figure": "annotator, share of the reference",
            "start": mine[-1]["start"],
            "strategy": name,
            "seed": mine[-1]["seed"],
            "painted": mine[-1]["painted"],
            "painted_for_95": next(
                (
                    r["painted"]
                    for r in mine
                    if r["v_rand"] >= 0.95 * full[-1]["v_rand"]
                ),
                None,
            ),
            **{n: round(mine[-1][n] / full[-1][n], 4) for n in NAMES},
            **{
                f"rounds_{n}": round(
                    statistics.mean(a[n] / full[-1][n] for a in mine[1:] or mine), 4
                )
                for n in NAMES
            },
        }
        for name, mine in by_name.items()
    ]


def grouped(rows: list[dict[str, Any]], name: str) -> dict[Any, list[dict[str, Any]]]:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def summary(shares: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Put the seeds of one start together: means, and how often suggested wins."""
    names = [*NAMES, *(f"rounds_{n}" for n in NAMES)]
    by_name = grouped(shares, "strategy")
    for strategy, rows in by_name.items():
        yield {
            "figure": "annotator, share of the reference, mean over seeds",
            "start": rows[0]["start"],
            "strategy": strategy,
            "seeds": [row["seed"] for row in rows],
            "painted": round(statistics.mean(row["painted"] for row in rows), 5),
            **{n: round(statistics.mean(row[n] for row in rows), 4) for n in names},
            "v_rand_median": statistics.median(row["v_rand"] for row in rows),
        }
    if {"suggested", "random"} <= set(by_name):
        pairs = list(zip(by_name["suggested"], by_name["random"], strict=True))
        yield {
            "figure": "annotator, seeds for which suggested beats random",
            "start": by_name["random"][0]["start"],
            "of": len(pairs),
            **{n: sum(a[n] > b[n] for a, b in pairs) for n in names},
        }


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw IoU and V_rand against the share painted, means and every seed."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    colours = {"suggested": "#d55e00", "random": "#0072b2", "full": "#555555"}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, title, ax in zip(
        ("v_rand", "iou"), ("Rand F-score", "IoU"), axes, strict=True
    ):
        for strategy, colour in colours.items():
            mine = [row for row in rows if row["strategy"] == strategy]
            curves = [
                [(100 * r["painted"], r[name]) for r in mine if r["seed"] == seed]
                for seed in sorted({row["seed"] for row in mine})
            ]
            if not curves:
                continue
            if strategy == "full":
                level = statistics.mean(curve[-1][1] for curve in curves)
                ax.axhline(level, color=colour, label="all pixels")
                ax.axhline(0.95 * level, color=colour, ls=":", label="95 % of that")
                continue
            for curve in curves:
                ax.plot(*zip(*curve, strict=True), color=colour, lw=0.7, alpha=0.4)
            mean = np.mean(np.array(curves), axis=0)
            ax.plot(*mean.T, "o-", color=colour, ms=3.5, lw=2, label=strategy)
        ax.set(xlabel="pixels painted, %", ylabel=title)
        ax.grid(alpha=0.25)
    axes[0].legend(loc="lower right")
    figure.savefig(path, dpi=150)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--start",
        nargs="+",
        default=["noise"],
        help="noise, em-membranes or model files; --plot draws the first",
    )
    parser.add_argument(
        "--strategies", nargs="+", default=["suggested", "random", "full"]
    )
    parser.add_argument("--paint", choices=["boxes", "strokes"], default="boxes")
    parser.add_argument("--box", type=int, default=64, help="side of a place, pixels")
    parser.add_argument("--length", type=int, default=60, help="of a stroke, pixels")
    parser.add_argument("--places", type=int, default=7, help="places a round")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=110, help="steps a round")
    parser.add_argument("--base", type=int, default=16)
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument(
        "--measure", choices=["entropy", "disagreement"], default="disagreement"
    )
    parser.add_argument("--choose", choices=["drawn", "best"], default="drawn")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--plot", type=Path, help="PNG to draw (needs matplotlib)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.plot is not None:
        importlib.import_module("matplotlib")  # Before the work, not after it.
    image = read_stack(options.data / "isbi2012-train-volume.tif")
    labels = read_stack(options.data / "isbi2012-train-labels.tif").as_zyx()
    truth = np.where(np.asarray(labels) > 0, np.uint8(2), np.uint8(1))
    rows: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    for seed in options.seeds:
        for start in options.start:
            mine = []
            for strategy in options.strategies:
                for row in run(start, strategy, seed, image, truth, options):
                    mine.append(row)
                    print(json.dumps(row), flush=True)
            shares += against_full(mine)
            rows += mine
    told = list(shares)
    for same in grouped(shares, "start").values() if len(options.seeds) > 1 else ():
        told += summary(same)
    for row in told:
        print(json.dumps(row), flush=True)
    if options.plot is not None:
        plot(grouped(rows, "start")[options.start[0]], options.plot)


if __name__ == "__main__":
    main()
