#!/usr/bin/env bash
# npy2bdv: the coarser levels of a volume end in the dark, and lose half a grey value.
#
# Guess:      each pixel of a coarser level is the mean of those that it stands for, at the
#             edge of those that there are; a volume of one grey value has that value in
#             all levels.
# Version:    npy2bdv 1.1.0, scikit-image 0.26.0, NumPy 2.4.6, Python 3.11.
# Behaviour:  where a side does not divide by the step, the block at its end is filled up
#             with 0 before the mean is taken: the last row, column or slice of a level is
#             darker by the share that is missing, and where several sides meet, by the
#             product. Means are cut down to whole numbers, not rounded. Nothing warns.
# Seen:       a volume of 5 x 9 x 9 pixels, all 200; values along the diagonal of its levels
#             steps of 2, 2, 2    200 200 25
#             steps of 4, 8, 8    200 0            (200 / 256)
#             a mean of 101.75 becomes 101
# Why it      Sizes of EM volumes are seldom multiples of 8. BigDataViewer shows the
# matters:    coarser levels and BigStitcher registers by them: they see a frame that is nearly
#             black at the far sides, and bright structures end there. A threshold or
#             network that was made for the full level calls that frame membrane or
#             background. Pad the volume with its edge to a multiple of the largest step
#             before it is written.
#
# Exits with 0 while npy2bdv behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    npy2bdv==1.1.0 scikit-image==0.26.0 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import npy2bdv
import numpy as np

STEPS = ((1, 1, 1), (2, 2, 2), (4, 8, 8))


def levels(volume: np.ndarray) -> list[np.ndarray]:
    writer = npy2bdv.BdvWriter(
        "volume.h5", subsamp=STEPS, blockdim=((4, 8, 8),) * 3, overwrite=True
    )
    writer.append_view(volume)
    writer.write_xml()
    writer.close()
    editor = npy2bdv.BdvEditor("volume.h5")
    found = [editor.read_view(ilevel=level) for level in range(3)]
    editor.finalize()
    return found


def diagonal(level: np.ndarray) -> list[int]:
    steps = np.linspace(0, 1, min(level.shape))
    places = [np.rint(steps * (side - 1)).astype(int) for side in level.shape]
    return level[tuple(places)].tolist()


full, half, eighth = levels(np.full((5, 9, 9), 200, np.uint16))
even = np.full((4, 8, 8), 102, np.uint16)
even[:, 1::2, 1::2] = 101
_, rounded, _ = levels(even)
print("full:          ", full.shape, np.unique(full))
print("2, 2, 2:       ", half.shape, diagonal(half))
print("4, 8, 8:       ", eighth.shape, diagonal(eighth))
print("mean of 101.75:", np.unique(rounded))

as_stated = (
    (full == 200).all()
    and half.shape == (3, 5, 5)
    and diagonal(half) == [200, 200, 25]
    and diagonal(eighth) == [200, 0]
    and (rounded == 101).all()
)
sys.exit(0 if as_stated else 1)
PYTHON
