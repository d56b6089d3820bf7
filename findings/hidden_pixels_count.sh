#!/usr/bin/env bash
# MONAI: pixels that a mask hides from a loss count as half wrong.
#
# Guess:      `MaskedLoss(DiceLoss, sigmoid=True)` is the Dice loss of the pixels under the
#             mask, as `MaskedDiceLoss(sigmoid=True)` is: a network that is right about all
#             of them has a loss of 0.
# Version:    MONAI 1.6.1, PyTorch 2.13.0 (CPU), NumPy 2.4.6, Python 3.11.
# Behaviour:  MaskedLoss multiplies what the network answers by the mask, and the loss that
#             it wraps takes sigmoid or softmax of the product: a hidden logit is 0, and
#             becomes the probability 0.5 of background. MaskedDiceLoss takes the sigmoid
#             first. Losses that average over pixels (Focal) divide by the hidden ones, too.
# Seen:       answers that are right by 20 logits, a quarter foreground; loss where all, a
#             half, a tenth and a fiftieth of the pixels are annotated:
#             MaskedDiceLoss               0.000   0.000   0.000   0.000
#             MaskedLoss(DiceLoss)         0.000   0.483   0.895   0.980
#             MaskedLoss(TverskyLoss)      0.000   0.483   0.895   0.980
#             MaskedLoss(DiceCELoss)       0.000   0.821   1.517   1.659
#             MaskedLoss(FocalLoss)        0.000   0.085   0.156   0.170
# Why it      Scribbles and a few annotated cells are what such masks are for. The sparser
# matters:    they are, the closer is the loss to that of a network that is wrong about
#             everything: it hardly falls while the network learns, patches with more
#             annotation seem easier, a plateau of the loss ends the training too early,
#             and runs with other annotations cannot be compared. Hide pixels of
#             probabilities (without sigmoid=True), or use a loss that leaves them out.
#
# Exits with 0 while MONAI behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    monai==1.6.1 torch==2.13.0 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
from monai.losses import (
    DiceCELoss,
    DiceLoss,
    FocalLoss,
    MaskedDiceLoss,
    MaskedLoss,
    TverskyLoss,
)

truth = torch.zeros(1, 1, 32, 32)
truth[..., 8:24, 8:24] = 1
right = (truth * 2 - 1) * 20
spread = torch.arange(1024).reshape(1, 1, 32, 32) % 50
masks = [(spread < count).float() for count in (50, 25, 5, 1)]


def losses(loss, answer=right):
    """Return the loss where ever fewer pixels are annotated."""
    return [loss(answer, truth, mask).item() for mask in masks]


own = losses(MaskedDiceLoss(sigmoid=True))
wrapped = {
    "MaskedLoss(DiceLoss)": losses(MaskedLoss(DiceLoss, sigmoid=True)),
    "MaskedLoss(TverskyLoss)": losses(MaskedLoss(TverskyLoss, sigmoid=True)),
    "MaskedLoss(DiceCELoss)": losses(MaskedLoss(DiceCELoss, sigmoid=True)),
    "MaskedLoss(FocalLoss)": losses(MaskedLoss(FocalLoss)),
}
probabilities = losses(MaskedLoss(DiceLoss), right.sigmoid())
for name, row in {
    "MaskedDiceLoss": own,
    **wrapped,
    "MaskedLoss(DiceLoss) of probabilities": probabilities,
}.items():
    print(f"{name:38}", *(f"{value:.3f}" for value in row))

behaves = (
    max(own) < 1e-3
    and max(probabilities) < 1e-3
    and all(row[0] < 1e-3 and row == sorted(row) for row in wrapped.values())
    and wrapped["MaskedLoss(DiceLoss)"][2] > 0.85
    and wrapped["MaskedLoss(FocalLoss)"][2] > 0.1
)
sys.exit(0 if behaves else 1)
PYTHON
