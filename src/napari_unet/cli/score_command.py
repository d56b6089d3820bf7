"""The command `score`: a prediction against ground truth, as tables and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, cast

import numpy as np
from rich.table import Table

from napari_unet.cli.outputs import check_outputs, check_replaced, check_tiff
from napari_unet.cli.score_inputs import LabelPair, Labels, foreground
from napari_unet.cli.score_request import ScoreRequest
from napari_unet.cli.show import bar, console, read_and_tell, say
from napari_unet.config import Coverage
from napari_unet.data.addresses import is_zarr, level_in
from napari_unet.data.annotation import IGNORE
from napari_unet.data.dimensions import of_labels
from napari_unet.data.doubts import doubt_look
from napari_unet.data.files import write_text
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.label_survey import Survey
from napari_unet.data.ome_zarr import labels_in, level_of_size
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError
from napari_unet.model.card import ModelCard, read_card
from napari_unet.model.seen import trained_slices
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.errors.error_map import pixel_map
from napari_unet.score.errors.errors_of_objects import find_errors
from napari_unet.score.measures import MEASURES, SHOWN, written
from napari_unet.score.pixels.soft import soft_dice, soft_iou, thresholded_iou
from napari_unet.score.report.facts import file_facts, model_facts
from napari_unet.score.report.page import ReportPage, check_page
from napari_unet.score.scores import Scores
from napari_unet.score.scoring import score
from napari_unet.score.volume_scoring import Question, is_large, score_volume_steps
from napari_unet.starters.model_file import model_file
from napari_unet.steps import result_of
from napari_unet.train.history import curve_of

if TYPE_CHECKING:
    from napari_unet.score.objects.instances import Instances

_THRESHOLDS_SHOWN = ("0.50", "0.75", "0.90", "mean")
_UNTOLD = "The model does not tell which slices it was trained on: none is marked."
_ANOTHER = (
    "The values of {} are those of no image that the model was trained on; a cropped "
    "or converted copy of one is not known again. No slice is marked as learnt from."
)
_NO_IMAGE = (
    "Which slices the model was trained on is only told with --image: none is marked."
)
_NO_PLACE = (
    "Cannot tell which slices of {} these are, so that none is marked as learnt from: "
    "choose them with --slices or --truth-slices, from files of all its slices."
)
# Of JSON, CSV, pages and a list of errors.
_HEADS = (
    *('{\n  "overall": {\n    "iou"', "slice,iou,dice,", '[\n {\n  "number": 1,'),
    *("<title>Scores of a segmentation</title>", "# Scores of a segmentation\n"),
)
_FOUND = ("precision", "recall", "f1", "average_precision", "panoptic_quality")


def run_score(
    request: ScoreRequest, whole: Survey | None = None, num_classes: int = 2
) -> Scores:
    """Score a prediction, print the tables, and write what is wanted.

    `whole` is what occurs in all truths of a folder, where this is one of them, and
    `num_classes` how many classes are predicted there; the model knows better.

    Raises
    ------
    NapariUNetError
        When something cannot be read, compared or written.
    """
    if request.model is not None:
        request = replace(request, model=model_file(request.model))
    _check(request)
    truth = _labels(request.truth, request)
    prediction = _labels(request.prediction, request, truth)
    pair = LabelPair(
        Labels(prediction, request.slices), Labels(truth, request.truth_slices)
    )
    image, info_bar = None, request.info_bar or 0
    if request.image is not None:
        image = read_stack(
            request.image,
            axes=request.axes,
            info_bar=request.info_bar,
            level=level_in(request.image, request.level),
        )
        info_bar = image.info_bar
    card = None if request.model is None else read_card(request.model)
    trained_on, notes = _trained_on(card, image, pair)
    coverage = _coverage(request, card, pair)
    if whole is None and request.truth_slices is not None:
        whole = pair.truth.survey(info_bar)
    known = num_classes if card is None else card.network.num_classes
    if is_large(pair.prediction.scored.as_zyx(), pair.truth.scored.as_zyx()):
        how = (request.kind, request.volume, trained_on, info_bar, coverage)
        question = Question(*how, whole, known)
        scores = _score_large(request, pair, question)
        show_scores(replace(scores, notes=(*scores.notes, *notes)))
        _write_tables(request, scores)
        return scores
    predicted, true = pair.prediction.values, pair.truth.values
    comparison = compare(
        predicted,
        true,
        request.kind,
        volume=request.volume,
        trained_on=trained_on,
        info_bar=info_bar,
        coverage=coverage,
        whole=whole,
        num_classes=known,
    )
    # What does not fit is said before minutes are spent on scores.
    wanted = None if request.report is None else image
    pictured = None if wanted is None else pair.cut(wanted)[0]
    soft, more = _soft(request.probabilities, comparison, pair)
    for path, labels in ((request.prediction, predicted), (request.truth, true)):
        more = (*more, *filter(None, [doubt_look(labels, str(path))]))
    comparison = replace(comparison, notes=(*comparison.notes, *notes, *more))
    with bar("scoring") as show:
        scores = score(comparison, show).numbered(pair.numbers)
    scores = replace(scores, soft=soft)
    show_scores(scores)
    _write_tables(request, scores)
    if request.error_map is not None:
        _write_errors(request.error_map, comparison, pair)
    if request.report is not None:
        page = ReportPage(
            scores,
            comparison,
            pictured,
            _facts(request, card),
            () if request.model is None else curve_of(request.model),
        )
        page.save(request.report)
        say(f"wrote {request.report}")
    return scores


def _score_large(request: ScoreRequest, pair: LabelPair, question: Question) -> Scores:
    """Score labels that the memory does not hold, behind a bar.

    Raises
    ------
    InputError
        When more is wanted than tables.
    """
    wanted = {
        "--report": request.report,
        "--error-map": request.error_map,
        "--probabilities": request.probabilities,
    }
    given = [name for name, path in wanted.items() if path is not None]
    if given:
        raise InputError(
            f"{request.truth} is scored some slices at a time, for the memory does not "
            f"hold it: leave {' and '.join(given)} out, or choose --slices."
        )
    labels = pair.prediction.scored.as_zyx(), pair.truth.scored.as_zyx()
    steps = score_volume_steps(*labels, question, Event())
    with bar("scoring") as show:
        scores = result_of(steps, lambda step: show(step.done, step.total))
    # Nobody stops it before there are any.
    return cast(Scores, scores).numbered(pair.numbers)


def show_scores(scores: Scores) -> None:
    """Print how the labels were read, the slices, all scores, and the objects."""
    for note in scores.notes:
        say(note)
    console.print(score_table(scores))
    console.print(_totals(scores))
    console.print(_instances(scores.instances))
    if scores.trained_on:
        say(scores.trained_words)


def score_table(scores: Scores) -> Table:
    """Return the table of all slices, with the whole in the last row."""
    table = _table("slice", *(MEASURES[name].title for name in SHOWN))
    for row in scores.slices:
        number = f"{row.slice} *" if row.trained_on else str(row.slice)
        table.add_row(number, *_cells(row.values()))
    table.add_section()
    table.add_row("all", *_cells(scores.values()), style="bold")
    return table


def _labels(path: Path, request: ScoreRequest, truth: Stack | None = None) -> Stack:
    """Read labels that a path stands for, as large as the truth where a level is."""
    path, own = Path(labels_in(path)), None
    if truth is not None and is_zarr(path):
        own = level_of_size(path, truth.as_czyx().shape[1:])
    level = level_in(path, request.level) if own is None else own
    return read_and_tell(path, {"level": level, "axes": of_labels(request.axes)})


def _check(request: ScoreRequest) -> None:
    inputs = [request.prediction, request.truth]
    more = (request.image, request.model, request.probabilities)
    inputs.extend(path for path in more if path is not None)
    listed = None if request.error_map is None else _list_of(request.error_map)
    outputs = (request.json, request.csv, request.report, request.error_map, listed)
    check_outputs(inputs, *outputs)
    check_tiff(request.error_map)
    check_replaced("score", *outputs, overwrite=request.overwrite, heads=_HEADS)
    if request.report is not None:
        check_page(request.report)


def _trained_on(
    card: ModelCard | None, image: Stack | None, pair: LabelPair
) -> tuple[frozenset[int] | None, tuple[str, ...]]:
    """Return which slices the model has learnt from, and notes on why none is marked.

    They are counted from the first that is scored; None where they are not known.
    """
    if card is None:
        return frozenset(), ()
    if image is None:
        return None, (_NO_IMAGE,)
    own = fingerprint(image.as_czyx())
    seen, places = trained_slices(card, own), pair.places(image)
    if seen is None:
        words = _UNTOLD
    elif all(entry.get("image") != own for entry in card.data):
        words = _ANOTHER.format(image.source)
    elif places is None:
        words = _NO_PLACE.format(image.source)
    else:
        return frozenset(n for n, z in enumerate(places) if z in seen), ()
    # An image that the model never saw has no such slice.
    return (None if seen else seen), (words,)


def _coverage(
    request: ScoreRequest, card: ModelCard | None, pair: LabelPair
) -> Coverage:
    """Return which pixels of the truth say anything: as given, or as when trained."""
    known = None if card is None else card.coverage.ignore
    coverage = request.coverage
    update = {"complete": pair.truth.places(coverage.complete)}
    if coverage.ignore is None and isinstance(known, int):
        return coverage.model_copy(update={**update, "ignore": known})
    return coverage.model_copy(update=update)


def _soft(
    path: Path | None, comparison: Comparison, pair: LabelPair
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the study's measures of probabilities, and how these were read."""
    if path is None:
        return {}, ()
    likely, notes = foreground(read_and_tell(path), pair)
    measures = {
        "soft_iou": soft_iou,
        "thresholded_iou": thresholded_iou,
        "soft_dice": soft_dice,
    }
    soft = {name: one(likely, comparison.truth) for name, one in measures.items()}
    return soft, notes


