#!/usr/bin/env bash
# segmentation-models-pytorch: false objects in a batch without objects cost nothing; the
# same patches beside one with an object cost nearly all.
#
# Guess:      the Dice loss of a patch without foreground in which everything is predicted as
#             foreground is 1, or near it, as one minus the Dice score is; the network
#             learns from such patches to leave them empty.
# Version:    segmentation-models-pytorch 0.6.0, PyTorch 2.14.1 (on a CPU), Python 3.11.
# Behaviour:  DiceLoss, JaccardLoss and TverskyLoss set the loss of a class to 0 where the
#             ground truth of the batch holds none of it, and with it the gradient. A comment
#             in the source says so, the documentation does not. The batch decides, since the
#             sums of these losses run over all of its patches: what a patch teaches depends
#             on what lies beside it.
# Seen:       foreground predicted everywhere, at a logit of 1; the gradient is that of the
#             three empty patches, summed
#                                                    DiceLoss  JaccardLoss  TverskyLoss
#             three empty patches          loss         0.0000       0.0000       0.0000
#                                          gradient     0.0000       0.0000       0.0000
#             and one with a square        loss         0.9695       0.9845       0.9695
#                                          gradient     0.0060       0.0031       0.0060
#             With three classes, an image of the first that is called the third in half
#             of its pixels costs 0.1111: the third class counts as 0.
# Why it      Organelles are rare, and a U-Net is trained with few large tiles in a batch, in
# matters:    the paper with one. Then most batches teach nothing and no false object in them
#             costs anything; and the loss that is logged is lower the emptier the data are:
#             in such batches a network that calls everything an organelle has the same as one
#             that calls nothing so. Add a cross entropy, or take a Dice loss that counts
#             empty patches.
#
# Exits with 0 while the losses behave so, and with another code once they do not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    segmentation-models-pytorch==0.6.0 torch==2.14.1 torchvision==0.29.1

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from segmentation_models_pytorch.losses import DiceLoss, JaccardLoss, TverskyLoss


def taught(loss, truth):
    """Return the loss where all is called foreground, and what empty patches add."""
    logits = torch.ones(truth.shape, requires_grad=True)
    found = loss(logits, truth)
    found.backward()
    empty = logits.grad[~truth.flatten(1).any(1)]
    return round(float(found), 4), round(float(empty.abs().sum()), 4)


alone = torch.zeros(3, 1, 64, 64)
square = torch.zeros(1, 1, 64, 64)
square[..., 20:36, 20:36] = 1
rows = {
    kind.__name__: [
        taught(kind("binary"), truth) for truth in (alone, torch.cat([alone, square]))
    ]
    for kind in (DiceLoss, JaccardLoss, TverskyLoss)
}
for name, row in rows.items():
    print(f"{name:12}", row)

classes = torch.full((1, 3, 64, 64), -20.0)
classes[:, 0, :32], classes[:, 2, 32:] = 20, 20
third = float(DiceLoss("multiclass")(classes, torch.zeros(1, 64, 64, dtype=torch.long)))
print("the third class for the first", round(third, 4))

as_stated = (
    all(row[0] == (0, 0) and row[1][0] > 0.95 and row[1][1] > 0.002 for row in rows.values())
    and abs(third - 1 / 9) < 1e-3
)
sys.exit(0 if as_stated else 1)
PYTHON
