#!/usr/bin/env bash
# dask: a folder of slices is stacked in the order of letters: 1, 10, 11, 2, ...
#
# Guess:      `dask.array.image.imread("z*.tif")` stacks files by the numbers in their names,
#             as all readers do that take such a pattern.
# Version:    dask 2026.8.0, dask-image 2026.5.0, scikit-image 0.26.0, tifffile 2026.3.3,
#             NumPy 2.4.6, Python 3.11.
# Behaviour:  names are sorted as words, so that z10 comes before z2. Nothing warns, and the
#             shape is right. Its documentation says nothing of the order. tifffile.imread,
#             skimage.io.imread_collection and dask_image.imread.imread, which take the same
#             pattern, sort by the numbers.
# Seen:       z1.tif to z11.tif, each filled with its number:
#             dask.array.image   1 10 11 2 3 4 5 6 7 8 9
#             the other three    1 2 3 4 5 6 7 8 9 10 11
# Why it      Microscopes and Fiji write such names, with as many digits as a number needs.
# matters:    Slice by slice all looks well; what goes through slices does not: objects
#             followed from one to the next break or join, volumes and skeletons are of
#             nothing, a network with three dimensions learns from neighbours that are none,
#             and labels that another reader stacked lie on other slices. Of up to nine slices the
#             order is right, so that a test finds nothing. Name the files with leading zeros,
#             or read with one of the other three.
#
# Exits with 0 while dask behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    dask==2026.8.0 dask-image==2026.5.0 pims==0.7 scikit-image==0.26.0 scipy==1.17.1 \
    tifffile==2026.3.3 imageio==2.38.1 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W ignore::FutureWarning - <<'PYTHON'
import sys

import dask.array.image
import dask_image.imread
import numpy as np
import tifffile
from skimage import io

COUNT = 11
for number in range(1, COUNT + 1):
    tifffile.imwrite(f"z{number}.tif", np.full((8, 8), number, np.uint8))

stacks = {
    "dask.array.image": dask.array.image.imread("z*.tif").compute(),
    "dask_image": dask_image.imread.imread("z*.tif").compute(),
    "tifffile": tifffile.imread("z*.tif"),
    "skimage": io.imread_collection("z*.tif").concatenate(),
}
orders = {name: stack[:, 0, 0].tolist() for name, stack in stacks.items()}
for name, order in orders.items():
    print(f"{name:17}", *order)

by_number = list(range(1, COUNT + 1))
by_letters = sorted(by_number, key=str)
as_stated = orders.pop("dask.array.image") == by_letters
sys.exit(0 if as_stated and all(one == by_number for one in orders.values()) else 1)
PYTHON
