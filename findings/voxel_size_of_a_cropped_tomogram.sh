#!/usr/bin/env bash
# mrcfile: a tomogram that is cropped gets larger voxels, and a voxel size set too early
# is lost.
#
# Guess:      `voxel_size` is a property of the file. Other data in the same file, such as
#             a crop, have voxels of the same size; and it does not matter whether the
#             size or the data are set first.
# Version:    mrcfile 1.5.4, NumPy 2.4.6, Python 3.11.
# Behaviour:  an MRC header holds the size of the whole cell and its number of voxels, and
#             mrcfile divides one by the other. `set_data` writes the new number and
#             leaves the cell as it was; `voxel_size = ...` writes the cell for the number
#             that is there at that moment, which is 0 in a new file. Neither warns.
# Seen:       a volume of (8, 64, 64) with voxels of 10 angstrom, opened with "r+" and
#             set to its own [:, :32, :32]: voxels of x 20, y 20, z 10.
#             a new file, voxel_size = 10, then set_data: voxels of 0, which is "unknown".
# Why it      To copy a file and to write other data into the copy is the way to keep a
# matters:    header. A crop by half then states twice the pixel size in X and Y, and areas
#             come out fourfold; a crop in X alone makes pixels oblong; and what rescales
#             images to the pixel size of a model does so by the wrong factor. Binning, on
#             the other hand, comes out right by itself, so that a test with it finds
#             nothing. Set `voxel_size` after the last `set_data`, from the value that was
#             read before it.
#
# Exits with 0 while mrcfile behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    mrcfile==1.5.4 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import mrcfile
import numpy as np

volume = np.arange(8 * 64 * 64, dtype=np.int16).reshape(8, 64, 64)


def voxel_size(path):
    with mrcfile.open(path) as file:
        return [float(file.voxel_size[axis]) for axis in "xyz"]


def tomogram(path):
    with mrcfile.new(path, volume) as file:
        file.set_volume()
        file.voxel_size = 10.0
    return path


crop = tomogram("crop.mrc")
with mrcfile.open(crop, "r+") as file:
    file.set_data(volume[:, :32, :32].copy())
cropped = voxel_size(crop)
print("cropped to half in X and Y:  ", cropped)

binned = tomogram("binned.mrc")
with mrcfile.open(binned, "r+") as file:
    file.set_data(volume[:, ::2, ::2].copy())
by_two = voxel_size(binned)
print("every second pixel:          ", by_two)

with mrcfile.new("early.mrc") as file:
    file.voxel_size = 10.0
    file.set_data(volume)
early = voxel_size("early.mrc")
print("size first, data afterwards: ", early)

as_stated = cropped == by_two == [20.0, 20.0, 10.0] and early == [0.0, 0.0, 0.0]
sys.exit(0 if as_stated and voxel_size(tomogram("whole.mrc")) == [10.0] * 3 else 1)
PYTHON
