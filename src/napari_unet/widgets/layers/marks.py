"""What is kept with a layer, in its metadata: the keys, and how it was made."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.layers import Labels, Layer

    from napari_unet.baselines.apply import MadeByBaseline
    from napari_unet.predict.made_by import MadeBy

ROLE = "napari_unet_role"
"""Of any layer: what it is for (see `layers.roles`)."""
MEANING = "napari_unet_meaning"
"""Of annotations or a truth: kind and coverage, as the user chose them."""
MEASURED = "napari_unet_measured"
"""Of labels: which columns of their features were measured."""
PREDICTED = "napari_unet_slices"
"""Of a prediction: indices of the slices that it holds."""
NUMBERED = "napari_unet_numbered"
"""Of a prediction: whether its values are numbers of objects."""
MADE_BY = "napari_unet_made_by"
"""Of a prediction: how it was made, by a checksum of its data."""
BASELINE = "napari_unet_baseline"
"""Of a mask: which baseline made it."""
REVIEWED = "napari_unet_reviewed"
"""Of labels: which objects and slices somebody took for right (see `review_marks`)."""
PROBABILITY_OF = "napari_unet_probability_of"
"""Of an image: of which class, image and model it shows the probability."""
MADE_FOR = "napari_unet_made_for"
"""Of a layer that a dock made: what it shows, and the id of the image that it is of."""
SOURCE = "napari_unet_source"
"""Of any layer: the path that its data were read from."""
CALIBRATED_BY = "napari_unet_calibrated_by"
"""Of any layer: where its pixel size was found."""
AXES = "napari_unet_axes"
"""Of an image: what the user said of the dimensions of its file."""
LEVEL = "napari_unet_level"
"""Of an image: which resolution of its OME-Zarr was loaded, 0 the finest."""
INFO_BAR = "napari_unet_info_bar"
"""Of an image: rows at the bottom that hold writing."""
IGNORED = "napari_unet_ignored"
"""Of a ground truth: (Z, Y, X) pixels that are not scored."""
ERRORS = "napari_unet_errors"
"""Of a layer that shows errors: which of them."""
BOX = "napari_unet_box"
"""Of a Vectors layer: which box it holds, by the name that it was made under."""
PUT_AWAY = "napari_unet_put_away"
"""Of a layer that a part of a dock shows: that it was hidden when the part was."""
REGIONS_OF = "napari_unet_regions_of"
"""Of a Shapes layer: the id of the image whose regions it holds."""


def remember(layer: Labels, made_by: MadeBy) -> None:
    """Note how the layer as it is now was made."""
    content, known = _content(layer), dict(layer.metadata.get(MADE_BY, {}))
    # Last, where the same was made before.
    known.pop(content, None)
    # Another table: a duplicate that napari made of the layer has the one of before.
    layer.metadata[MADE_BY] = {**known, content: made_by}


def image_id(layer: Layer) -> str:
    """Return the id of the image layer that a layer was made of; "" where unknown."""
    return str(layer.metadata.get(MADE_FOR, ("", ""))[1])


def is_made_of(layer: Layer, image: Layer, name: str) -> bool:
    """Return whether a layer was made of an image, which had a name then.

    Another image may have the name of one that was removed: where an id is known, that
    alone tells.
    """
    own = image_id(layer)
    return own == str(image.unique_id) if own else name == image.name


def made_by(layer: Labels | None) -> MadeBy | None:
    """Return how a layer was made, before the user changed it; None if elsewhere."""
    known = {} if layer is None else layer.metadata.get(MADE_BY, {})
    return next(reversed(known.values()), None)


def made_by_baseline(layer: Labels | None) -> MadeByBaseline | None:
    """Return which baseline made a layer; None where none did."""
    return None if layer is None else layer.metadata.get(BASELINE)


def untouched(layer: Labels) -> MadeBy | None:
    """Return how a layer was made, None where the user has changed it since.

    After an undo, it is what was made before.
    """
    known: dict[int, MadeBy] = layer.metadata.get(MADE_BY, {})
    return known.get(_content(layer)) if known else None


def _content(layer: Labels) -> int:
    """Return a checksum of the data, which tells whether the user changed it.

    What does not lie in the memory cannot be changed.
    """
    if layer.multiscale or not isinstance(layer.data, np.ndarray):
        return 0
    return zlib.crc32(np.ascontiguousarray(layer.data).data)
