#!/usr/bin/env bash
# imageio: the spacing of the pixels of a TIFF file is its reciprocal.
#
# Guess:      `improps(file).spacing` is the distance from one pixel to the next, as its
#             documentation says ("the spacing between pixels along each axis"): twice
#             as large for pixels that are twice as large.
# Version:    imageio 2.38.1, tifffile 2026.3.3, NumPy 2.4.6, Python 3.11.
# Behaviour:  it is the resolution that the file states, pixels in a unit, and so halves
#             where pixels are twice as large. The order is that of the file, X before Y,
#             while the shape beside it is Y before X; there is none for the slices.
#             Nothing warns.
# Seen:       slices 50 nm apart with pixels of 4 nm along X and 8 nm along Y, as ImageJ
#             writes them (unit um): shape (20, 30), spacing (250.0, 125.0).
#             pixels of 2 nm and 2 nm: spacing (500.0, 500.0)
# Why it      `spacing` is what scikit-image calls the size of a pixel, and what comes from
# matters:    one is handed to the other: regionprops(labels, spacing=...), marching cubes,
#             distances. Areas then are wrong by the fourth power of the pixel size, and
#             the image with the smaller pixels has the larger cells, so that even ratios
#             are upside down. With pixels near one unit nobody sees it. Where pixels are
#             oblong, Y and X are exchanged besides. Take 1 / spacing, turned round, and the
#             unit and the distance of slices from tifffile's `imagej_metadata`.
#
# Exits with 0 while imageio behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    imageio==2.38.1 tifffile==2026.3.3 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import imageio.v3 as imageio
import numpy as np
import tifffile

seen = []
for y, x in ((0.008, 0.004), (0.002, 0.002)):
    tifffile.imwrite(
        "stack.tif",
        np.zeros((3, 20, 30), np.uint8),
        imagej=True,
        resolution=(1 / x, 1 / y),
        metadata={"axes": "ZYX", "spacing": 0.05, "unit": "um"},
    )
    known = imageio.improps("stack.tif")
    print(f"pixels of y {y} um, x {x} um: shape {known.shape}, spacing {known.spacing}")
    seen.append(np.allclose(known.spacing, (1 / x, 1 / y)))
sys.exit(0 if all(seen) else 1)
PYTHON
