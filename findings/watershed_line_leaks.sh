#!/usr/bin/env bash
# scikit-image: a watershed with lines lets labels leak through the lines.
#
# Guess:      watershed(image, watershed_line=True) gives the basins of
#             watershed(image) with a line of one pixel between them: each basin is as
#             connected as the minimum that it was flooded from, and the line costs next to
#             no time.
# Version:    scikit-image 0.26.0, NumPy 2.4.6, SciPy 1.17.1, Python 3.11.
# Behaviour:  A pixel that becomes part of a line is given no label, yet floods its own
#             neighbours as if it had one. Its label goes on behind the line, so that basins
#             come out in several pieces, and the line is in places two pixels wide. It does
#             so each time that it is taken from the queue, where it stands once for every
#             time that a neighbour was: with diagonal neighbours (connectivity=2) the queue
#             grows with the length of a line as 2^n does. Nothing warns. 0.24.0 does neither.
# Seen:       smooth noise of 256 x 256, basins of its minima, 4 neighbours:
#             no lines   460 basins, all in one piece
#             lines      460 basins, 84 of them in several pieces
#             48 x 48, 8 neighbours: 0.001 s without lines, 2.4 s with; 96 x 96 came to no end
# Why it      A label is taken for an object: one cell is counted, measured and tracked as
# matters:    one. Here a fifth of them has bits beyond a neighbour, of a pixel or a few,
#             which enlarge its box, spoil its shape, and make it a neighbour of cells that
#             it never touched. Label the pieces anew afterwards (4 neighbours), or
#             flood without lines and erase the `find_boundaries` of the labels.
#
# Exits with 0 while scikit-image behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys
import time

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed


def noise(side):
    return ndimage.gaussian_filter(np.random.default_rng(0).random((side, side)), 3)


def pieces(basins):
    """Count the 4-connected pieces of every basin."""
    boxes = ndimage.find_objects(basins)
    return [ndimage.label(basins[b] == i)[1] for i, b in enumerate(boxes, 1)]


def seconds(side, **options):
    start = time.perf_counter()
    watershed(noise(side), connectivity=2, **options)
    return time.perf_counter() - start


plain = pieces(watershed(noise(256)))
lined = pieces(watershed(noise(256), watershed_line=True))
for name, found in {"no lines": plain, "lines": lined}.items():
    print(f"{name}: {len(found)} basins, {sum(n > 1 for n in found)} in several pieces")
quick, slow = seconds(48), seconds(48, watershed_line=True)
print(f"48 x 48, 8 neighbours: {quick:.3f} s without lines, {slow:.3f} s with")

as_stated = (
    len(plain) == len(lined) == 460
    and max(plain) == 1
    and sum(n > 1 for n in lined) == 84
    and slow > 50 * quick
)
sys.exit(0 if as_stated else 1)
PYTHON
