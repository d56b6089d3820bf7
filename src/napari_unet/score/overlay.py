"""Pictures of an image with labels over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.color import label2rgb

_GAP = 8
_ALPHA = 0.35
# Of the palette that people with any colour vision tell apart (Okabe & Ito).
_BLUE = (0.0, 0.447, 0.698)
_ORANGE = (0.835, 0.369, 0.0)


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
    panels = [np.repeat(plane[..., None], 3, axis=2)]
    panels += [_coloured(plane, one) if one.any() else panels[0] for one in labels]
    gap = np.ones((plane.shape[0], _GAP, 3))
    parts = [part for panel in panels for part in (panel, gap)][:-1]
    return np.asarray(np.round(255 * np.concatenate(parts, axis=1)), np.uint8)


def grey(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Bring an image to 0 to 1, its darkest and brightest half percent cut off."""
    values = image.astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    return np.clip((values - low) / max(high - low, 1e-9), 0, 1)


def errors_over(
    plane: NDArray[np.float32] | None,
    predicted: NDArray[np.bool_],
    true: NDArray[np.bool_],
    annotated: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Draw what is predicted too much and too little over an image.

    Parameters
    ----------
    plane
        (Y, X) grey values from 0 to 1; the truth in light grey where there is none.
    predicted, true, annotated
        (Y, X): the masks, and the pixels that are compared.

    Returns
    -------
    (Y, X, 3) uint8: blue where only the prediction is, orange where only the truth is.
    """
    if plane is None:
        plane = np.where(true, np.float32(0.8), np.float32(0.3))
    picture = np.repeat(plane[..., None], 3, axis=2)
    for wrong, colour in ((predicted & ~true, _BLUE), (true & ~predicted, _ORANGE)):
        where = wrong & annotated
        picture[where] = 0.3 * picture[where] + 0.7 * np.array(colour, np.float32)
    return np.asarray(np.round(255 * picture), np.uint8)


def _coloured(
    grey: NDArray[np.float32], labels: NDArray[np.generic]
) -> NDArray[np.float64]:
    # Where no pixel is labelled at all, label2rgb darkens the background too.
    return np.asarray(label2rgb(labels, grey, alpha=_ALPHA, bg_label=0))
