#!/usr/bin/env bash
# cellpose: the average precision of a dense segmentation is above 1.
#
# Guess:      `average_precision` of labels with themselves is 1, and no other labels come
#             above it: TP / (TP + FP + FN), as its documentation has it, where 0 stands for
#             "no mask". Labels without any 0 are labels like others.
# Version:    cellpose 4.2.1.1, PyTorch 2.13.0, NumPy 2.4.6, SciPy 1.17.1, Python 3.11.
# Behaviour:  objects are counted as the distinct values less one, whether or not a 0 is
#             among them. Without background an object is missing on that side: false
#             negatives, or positives, are one too few, -1 of a perfect match. All objects
#             are matched nevertheless. All that is said is NumPy's "invalid value
#             encountered in divide", of the background that is not there.
# Seen:       cells that fill 128 x 128 pixels, at an IoU of 0.5
#                                        AP     TP   FP   FN
#             20 cells, the truth itself 1.111  20   -1   -1
#             a pair merged              1.056  19   -1    0
#             with thin borders of 0     1.053  20    0   -1
#             5 cells, the truth itself  1.667   5   -1   -1
#             1 cell, the truth itself   nan     0    0    0
#             the same 20 cells and one pixel of background: 1.000  20  0  0
# Why it      Neurites and cells of tissue fill an EM image, and ground truth such as
# matters:    that of dense reconstructions often has no background at all, above all in
#             crops and slices. The fewer cells, the higher the score: two crops with one
#             error each differ by their number of cells, a method that merges a pair has
#             more than 1, and one that leaves borders is not compared alike with one that
#             fills them. With 100 cells it is 1.02, and with errors nobody sees it. Set one
#             pixel to 0 in both, or take stardist.matching.
#
# Exits with 0 while cellpose behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 torch==2.13.0 tqdm==4.70.1 fastremap==1.21.0 \
    fill-voids==2.1.2 opencv-python-headless==5.0.0.93
# The scores need no network: only what cellpose imports for them.
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    cellpose==4.2.1.1

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from cellpose.metrics import average_precision


def cells(number):
    """Return labels of so many cells that fill the image."""
    points = np.random.default_rng(0).random((number, 2)) * 128
    y, x = np.mgrid[:128, :128]
    far = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    return np.argmin(far, -1) + 1


def scored(truth, prediction):
    """Return AP, TP, FP and FN at an IoU of 0.5."""
    return [round(float(v[0]), 3) for v in average_precision(truth, prediction, [0.5])]


twenty = cells(20)
merged = np.where(twenty == 3, 4, twenty)
edge = np.zeros(twenty.shape, bool)
edge[1:] |= twenty[1:] != twenty[:-1]
edge[:, 1:] |= twenty[:, 1:] != twenty[:, :-1]
pixel = twenty.copy()
pixel[0, 0] = 0

rows = {
    "20 cells": scored(twenty, twenty),
    "merged": scored(twenty, merged),
    "with borders": scored(twenty, np.where(edge, 0, twenty)),
    "5 cells": scored(cells(5), cells(5)),
    "1 cell": scored(cells(1), cells(1)),
    "a pixel of 0": scored(pixel, pixel),
}
for name, row in rows.items():
    print(f"{name:13}", row)

as_stated = (
    rows["20 cells"] == [1.111, 20, -1, -1]
    and rows["merged"] == [1.056, 19, -1, 0]
    and rows["with borders"] == [1.053, 20, 0, -1]
    and rows["5 cells"] == [1.667, 5, -1, -1]
    and np.isnan(rows["1 cell"][0])
    and rows["a pixel of 0"] == [1, 20, 0, 0]
)
sys.exit(0 if as_stated else 1)
PYTHON
