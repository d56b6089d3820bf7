#!/usr/bin/env bash
# NCEM's EMD files: a volume goes from ncempy to HyperSpy, and back, inside out.
#
# Guess:      ncempy is of those who made the format, and RosettaSciIO (HyperSpy) says that it
#             reads and writes it: a volume of (slices, rows, columns) is the same in both.
# Version:    ncempy 1.16, RosettaSciIO 0.15.0, h5py 3.16.0, NumPy 2.4.6, Python 3.11.
# Behaviour:  RosettaSciIO turns the order of all axes round in reading and in writing, and
#             ncempy does not. Within either library nothing is seen of it. The step of each
#             axis goes with it; the unit comes back as other text. Nothing warns.
# Seen:       an array of shape (2, 3, 4) with steps of 50, 5 and 4 nm
#             written by     read by        shape       steps          unit
#             ncempy         ncempy         (2, 3, 4)   50, 5, 4       n_m
#             RosettaSciIO   RosettaSciIO   (2, 3, 4)   50, 5, 4       nm
#             ncempy         RosettaSciIO   (4, 3, 2)   4, 5, 50       n_m
#             RosettaSciIO   ncempy         (4, 3, 2)   4, 5, 50       [n_m]
# Why it      Slices of the other program's volume run across the section: what is segmented
# matters:    "slice by slice" is segmented in planes of 50 by 5 nm, and of a cube of as
#             many slices as rows and columns nobody sees by the shape that it is turned.
#             Every second pass through the other library makes it right again. A mask made
#             in one does not lie on the image in the other. Compare names and steps of the
#             axes; transpose after reading.
#
# Exits with 0 while both behave so, and with another code once they do not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    ncempy==1.16 "rosettasciio[hdf5]==0.15.0" h5py==3.16.0 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from ncempy.io.emd import emdReader, emdWriter
from rsciio.emd import file_reader, file_writer

volume = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
STEPS = (50, 5, 4)

emdWriter("ncempy.emd", volume, pixel_size=STEPS, pixel_unit=("n_m",) * 3)
axes = [
    {"name": name, "size": size, "scale": step, "offset": 0, "units": "nm",
     "navigate": name == "z", "index_in_array": index}
    for index, (name, size, step) in enumerate(zip("zyx", volume.shape, STEPS))
]
signal = {
    "data": volume,
    "axes": axes,
    "metadata": {"General": {"title": "volume"}, "Signal": {"signal_type": ""}},
    "original_metadata": {},
    "attributes": {},
}
file_writer("rosettasciio.emd", signal)

found = {}
for path in ("ncempy.emd", "rosettasciio.emd"):
    read = emdReader(path)
    found[path, "ncempy"] = read["data"], read["pixelSize"], read["pixelUnit"]
    (read,) = file_reader(path)
    sizes = [axis["scale"] for axis in read["axes"]]
    units = [axis["units"] for axis in read["axes"]]
    found[path, "RosettaSciIO"] = read["data"], sizes, units

as_stated = True
for (path, reader), (data, sizes, units) in found.items():
    print(f"{path:17} read by {reader:13}", data.shape, [float(n) for n in sizes], units)
    same = path == f"{reader.lower()}.emd"
    expected = volume if same else volume.T
    steps = STEPS if same else STEPS[::-1]
    as_stated &= np.array_equal(data, expected) and np.allclose(sizes, steps)
sys.exit(0 if as_stated else 1)
PYTHON
