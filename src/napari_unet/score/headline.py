"""The three scores that say most of a segmentation, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet.score.measures import MEASURES, figure
from napari_unet.score.objects.instances import found_words

if TYPE_CHECKING:
    from napari_unet.score.intervals import Interval
    from napari_unet.score.scores import Scores

_WORDS = {
    "iou": "area in common",
    "dice": "area, milder",
    "accuracy": "pixels right",
    "v_rand": "cells apart and whole",
    "v_info": "the same for small cells",
}
_OF_CELLS, _OF_CLASSES = ("iou", "v_rand", "v_info"), ("iou", "dice", "accuracy")
_FOUND = "0.50"

EXPECTED = tuple(_WORDS[name] for name in _OF_CELLS)
"""What will be read first, as long as nothing is known of the scores."""


@dataclass(frozen=True)
class Headline:
    """A score that is read first.

    Attributes
    ----------
    words
        What it answers, in plain words.
    term
        What the field calls it.
    sentence
        Which question it answers.
    value
        From 0 to 1, the best; NaN where it is not defined.
    interval
        95 % interval, None without one.
    """

    words: str
    term: str
    sentence: str
    value: float
    interval: Interval | None = None

    @property
    def tip(self) -> str:
        """The term with its value and interval, and what it answers."""
        span = ""
        if self.interval is not None:
            low, high = map(figure, self.interval)
            span = f", 95 % interval {low} to {high}, from drawing slices anew"
        return f"{self.term} {figure(self.value)}{span}. {self.sentence}"


def headlines(
    scores: Scores, *, numbered: bool = False, intervals: bool = True
) -> tuple[Headline, ...]:
    """Return the three scores that are read first.

    IoU in any case. Of cells, the Rand and the information F-score, as in the ISBI
    2012 challenge; where the truth numbers each of them, how many were found in place
    of the latter. Of several classes, Dice and accuracy.

    Parameters
    ----------
    scores
        Of a stack.
    numbered
        Whether the truth numbers its objects.
    intervals
        Whether their intervals are told, which take a moment to find.
    """
    names = _OF_CLASSES if len(scores.overall.confusion) > 2 else _OF_CELLS
    spans = scores.intervals if intervals else {}
    found = tuple(_headline(scores, name, spans.get(name)) for name in names)
    if names is _OF_CLASSES or not numbered:
        return found
    return (*found[:2], _cells_found(scores))


def _headline(scores: Scores, name: str, span: Interval | None) -> Headline:
    one = MEASURES[name]
    value = scores.values()[name]
    return Headline(_WORDS[name], one.title, one.sentence, value, span)


def _cells_found(scores: Scores) -> Headline:
    found = scores.instances.values()[_FOUND]
    return Headline("cells found", "F1 at IoU 0.5", found_words(found), found["f1"])
