#!/usr/bin/env bash
# RosettaSciIO (HyperSpy): a stack that ImageJ saved in nanometres has no unit.
#
# Guess:      the axes of a TIFF file of ImageJ have the unit that it states; the
#             documentation says that units and scale of ImageJ are read.
# Version:    RosettaSciIO 0.15.0, tifffile 2026.3.3, NumPy 2.4.6, Python 3.11.
# Behaviour:  the word "micron" alone is known. For any other the size is read and the unit is
#             None; that goes for "um" too, which versions of ImageJ write for micrometres.
#             The slices have no unit in any case. Nothing warns.
# Seen:       pixels of 4 x 5, slices 50 apart; scale and unit of slices, height and width
#             micron     50 None   5 um     4 um
#             um         50 None   5 None   4 None
#             nm         50 None   5 None   4 None
#             cm         50 None   5 None   4 None
# Why it      Nearly all stacks of EM pass through ImageJ, in nanometres. 4 without a unit
# matters:    is the same for nm, um and cm: joined with a stack in "micron", or sorted by
#             size, it is silently off by 1,000 or more. Saved again it has no unit either.
#             Take the unit from tifffile: `TiffFile(path).imagej_metadata["unit"]`.
#
# Exits with 0 while RosettaSciIO behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "rosettasciio[tiff]==0.15.0" tifffile==2026.3.3 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import tifffile
from rsciio.tiff import file_reader, file_writer

stack = np.zeros((3, 20, 30), np.uint8)


def axes(path: str) -> list[tuple[float, str | None]]:
    (found,) = file_reader(path)
    return [(axis["scale"], axis["units"]) for axis in found["axes"]]


as_stated = True
for unit in ("micron", "um", "nm", "cm"):
    more = {"unit": unit, "spacing": 50, "axes": "ZYX"}
    tifffile.imwrite("stack.tif", stack, imagej=True, resolution=(1 / 4, 1 / 5),
                     metadata=more)
    with tifffile.TiffFile("stack.tif") as file:
        assert file.imagej_metadata["unit"] == unit
    known = "\u00b5m" if unit == "micron" else None
    print(f"{unit:8}", axes("stack.tif"))
    as_stated &= axes("stack.tif") == [(50, None), (5, known), (4, known)]

(found,) = file_reader("stack.tif")
file_writer("again.tif", found)
with tifffile.TiffFile("again.tif") as file:
    again = file.imagej_metadata
print("saved again:", again)
sys.exit(0 if as_stated and not again.get("unit") else 1)
PYTHON
