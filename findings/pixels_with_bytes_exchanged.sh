#!/usr/bin/env bash
# RosettaSciIO (HyperSpy): of a big-endian MRC the sizes are right and the pixels garbled.
#
# Guess:      `file_reader(path, endianness=">")`, as documented for MRC files with the high
#             byte first, reads such a file as mrcfile does.
# Version:    RosettaSciIO 0.15.0, mrcfile 1.5.4, NumPy 2.4.6, Python 3.11, on a
#             little-endian machine.
# Behaviour:  the header alone is read in that order. The pixels are read in the order of
#             the machine: each of 16 bits has its bytes exchanged, floats become numbers
#             near 0 or beyond all measure. Shape, voxel size and type are right. Nothing
#             warns. Pixels of 8 bits are right.
# Seen:       pixels of the file   1 2 3 4, voxels of 50 x 4 x 4 A
#             mrcfile, int16       1 2 3 4
#             int16                256 512 768 1024, axes of 5.0, 0.4 and 0.4 nm
#             float32              all below 1e-40
# Why it      Tomograms from workstations with the high byte first have this order; the
# matters:    standard allows it, and their header says so. What comes out here has the size and
#             the axes of a good volume, and its grey values look like noise, as if it were a
#             bad recording. A mask of 0 and 1 becomes one of 0 and 256. Read with mrcfile,
#             and give the array to HyperSpy.
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

import mrcfile
import numpy as np
from rsciio.mrc import file_reader

volume = np.arange(1, 25).reshape(2, 3, 4)


def read(kind: str) -> tuple[np.ndarray, list[float]]:
    with mrcfile.new(f"{kind}.mrc") as file:
        file.set_data(volume.astype(kind))
        file.voxel_size = (4, 4, 50)
    with mrcfile.open(f"{kind}.mrc") as file:
        assert file.data.dtype == kind
        assert np.array_equal(file.data, volume)
    (found,) = file_reader(f"{kind}.mrc", endianness=kind[0])
    assert found["data"].shape == volume.shape
    return found["data"], [round(axis["scale"], 6) for axis in found["axes"]]


whole, scales = read(">i2")
floats, _ = read(">f4")
little, _ = read("<i2")
print("big-endian, int16:   ", whole.ravel()[:4], scales)
print("big-endian, float32: ", floats.ravel()[:4])
print("little-endian, int16:", little.ravel()[:4])

as_stated = (
    np.array_equal(whole, volume * 256)
    and scales == [5.0, 0.4, 0.4]
    and abs(floats).max() < 1e-40
    and np.array_equal(little, volume)
)
sys.exit(0 if as_stated else 1)
PYTHON