def _write_tables(request: ScoreRequest, scores: Scores) -> None:
    for path, as_csv in ((request.json, False), (request.csv, True)):
        if path is not None:
            scores.save(path, as_csv=as_csv)
            say(f"wrote {path}")


def _write_errors(path: Path, comparison: Comparison, pair: LabelPair) -> None:
    """Write pixels and objects that are wrong as two channels, and a list as JSON."""
    like = pair.truth.scored
    errors = find_errors(comparison)
    if len(errors.errors) > np.iinfo(np.uint16).max:
        raise InputError(f"{path}: more than 65,535 errors do not fit into a TIFF.")
    smallest = np.uint8 if len(errors.errors) < IGNORE else np.uint16
    parts = [
        like.single_channel(one) for one in (pixel_map(comparison), errors.objects)
    ]
    channels = np.stack([np.asarray(one.data).astype(smallest) for one in parts])
    axes = f"C{parts[0].axes}"
    write_stack(path, channels, like=like, axes=axes, made_by="score")
    listed = _list_of(path)
    rows = [{**row, "slice": pair.numbers[row["slice"]]} for row in errors.rows()]
    write_text(listed, json.dumps(rows, indent=1))
    say(f"wrote {path} and {listed}, {len(errors.errors):,} errors")


def _list_of(error_map: Path) -> Path:
    """Return where the errors of a map are listed; never where scores might go."""
    return error_map.with_name(f"{error_map.stem}-errors.json")


