#!/usr/bin/env bash
# MONAI: scaled from a range of 50 to 200, the darkest pixels of an image of 8 bits become
# the brightest; from 50.0 to 200.0 they do not.
#
# Guess:      ScaleIntensityRange(50, 200, 0, 1) makes 0 of 50, 1 of 200 and something below
#             0 of what is darker than 50, or 0 with clip=True, of an image of any type: the
#             result is of 32-bit floats, and 50 or 50.0 is the same number.
# Version:    MONAI 1.6.1, PyTorch 2.13.0 (CPU), NumPy 2.4.6, Python 3.11.
# Behaviour:  the lower end is taken off in the type of the image, and only then are floats
#             made: of 8 bits, 0 - 50 is 206, which is beyond the upper end. With clip=True it
#             becomes 1, white. Where the lower end is written as a float, PyTorch computes
#             in floats, and all is right. Images of 8 bits only: those of 16 bits become 32
#             bits first. Nothing warns, and the documentation says nothing of it
#             (that of ShiftIntensity, which does the same, does).
# Seen:       a pixel of                0     25     49     50    100    200    255
#             50 to 200              1.37   1.54   1.70      0   0.33      1   1.37
#             50.0 to 200.0         -0.33  -0.17  -0.01      0   0.33      1   1.37
#             with clip=True
#             50 to 200                 1      1      1      0   0.33      1      1
#             50.0 to 200.0             0      0      0      0   0.33      1      1
# Why it      EM images are of 8 bits, their darkest pixels are the stained membranes, and
# matters:    ends of a range that cut off a few percent are read from a histogram as whole
#             numbers. The core of a membrane is then white between dark edges. The result
#             is in the range, a network learns from it, and what it learnt is of no use
#             where the same range came as floats, or the image did: MONAI's own
#             reader of files gives floats, so that images from a file are right, and those
#             from an array, as out of a viewer or a Zarr, are not. Write floats.
#
# Exits with 0 while MONAI behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    monai==1.6.1 torch==2.13.0 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from monai.transforms import ScaleIntensityRange

WRONG = [1.37, 1.54, 1.7, 0, 0.33, 1, 1.37]
RIGHT = [-0.33, -0.17, -0.01, 0, 0.33, 1, 1.37]

image = np.array([[0, 25, 49, 50, 100, 200, 255]], np.uint8)


def scaled(image, low, high, clip=False):
    """Return the grey values, scaled from low to high, to two digits."""
    result = np.asarray(ScaleIntensityRange(low, high, 0, 1, clip=clip)(image))
    assert result.dtype == np.float32
    return np.round(result[0].astype(float), 2).tolist()


rows = {
    "50 to 200": scaled(image, 50, 200),
    "50.0 to 200.0": scaled(image, 50.0, 200.0),
    "50 to 200, clipped": scaled(image, 50, 200, True),
    "50.0 to 200.0, clipped": scaled(image, 50.0, 200.0, True),
    "50 to 200, image of floats": scaled(image.astype(np.float32), 50, 200),
    "50 to 200, image of 16 bits": scaled(image.astype(np.uint16), 50, 200),
}
for name, row in rows.items():
    print(f"{name:28}", *row)

sys.exit(
    0
    if rows["50 to 200"] == WRONG
    and rows["50.0 to 200.0"] == RIGHT
    and rows["50 to 200, clipped"] == np.clip(WRONG, 0, 1).tolist()
    and rows["50.0 to 200.0, clipped"] == np.clip(RIGHT, 0, 1).tolist()
    and rows["50 to 200, image of floats"] == RIGHT
    and rows["50 to 200, image of 16 bits"] == RIGHT
    else 1
)
PYTHON
