"""Finished experiments as one Markdown table, printed beside measured."""

from __future__ import annotations

import itertools
import math
import statistics
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

    Runs that differ by their seed alone are one row: the means of their figures, in
    brackets the lowest and the highest. Experiments that differ by their measures alone
    are read off the same runs. Notes under the table say what each run was measured on,
    and that these are not the data of the study.
    """
    given = list(results)
    ordered = sorted([*given, *_read_off(given)], key=_place)
    rows: list[Sequence[str]] = [_COLUMNS, _rule()]
    notes = [_MEASURES]
    for number, runs in itertools.groupby(ordered, lambda one: one.experiment):
        rows.append(_printed_row(EXPERIMENTS[number]))
        for _, alike in itertools.groupby(runs, _row_of):
            row = tuple(alike)
            rows.append(_measured_row(row))
            own = [one for one in row if one in given]
            notes.append(f"- {markdown(_note(own) if own else _note_read_off(row))}")
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *notes, ""])


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
    shown = {} if table is None else {k: [v] for k, v in table.figures.items()}
    return [
        *(str(preset.number), preset.name),
        "not printed" if table is None else f"printed, table {table.number}",
        *_cells(preset.columns, shown),
        *(f"study: {STUDY_DATA[preset.data]}", ""),
    ]


def _read_off(runs: Sequence[Result]) -> list[Result]:
    """Return what other experiments read off the same networks, but for own runs."""
    own = {_place(one) for one in runs}
    read = [
        one.model_copy(update={"experiment": number})
        for one in runs
        for number in trained_alike(one.preset)
    ]
    return [one for one in read if _place(one) not in own]


def trained_alike(preset: Experiment) -> list[int]:
    """Return the experiments that differ from one by what is measured alone."""
    return [
        other.number
        for other in EXPERIMENTS.values()
        if other.number != preset.number
        and (other.data, other.settings, other.side)
        == (preset.data, preset.settings, preset.side)
    ]


def _place(result: Result) -> tuple[object, ...]:
    return *_row_of(result), result.seed


def _row_of(result: Result) -> tuple[object, ...]:
    """Return what runs of one row have in common: all but seed, time and figures."""
    return (
        *(result.experiment, result.split, result.image, result.labels),
        *(result.fingerprints, result.slices, result.size, result.block),
        *(result.train, result.validation, result.steps, result.full),
    )


def _measured_row(runs: Sequence[Result]) -> list[str]:
    first = runs[0]
    budget = f"{first.steps:,}" if first.full else f"{first.steps:,}, cut"
    by_name = {
        name: [figures(one)[name] for one in runs] for name in first.preset.columns
    }
    return [
        *("", "", f"measured, {_seeds(runs)}"),
        *_cells(first.preset.columns, by_name),
        *(markdown(f"{data_words(first)}; {first.split}"), budget),
    ]


def _cells(columns: Sequence[str], values: Mapping[str, Sequence[float]]) -> list[str]:
    """Return six cells; an experiment with one measure leaves the second empty."""
    cells = [_cell(values.get(name, ())) for name in columns]
    half = len(cells) // 2
    return [*cells[:half], *[""] * (3 - half), *cells[half:], *[""] * (3 - half)]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return written(None)
    mean = written(statistics.fmean(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({written(min(values))}-{written(max(values))})"


def _seeds(runs: Sequence[Result]) -> str:
    seeds = ", ".join(str(one.seed) for one in runs)
    return f"seed {seeds}" if len(runs) == 1 else f"seeds {seeds}"


def _note(runs: Sequence[Result]) -> str:
    first = runs[0]
    height, width = first.size
    size = f"{height} x {width}"
    if first.block > 1:
        size += f" (means of {first.block} x {first.block} pixels)"
    cut = "" if first.full else ", cut short by --minutes"
    minutes = ", ".join(f"{one.minutes:.1f}" for one in runs)
    devices = " or ".join(dict.fromkeys(one.device for one in runs))
    return (
        f"{first.experiment}, {first.split}, {_seeds(runs)}: {first.image} with "
        f"{first.labels}, {size}; trained on {_listed(first.train)}, held out "
        f"{_listed(first.validation)}; {first.epochs:.1f} epochs in {minutes} minutes "
        f"on {devices}{cut}."
    )


def _note_read_off(runs: Sequence[Result]) -> str:
    first = runs[0]
    trained = " or ".join(map(str, trained_alike(first.preset)))
    return f"{first.experiment}, {first.split}: read off the networks of {trained}."


def _listed(runs: Sequence[str]) -> str:
    if len(runs) > 3:
        return f"{runs[0]}, {runs[1]} ... {runs[-1]}"
    return ", ".join(runs)
