#!/usr/bin/env bash
# mahotas: the sum of an object's grey values starts again at 0 after 255, and the
# highest of negative values is above 0.
#
# Guess:      labeled_sum(image, labels)[i] is np.sum(image[labels == i]), and labeled_max
#             likewise np.max: that is how their documentation explains them.
# Version:    mahotas 1.4.19, NumPy 2.4.6, Python 3.11.
# Behaviour:  - `labeled_sum` adds up in the type of the image, where np.sum takes a wide
#               one: of 8 bits the sum modulo 256 is left, of 16 bits modulo 65,536.
#             - `labeled_max` of floats starts at the smallest number above 0, so that an
#               object with negative values only has a maximum of 2.2e-308. Whole
#               numbers are right, and so is `labeled_min`.
#             Nothing warns.
# Seen:       four objects of 100 pixels, grey values of 100 to 199, 8 bits
#             labeled_sum                  37    219    214     76
#             np.sum                    15397  14811  14806  14924
#             mean, by labeled_size      0.37   2.19   2.14   0.76
#             the image as floats, minus 200
#             labeled_max, of each     2.2e-308
#             np.max                       -4     -1     -1     -3
# Why it      The mean is the sum over the size, and EM images have 8 bits. The means of
# matters:    dark objects of a few pixels are right, as in a small test; those of real
#             ones are noise near 0 that no longer depends on the brightness, and a
#             threshold on staining or a table of densities sorts objects by chance.
#             Negative values are those of log-probabilities, of distances within and of
#             images with the mean taken off: there every object gets the same maximum.
#             Pass image.astype(float) to the one, and take scipy.ndimage.maximum for the
#             other.
#
# Exits with 0 while mahotas behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    mahotas==1.4.19 numpy==2.4.6

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import mahotas
import numpy as np

OBJECTS = (1, 2, 3, 4)

image = np.random.default_rng(0).integers(100, 200, (10, 40), dtype=np.uint8)
labels = np.repeat(OBJECTS, 10)[np.newaxis].repeat(10, axis=0)
sums = mahotas.labeled.labeled_sum(image, labels)[1:].tolist()
true_sums = [int(np.sum(image[labels == i])) for i in OBJECTS]
means = np.array(sums) / mahotas.labeled.labeled_size(labels)[1:]
print("labeled_sum:", *sums)
print("np.sum:     ", *true_sums)
print("mean:       ", *means)

wider = mahotas.labeled.labeled_sum(image.astype(float), labels)[1:].tolist()

below = image - 200.0
highest = mahotas.labeled.labeled_max(below, labels)[1:].tolist()
true_highest = [float(np.max(below[labels == i])) for i in OBJECTS]
print("labeled_max:", *highest)
print("np.max:     ", *true_highest)

sys.exit(
    0
    if sums == [true % 256 for true in true_sums]
    and sums != true_sums
    and wider == true_sums
    and highest == [np.finfo(float).tiny] * 4
    and max(true_highest) < 0
    else 1
)
PYTHON
