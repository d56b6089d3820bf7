"""Every baseline and every network on the same slices, into a table and a plot.

    python benchmarks/comparison.py --data FOLDER --out FOLDER [--minutes 4]
        [--seeds 0 1 2] [--methods unet segnet otsu ...] [--sets isbi lungs-fifth ...]

ISBI 2012 is learnt from slices 0-23 and measured on 24-29; the lungs are measured on
every fifth slice (neighbours look alike) and on slices 45-56 after learning from 0-39.
Every network is trained by `napari-unet train` for the same minutes on the same
patches; the last of these slices choose model, cores and necks, and it makes of an
image what it does by default, without averaging. Cells that touch are parted. The
defaults of `napari-unet baseline` decide what is foreground there. IoU and Dice are
those of the foreground, V_rand, V_info (after border thinning) and the warping error
means over the slices.

Each method adds a line to OUT/comparison.jsonl as it is done. What stands there is not
run again, so that the same command can be given again, for other methods too, and with
other minutes into another folder. In the end OUT/comparison.md holds the table, and
OUT/comparison-SET.png, where matplotlib is installed, quality against the seconds of a
slice.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from command_line import add_data, run
from numpy.typing import NDArray

from napari_unet import load_model, score_slices, segment
from napari_unet.baselines import BASELINES, segment_stack
from napari_unet.config import NETWORKS, BaselineConfig
from napari_unet.data.annotation import IGNORE, separate
from napari_unet.data.read import read_stack
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.pixels.overlap import overlap

ISBI = ("isbi2012-train-volume.tif", "isbi2012-train-labels.tif")
LUNGS = ("lung-ct-images.tif", "lung-ct-masks.tif")
FIFTH = range(3, 57, 5)
SETS: dict[str, tuple[tuple[str, str], Sequence[int], Sequence[int]]] = {
    "isbi": (ISBI, range(24), range(24, 30)),
    "lungs-fifth": (LUNGS, [z for z in range(57) if z not in FIFTH], FIFTH),
    "lungs-block": (LUNGS, range(40), range(45, 57)),
}
# The last of the slices that are learnt from choose model, cores and necks.
VALIDATION = {"isbi": "20:24", "lungs-fifth": "54:57", "lungs-block": "36:40"}
TITLES = {
    "isbi": "ISBI 2012, slices 24-29",
    "lungs-fifth": "Lungs, every fifth slice",
    "lungs-block": "Lungs, slices 45-56",
}
SCORES = ("iou", "dice", "v_rand", "v_info", "warping_error")
_MARKERS = "osD^v<>pP*Xh"
Images = NDArray[np.generic]
Masks = NDArray[np.bool_]
Line = dict[str, Any]


def baseline(
    name: str, image: Images, truth: Masks, of: str, seed: int
) -> tuple[Masks, Line]:
    """Return what a baseline finds, and what it took."""
    _, lessons, held_out = SETS[of]
    classes = np.full(truth.shape, IGNORE, np.uint8)
    classes[lessons] = truth[lessons]
    config, times = BaselineConfig(seed=seed), []
    # What learning takes is told apart by segmenting no slice.
    for slices in ([], list(held_out)):
        began = time.perf_counter()
        found = segment_stack(name, image, classes, slices=slices, config=config)
        times.append(time.perf_counter() - began)
    learnt = BASELINES[name].learns
    took = times[1] - times[0] if learnt else times[1]
    return found > 0, {
        "train_seconds": round(times[0], 1) if learnt else 0,
        "slice_seconds": round(took / len(held_out), 3),
    }


def network(
    name: str, truth: Masks, of: str, seed: int, options: argparse.Namespace
) -> tuple[Masks, Line]:
    """Train a network, and return what it finds and what it took."""
    (picture, _), lessons, held_out = SETS[of]
    image = options.data / picture
    with tempfile.TemporaryDirectory() as folder:
        labels, out = Path(folder) / "labels.tif", Path(folder) / "run"
        known = np.zeros(truth.shape, np.uint8)
        known[lessons] = truth[lessons]
        tifffile.imwrite(labels, known)
        began = time.perf_counter()
        run(
            *("train", "--network", name, "--image", image, "--labels", labels),
            *("--kind", "classes", "--minutes", options.minutes, "--seed", seed),
            *("--out", out, "--validation", VALIDATION[of]),
        )
        trained = time.perf_counter() - began
        model = load_model(out / "best.safetensors")
    pixels = np.asarray(read_stack(image).as_zyx())[held_out]
    segment(model, pixels[:1])
    began = time.perf_counter()
    found = segment(model, pixels).labels
    took = (time.perf_counter() - began) / len(held_out)
    # Cells that touch are parted, as scores of objects take them.
    return separate(found, ndim=2) > 0, {
        "parameters": sum(one.numel() for one in model.network.parameters()),
        "train_seconds": round(trained, 1),
        "slice_seconds": round(took, 3),
        "minutes": options.minutes,
    }


def measure(name: str, of: str, seed: int, options: argparse.Namespace) -> Line:
    """Run a method with one seed, and return its line."""
    picture, labels = (options.data / file for file in SETS[of][0])
    truth = np.asarray(read_stack(labels).as_zyx()) > 0
    if name in BASELINES:
        image = np.asarray(read_stack(picture).as_zyx())
        found, took = baseline(name, image, truth, of, seed)
    else:
        found, took = network(name, truth, of, seed, options)
    wanted = truth[SETS[of][2]]
    shared = overlap(found, wanted.astype(np.uint8), 2)
    parts = score_slices(found, wanted)
    line = {
        "iou": shared.iou,
        "dice": shared.dice,
        "v_rand": parts.v_rand,
        "v_info": parts.v_info,
        "warping_error": np.nanmean(warping_error(found, wanted)),
    }
    rounded = {key: round(float(value), 5) for key, value in line.items()}
    return {"set": of, "method": name, "seed": seed, **rounded, **took}


def table(lines: list[Line]) -> str:
    """Return Markdown: means over the seeds, with the lowest and the highest."""
    text = ""
    for of, title in TITLES.items():
        rows = [line for line in lines if line["set"] == of]
        if not rows:
            continue
        text += f"\n## {title}\n\n| method | IoU | Dice | V_rand | V_info | warping "
        text += "error x 1000 | parameters | training, s | slice, s | seeds |\n"
        text += "|---" * 10 + "|\n"
        for name, same in _by_method(rows, "iou"):
            cells = [_spread([row[key] for row in same]) for key in SCORES[:4]]
            cells.append(_spread([1000 * row["warping_error"] for row in same], 2))
            numbers = same[0].get("parameters")
            cells.append("" if numbers is None else f"{numbers:,}")
            for key, digits in (("train_seconds", 0), ("slice_seconds", 2)):
                mean = statistics.mean(row[key] for row in same)
                cells.append(f"{mean:.{digits}f}")
            text += f"| {_title(name)} | {' | '.join(cells)} | {len(same)} |\n"
    return text.lstrip()


def _by_method(rows: list[Line], score: str) -> list[tuple[str, list[Line]]]:
    """Return the lines of every method, the best by `score` first."""
    names = dict.fromkeys(row["method"] for row in rows)
    same = [(name, [row for row in rows if row["method"] == name]) for name in names]
    return sorted(same, key=lambda one: -statistics.mean(r[score] for r in one[1]))


def _title(name: str) -> str:
    return BASELINES[name].title if name in BASELINES else NETWORKS[name].title


def _spread(values: list[float], digits: int = 3) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    ends = [f"{one:.{digits}f}" for one in (min(values), max(values))]
    return mean if ends[0] == ends[1] else f"{mean} ({ends[0]}-{ends[1]})"


def plot(lines: list[Line], folder: Path) -> None:
    """Draw what V_rand or, of the lungs, IoU lacks, by the seconds of a slice."""
    from matplotlib.figure import Figure

    for of, title in TITLES.items():
        rows = [line for line in lines if line["set"] == of]
        if not rows:
            continue
        score, words = ("v_rand", "V_rand") if of == "isbi" else ("iou", "IoU")
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        for number, (name, same) in enumerate(_by_method(rows, score)):
            seconds = statistics.mean(row["slice_seconds"] for row in same)
            lacking = [1 - row[score] for row in same]
            colour, marker = f"C{number}", _MARKERS[number % len(_MARKERS)]
            axes.plot([seconds] * len(same), lacking, color=colour)
            (point,) = axes.plot(
                seconds, statistics.mean(lacking), marker, color=colour
            )
            point.set_markerfacecolor("none" if name in BASELINES else colour)
            point.set_label(_title(name))
        axes.set(xscale="log", xlabel="seconds for a slice of 512 x 512", title=title)
        axes.set(yscale="log", ylabel=f"1 - {words}, lower is better")
        figure.legend(loc="outside right upper", fontsize=8)
        figure.savefig(folder / f"comparison-{of}.png", dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    methods = [*BASELINES, *NETWORKS]
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=methods, default=methods)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[*SETS])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "comparison.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    minutes = {line["minutes"] for line in lines if "minutes" in line}
    if minutes - {options.minutes}:
        trained = " and ".join(f"{one:g}" for one in sorted(minutes))
        parser.error(
            f"{path} holds networks that were trained for {trained} minutes: give "
            "--minutes so, or another --out."
        )
    done = {(line["set"], line["method"], line["seed"]) for line in lines}
    for of in options.sets:
        for name in options.methods:
            chance = name in NETWORKS or BASELINES[name].chance
            for seed in options.seeds if chance else options.seeds[:1]:
                if (of, name, seed) in done:
                    continue
                lines.append(measure(name, of, seed, options))
                with path.open("a", encoding="utf-8") as file:
                    print(json.dumps(lines[-1]), file=file)
    (options.out / "comparison.md").write_text(table(lines), encoding="utf-8")
    if find_spec("matplotlib") is not None:
        plot(lines, options.out)


if __name__ == "__main__":
    main()
