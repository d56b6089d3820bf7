"""Finished experiments as one Markdown table, printed beside measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

from napari_unet.experiments.result import Result
from napari_unet.experiments.study import EXPERIMENTS, STUDY_DATA, Experiment
from napari_unet.words import markdown

_COLUMNS = (
    *("N", "experiment", "figures"),
    *("loss", "first", "second", "val loss", "val first", "val second"),
    *("data; held out", "steps"),
)
_NUMBERS = slice(3, 9)
_MEASURES = (
    "- first and second are iou and iou_thresh; in 4 and 10 jaccard and dice_coef, in "
    "5 and 9 accuracy alone."
)


def markdown_table(results: Iterable[Result]) -> str:
    """Return a Markdown table: for each run what the study printed, and what came out.

    Notes under the table say what each run was measured on, and that these are not
    the data of the study.
    """
    ordered = sorted(results, key=lambda one: (one.experiment, one.split, one.seed))
    rows: list[Sequence[str]] = [_COLUMNS, _rule()]
    for number, runs in itertools.groupby(ordered, lambda one: one.experiment):
        rows.append(_printed_row(EXPERIMENTS[number]))
        rows.extend(map(_measured_row, runs))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", _MEASURES, *_notes(ordered), ""])


def figures(result: Result) -> dict[str, float]:
    """Return the measured figures that the study reports of an experiment."""
    return {name: result.measured[name] for name in result.preset.columns}


def written(value: float | None) -> str:
    """Write a figure as the study does, with four digits."""
    return "–" if value is None or math.isnan(value) else f"{value:.4f}"


def data_words(result: Result) -> str:
    """Return in words what a run was measured on, and whether the study was."""
    words = f"{result.image}, {result.slices} slices"
    if result.preset.data == "lungs" and result.slices != 1021:
        return f"{words}: another set than the study's 1,021 images"
    return words


def _rule() -> list[str]:
    rule = ["---"] * len(_COLUMNS)
    rule[_NUMBERS] = ["---:"] * len(rule[_NUMBERS])
    rule[0] = rule[-1] = "---:"
    return rule


def _printed_row(preset: Experiment) -> list[str]:
    table = preset.printed
    shown = {} if table is None else table.figures
    return [
        *(str(preset.number), preset.name),
        "not printed" if table is None else f"printed, table {table.number}",
        *_cells(preset.columns, shown),
        *(f"study: {STUDY_DATA[preset.data]}", ""),
    ]


def _measured_row(result: Result) -> list[str]:
    budget = f"{result.steps:,}" if result.full else f"{result.steps:,}, cut"
    return [
        *("", "", f"measured, seed {result.seed}"),
        *_cells(result.preset.columns, figures(result)),
        *(markdown(f"{data_words(result)}; {result.split}"), budget),
    ]


def _cells(columns: Sequence[str], values: Mapping[str, float]) -> list[str]:
    """Return six cells; an experiment with one measure leaves the second empty."""
    cells = [written(values.get(name)) for name in columns]
    half = len(cells) // 2
    return [*cells[:half], *[""] * (3 - half), *cells[half:], *[""] * (3 - half)]


def _notes(results: Sequence[Result]) -> list[str]:
    lines = [f"- {markdown(_note(one))}" for one in results]
    return list(dict.fromkeys(lines))


def _note(result: Result) -> str:
    height, width = result.size
    size = f"{height} x {width}"
    if result.block > 1:
        block = result.block
        size += f" (means of {block} x {block} pixels)"
    cut = "" if result.full else ", cut short by --minutes"
    return (
        f"{result.experiment}, {result.split}, seed {result.seed}: {result.image} with "
        f"{result.labels}, {size}; trained on {_listed(result.train)}, held out "
        f"{_listed(result.validation)}; {result.epochs:.1f} epochs in "
        f"{result.minutes:.1f} minutes on {result.device}{cut}."
    )


def _listed(runs: Sequence[str]) -> str:
    if len(runs) > 3:
        return f"{runs[0]}, {runs[1]} ... {runs[-1]}"
    return ", ".join(runs)
