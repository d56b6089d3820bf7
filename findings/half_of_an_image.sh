#!/usr/bin/env bash
# SimpleITK: half of an image is black, one and a half times an image is the image, and
# no pixel of 8 bits is equal to 256 except those that are 0.
#
# Guess:      `image * 0.5` halves grey values, and `image > 300` finds none above 300; as
#             the result of an arithmetic operator keeps the type of the image, 0.5 * 201
#             may be cut to 100.
# Version:    SimpleITK 2.5.7, NumPy 2.4.6, Python 3.11.
# Behaviour:  the constant itself is first made a number of the image's type: its fraction
#             is cut off, and where it is out of the range it starts again from the other
#             end. Only then is anything computed. That goes for + - * and all
#             comparisons, for `sitk.Multiply` and the like, and for images of any whole
#             numbers; `/` gives floats and is right. Nothing warns. The signature says
#             "double constant", the documentation that conversions are those of C++.
# Seen:       a pixel of 200, 8 bits              labels 0, 1, 44, 255 of 8 bits
#             image * 0.5     0                   labels == 256    1 0 0 0
#             image * 1.5   200                   labels == -1     0 0 0 1
#             image * 2.7   144 (400 - 256)       labels > 300     0 0 0 1
#             image + 0.9   200                   labels <= 300    1 1 1 0
#             image / 2     100.0                 labels < -1      1 1 1 0
#             16 bits, a pixel of 20000: image * 0.5 is 0, image * 1.5 is 20000
# Why it      Contrast and brightness of EM images, which are of whole numbers, are changed
# matters:    by such factors before a segmentation, or to make variants to train on: with
#             those between 1 and 2 nothing happens, and who looks at the result sees a good
#             image. A mask of what is brighter than a limit taken from a 16-bit image is
#             wrong without being empty, and "the pixels of object 256" of labels of 8 bits
#             are all of the background. Use sitk.ShiftScale, or cast to sitkFloat32 first;
#             compare NumPy arrays.
#
# Exits with 0 while SimpleITK behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    simpleitk==2.5.7 numpy==2.4.6

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk


def image(dtype, *values):
    """Return an image of one row with these values."""
    return sitk.GetImageFromArray(np.array([values], dtype))


def values(result):
    """Return the values of an image of one row."""
    return sitk.GetArrayFromImage(result)[0].tolist()


pixel = image(np.uint8, 200)
deep = image(np.uint16, 20000)
labels = image(np.uint8, 0, 1, 44, 255)
stated = [
    ("image * 0.5", pixel * 0.5, [0]),
    ("image * 1.5", pixel * 1.5, [200]),
    ("image * 2.7", pixel * 2.7, [144]),
    ("image + 0.9", pixel + 0.9, [200]),
    ("image / 2", pixel / 2, [100.0]),
    ("Multiply(image, 0.5)", sitk.Multiply(pixel, 0.5), [0]),
    ("16 bits, image * 0.5", deep * 0.5, [0]),
    ("16 bits, image * 1.5", deep * 1.5, [20000]),
    ("labels == 256", labels == 256, [1, 0, 0, 0]),
    ("labels == -1", labels == -1, [0, 0, 0, 1]),
    ("labels > 300", labels > 300, [0, 0, 0, 1]),
    ("labels <= 300", labels <= 300, [1, 1, 1, 0]),
    ("labels < -1", labels < -1, [1, 1, 1, 0]),
    ("ShiftScale(image, 0, 0.5)", sitk.ShiftScale(pixel, 0, 0.5), [100]),
]
for name, result, _ in stated:
    print(f"{name:26}", values(result))
sys.exit(0 if all(values(result) == seen for _, result, seen in stated) else 1)
PYTHON
