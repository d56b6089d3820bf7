#!/usr/bin/env bash
# scikit-image: an active contour depends on how many were computed before it.
#
# Guess:      `morphological_chan_vese` and `morphological_geodesic_active_contour` have no
#             chance in them: the same image, steps and start give the same outline, in
#             whatever order the slices of a stack are taken.
# Version:    scikit-image 0.26.0, NumPy 2.4.6, SciPy 1.17.1, Python 3.11.
# Behaviour:  outlines are smoothed by two operators in turn. Whose turn it is belongs to the
#             module and not to the call: after an odd number of smoothings (num_iter times
#             smoothing) the next call begins with the other one. Threads take each other's
#             turns. Nothing warns, and there is no seed to set.
# Seen:       a noisy disc, four calls in a row, pixels that differ from the first call:
#                                                  1st   2nd   3rd   4th
#             Chan-Vese, 20 steps                    0     0     0     0
#             Chan-Vese, 35 steps                    0    57     0    57
#             Chan-Vese, 35 steps, smoothing 3       0    62     0    62
#             geodesic, 35 steps                     0    21     0    21
# Why it      A slice that is segmented again, alone or in another order, has another
# matters:    outline: a figure cannot be repeated, a test passes or fails by what ran before
#             it, and slices that several threads share differ from run to run. Take an even
#             number of smoothings in each call, and processes instead of threads.
#
# Exits with 0 while scikit-image behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from skimage.segmentation import (
    inverse_gaussian_gradient,
    morphological_chan_vese,
    morphological_geodesic_active_contour,
)

rows, columns = np.indices((128, 128)) - 64
disc = np.hypot(rows, columns) < 35
image = disc + np.random.default_rng(0).normal(0, 0.6, disc.shape)
edges = inverse_gaussian_gradient(image, sigma=2)
start = np.hypot(rows, columns) < 25


def chan_vese(steps, **options):
    return lambda: morphological_chan_vese(image, steps, **options)


def geodesic(steps):
    return lambda: morphological_geodesic_active_contour(
        edges, steps, init_level_set=start, balloon=1
    )


def differing(call):
    """Return how many pixels of four outlines differ from the first."""
    first, *others = (call() for _ in range(4))
    return [0, *(int((first != one).sum()) for one in others)]


seen = {
    "Chan-Vese, 20 steps": differing(chan_vese(20)),
    "Chan-Vese, 35 steps": differing(chan_vese(35)),
    "Chan-Vese, 35 steps, smoothing 3": differing(chan_vese(35, smoothing=3)),
    "geodesic, 20 steps": differing(geodesic(20)),
    "geodesic, 35 steps": differing(geodesic(35)),
}
for name, pixels in seen.items():
    print(f"{name:34}", *(f"{one:5}" for one in pixels))

even = [pixels for name, pixels in seen.items() if ", 20 steps" in name]
odd = [pixels for name, pixels in seen.items() if ", 35 steps" in name]
behaves = all(max(one) == 0 for one in even) and all(
    one[1] == one[3] > 0 and one[2] == 0 for one in odd
)
sys.exit(0 if behaves else 1)
PYTHON