def _facts(
    request: ScoreRequest, card: ModelCard | None
) -> Mapping[str, Mapping[str, str]]:
    files = {
        "Prediction": request.prediction,
        "Ground truth": request.truth,
        "Image": request.image,
        "Model": request.model,
    }
    made = {"Date": datetime.now().isoformat(" ", "seconds")}
    slices = {"Slices of the prediction": request.slices or "all"}
    facts = {"Files": {**made, **slices, **file_facts(files)}}
    return facts if card is None else {**facts, **model_facts(card)}


def _totals(scores: Scores) -> Table:
    table = _table("all slices", "value", "95 % interval")
    table.columns[0].justify = "left"
    for name, value in scores.values().items():
        span = " to ".join(written(end, name) for end in scores.intervals.get(name, ()))
        table.add_row(MEASURES[name].title, written(value, name), span)
    for name, value in scores.soft.items():
        table.add_row(name.replace("_", " "), written(value, name), "")
    return table


def _instances(instances: Instances) -> Table:
    table = _table("objects at IoU", "precision", "recall", "F1", "AP", "PQ")
    found = instances.values()
    for threshold in _THRESHOLDS_SHOWN:
        values = found[threshold]
        table.add_row(threshold, *(written(values[name], name) for name in _FOUND))
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right")
    return table


def _cells(values: Mapping[str, float]) -> list[str]:
    return [written(values[name], name) for name in SHOWN]
