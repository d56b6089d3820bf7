#!/usr/bin/env bash
# MONAI: FillHoles gives objects that lie inside of others to these others.
#
# Guess:      `FillHoles` fills background. By its documentation a hole is made of pixels of
#             the background, which is 0: where there is no 0 inside of a label, nothing
#             is to be done.
# Version:    MONAI 1.6.1, PyTorch 2.13.0 (CPU), SciPy 1.17.1, NumPy 2.4.6, Python 3.11.
# Behaviour:  for each label in turn, all that cannot be reached from the border of the
#             image without crossing this label becomes this label, whatever it was: other
#             labels too, with or without background around them, and whichever has the
#             higher number. With one channel a class, the channel of the outer class is
#             filled, that of the inner one stays, and its pixels belong to two classes.
#             Nothing warns.
# Seen:       pixels of each label, before and after:
#             1 cell 300, 2 nucleus 100, no background within    1: 400, 2: 0
#             the numbers the other way round                    2: 400, 1: 0
#             a hole of 64 around a vesicle (2) of 36            1: 400, 2: 0
#             one channel a class: 100 pixels are both cell and nucleus
# Why it      A nucleus in its cell, mitochondria and vesicles in a neurite, cristae in
# matters:    a mitochondrion: in EM most that is labelled lies inside of something else,
#             in a slice at least. As the last step of a prediction FillHoles removes
#             whole classes, but leaves a nucleus that the border of a tile or of the image
#             cuts, so that tests on small crops look right. Let it change background
#             only: result = where(labels == 0, filled, labels).
#
# Exits with 0 while MONAI behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    monai==1.6.1 torch==2.13.0 scipy==1.17.1 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from monai.transforms import FillHoles

fill = FillHoles()


def count(labels):
    """Return the number of pixels of each label."""
    return {label: int((labels == label).sum()) for label in (0, 1, 2)}


def filled(labels):
    """Return labels (Y, X) with their holes filled."""
    return np.asarray(fill(labels[np.newaxis].copy()))[0]


def nested(outer, gap, inner):
    """Return a square of 20 x 20 pixels with one of up to 10 x 10 in it."""
    labels = np.zeros((40, 40), np.int32)
    labels[10:30, 10:30] = outer
    labels[15:25, 15:25] = 0 if gap else inner
    labels[15 + gap : 25 - gap, 15 + gap : 25 - gap] = inner
    return labels


seen = {}
for name, labels in {
    "nucleus": nested(1, 0, 2),
    "numbers exchanged": nested(2, 0, 1),
    "vesicle": nested(1, 2, 2),
}.items():
    seen[name] = count(filled(labels))
    print(f"{name}: {count(labels)} became {seen[name]}")

cut = nested(1, 0, 2)[20:]
print(f"cut in two: {count(cut)} became {count(filled(cut))}")

classes = np.stack([nested(1, 0, 2) == label for label in (0, 1, 2)])
both = np.asarray(fill(classes))[1:].all(axis=0).sum()
print(f"one channel a class: {both} pixels are of both")

sys.exit(
    0
    if seen["nucleus"] == {0: 1200, 1: 400, 2: 0}
    and seen["numbers exchanged"] == {0: 1200, 1: 0, 2: 400}
    and seen["vesicle"] == {0: 1200, 1: 400, 2: 0}
    and count(filled(cut)) == count(cut)
    and both == 100
    else 1
)
PYTHON
