#!/usr/bin/env bash
# SciPy and scikit-image: 40 cells become 3 where their ids are large, and borders between
# them are not found.
#
# Guess:      a filter that only picks values (largest, median, nearest neighbour) gives
#             values that were there; the result has the type of the labels, uint64, and
#             so room for them. `find_boundaries` compares labels as whole numbers.
# Version:    SciPy 1.17.1, scikit-image 0.26.0, NumPy 2.4.6, Python 3.11.
# Behaviour:  scipy.ndimage computes all of them in floats of 64 bits, which hold whole
#             numbers up to 2^53, and turns the result into uint64 (or int64) again. Ids
#             beyond are rounded: at 2^56 to multiples of 16, at 2^59 of 128. scikit-image is
#             built on it: `find_boundaries`, `dilation`, and with order=0 `resize` and
#             `rotate`. Nothing warns, and the documentation of these says nothing of it.
#             `expand_labels`, `watershed` and plain slices are right.
# Seen:       40 cells that fill 128 x 128 pixels, numbered from 1, and from 2^56 + 1:
#                                                   ids left   share of pixels right
#             maximum_filter, grey_dilation           40    3          0.08
#             median_filter                           40    3          0.08
#             zoom, rotate, shift with order=0        40    3       0.07-0.08
#             skimage resize, rotate with order=0     40    3          0.10
#             skimage expand_labels                   40   40          1.00
#             find_boundaries: 14 % of the pixels, and 9 %
# Why it      Neurons and supervoxels of connectomes have such ids (the highest byte is a
# matters:    level, the lowest ones count within a block), so that neighbours differ in the
#             last digits. Scaled down or turned they merge, a network learns membranes
#             that are missing between just these, and of those that stay apart nearly
#             none keeps its id: a table made of it names other neurons, or none. Test
#             volumes are numbered from 1, and are right. Number ids from 1 first
#             (np.unique with return_inverse), and put the ids back at the end.
#
# Exits with 0 while both behave so, and with another code once they do not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scipy==1.17.1 scikit-image==0.26.0 numpy==2.4.6

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
from scipy import ndimage
from skimage.segmentation import expand_labels, find_boundaries
from skimage.transform import resize, rotate

points = np.random.default_rng(0).random((40, 2)) * 128
y, x = np.mgrid[:128, :128]
far = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
small = (np.argmin(far, -1) + 1).astype(np.uint64)
first = np.uint64(2**56)
large = small + first

nearest = {"order": 0, "preserve_range": True}
ways = {
    "maximum_filter": lambda labels: ndimage.maximum_filter(labels, 3),
    "grey_dilation": lambda labels: ndimage.grey_dilation(labels, 3),
    "median_filter": lambda labels: ndimage.median_filter(labels, 3),
    "zoom": lambda labels: ndimage.zoom(labels, 0.5, order=0),
    "rotate": lambda labels: ndimage.rotate(labels, 90, order=0),
    "shift": lambda labels: ndimage.shift(labels, (3, 0), order=0, mode="nearest"),
    "skimage resize": lambda labels: resize(labels, (64, 64), **nearest),
    "skimage rotate": lambda labels: rotate(labels, 90, **nearest),
    "skimage expand_labels": lambda labels: expand_labels(labels, 2),
}


def compared(way):
    """Return the numbers of ids of both, and the share of pixels that agree."""
    low, high = way(small), way(large)
    assert low.dtype == high.dtype == np.uint64
    ids = [len(np.unique(labels)) for labels in (low, high)]
    return *ids, round(float(np.mean(high == low + first)), 2)


rows = {name: compared(way) for name, way in ways.items()}
for name, row in rows.items():
    print(f"{name:22}", *row)
borders = [float(find_boundaries(labels).mean()) for labels in (small, large)]
print("find_boundaries       ", *borders)

right = rows.pop("skimage expand_labels")
as_stated = (
    right == (40, 40, 1)
    and all(low == 40 and high == 3 and same < 0.2 for low, high, same in rows.values())
    and borders[0] > 1.3 * borders[1] > 0
)
sys.exit(0 if as_stated else 1)
PYTHON
