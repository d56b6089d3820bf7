#!/usr/bin/env bash
# scikit-image: normalised moments change with the sampling once pixels are oblong.
#
# Guess:      moments that are normalised for scale, and are told the spacing of the pixels,
#             are the same for one object however it was sampled: other measures of
#             regionprops (axes, eccentricity, orientation) are.
# Version:    scikit-image 0.26.0, NumPy 2.4.6, SciPy 1.17.1, Python 3.11.
# Behaviour:  `moments_normalized` divides lengths by the smallest spacing, but takes the
#             plain number of pixels for the area. Square pixels of any size are right;
#             where one axis is k times as coarse, second moments come out k times, third
#             ones k^1.5 times too large. No warning; `moments_hu`, made of them, refuses.
# Seen:       one egg, pixels of 1 x 1, 0.5 x 0.5, 2 x 1, 5 x 1:
#             nu[0, 2]     0.0727, 0.0727, 0.1458, 0.3605 (5 times too large)
#             eccentricity 0.897 in all four
# Why it      Resliced volumes of serial sections have pixels of 50 x 4 nm. A table of shape
# matters:    descriptors, or a classifier trained on them, that mixes views or microscopes
#             then tells the spacing of the pixels apart, not the shapes. Resample to square
#             pixels first, or multiply by (min(spacing)^2 / prod(spacing))^(order / 2) in 2D.
#
# Exits with 0 while scikit-image behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
from skimage.measure import regionprops


def measured(spacing):
    y, x = (np.arange(size, 200, size) - size / 2 - 100 for size in np.array(spacing))
    turn = np.deg2rad(30)
    u = y[:, None] * np.cos(turn) + x * np.sin(turn)
    v = x * np.cos(turn) - y[:, None] * np.sin(turn)
    # No mirror symmetry, so that third moments are not 0.
    egg = (u / 60) ** 2 + (v / (25 + u / 6)) ** 2 <= 1
    return regionprops(egg.astype(np.uint8), spacing=spacing)[0]


plain = measured((1, 1))
as_stated = True
for spacing in ((1, 1), (0.5, 0.5), (2, 1), (5, 1), (1, 5)):
    region, coarser = measured(spacing), max(spacing) / min(spacing)
    second = region.moments_normalized[0, 2] / plain.moments_normalized[0, 2]
    third = region.moments_normalized[3, 0] / plain.moments_normalized[3, 0]
    ecc = region.eccentricity
    print(
        f"{spacing}: nu02 {region.moments_normalized[0, 2]:.4f}, second and third "
        f"moments times {second:.2f} and {third:.2f}, eccentricity {ecc:.3f}"
    )
    as_stated &= abs(second / coarser - 1) < 0.02
    as_stated &= abs(third / coarser**1.5 - 1) < 0.08
    as_stated &= abs(ecc - plain.eccentricity) < 0.01
try:
    measured((2, 1)).moments_hu
    as_stated = False
except NotImplementedError:
    pass
sys.exit(0 if as_stated else 1)
PYTHON
