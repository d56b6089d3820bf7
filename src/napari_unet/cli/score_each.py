"""Many predictions scored by one command, into one table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.cli.batch import alike, images_of, one_by_one, tell_failed
from napari_unet.cli.outputs import check_outputs, check_replaced
from napari_unet.cli.score_command import run_score
from napari_unet.cli.score_inputs import Labels
from napari_unet.cli.show import say
from napari_unet.config import AnnotationKind
from napari_unet.data.dimensions import of_labels
from napari_unet.data.files import csv_text, write_text
from napari_unet.data.label_survey import Survey
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.score.scores import COLUMNS

if TYPE_CHECKING:
    from napari_unet.cli.score_request import ScoreRequest
    from napari_unet.score.scores import Scores

_ALONE = ("image", "model", "probabilities", "json", "report", "error_map")
_HEADS = ("file,iou,dice,",)


def score_each(request: ScoreRequest) -> None:
    """Score each prediction of a folder against the truth of the same name.

    Raises
    ------
    NapariUNetError
        At the end, when some could not be scored; which ones, and why.
    """
    for name in _ALONE:
        if getattr(request, name) is not None:
            option = name.replace("_", "-")
            raise InputError(
                f"--{option} is of a single image: leave it or --each out."
            )
    check_outputs([request.prediction, request.truth], request.csv)
    check_replaced("score", request.csv, overwrite=request.overwrite, heads=_HEADS)
    found: dict[str, Scores] = {}

    predictions = images_of(request.prediction)
    whole = _survey(predictions, request)

    def work(path: Path) -> None:
        truth = alike(request.truth, path)
        one = replace(request, prediction=path, truth=truth, csv=None)
        found[path.name] = run_score(one, whole)

    failed = one_by_one(predictions, work)
    if request.csv is not None and found:
        rows = [[name, *scores.cells()] for name, scores in found.items()]
        write_text(request.csv, csv_text([["file", *COLUMNS], *rows]))
        say(f"wrote {request.csv}: {len(found)} predictions scored")
    tell_failed(failed, len(failed) + len(found))


def _survey(predictions: Sequence[Path], request: ScoreRequest) -> Survey | None:
    """Return what occurs in all truths; one may hold a single class of several."""
    found = list[Survey]()
    for path in predictions if request.kind is not AnnotationKind.OBJECTS else ():
        # What cannot be read is told when its turn comes.
        with suppress(NapariUNetError):
            truth = alike(request.truth, path)
            stack = read_stack(truth, axes=of_labels(request.axes))
            found.append(Labels(stack).survey(request.info_bar or 0))
    return Survey.of_all(found) if found else None
