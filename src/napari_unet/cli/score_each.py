"""Many predictions scored by one command, into one table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.cli.batch import alike, images_of, one_by_one, tell_failed
from napari_unet.cli.outputs import check_outputs, check_replaced
from napari_unet.cli.score_command import run_score
from napari_unet.cli.score_inputs import Labels
from napari_unet.cli.show import say
from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import MAX_CLASSES
from napari_unet.data.dimensions import of_labels
from napari_unet.data.files import csv_text, write_text
from napari_unet.data.formats.kinds import title_of_file
from napari_unet.data.label_survey import Survey
from napari_unet.data.labels import is_mask
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.score.label_reading import is_numbered
from napari_unet.score.scores import COLUMNS
from napari_unet.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.cli.score_request import ScoreRequest
    from napari_unet.score.scores import Scores

_ALONE = ("image", "probabilities", "json", "report", "error_map")
_NAMED = 5
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
    known = _known(predictions, request)

    def work(path: Path) -> None:
        truth = alike(request.truth, path)
        one = replace(request, prediction=path, truth=truth, csv=None)
        found[path.name] = run_score(one, *known)

    failed = one_by_one(predictions, work)
    if request.csv is not None and found:
        rows = [[name, *scores.cells()] for name, scores in found.items()]
        write_text(request.csv, csv_text([["file", *COLUMNS], *rows]))
        say(f"wrote {request.csv}: {len(found)} predictions scored")
    _tell_not_predicted(request.truth, predictions)
    tell_failed(failed, len(failed) + len(found))


def _tell_not_predicted(truths: Path, predictions: Sequence[Path]) -> None:
    """Name the truths without a prediction, which a table of scores does not show."""
    titles = {title_of_file(path) for path in predictions}
    left = [one.name for one in images_of(truths) if title_of_file(one) not in titles]
    if left:
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        say(
            f"{counted(len(left), 'truth')} without a prediction: "
            f"{', '.join(left[:_NAMED])}{more}"
        )


def _known(
    predictions: Sequence[Path], request: ScoreRequest
) -> tuple[Survey | None, int]:
    """Return what occurs in all truths, and how many classes are predicted in all.

    One file may hold a single class of several, or each class in one piece, as if it
    were numbered objects.
    """
    truths, found, of_classes = list[Survey](), list[Survey](), False
    for path in predictions if request.kind is not AnnotationKind.OBJECTS else ():
        # What cannot be read is told when its turn comes.
        with suppress(NapariUNetError):
            truth, prediction = (
                Labels(read_stack(one, axes=of_labels(request.axes)))
                for one in (alike(request.truth, path), path)
            )
            truths.append(truth.survey(request.info_bar or 0))
            found.append(prediction.survey(request.info_bar or 0))
            meant = truths[-1].without(truths[-1].settle(request.coverage).ignored)
            of_classes |= _are_classes(truth, meant.values)
            of_classes |= _are_classes(prediction, found[-1].values)
    if not truths:
        return None, 2
    whole, predicted = Survey.of_all(truths), Survey.of_all(found)
    objects = whole.guess(request.coverage).kind is AnnotationKind.OBJECTS
    highest = int(predicted.values.max(initial=0))
    if objects or not of_classes or is_mask(predicted.values) or highest > MAX_CLASSES:
        return whole, 2
    # Without any 0, the background is 1.
    return whole, max(2, highest + (predicted.painted < predicted.touched))


def _are_classes(labels: Labels, values: NDArray[np.int64]) -> bool:
    """Return whether values cannot be numbers of objects, for their many pieces."""
    several = values.size > 1 and not is_mask(values)
    planes, touched = labels.stack.as_zyx(), np.arange(labels.stack.num_slices)
    return several and not is_numbered(planes, values, touched=touched)
