#!/usr/bin/env bash
# RosettaSciIO (HyperSpy): every scan of a Direct Electron camera has steps of 1 nm.
#
# Guess:      the metadata beside a movie of a Direct Electron camera, which are found by
#             themselves, give the axes: steps of 0.5 and 0.25 nm in a scan of which it says
#             so.
# Version:    RosettaSciIO 0.15.0, mrcfile 1.5.4, NumPy 2.4.6, Python 3.11.
# Behaviour:  - Of a scan (4D STEM) each size that is known is replaced by 1, and those that
#               are not known, which the camera writes as -1, by 1 too. The units stay: nm
#               for the scan, 1/nm for diffraction. Nothing warns.
#             - Of the movie of a TEM the sizes are right, and are text.
# Seen:       stated                              y 0.5 nm, x 0.25 nm, ky 0.03, kx 0.02 1/nm
#             "Scan - Enable = Enable"            1.0 nm, 1.0 nm, 1.0 1/nm, 1.0 1/nm
#             "Scan - Enable = Disable"           '0.5' nm, '0.25' nm, both of them str
# Why it      A size of 1 with a unit is taken for measured: the scale bar, virtual images
# matters:    and whatever is segmented in them are 2 and 4 times too large, a strain map is
#             off by the ratio of two sizes. A pixel of 1 nm is so common that nobody asks.
#             Take the sizes from `original_metadata`["de_metadata"], as numbers.
#
# Exits with 0 while RosettaSciIO behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    rosettasciio==0.15.0 mrcfile==1.5.4 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

import mrcfile
import numpy as np
from rsciio.mrc import file_reader

STATED = {
    "Scan - Type": "Raster",
    "Scan - Size X": 5,
    "Scan - Size Y": 4,
    "Scan - Time (seconds)": 3.5,
    "Scan - Repeat Delay (seconds)": 0,
    "Image Size X (pixels)": 7,
    "Image Size Y (pixels)": 6,
    "Specimen Pixel Size X (nanometers)": 0.25,
    "Specimen Pixel Size Y (nanometers)": 0.5,
    "Diffraction Pixel Size X": 0.02,
    "Diffraction Pixel Size Y": 0.03,
    "Frames Per Second": 1000,
    "Autosave Movie Sum Count": 1,
}
movie, info = "20240101_00001_movie.mrc", Path("20240101_00001_info.txt")
frames = np.zeros((20, 6, 7), np.uint16)
with mrcfile.new(movie) as file:
    file.set_data(frames)


def axes(scan: str) -> dict[str, tuple[object, str]]:
    stated = {**STATED, "Scan - Enable": scan}
    info.write_text("".join(f"{key:<63} = {value}\n" for key, value in stated.items()))
    (found,) = file_reader(movie)
    return {axis["name"]: (axis["scale"], axis["units"]) for axis in found["axes"]}


scanned, whole = axes("Enable"), axes("Disable")
print("scan: ", scanned)
print("movie:", whole)

ones = {"y": "nm", "x": "nm", "ky": "nm^-1", "kx": "nm^-1"}
as_stated = (
    scanned == {name: (1.0, unit) for name, unit in ones.items()}
    and whole["y"] == ("0.5", "nm")
    and whole["x"] == ("0.25", "nm")
    and isinstance(whole["x"][0], str)
)
sys.exit(0 if as_stated else 1)
PYTHON
