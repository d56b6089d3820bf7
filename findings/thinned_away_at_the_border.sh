#!/usr/bin/env bash
# SimpleITK: a skeleton leaves nothing of an object along the border of the image, and one
# pixel of a diagonal membrane.
#
# Guess:      `BinaryThinning` makes objects thin: each is still there, in one piece, and
#             where it lies in the image makes no difference, as with `skeletonize`
#             of scikit-image.
# Version:    SimpleITK 2.5.7, scikit-image 0.26.0, SciPy 1.17.1, NumPy 2.4.6, Python 3.11.
# Behaviour:  - an object may be peeled from the border of the image on, until it is in
#               pieces or gone. One that crosses the border at a right angle stays, one that
#               lies along it, or fills half of the image, goes. With a few pixels of
#               background around the image none is lost or broken.
#             - a diagonal strip, two or four pixels wide, shrinks to one to three pixels,
#               however long it is and wherever it lies.
#             Nothing warns. The documentation says that it makes a skeleton, and names the
#             textbook (and that it is for 2D).
# Seen:       300 blurred random masks of 40 x 40 pixels: 3909 objects, 2555 at the border
#                                                      lost   in pieces
#             BinaryThinning                            463         160
#             the same, 3 pixels of 0 around              0           0
#             skeletonize                                 0           0
#             pixels left                     BinaryThinning   padded   skeletonize
#             a band of 5 x 20 at the border               0       16            17
#             half of an image of 60 x 60                  0       31            33
#             a diagonal strip, 12 long                    1        1             8
# Why it      In EM, neurites, membranes and tubules go on beyond the image, many of them
# matters:    along it. Their lengths, loops and ends are measured on skeletons, and these
#             objects are not in the table, the more so the smaller the crop or the tile;
#             tiles that are thinned one by one have gaps along their seams. Thin membranes,
#             as a network draws them, vanish where they are diagonal and stay where they
#             are upright, so that an orientation is missing in the statistics. Take
#             scikit-image's skeletonize.
#
# Exits with 0 while SimpleITK behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    SimpleITK==2.5.7 scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from skimage.morphology import skeletonize

EIGHT = np.ones((3, 3))


def thinned(mask):
    """Return the skeleton by SimpleITK."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    return sitk.GetArrayFromImage(sitk.BinaryThinning(image)).astype(bool)


def lost_and_broken(mask, skeleton):
    """Count objects, those at the border, and those without a pixel or in pieces."""
    objects, number = ndimage.label(mask, EIGHT)
    pieces = [ndimage.label(skeleton & (objects == i), EIGHT)[1] for i in range(1, number + 1)]
    edge = np.ones(mask.shape, bool)
    edge[1:-1, 1:-1] = False
    touching = np.unique(objects[edge & mask]).size
    return np.array([number, touching, pieces.count(0), sum(n > 1 for n in pieces)])


everywhere = {thinned: 0, skeletonize: 0}
inside = {thinned: 0, skeletonize: 0}
random = np.random.default_rng(0)
for _ in range(300):
    mask = ndimage.gaussian_filter(random.random((40, 40)), 1.5) > 0.52
    padded = np.pad(mask, 3)
    for by in everywhere:
        everywhere[by] = everywhere[by] + lost_and_broken(mask, by(mask))
        inside[by] = inside[by] + lost_and_broken(padded, by(padded))
for by in everywhere:
    print(f"{by.__name__:12} objects, at the border, lost, broken:", *everywhere[by])
    print(f"{by.__name__:12} the same, three pixels of background around:", *inside[by])

band = np.zeros((20, 20), bool)
band[:5] = True
half = np.zeros((60, 60), bool)
half[:30] = True
strip = np.zeros((20, 20), bool)
strip[range(3, 15), range(3, 15)] = strip[range(3, 15), range(4, 16)] = True
for name, mask in {"band": band, "half": half, "strip": strip}.items():
    masks = (mask, thinned(mask), thinned(np.pad(mask, 3)), skeletonize(mask))
    print(f"{name:5} pixels, thinned, padded, skeletonize:", *(m.sum() for m in masks))

sys.exit(
    0
    if everywhere[thinned][2] > 0.1 * everywhere[thinned][1]
    and everywhere[thinned][3] > 0
    and inside[thinned][2:].sum() == 0
    and everywhere[skeletonize][2:].sum() == 0
    and inside[skeletonize][2:].sum() == 0
    and thinned(band).sum() == 0
    and thinned(np.pad(band, 3)).sum() > 10
    and thinned(half).sum() == 0
    and thinned(np.pad(half, 3)).sum() > 10
    and thinned(strip).sum() == 1
    and skeletonize(band).sum() > 10
    and skeletonize(strip).sum() > 5
    else 1
)
PYTHON
