"""Which slices of a prediction its model had learnt from, and which were held out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from napari_unet.data.regions import runs
from napari_unet.errors import NapariUNetError
from napari_unet.model.loading import card_of
from napari_unet.model.seen import trained_slices, validation_slices
from napari_unet.predict.made_by import MadeBy

_GONE = "The file of the model is not there any more."
_UNKNOWN = (
    "The model does not tell which slices of this image were held out: only models "
    "that were trained with this version do."
)


@dataclass(frozen=True)
class UsedSlices:
    """What a model tells of the slices of the image that it predicted.

    Attributes
    ----------
    trained
        Those that it has learnt from; None where they are not known.
    validation
        Those that were held out; None where they are not known.
    model_is_there
        Whether the model file can be read.
    """

    trained: frozenset[int] | None = None
    validation: frozenset[int] | None = None
    model_is_there: bool = False

    @classmethod
    def of(cls, made: MadeBy | None) -> UsedSlices:
        """Read what the model of a prediction says; nothing where none made it here."""
        if made is None:
            return cls()
        try:
            card = card_of(made.model)
        except NapariUNetError:
            return cls()
        trained = trained_slices(card, made.image)
        return cls(trained, validation_slices(card, made.image), model_is_there=True)

    def why_not_choose(self, slices: Collection[int]) -> str:
        """Return why nothing may be chosen by the scores of some slices, or ""."""
        if not self.model_is_there:
            return _GONE
        strange = set(slices) - (self.validation or frozenset())
        learnt = strange & (self.trained or frozenset())
        if learnt:
            return (
                f"The model was trained on {named(learnt)}: choose a threshold on "
                "slices that were held out."
            )
        if self.validation is None:
            return _UNKNOWN
        if strange:
            return (
                f"Not held out in training: {named(strange)}. A threshold chosen on "
                "them would flatter every later score."
            )
        return ""

    def words(self, slices: Collection[int]) -> str:
        """Return in words what some slices were for."""
        if self.validation is not None and self.validation.issuperset(slices):
            what = "held out in training"
        elif self.trained is None:
            what = "all that were scored; it is not known which the model learnt from"
        elif self.trained & set(slices):
            what = "trained on in part; these scores say little of other images"
            if self.trained.issuperset(slices):
                what = "trained on; these scores say little of other images"
        else:
            what = "all that were scored"
        which = named(slices)
        return f"{which[:1].upper()}{which[1:]}: {what}."


def named(slices: Collection[int]) -> str:
    """Write slices in words.

    >>> named([24, 25, 26, 29])
    'slices 24 to 26, 29'
    """
    parts = [run.split(":") for run in runs(slices)]
    words = ", ".join(
        part[0] if len(part) == 1 else f"{part[0]} to {int(part[1]) - 1}"
        for part in parts
    )
    return f"slice {words}" if len(slices) == 1 else f"slices {words}"
