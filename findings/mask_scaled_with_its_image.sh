#!/usr/bin/env bash
# albumentations: a mask that is scaled down together with its image slides off it.
#
# Guess:      a transform that takes image and mask at once keeps them on each other; only
#             the interpolation differs, so that labels stay labels.
# Version:    albumentations 2.0.8, OpenCV 4.12.0 (headless), NumPy 2.2.6, Python 3.11.
# Behaviour:  images are scaled about the middles of the pixels, masks by OpenCV's
#             INTER_NEAREST, which takes the first pixel, upper left, of those that become
#             one. Scaled down by k, a mask lies (k - 1) / 2 pixels of the original further
#             to the lower right than its image. `Resize`, `LongestMaxSize` and
#             `RandomScale` do it alike; nothing warns. Enlarged by whole numbers it is right.
# Seen:       256 x 256 pixels that hold the number of their column, as image and as mask:
#             scaled to 128, 64 and 32, image and mask are 0.5, 1.5 and 3.5 pixels of the
#             original apart.
#             a disc of 160 pixels, scaled to 32: Dice with the means of the blocks 0.970,
#             and 0.997 with INTER_NEAREST_EXACT for the mask
# Why it      Images are scaled down to the field of view of a network, masks with them,
# matters:    and the network learns the borders where they are not: of thin membranes, one
#             side. What it predicts is shifted when it is brought back to full size; scores
#             taken on masks that were scaled in the same way do not show it. Pass
#             mask_interpolation=cv2.INTER_NEAREST_EXACT.
#
# Exits with 0 while albumentations behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    albumentations==2.0.8 albucore==0.0.24 opencv-python-headless==4.12.0.88 numpy==2.2.6

cd "$folder"
NO_ALBUMENTATIONS_UPDATE=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import albumentations
import cv2
import numpy as np

SIDE = 256
columns = np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1))


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


seen = []
for side in (128, 64, 32):
    scale = side / SIDE - 1
    for transform in (
        albumentations.Resize(side, side),
        albumentations.LongestMaxSize(side),
        albumentations.RandomScale((scale, scale), p=1),
    ):
        made = transform(image=columns.astype(np.float32), mask=columns)
        apart = (made["image"] - made["mask"])[:, 1:-1]
        name = type(transform).__name__
        print(f"to {side:3d} by {name:15}: {apart.min():.2f} to {apart.max():.2f} apart")
        seen.append(np.allclose(apart, (SIDE / side - 1) / 2, atol=0.01))

y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
mask = (y**2 + x**2 < 80**2).astype(np.uint8)
blocks = mask.reshape(32, 8, 32, 8).mean((1, 3)) > 0.5
for name in ("INTER_NEAREST", "INTER_NEAREST_EXACT"):
    resize = albumentations.Resize(32, 32, mask_interpolation=getattr(cv2, name))
    score = dice(resize(image=mask, mask=mask)["mask"] > 0, blocks)
    print(f"Dice with the mean of the blocks: {score:.3f} {name}")
    seen.append(score < 0.98 if name == "INTER_NEAREST" else score > 0.99)
sys.exit(0 if all(seen) else 1)
PYTHON
