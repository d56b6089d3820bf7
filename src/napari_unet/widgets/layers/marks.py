"""How a prediction layer was made, and whether a user has changed it since."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.config import PostprocessConfig

if TYPE_CHECKING:
    from napari.layers import Labels

_KEY = "napari_unet_made_by"


@dataclass(frozen=True)
class MadeBy:
    """What a prediction was made with.

    Attributes
    ----------
    model
        The model file.
    of
        Name of the image layer.
    threshold
        Of the foreground; None for the most probable class.
    finish
        What was made of the pixels' classes.
    image
        Fingerprint of the image, "" where it is unknown.
    slices
        Indices of the slices that are predicted.
    """

    model: Path
    of: str = ""
    threshold: float | None = None
    finish: PostprocessConfig = field(default_factory=PostprocessConfig)
    image: str = ""
    slices: tuple[int, ...] = ()

    def goes_with(self, other: MadeBy) -> bool:
        """Say whether slices of both may lie in one layer, to be scored as one."""
        mine = self.model, self.threshold, self.finish
        return mine == (other.model, other.threshold, other.finish)


def remember(layer: Labels, made_by: MadeBy) -> None:
    """Note how the layer as it is now was made."""
    known = layer.metadata.setdefault(_KEY, {})
    # Last, where the same was made before.
    known.pop(_content(layer), None)
    known[_content(layer)] = made_by


def made_by(layer: Labels | None) -> MadeBy | None:
    """Return how a layer was made, before the user changed it; None if elsewhere."""
    known = {} if layer is None else layer.metadata.get(_KEY, {})
    return next(reversed(known.values()), None)


def untouched(layer: Labels) -> MadeBy | None:
    """Return how a layer was made, None where the user has changed it since.

    After an undo, it is what was made before.
    """
    known: dict[int, MadeBy] = layer.metadata.get(_KEY, {})
    return known.get(_content(layer)) if known else None


def _content(layer: Labels) -> int:
    """Return a checksum of the data, which tells whether the user changed it."""
    return zlib.crc32(np.ascontiguousarray(layer.data).data)
