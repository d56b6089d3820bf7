"""The scores that are read first fit what was compared."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.score.comparison import compare
from napari_unet.score.headline import EXPECTED, headlines
from napari_unet.score.scoring import score


def two_cells() -> np.ndarray:
    labels = np.zeros((2, 20, 20), np.uint8)
    labels[:, 2:9, 2:18], labels[:, 11:18, 2:18] = 1, 2
    return labels


def terms(kind: AnnotationKind, *, numbered: bool) -> list[str]:
    scores = score(compare(two_cells(), two_cells(), kind))
    return [one.term for one in headlines(scores, numbered=numbered)]


def test_numbered_cells_are_counted_and_classes_have_no_cells() -> None:
    assert terms(AnnotationKind.OBJECTS, numbered=True)[-1] == "F1 at IoU 0.5"
    assert terms(AnnotationKind.CLASSES, numbered=False) == ["IoU", "Dice", "Accuracy"]


def test_masks_have_the_scores_of_the_challenge_with_intervals() -> None:
    truth = (two_cells() > 0).astype(np.uint8)
    predicted = truth.copy()
    predicted[0, 9:11, 8:12] = 1
    scores = score(compare(predicted, truth, AnnotationKind.CLASSES))
    found = headlines(scores)
    assert tuple(one.words for one in found) == EXPECTED
    for one, name in zip(found, ("iou", "v_rand", "v_info"), strict=True):
        assert one.value == pytest.approx(scores.values()[name])
        assert one.interval == scores.intervals[name]
        assert f"{one.interval[0]:.3f} to {one.interval[1]:.3f}" in one.tip


def test_a_single_slice_has_no_interval() -> None:
    mask = (two_cells() > 0).astype(np.uint8)[:1]
    (iou, *_) = headlines(score(compare(mask, mask, AnnotationKind.CLASSES)))
    assert iou.tip.startswith("IoU 1.000. Area")
