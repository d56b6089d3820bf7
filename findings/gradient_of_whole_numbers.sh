#!/usr/bin/env bash
# SciPy: the gradient of an image of 8 bits is never above 15, and steep edges come out
# as flat ones.
#
# Guess:      `gaussian_gradient_magnitude(image, sigma)` of whole numbers is that of the
#             same image as floats, rounded at most: a magnitude is never negative, and in
#             an image of 8 bits it fits into 8 bits.
# Version:    SciPy 1.17.1, NumPy 2.4.6, Python 3.11.
# Behaviour:  the derivatives, their squares and the sum of these are held in the type of
#             the image, too, so that the sum starts again at 0 after 255 (65,535), and the
#             root of what is left is at most 15 in 8 bits, and 255 in 16. Slopes of less
#             than that come out, cut to whole numbers; steeper ones are anything. Nothing
#             warns. The documentation says that the result has the type of the image, and
#             no more; its example is the gradient of an image of whole numbers.
# Seen:       smooth noise of 256 x 256 with all grey values, sigma 1, against the same
#             image as floats:
#                        highest         pixels steeper   correlation   of the steepest
#                        value (true)    than that                      tenth, found
#             8 bits       15 (33)              7 %             0.43              36 %
#             16 bits     255 (8455)           99 %             0.00              11 %
#             an edge from 0 to 200, 8 bits:  2  8  8  8  8  2
#             as floats, cut:                 2 24 72 72 24  2
# Why it      The magnitude of the gradient is the landscape that a watershed floods, a
# matters:    feature of random forests for pixels, and what edges and focus are measured
#             by, and EM images have 8 or 16 bits. The result still looks like contours, as
#             weak edges come out right and the strong ones, of membranes, are shuffled:
#             basins break through them. An image of low contrast gives the better edges.
#             Pass output=float, or the image as floats.
#
# Exits with 0 while SciPy behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scipy==1.17.1 numpy==2.4.6

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

noise = gaussian_filter(np.random.default_rng(0).normal(size=(256, 256)), 3)
noise = (noise - noise.min()) / np.ptp(noise)


def steepest(gradient):
    """Return the tenth of the pixels with the highest gradient."""
    return gradient >= np.quantile(gradient, 0.9)


def compared(image):
    """Return what the table holds, and whether the type is kept."""
    own = gaussian_gradient_magnitude(image, 1)
    true = gaussian_gradient_magnitude(image.astype(float), 1)
    safe = gaussian_gradient_magnitude(image, 1, output=float)
    assert np.allclose(safe, true)
    return (
        own.dtype == image.dtype,
        int(own.max()),
        float(true.max()),
        float((true >= own.max() + 1).mean()),
        float(np.corrcoef(own.ravel(), true.ravel())[0, 1]),
        float(steepest(own)[steepest(true)].mean()),
    )


edge = np.repeat(np.array([[0, 200]], np.uint8), 8, 1)
narrow = gaussian_gradient_magnitude(edge, 1)[0, 5:11].tolist()
wide = gaussian_gradient_magnitude(edge, 1, output=float)[0, 5:11].astype(int).tolist()
print("edge   ", narrow, wide)

rows = {
    "8 bits": compared(np.round(noise * 255).astype(np.uint8)),
    "16 bits": compared(np.round(noise * 65535).astype(np.uint16)),
}
for name, row in rows.items():
    print(f"{name:8}", row)
(kept_8, high_8, true_8, _, like_8, _), (kept_16, high_16, true_16, _, like_16, _) = (
    rows.values()
)
as_stated = (
    kept_8
    and kept_16
    and high_8 == 15 < true_8
    and high_16 == 255 < true_16
    and like_8 < 0.6
    and like_16 < 0.2
    and narrow == [2, 8, 8, 8, 8, 2]
    and wide == [2, 24, 72, 72, 24, 2]
)
sys.exit(0 if as_stated else 1)
PYTHON
