#!/usr/bin/env bash
# SciPy: the distance to a background that is not there.
#
# Guess:      scipy.ndimage measures, for every pixel of a mask, the distance to the
#             nearest background pixel. Where a mask has no background at all, that
#             distance is infinite, or the call says so; the three functions that
#             measure it (exact, chamfer, brute force) agree.
# Version:    SciPy 1.17.1, NumPy 2.3.5, Python 3.11.
# Behaviour:  each has an answer of its own, and none of them warns.
#             - distance_transform_edt: finite distances, to the point one row above the
#               upper left corner, outside of the image; with return_indices the "nearest
#               background" is at row -1, which NumPy takes for the last row.
#             - distance_transform_cdt: -1 everywhere.
#             - distance_transform_bf: 1.34e+154 everywhere, which is finite too.
# Seen:       edt of ones((3, 4)), first row:  1.0 1.414 2.236 3.162
#             indices of the first pixel:      [-1, 0]
# Why it      Border-weight maps, surface distances and seeds of a watershed are made of
# matters:    these distances, slice by slice, and a slice without objects (or one that
#             is nothing else) is common in EM stacks. The numbers look as good as any:
#             a border weight that falls off from one corner of an empty slice, a
#             Hausdorff distance of some pixels where there is none, a seed in a corner.
#             Ask `mask.all()` first, and say yourself what no background means.
#
# Exits with 0 while SciPy behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scipy==1.17.1 numpy==2.3.5

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
from scipy import ndimage

mask = np.ones((3, 4), bool)
exact, indices = ndimage.distance_transform_edt(mask, return_indices=True)
chamfer = ndimage.distance_transform_cdt(mask)
brute = ndimage.distance_transform_bf(mask)

rows, columns = np.indices(mask.shape)
from_outside = np.hypot(rows + 1, columns)
print("edt, first row:           ", exact[0].round(3))
print("indices of the first pixel:", indices[:, 0, 0])
print("cdt:                      ", np.unique(chamfer))
print("bf:                       ", np.unique(brute))

as_stated = (
    np.allclose(exact, from_outside)
    and (indices[0] == -1).all()
    and (indices[1] == 0).all()
    and (chamfer == -1).all()
    and np.isfinite(brute).all()
    and (brute > 1e150).all()
)
# With one background pixel all three agree on the pixel beside it.
mask[1, 1] = False
agree = {
    float(of(mask)[1, 2])
    for of in (
        ndimage.distance_transform_edt,
        ndimage.distance_transform_cdt,
        ndimage.distance_transform_bf,
    )
}
print("beside a background pixel: ", agree)
sys.exit(0 if as_stated and agree == {1.0} else 1)
PYTHON
