"""Thresholds: a pixel is foreground where it is brighter than some grey value."""

from __future__ import annotations

import numpy as np
import scipy
import skimage

from napari_unet.baselines.planes import Mask, Plane
from napari_unet.config import BaselineConfig

_WINDOW = 30
_SLACK = 0.03
_CONTRAST = 1e-4
"""Of the range, below which nothing is left but rounding."""


def otsu(plane: Plane, config: BaselineConfig) -> Mask:
    """Split the grey values where both sides vary least (Otsu 1979).

    N. Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9:62.
    """
    even = smooth(plane, config.scale)
    return np.asarray(even > skimage.filters.threshold_otsu(even))


def li(plane: Plane, config: BaselineConfig) -> Mask:
    """Split the grey values where the cross entropy is least (Li and Lee 1993).

    C. H. Li and C. K. Lee, Pattern Recognition 26:617.
    """
    even = smooth(plane, config.scale)
    return np.asarray(even > skimage.filters.threshold_li(even))


def local(plane: Plane, config: BaselineConfig) -> Mask:
    """Take what is no darker than the Gaussian mean of its neighbourhood.

    The window is thirty times the scale wide. A place without any contrast is
    foreground, as the inside of a cell is.
    """
    even = smooth(plane, config.scale)
    window = 2 * round(_WINDOW * config.scale / 2) + 1
    return np.asarray(
        even > skimage.filters.threshold_local(even, window, offset=_SLACK)
    )


def smooth(plane: Plane, sigma: float) -> Plane:
    """Even out grain by a Gaussian of the standard deviation `sigma`, in pixels.

    All 0 where no contrast is left.
    """
    even = np.asarray(scipy.ndimage.gaussian_filter(plane, sigma), np.float32)
    return even if np.ptp(even) > _CONTRAST else np.zeros_like(even)
