#!/usr/bin/env bash
# scikit-image: the join of two segmentations in 8 or 16 bits puts pieces together that
# no segmentation has together.
#
# Guess:      join_segmentations(a, b) has one label for every pair of an object of a and
#             an object of b that meet, as its documentation says, whatever the type.
# Version:    scikit-image 0.26.0, NumPy 2.4.6, SciPy 1.17.1, Python 3.11.
# Behaviour:  The pairs are numbered a * (highest label of b + 1) + b in the type of the
#             labels, which starts again at 0 once it is full. With 32 bits the join is
#             right. Nothing warns, unless b has the highest number of its type: then its
#             successor is 0, and the join is b alone, with a warning of NumPy.
# Seen:       two partitions of 1024 x 1024 pixels into 1,000 cells, 16 bits
#             pairs that meet          4284
#             labels of the join       4154
#             joined, 32 bits          4284
#             the first 200 cells of each, 8 bits
#             pairs that meet           572
#             labels of the join        251
#             halves of labels 0 and 1, across halves of 0 and 255, 8 bits
#             pairs that meet             4
#             labels of the join          2
# Why it      Label images of sections have 8 or 16 bits. The join is how supervoxels of
# matters:    two runs are brought together, how objects are cut by tiles or tissues, and
#             where overlaps are counted: pieces far from each other get one number, the
#             area of both is taken for one, and fewer are counted than there are. A test
#             with a handful of objects is right. Pass labels.astype(np.uint64).
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
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import join_segmentations

rng = np.random.default_rng(0)


def cells(count):
    """Give each pixel the number of the nearest of some points, from 1 on."""
    seeds = np.zeros((1024, 1024), int)
    places = rng.choice(seeds.size, count, replace=False)
    seeds.flat[places] = np.arange(1, count + 1)
    far = seeds == 0
    return seeds[tuple(distance_transform_edt(far, None, False, True))]


def pairs(a, b):
    """Count the pairs of labels that lie on one another."""
    return len(np.unique(a.astype(np.int64) * 10_000 + b))


def joined(a, b, dtype):
    return len(np.unique(join_segmentations(a.astype(dtype), b.astype(dtype))))


a, b = cells(1000), cells(1000)
true, found, wide = pairs(a, b), joined(a, b, np.uint16), joined(a, b, np.uint32)
print("pairs that meet:   ", true)
print("labels of the join:", found)
print("joined, 32 bits:   ", wide)

few_a, few_b = (np.where(one <= 200, one, 0) for one in (a, b))
few_true, few_found = pairs(few_a, few_b), joined(few_a, few_b, np.uint8)
print("pairs that meet:   ", few_true)
print("labels of the join:", few_found)

half, other = np.indices((4, 4), np.uint8) // 2
with np.errstate(over="ignore"):
    lost = joined(half, other * 255, np.uint8)
print("pairs that meet:   ", pairs(half, other))
print("labels of the join:", lost)

right = wide == true and joined(few_a, few_b, np.uint32) == few_true
wrong = found < true and few_found < few_true and lost == 2
sys.exit(0 if right and wrong else 1)
PYTHON
