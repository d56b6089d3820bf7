"""Edges, closed to outlines by a watershed."""

from __future__ import annotations

import numpy as np
import scipy
import skimage

from napari_unet.baselines.planes import Mask, Plane
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig

_CONTRAST = 0.35
_DARKEST = 0.6


def watershed(plane: Plane, config: BaselineConfig) -> Mask:
    """Flood the slice from its bright places; cells meet along the dark ridges.

    Marker-based watershed (Meyer and Beucher 1990, Journal of Visual Communication
    and Image Representation 1:21) of the smoothed slice. A place is a marker where it
    is brighter by 0.35 of the range than the darkest pixel on the way to a brighter
    one, so that grain makes none. Lines of one pixel stay between the regions, and
    what is darker than 0.6 of Otsu's threshold is background.
    """
    from skimage.morphology import h_minima

    height = 1 - smooth(plane, config.scale)
    minima = h_minima(height, _CONTRAST)
    markers, count = scipy.ndimage.label(minima)
    if not count:
        # No contrast is that high: one region, parted by nothing.
        markers = np.ones_like(minima, np.int32)
    regions = skimage.segmentation.watershed(height, markers, watershed_line=True)
    bright = 1 - height
    background = bright <= _DARKEST * skimage.filters.threshold_otsu(bright)
    return np.asarray((regions > 0) & ~background)
