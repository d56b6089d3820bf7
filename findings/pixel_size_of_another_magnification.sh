#!/usr/bin/env bash
# mdocfile: images of a SerialEM file get the pixel size of another, or lose their own.
#
# Guess:      `mdocfile.read` gives a table with a row for each image, and in it what the
#             section of that image says.
# Version:    mdocfile 0.2.3, pandas 3.1.1, Python 3.11.
# Behaviour:  what may stand in the head of the file, PixelSpacing and Voltage among it, is put
#             into the table last, over what the sections say. Where the head has another
#             value, all images have that one; where it has none, the column is empty and is
#             left out. `mdocfile.write` writes no such line in a section. Nothing warns.
#             `Mdoc.from_file(path).section_data` has the right values.
# Seen:       head 5.4 A; one image of 5.4 A, one of 21.6 A     table: 5.4  5.4
#             no head, as beside a movie of frames; 1.35 A      table: no column PixelSpacing
# Why it      A map of a grid and the images of its cells, at two magnifications, lie in one
# matters:    file; a movie of frames has no head at all. A stack that is scaled by this
#             table is wrong by the ratio of the magnifications, here by 4, and a script that
#             takes a missing size for 1 is wrong by as much as that. Take the sizes from
#             `section_data`, and keep the original file: one that was read and written
#             again has lost them.
#
# Exits with 0 while mdocfile behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    mdocfile==0.2.3 pandas==3.1.1

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

import mdocfile
from mdocfile.data_models import Mdoc

TWO = """PixelSpacing = 5.4
ImageFile = cells.mrc
ImageSize = 924 958
DataMode = 1

[T = SerialEM: two magnifications]

[ZValue = 0]
PixelSpacing = 5.4
Magnification = 8700

[ZValue = 1]
PixelSpacing = 21.6
Magnification = 2200
"""
FRAMES = """[T = SerialEM: frames]

[FrameSet = 0]
TiltAngle = 3
PixelSpacing = 1.35
Voltage = 300
"""
Path("two.mdoc").write_text(TWO)
Path("frames.mdoc").write_text(FRAMES)

two, frames = mdocfile.read("two.mdoc"), mdocfile.read("frames.mdoc")
stated = [one.PixelSpacing for one in Mdoc.from_file("two.mdoc").section_data]
alone = Mdoc.from_file("frames.mdoc").section_data[0]
mdocfile.write(two, "again.mdoc")
again = [one.PixelSpacing for one in Mdoc.from_file("again.mdoc").section_data]
print("sections:      ", stated, "and", alone.PixelSpacing, alone.Voltage)
print("table:         ", two["PixelSpacing"].tolist())
print("frames, columns:", sorted(frames.columns))
print("written again: ", again)

as_stated = (
    stated == [5.4, 21.6]
    and two["Magnification"].tolist() == [8700, 2200]
    and two["PixelSpacing"].tolist() == [5.4, 5.4]
    and (alone.PixelSpacing, alone.Voltage) == (1.35, 300)
    and "TiltAngle" in frames
    and not {"PixelSpacing", "Voltage"} & set(frames.columns)
    and again == [None, None]
)
sys.exit(0 if as_stated else 1)
PYTHON
