#!/usr/bin/env bash
# napari: setting pixels of big-endian labels stores other labels than were given.
#
# Guess:      a Labels layer holds its array as it is, and `layer.data_setitem(where, 1)`,
#             by which plugins change labels with undo, stores 1 whatever the byte order of
#             the array.
# Version:    napari 0.9.2, NumPy 2.4.6, Python 3.11, on a little-endian machine.
# Behaviour:  in labels of 16 bits with the high byte first, a single value, or an array of
#             values, arrives with its bytes exchanged; a list of the same values arrives
#             right, and so does a stroke of the brush. Labels of 32 bits are right. The
#             slice that is shown and the data share their memory, and what is shown is
#             written into it last, in the order of the machine. Nothing warns.
# Seen:       1 into an empty layer of    one value   an array   a list   the brush
#             little-endian, 16 bits          1           1         1         1
#             big-endian, 16 bits           256         256         1         1
#             big-endian, 32 bits             1           1         1         1
# Why it      Volumes from MRC, HDF5, NIfTI and raw files of microscopes and of older
# matters:    programs have the high byte first, and readers hand them on without a copy. A
#             plugin that merges, splits or relabels cells then makes objects 256, 512 ...
#             that nobody drew, while the same layer looks right under the brush. Convert
#             labels before they become a layer: data.astype(data.dtype.newbyteorder("=")).
#
# Exits with 0 while napari behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    napari==0.9.2 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from napari.layers import Labels

WHERE = np.array([10, 11, 12]), np.array([20, 20, 20])


def stored(dtype, change):
    """Return the labels that an empty layer holds after a change."""
    layer = Labels(np.zeros((40, 40), dtype))
    change(layer)
    return np.unique(layer.data[layer.data > 0]).tolist()


changes = {
    "one value": lambda layer: layer.data_setitem(WHERE, 1),
    "an array": lambda layer: layer.data_setitem(WHERE, np.ones(3, int)),
    "a list": lambda layer: layer.data_setitem(WHERE, [1, 1, 1]),
    "the brush": lambda layer: layer.paint((20, 20), 1),
}
found = {}
for dtype in ("<u2", ">u2", ">u4"):
    found[dtype] = [stored(dtype, change) for change in changes.values()]
    print(dtype, dict(zip(changes, found[dtype])))

right, wrong = [[1]] * 4, [[256], [256], [1], [1]]
sys.exit(0 if found == {"<u2": right, ">u2": wrong, ">u4": right} else 1)
PYTHON
