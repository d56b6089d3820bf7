"""Switch the ideas of the paper off one by one on ISBI 2012, by cross-validation.

    python benchmarks/ablation.py --data FOLDER --out FILE.jsonl --steps 200 \
        --seeds 0 1 2 --plot FILE.png

The 30 slices are five blocks of six; each block is held out once, the other slices
train the default network (16 channels, batch normalisation, AdamW) with

- full: the border weight of the paper (w0 = 10, sigma = 5) and elastic deformation
  (10 pixels on a grid of 3 x 3);
- no weight: w0 = 0;
- no elastic: no elastic deformation; flips, turns and grey values still change.

The last network predicts the block twice, plainly and averaged over 8 flips and turns,
the paper's third idea, and both are measured at thresholds of 0.1 to 0.9: warping
error, Rand error (1 - foreground-restricted Rand F-score, borders as they are), pixel
error (1 - F-score of the cell interior), share of wrong pixels, V_rand and V_info after
border thinning; means over the slices.

As in the challenge, each measure is taken at the threshold that is best for it on the
slices that it is measured on: one for each seed, the same for all folds. That flatters,
so that the figures at 0.5 stand beside. The challenge had a test set whose labels were
never published, and its warping error counts splits and merges only: these are not its
scores. Folds lie next to slices of the training, as neighbours do that look alike.

One line for each network is written to --out as soon as it is measured, and a network
that is there already, with the same budget and settings, is not trained again: the same
command goes on where it was stopped. Then, for each way, the mean over folds and seeds
with the 95 % interval of the seeds' means (Student's t), which says how far chance in
training moves it, and nothing of other slices; and the difference, seed by seed, to the
full network predicted in the same way, or of that to its averaging. Seeds that lack a
fold are left out of both.

Options of `napari-unet train` after -- hold for all, such as -- --base-channels 32.
"""

import argparse
import importlib
import itertools
import json
import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from command_line import add_data, run
from numpy.typing import NDArray
from scipy import stats

from napari_unet.config import PredictConfig
from napari_unet.data.files import atomic_write
from napari_unet.data.read import read_stack
from napari_unet.model.checkpoint import load_model
from napari_unet.predict.predictor import Predictor
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.objects.partition import score_slices

VARIANTS: dict[str, dict[str, dict[str, float]]] = {
    "full": {},
    "no weight": {"weight_map": {"w0": 0.0}},
    "no elastic": {"augment": {"elastic": 0.0}},
}
ERRORS = ("warping_error", "rand_error", "pixel_error", "wrong_pixels")
SCORES = ("v_rand", "v_info")
MEASURES = (*ERRORS, *SCORES)
TITLES = (
    *("Warping error", "Rand error", "Pixel error (1 - F-score)", "Wrong pixels"),
    *("V_rand", "V_info"),
)
THRESHOLDS = tuple(round(0.1 * n, 1) for n in range(1, 10))
BLOCK, SLICES = 6, 30
WAYS = ("averaged", "plain")
COLOURS = {"averaged": "#d55e00", "plain": "#0072b2"}
Mask = NDArray[np.bool_]
Row = dict[str, Any]


def network(fold: int, variant: str, seed: int, options: argparse.Namespace) -> Row:
    """Train without a block of slices, and measure both ways to predict it."""
    image, labels = (
        options.data / f"isbi2012-train-{name}.tif" for name in ("volume", "labels")
    )
    held_out = f"{BLOCK * fold}:{BLOCK * (fold + 1)}"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        settings, folder = Path(name) / "settings.yaml", Path(name) / "run"
        settings.write_text(yaml.safe_dump(config(variant)), encoding="utf-8")
        run(
            *("train", "--config", settings, "--out", folder, "--seed", seed),
            *("--image", image, "--labels", labels, "--validation", held_out),
            *(f"--{options.unit}", options.budget, *options.train_options),
        )
        model = load_model(folder / "last.safetensors")
    seconds = round(time.perf_counter() - began)
    grey = read_stack(image).slices(held_out).as_czyx()
    truth = np.asarray(read_stack(labels).slices(held_out).as_zyx()) > 0
    measured = {}
    for way in WAYS:
        predictor = Predictor(model, PredictConfig(average=way == "averaged"))
        probabilities = predictor.predict(grey, keep=True).probabilities
        assert probabilities is not None
        predicted = probabilities[1]
        measured[way] = {
            str(limit): measures(predicted >= limit, truth) for limit in THRESHOLDS
        }
    return {**measured, "steps": model.card.step, "seconds": seconds}


def config(variant: str) -> dict[str, Any]:
    """Return the settings of a variant, as a settings file holds them."""
    changed = VARIANTS[variant]
    return {
        "weight_map": {"w0": 10.0, "sigma": 5.0, **changed.get("weight_map", {})},
        "augment": {"elastic": 10.0, **changed.get("augment", {})},
        # No network is chosen on the held-out slices, so that one validation will do.
        "train": {"validations": 1},
    }


def measures(found: Mask, truth: Mask) -> dict[str, float]:
    thinned, plain = score_slices(found, truth), score_slices(found, truth, thin=False)
    wrong, both = found != truth, found & truth
    values = {
        "warping_error": float(warping_error(found, truth).mean()),
        "rand_error": 1 - plain.v_rand,
        "pixel_error": wrong.sum() / (2 * both.sum() + wrong.sum()),
        "wrong_pixels": wrong.mean(),
        "v_rand": thinned.v_rand,
        "v_info": thinned.v_info,
    }
    return {name: round(float(value), 6) for name, value in values.items()}


