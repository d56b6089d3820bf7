"""Active contours: outlines that move until they fit the image.

Both are the morphological forms of P. Marquez-Neila, L. Baumela and L. Alvarez 2014,
IEEE Transactions on Pattern Analysis and Machine Intelligence 36:2, which start from
Otsu's threshold here.
"""

from __future__ import annotations

import numpy as np
import scipy
import skimage

from napari_unet.baselines.planes import Mask, Plane
from napari_unet.baselines.thresholds import otsu, smooth
from napari_unet.config import BaselineConfig

# scikit-image smooths by two operators in turn, and starts with the one that the last
# call left off at: only an even number in each call makes the next one alike.
_STEPS = 30
_SMOOTHING = 3


def chan_vese(plane: Plane, config: BaselineConfig) -> Mask:
    """Move outlines until inside and outside are uniform (Chan and Vese 2001).

    T. F. Chan and L. A. Vese, IEEE Transactions on Image Processing 10:266.
    """
    even = smooth(plane, config.scale / 2)
    found = skimage.segmentation.morphological_chan_vese(
        even,
        _STEPS,
        init_level_set=otsu(plane, config),
        smoothing=_SMOOTHING,
    )
    return np.asarray(found, bool)


def geodesic(plane: Plane, config: BaselineConfig) -> Mask:
    """Let outlines grow from well inside of the cells until edges hold them.

    Geodesic active contours (Caselles et al. 1997, International Journal of Computer
    Vision 22:61). They grow by twice the way by which Otsu's mask is shrunk first:
    given longer, they would pass through every gap in an edge.
    """
    reach = max(1, round(config.scale))
    inside = scipy.ndimage.binary_erosion(otsu(plane, config), iterations=reach)
    edges = skimage.segmentation.inverse_gaussian_gradient(plane, sigma=config.scale)
    found = skimage.segmentation.morphological_geodesic_active_contour(
        edges, 2 * reach, init_level_set=inside, balloon=1
    )
    return np.asarray(found, bool)
