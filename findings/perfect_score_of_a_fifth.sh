#!/usr/bin/env bash
# torchmetrics: a perfect prediction has a Generalised Dice of 0.2, if four of five slices
# are empty.
#
# Guess:      a prediction that is its ground truth has the best score, 1; where neither
#             holds a class, there is nothing to score, and the slice is left out or counts
#             as right. DiceScore and MeanIoU of the same module leave it out.
# Version:    torchmetrics 1.9.0, PyTorch 2.13.0 (CPU), NumPy 2.4.6, Python 3.11.
# Behaviour:  GeneralizedDiceScore gives 0 to a sample without foreground that is predicted
#             without foreground, and the mean is over all samples. Without the background
#             (include_background=False) that is the score itself, with `per_class` the one
#             of each class, with any `weight_type`. Nothing warns, and the documentation
#             says nothing of empty samples.
# Seen:       ten slices, a square in two of them, each slice a sample
#                                     the truth itself     one with a false
#                                                          square in all ten
#             GeneralizedDiceScore                0.20                  0.20
#             DiceScore                           1.00                  0.20
#             MeanIoU                             1.00                  0.20
#             GeneralizedDiceScore, per_class, with two classes of which one is in all
#             slices, the other in two of ten, the truth itself: 1.00 1.00 0.20
# Why it      An organelle is in some slices of a stack, and of patches most are empty. The
# matters:    score has the share of slices with foreground as its upper limit: it cannot
#             tell a perfect network from one that invents an organelle in every empty slice,
#             and ranks stacks, or folds of a cross-validation, by how much they hold. As
#             one minus a loss, it also stops early for the wrong reason. Take
#             DiceScore, or MONAI's GeneralizedDiceScore, where such a slice counts as 1.
#
# Exits with 0 while torchmetrics behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torchmetrics.segmentation import DiceScore, GeneralizedDiceScore, MeanIoU

truth = torch.zeros(10, 64, 64, dtype=torch.long)
truth[4:6, 20:40, 20:40] = 1
inventing = truth.clone()
inventing[:, 20:40, 20:40] = 1


def foreground(metric, prediction):
    """Return the score without the background."""
    scored = metric(2, include_background=False, input_format="index")
    return round(float(scored(prediction, truth)), 2)


rows = {
    metric.__name__: [foreground(metric, truth), foreground(metric, inventing)]
    for metric in (GeneralizedDiceScore, DiceScore, MeanIoU)
}
for name, row in rows.items():
    print(f"{name:21}", row)

two = torch.zeros(10, 64, 64, dtype=torch.long)
two[:, 5:15, 5:15] = 1
two[4:6, 20:40, 20:40] = 2
each = GeneralizedDiceScore(3, per_class=True, input_format="index")(two, two)
print("two classes, each    ", each.tolist())

as_stated = (
    rows["GeneralizedDiceScore"] == [0.2, 0.2]
    and rows["DiceScore"] == rows["MeanIoU"] == [1.0, 0.2]
    and torch.allclose(each, torch.tensor([1.0, 1.0, 0.2]), atol=1e-3)
)
sys.exit(0 if as_stated else 1)
PYTHON
