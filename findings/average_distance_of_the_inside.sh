#!/usr/bin/env bash
# SimpleITK: the average Hausdorff distance of the same error is the smaller the larger the
# object.
#
# Guess:      GetAverageHausdorffDistance is the average of what GetHausdorffDistance is the
#             maximum of, distances between the outlines of two masks: an outline that is two
#             pixels off on one side has the same average, whatever the size of the object.
# Version:    SimpleITK 2.5.7, SciPy 1.17.1, NumPy 2.4.6, Python 3.11.
# Behaviour:  the sets whose distance is measured are all pixels of the masks, the insides
#             too. A pixel of one mask that lies in the other has a distance of 0, so that
#             the average is over the area, or in a stack the volume, while only a rim
#             differs. The maximum is the same with and without the inside, and so tells
#             nothing of it.
# Seen:       squares, shifted by two pixels along one side
#             side        maximum   average   average over outline pixels
#             20          2.00      0.150     1.000
#             60          2.00      0.050     1.000
#             180         2.00      0.017     1.000
# Why it      The average distance of surfaces is a usual score of segmented organelles, and
# matters:    this one is near it in name and unit. Of a nucleus of 180 pixels it is sixty
#             times as small as that of its outline; a model that is worse on large organelles
#             looks better on them, and figures cannot be set beside those of libraries that
#             measure outlines, as MONAI and surface-distance do. Give it outlines
#             (LabelContour) instead of masks.
#
# Exits with 0 while SimpleITK behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    SimpleITK==2.5.7 scipy==1.17.1 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion, distance_transform_edt


def outline(mask):
    return mask & ~binary_erosion(mask)


def mean_to(one, other):
    """Return how far the outline of one mask lies from that of another, on average."""
    return distance_transform_edt(~outline(other))[outline(one)].mean()


rows = {}
for side in (20, 60, 180):
    mask = np.zeros((240, 240), bool)
    mask[20 : 20 + side, 20 : 20 + side] = True
    moved = np.roll(mask, 2, axis=1)
    images = [sitk.GetImageFromArray(each.astype(np.uint8)) for each in (mask, moved)]
    distance = sitk.HausdorffDistanceImageFilter()
    distance.Execute(*images)
    outlines = max(mean_to(mask, moved), mean_to(moved, mask))
    found = (distance.GetHausdorffDistance(), distance.GetAverageHausdorffDistance())
    rows[side] = *found, outlines
    print(side, *(f"{value:.3f}" for value in rows[side]))

as_stated = all(
    longest == 2 and np.isclose(average, 3 / side) and 0.9 < outlines < 1.1
    for side, (longest, average, outlines) in rows.items()
)
sys.exit(0 if as_stated else 1)
PYTHON
