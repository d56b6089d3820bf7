#!/usr/bin/env bash
# OpenCV and pycocotools: a mask that is kept as its outline comes back a pixel smaller,
# and shifted by half of one.
#
# Guess:      the outline by cv2.findContours, point by point, is the mask in another form:
#             as a polygon of COCO's format, and made a mask again, it is the same.
# Version:    pycocotools 2.0.11, OpenCV 4.12.0 (headless), scikit-image 0.26.0,
#             NumPy 2.2.6, Python 3.11.
# Behaviour:  OpenCV's outline goes through the middles of the outermost pixels, which it
#             counts from 0; COCO's coordinates are those of the pixels' corners, so that
#             the middle of the first is at 0.5. What lies beyond the middles is lost:
#             of a square nothing at the upper left, a row and a column at the lower
#             right. Half a pixel added to the points does not bring it back. No word is
#             said. OpenCV by itself (fillPoly) gives the mask back exactly.
# Seen:       squares, their share that comes back, and OpenCV's own
#             side      2     3     5    10    20    40
#             COCO   0.25  0.44  0.64  0.81  0.90  0.95
#             OpenCV 1.00  1.00  1.00  1.00  1.00  1.00
#             a disc of 317 pixels: 282 come back and 6 are new, their middle is shifted
#             by -0.76 and -0.50; by skimage.measure.find_contours plus 0.5: all 317, and
#             no others
# Why it      COCO's polygons are how cells are passed to, and between, detectors and
# matters:    annotation programs. Truth so stored has an IoU of 0.64 with itself for a
#             vesicle of 5 x 5 pixels, below the 0.75 or so of strict scores, and
#             a network trained on it learns objects that are too small. Two sides of
#             every object move, so that neighbours come apart; and with each time to
#             and fro the objects lose another pixel. Store run lengths
#             (pycocotools.mask.encode), or outlines by find_contours plus 0.5.
#
# Exits with 0 while these packages behave so, and with another code once they do not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    pycocotools==2.0.11 opencv-python-headless==4.12.0.88 scikit-image==0.26.0 \
    scipy==1.17.1 numpy==2.2.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import cv2
import numpy as np
from pycocotools import mask as coco
from skimage.measure import find_contours

SIDES = (2, 3, 5, 10, 20, 40)


def outline(mask):
    """Return the points (x, y) of the one object of a mask."""
    (points,), _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    return points[:, 0]


def by_coco(points):
    """Return the mask of a polygon, as COCO's tools make it."""
    polygon = [points.ravel().astype(float).tolist()]
    return coco.decode(coco.merge(coco.frPyObjects(polygon, 60, 60))).astype(bool)


def by_opencv(points):
    """Return the mask of a polygon, as OpenCV fills it."""
    filled = np.zeros((60, 60), np.uint8)
    return cv2.fillPoly(filled, [points], 1).astype(bool)


kept = []
exact = []
for side in SIDES:
    square = np.zeros((60, 60), bool)
    square[10 : 10 + side, 10 : 10 + side] = True
    points = outline(square)
    smaller = np.zeros_like(square)
    smaller[10 : 9 + side, 10 : 9 + side] = True
    kept.append(bool((by_coco(points) == smaller).all()))
    exact.append(bool((by_opencv(points) == square).all()))
    print(f"side {side:2d}: {by_coco(points).sum() / side**2:.2f} come back")

y, x = np.indices((60, 60)) - 30
disc = x**2 + y**2 <= 100
points = outline(disc)
exact.append(bool((by_opencv(points) == disc).all()))
back = by_coco(points)
shift = (np.argwhere(back).mean(0) - 30).round(2).tolist()
sizes = [int(part.sum()) for part in (disc, back & disc, back & ~disc)]
print("disc: {}, of which {} come back, and {} others".format(*sizes), shift)
moved = by_coco(points + 0.5)
print(f"disc, outline plus 0.5: {(moved & disc).sum()} come back")
line = find_contours(disc, 0.5)[0][:, ::-1]
true = by_coco(line + 0.5)
print(f"disc, by find_contours plus 0.5: {(true & disc).sum()} come back")

sys.exit(
    0
    if all(kept)
    and all(exact)
    and sizes == [317, 282, 6]
    and shift == [-0.76, -0.5]
    and (moved & disc).sum() < 317
    and (true == disc).all()
    else 1
)
PYTHON
