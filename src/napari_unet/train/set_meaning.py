"""What the annotations of a set of images mean, settled by all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.label_survey import KindGuess, Survey
from napari_unet.data.labels import reads_as_mask
from napari_unet.errors import InputError
from napari_unet.train.training_source import Meaning, OpenSource

_NOTHING = Survey.of_all(())


def settle_meanings(
    sources: Sequence[OpenSource], num_classes: int = 2
) -> list[Meaning]:
    """Settle what annotations mean, what is ignored, and whether classes are a mask.

    A single image may hold only one of the classes, or of them all only the value that
    is ignored beside the others, or fewer objects than tell that they are such.

    Parameters
    ----------
    sources
        The set.
    num_classes
        Classes that the network knows already.

    Raises
    ------
    InputError
        When annotations are no whole numbers, or some look like scribbles and others
        like classes.
    """
    # Numbers of objects tell nothing of each other.
    surveys = [
        _NOTHING if one.source.kind is AnnotationKind.OBJECTS else one.survey()
        for one in sources
    ]
    meanings = _kinds(sources, surveys)
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


def _kinds(sources: Sequence[OpenSource], surveys: Sequence[Survey]) -> list[Meaning]:
    """Return the kinds as given, or one that is guessed for all others."""
    guessed = {
        i: surveys[i].guess(one.source.coverage)
        for i, one in enumerate(sources)
        if one.source.kind is None
    }
    whole = _of_the_set(sources, surveys, guessed)
    meanings = []
    for i, one in enumerate(sources):
        kind, note = one.source.kind, ""
        if i in guessed:
            guess = guessed[i]
            kind, reason = guess.kind, guess.reason
            if whole is not None and kind is not whole.kind:
                kind, reason = whole.kind, f"as in the whole set: {whole.reason}"
            note = f"annotations are {kind}: {reason}"
        meanings.append(Meaning(kind, one.source.coverage, note=note))
    return meanings


def _of_the_set(
    sources: Sequence[OpenSource],
    surveys: Sequence[Survey],
    guessed: dict[int, KindGuess],
) -> KindGuess | None:
    """Return the guess that holds for all images; None without any.

    Objects are numbered in images that show few of them, too. What is not clear of
    some follows the kind that others were given.

    Raises
    ------
    InputError
        When some look like scribbles and others like classes.
    """
    telling = {i: one for i, one in guessed.items() if surveys[i].values.size}
    known = (surveys[i].without(sources[i].source.coverage.ignored) for i in telling)
    together = Survey.of_all(known).guess(Coverage())
    kinds = {one.kind: i for i, one in telling.items()}
    for one in (*telling.values(), together):
        if one.kind is AnnotationKind.OBJECTS:
            return one
    given = {one.source.kind for one in sources if one.source.kind is not None}
    if len(kinds) > 1 and len(given) == 1:
        # The window asks for the kind of one image.
        return KindGuess(given.pop(), "others are said to be")
    if len(kinds) > 1:
        first, other = (
            f"{sources[i].stack.source} looks like {kind} ({telling[i].reason})"
            for kind, i in kinds.items()
        )
        raise InputError(
            f"{first}, and {other}: say what was painted, by --kind or under What did "
            "you paint?"
        )
    return next(iter(telling.values()), None)
