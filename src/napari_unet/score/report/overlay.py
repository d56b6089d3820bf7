"""Pictures of an image with labels over it."""

from __future__ import annotations

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.score.errors.error_map import PIXEL_COLORS, RIGHT

_GAP = 8
_ALPHA = 0.35


def side_by_side(
    image: NDArray[np.generic], *labels: NDArray[np.generic]
) -> NDArray[np.uint8]:
    """Put an image and labels of it beside each other.

    Parameters
    ----------
    image
        (Y, X) grey values of any type.
    labels
        (Y, X) objects each; every object gets a colour, 0 stays grey.

    Returns
    -------
    (Y, X', 3) uint8: the image, then the image under each of the labels.
    """
    plane = grey(image)
    panels: list[NDArray[np.floating]] = [np.repeat(plane[..., None], 3, axis=2)]
    panels += [_coloured(plane, one) if one.any() else panels[0] for one in labels]
    gap = np.ones((plane.shape[0], _GAP, 3))
    parts = [part for panel in panels for part in (panel, gap)][:-1]
    return np.asarray(np.round(255 * np.concatenate(parts, axis=1)), np.uint8)


def grey(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Bring an image to 0 to 1, its darkest and brightest half percent cut off."""
    values = image.astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    # Grey values may be as small as a current in amperes.
    stretched = np.clip((values - low) / ((high - low) or 1), 0, 1)
    return np.asarray(stretched, np.float32)


def errors_over(
    image: NDArray[np.generic], errors: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Draw what is predicted too much, too little and wrongly over an image.

    Parameters
    ----------
    image
        (Y, X) grey values of any type.
    errors
        (Y, X) slice of a `napari_unet.score.errors.error_map.pixel_map`.

    Returns
    -------
    (Y, X, 3) uint8, in the colours of `PIXEL_COLORS`; what is right is left grey.
    """
    picture = np.repeat(grey(image)[..., None], 3, axis=2)
    for value, colour in PIXEL_COLORS.items():
        if value != RIGHT:
            where, parts = errors == value, np.array([*bytes.fromhex(colour[1:7])])
            painted = (parts / 255).astype(np.float32)
            picture[where] = 0.3 * picture[where] + 0.7 * painted
    return np.asarray(np.round(255 * picture), np.uint8)


def _coloured(
    grey: NDArray[np.float32], labels: NDArray[np.generic]
) -> NDArray[np.float64]:
    # Where no pixel is labelled at all, label2rgb darkens the background too.
    return np.asarray(skimage.color.label2rgb(labels, grey, alpha=_ALPHA, bg_label=0))