def summaries(rows: Sequence[Row], options: argparse.Namespace) -> Iterator[Row]:
    """Yield, for each way and measure, mean, interval and difference to full."""
    for variant, way, name in itertools.product(VARIANTS, WAYS, MEASURES):
        mine = seed_values(rows, variant, way, name, options.folds)
        beside = "averaged" if variant == "full" else way
        full = seed_values(rows, "full", beside, name, options.folds)
        pairs = [mine[n]["best"] - full[n]["best"] for n in mine if n in full]
        if mine:
            yield {
                "figure": name,
                "variant": variant,
                "predicted": way,
                **around("value", [one["best"] for one in mine.values()]),
                **around("at_half", [one["at_half"] for one in mine.values()]),
                **around("difference", pairs),
                "difference_to": f"full, {beside}",
                "seeds": mine,
                **setting(options),
            }


def seed_values(
    rows: Sequence[Row], variant: str, way: str, name: str, folds: Sequence[int]
) -> dict[int, dict[str, float]]:
    """Return means over the folds, at the best threshold and at 0.5, of each seed."""
    values = {}
    better = min if name in ERRORS else max
    for seed in sorted({row["seed"] for row in rows}):
        by_fold = {
            row["fold"]: row[way]
            for row in rows
            if (row["variant"], row["seed"]) == (variant, seed)
        }
        if by_fold.keys() >= set(folds):
            means = {
                limit: statistics.mean(by_fold[n][str(limit)][name] for n in folds)
                for limit in THRESHOLDS
            }
            best = better(means, key=means.__getitem__)
            values[seed] = {
                "threshold": best,
                "best": round(means[best], 6),
                "at_half": round(means[0.5], 6),
            }
    return values


def around(name: str, values: Sequence[float]) -> Row:
    """Return the mean and its 95 % interval; None for what one value cannot tell."""
    if not values:
        return {name: None, f"{name}_interval": None}
    mean = statistics.mean(values)
    known = None
    if len(values) > 1:
        error = statistics.stdev(values) / math.sqrt(len(values))
        reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
        known = [round(mean - reach, 5), round(mean + reach, 5)]
    return {name: round(mean, 5), f"{name}_interval": known}


def plot(lines: Sequence[Row], path: Path) -> None:
    """Draw every measure with its interval; better is always to the right."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    ways = list(dict.fromkeys((one["variant"], one["predicted"]) for one in lines))
    figure, grid = plt.subplots(
        2, len(MEASURES) // 2, figsize=(10, 5.2), layout="constrained", sharey=True
    )
    for name, title, ax in zip(MEASURES, TITLES, grid.flat, strict=True):
        mine = {(r["variant"], r["predicted"]): r for r in lines if r["figure"] == name}
        for place, way in enumerate(ways):
            mean, span = mine[way]["value"], mine[way]["value_interval"]
            colour = COLOURS[way[1]]
            if span is not None:
                ax.plot(span, [place, place], color=colour, lw=2, alpha=0.5)
            ax.plot(mean, place, "o", color=colour, ms=5)
        ax.set(title=title, yticks=range(len(ways)))
        ax.set_yticklabels([", ".join(way) for way in ways])
        ax.grid(alpha=0.25)
        ax.locator_params(axis="x", nbins=5)
        if name in ERRORS:
            ax.invert_xaxis()
    grid[0, 0].invert_yaxis()
    figure.savefig(path, dpi=150)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, kept")
    parser.add_argument("--minutes", type=float, default=4.0, help="for each network")
    parser.add_argument(
        "--steps", type=int, help="for each network, instead of minutes"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS)
    )
    parser.add_argument("--plot", type=Path, help="PNG to draw (needs matplotlib)")
    parser.add_argument(
        "train_options",
        nargs="*",
        help="further options of `napari-unet train`, after --",
    )
    options = parser.parse_args()
    options.unit, options.budget = "minutes", options.minutes
    if options.steps is not None:
        options.unit, options.budget = "steps", options.steps
    return options


def setting(options: argparse.Namespace) -> Row:
    """Return what all networks of a summary have in common."""
    given = " ".join(options.train_options)
    return {"budget": f"{options.budget:g} {options.unit}", "options": given}


def known(options: argparse.Namespace) -> list[Row]:
    """Read the networks that were measured before with the same settings."""
    if not options.out.exists():
        return []
    text = options.out.read_text(encoding="utf-8")
    whole = "".join(line for line in text.splitlines(True) if line.endswith("}\n"))
    if whole != text:  # A kill cut the last line off.
        with atomic_write(options.out) as temporary:
            temporary.write_text(whole, encoding="utf-8")
    rows = map(json.loads, whole.splitlines())
    return [
        row
        for row in rows
        if {**setting(options), "settings": config(row["variant"])}.items()
        <= row.items()
    ]


def main() -> None:
    options = arguments()
    if options.plot is not None:
        importlib.import_module("matplotlib")  # Before the work, not after it.
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = known(options)
    done = {(row["seed"], row["fold"], row["variant"]) for row in rows}
    wanted = itertools.product(options.seeds, options.folds, options.variants)
    for seed, fold, variant in (one for one in wanted if one not in done):
        place = {"figure": "network", "fold": fold, "variant": variant, "seed": seed}
        measured = network(fold, variant, seed, options)
        settings = {"settings": config(variant), **setting(options)}
        rows.append({**place, **measured, **settings})
        with options.out.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(rows[-1])}\n")
        print(f"measured: seed {seed}, fold {fold}, {variant}", flush=True)
    lines = list(summaries(rows, options))
    for line in lines:
        print(json.dumps(line), flush=True)
    if options.plot is not None:
        plot(lines, options.plot)


if __name__ == "__main__":
    main()
