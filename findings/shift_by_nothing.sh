#!/usr/bin/env bash
# mahotas: a shift by nothing moves the image by a pixel, and a shift of half a pixel
# not at all.
#
# Guess:      `mahotas.interpolate.shift(image, s)` moves an image by s pixels, between the
#             pixels too, as SciPy's function of the same name does; `resize_to` fills
#             the size that is asked for, and to its own size leaves an image as it is.
# Version:    mahotas 1.4.19, NumPy 2.4.6, SciPy 1.17.1, Python 3.11 (wheel, Linux x86-64).
# Behaviour:  - `shift` moves by ceil(s) - 1 whole pixels, along every axis, those with a
#               shift of 0 among them. `order` makes no difference.
#             - `resize_to` and `imresize` pick pixels in the same way: nothing lies
#               between two of them, all is up to a pixel too far to the upper left, and
#               at most sizes the last row and the last column are black.
#             Nothing warns.
# Seen:       a blurred spot, shifted along X; how far its centre of mass went:
#             s           0    0.25   0.5    1     1.5    2    -0.5   -1
#             mahotas    -1    0      0      0     1      1    -1     -2
#             SciPy       0    0.25   0.5    1     1.5    2    -0.5   -1
#             64 x 64 pixels of 100, resized to 32, 64 and 128: 63, 127 and 255 pixels are 0
# Why it      Sections are aligned by shifts, mostly by parts of a pixel: each then is up
# matters:    to a pixel wrong, the ones that lay right are moved too, and as all of them
#             go the same way, the stack looks no worse than before. Labels that were not
#             shifted lie beside their image. A black row and column is an edge, which
#             thresholds, statistics and networks see. Take scipy.ndimage.shift, and
#             skimage.transform.resize.
#
# Exits with 0 while mahotas behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    mahotas==1.4.19 numpy==2.4.6 scipy==1.17.1

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import mahotas.interpolate
import numpy as np
from mahotas.resize import resize_to
from scipy import ndimage

SHIFTS = (0, 0.25, 0.5, 1, 1.5, 2, -0.5, -1)
SIZES = (32, 64, 128)

point = np.zeros((64, 64))
point[30, 30] = 1
spot = ndimage.gaussian_filter(point, 5)


def moved(image, axis=1):
    """Return how far a spot has gone along an axis, in pixels."""
    return round(float(ndimage.center_of_mass(image)[axis]) - 30, 2)


print("asked:            ", *SHIFTS)
by_order = []
for order in (1, 3):
    by_order.append(
        [moved(mahotas.interpolate.shift(spot, (0, s), order=order)) for s in SHIFTS]
    )
    print(f"mahotas, order {order}: ", *by_order[-1])
scipy = [moved(ndimage.shift(spot, (0, s))) for s in SHIFTS]
print("SciPy:            ", *scipy)

flat = np.full((64, 64), 100.0)
resized = [resize_to(flat, (size, size)) for size in SIZES]
black = [int((image == 0).sum()) for image in resized]
only_last = all(image[:-1, :-1].all() for image in resized)
print("resized, black:   ", *black)
same_size = resize_to(spot, (64, 64))
print("its own size:     ", moved(same_size))
along_y = moved(mahotas.interpolate.shift(spot, (0, 1)), axis=0)
print("along Y, asked 0: ", along_y)

whole = [int(np.ceil(s)) - 1 for s in SHIFTS]
sys.exit(
    0
    if by_order == [whole, whole]
    and scipy == list(SHIFTS)
    and only_last
    and black == [2 * size - 1 for size in SIZES]
    and moved(same_size) == along_y == -1
    else 1
)
PYTHON
