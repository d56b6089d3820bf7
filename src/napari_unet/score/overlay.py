"""Pictures of an image with labels over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.color import label2rgb

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
    values = image.astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    grey = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    panels = [np.repeat(grey[..., None], 3, axis=2)]
    panels += [_coloured(grey, one) if one.any() else panels[0] for one in labels]
    gap = np.ones((grey.shape[0], _GAP, 3))
    parts = [part for panel in panels for part in (panel, gap)][:-1]
    return np.asarray(np.round(255 * np.concatenate(parts, axis=1)), np.uint8)


def _coloured(
    grey: NDArray[np.float32], labels: NDArray[np.generic]
) -> NDArray[np.float64]:
    # Where no pixel is labelled at all, label2rgb darkens the background too.
    return np.asarray(label2rgb(labels, grey, alpha=_ALPHA, bg_label=0))
