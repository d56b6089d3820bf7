"""What the names of files tell: which hold masks, and which belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from napari_unet.errors import InputError

_OF_LABELS = "masks?|labels?|seg|segmentations?|gt|truth|annotations?|annotated"
_MASK = re.compile(rf"(?<![a-z])({_OF_LABELS})(?![a-z])")
_TRUTH = re.compile(r"(?<![a-z])(truth|gt)(?![a-z])")
_WORDS = re.compile(rf"(?<![a-z])({_OF_LABELS}|images?|imgs?|raw|em)(?![a-z])")


def masks_among(files: Sequence[Path]) -> list[Path]:
    """Return the files that are named like masks, where others are not."""
    masks = [file for file in files if _MASK.search(file.stem.lower())]
    return masks if len(masks) < len(files) else []


def roles_among(files: Sequence[Path], plain: str = "image") -> dict[str, Path]:
    """Return the role of each file by its name: image, annotations or truth.

    Parameters
    ----------
    files
        Files, and folders of slices.
    plain
        The role of a file whose name tells none.

    Raises
    ------
    InputError
        When two files would have the same role.
    """
    roles: dict[str, Path] = {}
    for file in files:
        name = file.stem.lower()
        labels = "truth" if _TRUTH.search(name) else "annotations"
        role = labels if _MASK.search(name) else plain
        if role in roles:
            both = f"{roles[role].name} and {file.name}"
            raise InputError(
                f"{both} would both be the {role}: drop one of them, or the folder "
                "of the slices of one image."
            )
        roles[role] = file
    # Labels are laid on the image, which has to be there.
    return dict(sorted(roles.items(), key=lambda item: item[0] != "image"))


def keys(files: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Return what files may have in common with their partners: names, and numbers."""
    names = [_WORDS.sub("", file.stem.lower()) for file in files]
    found = [re.findall(r"\d+", file.stem) for file in files]
    if len({len(one) for one in found}) == 1:
        # The date that a series begins with tells nothing.
        columns = zip(*([int(n) for n in one] for one in found), strict=True)
        varying = [column for column in columns if len(set(column)) > 1]
        numbers = [str([column[i] for column in varying]) for i in range(len(files))]
    else:
        numbers = [one[-1].lstrip("0") if one else "" for one in found]
    return [re.sub(r"[^\w]|_", "", name) for name in names], numbers


def gaps(files: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return the files of a series after and before those that its numbers leave out.

    None where the numbers do not count, by ones or by another step.
    """
    found = [[int(n) for n in re.findall(r"\d+", file.stem)] for file in files]
    if len({len(one) for one in found}) != 1:
        return []
    open_: list[tuple[Path, Path]] = []
    for column in zip(*found, strict=True):
        steps = [after - before for before, after in pairwise(column)]
        step = min(steps, default=0)
        counted = step > 0 and 2 * steps.count(step) > len(steps)
        if not counted or any(one % step for one in steps):
            continue
        wide = [n for n, one in enumerate(steps) if one > step]
        if not wide:
            return []
        open_ = open_ or [(files[n], files[n + 1]) for n in wide]
    return open_


def alone(images: Sequence[Path], labels: Sequence[Path]) -> str:
    """Return the first file without a partner; "" where none has any."""
    schemes = zip(keys(images), keys(labels), strict=True)
    ours, theirs = max(schemes, key=lambda pair: len(set(pair[0]) & set(pair[1])))
    both = set(ours) & set(theirs)
    keyed = [*zip(ours, images, strict=False), *zip(theirs, labels, strict=False)]
    found = [file.name for key, file in keyed if key not in both]
    return found[0] if both and found else ""
