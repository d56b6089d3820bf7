"""Which slices an experiment trains on, and which it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.config import Region, Role
from napari_unet.data.regions import choose_validation, runs
from napari_unet.data.stack import parse_slices
from napari_unet.errors import InputError

EVERY_FIFTH, BLOCK = "every-fifth", "block"
_FORMS = f"{EVERY_FIFTH}, {BLOCK}, 0:24 or 0:40/45:57"


@dataclass(frozen=True)
class Split:
    """Slices to train on and slices held out.

    Attributes
    ----------
    name
        As it was asked for.
    train, validation
        Runs of slices, each as `parse_slices` reads it.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """The split as regions of whole slices."""
        roles = ((Role.TRAIN, self.train), (Role.VALIDATION, self.validation))
        return tuple(
            Region(role=role, slices=text) for role, texts in roles for text in texts
        )


def split_slices(name: str, count: int) -> Split:
    """Split the slices of a stack.

    Parameters
    ----------
    name
        "every-fifth": slices 3, 8, 13 and so on are held out, each between two that
        are trained on and look almost the same, which flatters. "block": the last
        fifth is held out, and the first of it lies next to one that is trained on.
        "A:B": these are trained on, all others held out. "A:B/C:D": both are named,
        and what lies in between is left out.
    count
        Slices of the stack.

    Raises
    ------
    InputError
        When it cannot be read, or leaves nothing to train on or to hold out.
    """
    every = range(count)
    if count < 2:
        raise InputError(
            "An experiment needs a stack of two slices or more: one to train on and "
            "one to hold out."
        )
    if name in (EVERY_FIFTH, BLOCK) and count < 5:
        raise InputError(
            f"The stack has {count} slices, {name} needs 5: name the slices to train "
            f"on, such as --split 0:{count - 1}."
        )
    if name == EVERY_FIFTH:
        held = set(every[3::5])
    elif name == BLOCK:
        held = set(choose_validation(every))
    else:
        return _named(name, every)
    return Split(name, tuple(runs(set(every) - held)), tuple(runs(held)))


def _named(name: str, every: range) -> Split:
    """Read "A:B" or "A:B/C:D"."""
    first, slash, second = name.partition("/")
    try:
        trained = set(every[parse_slices(first, len(every))])
        rest = set(every) - trained
        held = set(every[parse_slices(second, len(every))]) if slash else rest
    except InputError as error:
        raise InputError(f"--split {name!r} is none of {_FORMS}: {error}") from error
    if trained & held:
        raise InputError(
            f"The split {name} trains on slices that it holds out: name others."
        )
    if not held:
        raise InputError(
            f"The split {name} trains on all slices and holds none out: name fewer."
        )
    return Split(name, tuple(runs(trained)), tuple(runs(held)))
