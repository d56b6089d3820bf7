"""What is scored: two layers as they were at one moment, and what is known of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image

from napari_unet.baselines.apply import MadeByBaseline
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.labels import OF_ONE_IMAGE, check_same_size
from napari_unet.errors import NapariUNetError
from napari_unet.model.loading import card_of
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.used_slices import UsedSlices
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.errors.error_map import leave_out
from napari_unet.score.headline import Headline, headlines
from napari_unet.score.report.score_history import ScoreRecord
from napari_unet.score.scoring import SliceScored, add_borders, score_objects
from napari_unet.score.volume_scoring import Question, is_large, score_volume_steps
from napari_unet.steps import with_steps
from napari_unet.widgets.layers.arrays import image_stack, labels_now
from napari_unet.widgets.layers.marks import (
    INFO_BAR,
    image_id,
    made_by,
    made_by_baseline,
    untouched,
)
from napari_unet.widgets.layers.places import lies_on

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_unet.config import AnnotationKind, Coverage
    from napari_unet.data.stack import ArrayLike
    from napari_unet.score.scores import Scores


@dataclass(frozen=True, eq=False)
class Subject:
    """A prediction and its ground truth, as they were when they were read.

    Attributes
    ----------
    prediction, truth
        The layers.
    predicted_labels, truth_labels
        (Z, Y, X) copies of what they held; of a file, what reads it.
    image
        The image layer that was predicted; None where it is not there any more.
    made_by, baseline
        What made the prediction, as far as that is known.
    learnt_from
        Indices of the slices that it had learnt from; None where that is unknown.
    info_bar
        Rows at the bottom of the image that hold writing.
    """

    prediction: Labels
    truth: Labels
    predicted_labels: ArrayLike
    truth_labels: ArrayLike
    image: Image | None = None
    made_by: MadeBy | None = None
    baseline: MadeByBaseline | None = None
    learnt_from: frozenset[int] | None = None
    info_bar: int = 0

    @classmethod
    def of(
        cls,
        viewer: ViewerModel,
        prediction: Labels,
        truth: Labels,
        image: Image | None,
    ) -> Subject:
        """Read two layers; on the main thread.

        Parameters
        ----------
        viewer
            The viewer with the layers.
        prediction, truth
            The layers.
        image
            Taken for what was predicted where the prediction does not tell, or tells
            of an image that is not there any more, and lies on this one.

        Raises
        ------
        InputError
            When the layers are no stacks of one shape.
        """
        labels = labels_now(prediction), labels_now(truth)
        names = f"{prediction.name} is", f"{truth.name} is"
        check_same_size(labels[0].shape, labels[1].shape, names, OF_ONE_IMAGE)
        made = untouched(prediction) or made_by(prediction)
        baseline = made_by_baseline(prediction)
        maker = baseline or made
        if maker is not None and maker.of:
            image = _image_of(viewer, prediction, maker.of, image)
        learnt = UsedSlices.of(made).trained
        if baseline is not None:
            learnt = frozenset(baseline.learnt_from)
        bar = 0 if image is None else image.metadata.get(INFO_BAR, 0)
        return cls(prediction, truth, *labels, image, made, baseline, learnt, bar)

    @property
    def image_name(self) -> str:
        """Name of the image that was predicted, "" where it is unknown."""
        maker = self.baseline or self.made_by
        if maker is not None and maker.of:
            return maker.of
        return "" if self.image is None else str(self.image.name)

    def is_of(self, prediction: Labels | None, truth: Labels | None) -> bool:
        """Return whether these are the layers that were read."""
        # Equal, not identical: what plugins hold may be a proxy of the layer.
        return bool(self.prediction == prediction and self.truth == truth)

    def score(
        self,
        kind: AnnotationKind | None,
        slices: Sequence[int] | None,
        ignored: NDArray[np.bool_] | None,
        stop: Event,
        *,
        coverage: Coverage | None = None,
    ) -> Generator[SliceScored | Scored, None, Scored | None]:
        """Score the prediction against its ground truth; on any thread.

        First numbers are yielded meanwhile: of the slices so far, then of all before
        the borders, whose scores are NaN until then.

        Parameters
        ----------
        kind
            Of the ground truth; None for a guess.
        slices
            Indices of those that are scored; None for all.
        ignored
            (Z, Y, X) pixels that do not count; None where all do.
        stop
            Ends the work after the slice in hand once it is set; None is returned
            then.
        coverage
            Which pixels of the ground truth say anything; None for a guess.
        """
        if is_large(self.predicted_labels, self.truth_labels):
            return (yield from self._score_in_parts(kind, coverage, stop))
        comparison = compare(
            np.asarray(self.predicted_labels),
            np.asarray(self.truth_labels),
            kind,
            slices=slices,
            trained_on=self._trained_on(),
            info_bar=self.info_bar,
            coverage=coverage,
            num_classes=self._num_classes(),
        )
        if ignored is not None:
            comparison = leave_out(comparison, ignored)

        def shown(step: SliceScored | Scores) -> SliceScored | Scored:
            if isinstance(step, SliceScored):
                return step
            return Scored(self, comparison, step, whole=False)

        first = yield from with_steps(score_objects(comparison, stop), shown)
        if first is None:
            return None
        yield shown(first)
        scores = yield from add_borders(comparison, first, stop)
        if scores is None:
            return None
        # Worked out and loaded here, not while it is shown.
        _ = scores.intervals, scores.instances
        return Scored(self, comparison, scores)

    def _score_in_parts(
        self, kind: AnnotationKind | None, coverage: Coverage | None, stop: Event
    ) -> Generator[SliceScored | Scored, None, Scored | None]:
        """Score some slices at a time, as many as the memory holds."""
        known, num_classes = self._trained_on(), self._num_classes()
        how = (kind, None, known, self.info_bar, coverage)
        asked = Question(*how, num_classes=num_classes)
        steps = score_volume_steps(
            self.predicted_labels, self.truth_labels, asked, stop
        )
        scores = yield from steps
        if scores is None:
            return None
        _ = scores.intervals, scores.instances
        return Scored(self, None, scores)

    def _num_classes(self) -> int:
        """Return how many classes its model tells apart; 2 where nothing tells it."""
        if self.made_by is None or self.made_by.finish.numbers_objects:
            return 2
        try:
            return card_of(self.made_by.model).network.num_classes
        except NapariUNetError:  # the file has gone; its prediction is still there
            return 2

    def _trained_on(self) -> frozenset[int] | None:
        """Return which slices it had learnt from; of a volume, its image is read."""
        made, image = self.made_by, self.image
        if self.learnt_from is not None or made is None or made.image or image is None:
            return self.learnt_from
        own = fingerprint(image_stack(image).as_czyx())
        return UsedSlices.of(replace(made, image=own)).trained


@dataclass(frozen=True, eq=False)
class Scored:
    """What was scored, and how it did.

    Attributes
    ----------
    comparison
        None where the memory does not hold all of it.
    whole
        Whether the borders are scored too, and intervals known.
    """

    subject: Subject
    comparison: Comparison | None
    scores: Scores
    whole: bool = True

    @property
    def trust(self) -> str:
        """How many slices these are of so far; of all, how far the scores flatter."""
        total = 0 if self.comparison is None else len(self.comparison.slices)
        done = len(self.scores.slices)
        if done < total:
            return f"These are the scores of {done} of {total} slices so far."
        return self.scores.trained_words

    def headlines(self) -> tuple[Headline, ...]:
        """Return the three scores that are read first."""
        compared = self.comparison
        numbered = compared is not None and compared.truth_ids is not None
        return headlines(self.scores, numbered=numbered, intervals=self.whole)

    def record(self) -> ScoreRecord:
        """Return how a project remembers it."""
        subject, made = self.subject, self.subject.made_by
        model = "" if subject.baseline is None else subject.baseline.title
        return ScoreRecord.of(
            self.scores,
            subject.prediction.name,
            subject.image_name,
            model if made is None else str(made.model),
            None if made is None else made.threshold,
            subject.truth.name,
        )


def _image_of(
    viewer: ViewerModel, prediction: Labels, name: str, else_one: Image | None
) -> Image | None:
    """Return the image of a prediction by its id, its old name, or its place."""
    images = [one for one in viewer.layers if isinstance(one, Image)]
    for one in images:
        if str(one.unique_id) == image_id(prediction):
            return one
    for one in images:
        if one.name == name:
            return one
    there = else_one is not None and lies_on(else_one, prediction)
    return else_one if there else None
