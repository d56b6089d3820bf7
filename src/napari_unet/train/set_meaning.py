"""What the annotations of a set of images mean, settled by all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_unet.config import AnnotationKind
from napari_unet.data.label_survey import Survey
from napari_unet.data.labels import reads_as_mask
from napari_unet.train.training_source import Meaning, OpenSource

_NOTHING = Survey.of_all(())


def settle_meanings(
    sources: Sequence[OpenSource], num_classes: int = 2
) -> list[Meaning]:
    """Settle what is ignored in each image, and whether classes are a mask.

    A single image may hold only one of the classes, or of them all only the value that
    is ignored beside the others.

    Parameters
    ----------
    sources
        The set.
    num_classes
        Classes that the network knows already.

    Raises
    ------
    InputError
        When annotations are no whole numbers.
    """
    # Numbers of objects tell nothing of each other.
    surveys = [
        _NOTHING if one.source.kind is AnnotationKind.OBJECTS else one.survey()
        for one in sources
    ]
    meanings = [
        _of_one(one, survey) for one, survey in zip(sources, surveys, strict=True)
    ]
    for kind in (AnnotationKind.CLASSES, AnnotationKind.SCRIBBLES):
        own = [i for i, one in enumerate(meanings) if one.kind is kind]
        together = Survey.of_all(
            surveys[i] for i in own if meanings[i].coverage.ignore != "none"
        )
        for i in own:
            coverage = meanings[i].coverage
            if surveys[i].ignored(kind) is None:
                coverage = replace(together, lowest=0).settle(coverage, kind)
            coverage = surveys[i].settle(coverage, kind)
            meanings[i] = replace(meanings[i], coverage=coverage)
            surveys[i] = surveys[i].without(coverage.ignored)
        if kind is AnnotationKind.CLASSES:
            values = Survey.of_all(surveys[i] for i in own).values
            mask = reads_as_mask(values, num_classes)
            for i in own:
                meanings[i] = replace(meanings[i], mask=mask)
    return meanings


def _of_one(one: OpenSource, survey: Survey) -> Meaning:
    coverage = one.source.coverage
    if one.source.kind is not None:
        return Meaning(one.source.kind, coverage)
    guess = survey.guess(coverage)
    note = f"annotations are {guess.kind}: {guess.reason}"
    return Meaning(guess.kind, coverage, note=note)
