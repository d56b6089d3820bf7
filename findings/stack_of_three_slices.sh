#!/usr/bin/env bash
# scikit-image: a stack of three or four slices is read with its slices last.
#
# Guess:      `skimage.io.imread` gives a TIFF stack as (slices, Y, X), however many slices
#             it has, and gives back what `skimage.io.imsave` wrote.
# Version:    scikit-image 0.26.0, tifffile 2026.3.3, NumPy 2.4.6, Python 3.11.
# Behaviour:  whatever has 3 or 4 along the third axis from the end, and not along the last,
#             is taken for colours, and these are moved to the end. It does not matter that
#             the file says that its pages are grey, or that its axes are Z, Y and X. No
#             word is said. tifffile and imageio leave the axes as they are.
# Seen:       a stack of (n, 64, 48), grey, axes "ZYX":
#             n          2            3            4            5
#             skimage    (2, 64, 48)  (64, 48, 3)  (64, 48, 4)  (5, 64, 48)
#             tifffile   (2, 64, 48)  (3, 64, 48)  (4, 64, 48)  (5, 64, 48)
#             a time series of 6 times 3 slices: (6, 64, 48, 3)
#             3 slices written by imsave: (64, 48, 3)
# Why it      Code that was tried on a stack of 30 slices runs without an error on one of
# matters:    3, which a test crop or a thin piece of tissue is: 64 slices of 48 x 3 pixels are
#             labelled, the distance of the slices counts as the size of a pixel, and of the
#             next file, with five slices, all is right again. A folder of stacks of
#             different depth gives a table in which only some rows are wrong. Read
#             with tifffile.imread.
#
# Exits with 0 while scikit-image behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 tifffile==2026.3.3 numpy==2.4.6 scipy==1.17.1 imageio==2.38.1

cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
import tifffile
from skimage import io

seen = {}
for count in (2, 3, 4, 5):
    stack = np.zeros((count, 64, 48), np.uint8)
    about = {"photometric": "minisblack", "metadata": {"axes": "ZYX"}}
    tifffile.imwrite("stack.ome.tif", stack, **about)
    assert tifffile.imread("stack.ome.tif").shape == stack.shape
    seen[count] = io.imread("stack.ome.tif").shape
    print(f"{count} slices: {seen[count]}")

times = np.arange(6 * 3 * 64 * 48, dtype=np.uint16).reshape(6, 3, 64, 48)
about = {"photometric": "minisblack", "metadata": {"axes": "TZYX"}}
tifffile.imwrite("times.ome.tif", times, **about)
read = io.imread("times.ome.tif")
print(f"6 times of 3 slices: {read.shape}")

three = times[0]
io.imsave("three.tif", three, check_contrast=False)
back = io.imread("three.tif")
print(f"3 slices, written by imsave and read: {back.shape}")

moved = {2: (2, 64, 48), 3: (64, 48, 3), 4: (64, 48, 4), 5: (5, 64, 48)}
same = np.array_equal(read, np.moveaxis(times, 1, -1))
same = same and np.array_equal(back, np.moveaxis(three, 0, -1))
sys.exit(0 if seen == moved and same else 1)
PYTHON
