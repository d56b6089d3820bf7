#!/usr/bin/env bash
# ncempy: an MRC that cannot be written raises nothing, and the old file is gone.
#
# Guess:      `mrcWriter` raises an error for a type or shape that it does not write, as
#             mrcfile does, and leaves a file that lies there as it is; 8 bits without
#             sign, the type of most EM images and of masks, are written.
# Version:    ncempy 1.16, mrcfile 1.5.4, NumPy 2.4.6, Python 3.11.
# Behaviour:  the file is opened for writing first, which empties it. Only then the type is
#             looked at; for all but int8, int16, uint16 and float32, for more than three
#             dimensions and for an array that is not contiguous, a line is printed, and
#             the function returns as it does after success. What stays is an empty file, or
#             one of 1,024 bytes, all 0.
# Seen:       over a volume of 16 bits, 2 x 3 x 4 pixels, file of 1,072 bytes, is written
#                                        raised     printed    file after it
#             uint16                     nothing    nothing    1,072 bytes
#             uint8                      nothing    a line     1,024 bytes, all 0
#             float64                    nothing    a line     1,024 bytes, all 0
#             uint16, transposed         nothing    a line     0 bytes
# Why it      In a script over many tomograms, or on a cluster, nobody reads what is printed:
# matters:    a run ends well, and each mask is a file without a header that no reader opens.
#             Who writes a changed volume over its own file has lost it. Write uint8 with
#             mrcfile; or convert to int16, make the array contiguous, and write to a new
#             name, then look at its size.
#
# Exits with 0 while ncempy behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    ncempy==1.16 mrcfile==1.5.4 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
import sys
from pathlib import Path

import mrcfile
import numpy as np
from ncempy.io.mrc import mrcWriter

path = Path("volume.mrc")
volume = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
given = {
    "uint16": volume,
    "uint8": volume.astype(np.uint8),
    "float64": volume.astype(np.float64),
    "uint16, transposed": volume.T,
}
found = {}
for name, array in given.items():
    mrcWriter(path, volume, (50, 5, 4))
    assert np.array_equal(mrcfile.read(path), volume)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert mrcWriter(path, array, (50, 5, 4)) is None
    left = path.read_bytes()
    found[name] = bool(said.getvalue()), len(left), any(left)
    print(f"{name:20} printed {found[name][0]!s:6} {len(left):,} bytes,",
          "some not 0" if any(left) else "none but 0")

as_stated = found == {
    "uint16": (False, 1072, True),
    "uint8": (True, 1024, False),
    "float64": (True, 1024, False),
    "uint16, transposed": (True, 0, False),
}
try:
    with mrcfile.new("other.mrc") as file:
        file.set_data(given["float64"])
except ValueError as error:
    print("mrcfile raises:", error)
else:
    as_stated = False
sys.exit(0 if as_stated else 1)
PYTHON
