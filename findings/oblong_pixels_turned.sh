#!/usr/bin/env bash
# RosettaSciIO (HyperSpy): width and height of the pixels of an FEI micrograph are exchanged.
#
# Guess:      the axes of a TIFF file from an FEI or Thermo Fisher SEM have the sizes that
#             its [Scan] section states: PixelWidth along a row, PixelHeight down a column.
# Version:    RosettaSciIO 0.15.0, tifffile 2026.3.3, NumPy 2.4.6, Python 3.11.
# Behaviour:  PixelWidth becomes the scale of the axis "height", and PixelHeight that of
#             "width". Inside the reader "x" means the height; for files of ImageJ both are
#             exchanged once more, and come out right. Nothing warns.
# Seen:       an image of 20 rows and 30 columns, pixels 4 nm wide and 5 nm high
#                                     height (20)   width (30)
#             stated                  5 nm          4 nm
#             FEI, [Scan]             4 nm          5 nm
#             ImageJ                  5             4
# Why it      The file states both sizes since they may differ, as where a scan is stretched
# matters:    along Y for a surface that is tilted to the beam. Exchanged, the error is made
#             twice over: areas remain right, which hides it, while lengths, angles and
#             shapes are wrong by the square of the ratio, for 4 and 5 nm by 1.56. Read the
#             section itself: `original_metadata["fei_metadata"]["Scan"]`.
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
from rsciio.tiff import file_reader

image = np.zeros((20, 30), np.uint8)
lines = [
    "[Scan]",
    "PixelWidth=4e-009",
    "PixelHeight=5e-009",
    "[Image]",
    "ResolutionX=30",
    "ResolutionY=20",
]
fei = (34682, "s", 0, "\r\n".join(lines) + "\r\n", True)
tifffile.imwrite("fei.tif", image, metadata=None, extratags=[fei])
with tifffile.TiffFile("fei.tif") as file:
    stated = file.fei_metadata["Scan"]
tifffile.imwrite("imagej.tif", image, imagej=True, resolution=(1 / 4, 1 / 5),
                 metadata={"unit": "nm"})


def axes(path: str) -> dict[str, float]:
    (found,) = file_reader(path)
    assert [axis["size"] for axis in found["axes"]] == [20, 30]
    return {axis["name"]: axis["scale"] for axis in found["axes"]}


print("stated:", stated)
print("FEI:   ", axes("fei.tif"))
print("ImageJ:", axes("imagej.tif"))

as_stated = (
    stated == {"PixelWidth": 4e-9, "PixelHeight": 5e-9}
    and axes("fei.tif") == {"height": 4e-9, "width": 5e-9}
    and axes("imagej.tif") == {"height": 5, "width": 4}
)
sys.exit(0 if as_stated else 1)
PYTHON
