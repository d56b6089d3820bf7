#!/usr/bin/env bash
# h5py: numbers beyond the type of a data set come out as its last one, not as in NumPy.
#
# Guess:      dataset[...] = array converts as NumPy does on array[...] = other: whole
#             numbers wrap round (256 becomes 0 in 8 bits, -1 becomes 255), or h5py
#             refuses; `dataset.astype` is NumPy's `astype`.
# Version:    h5py 3.16.0, NumPy 2.4.6, Python 3.11.
# Behaviour:  HDF5 converts, and what lies beyond the type becomes the nearest number that
#             it holds: all above 255 become 255, and what is negative becomes 0. The same
#             happens in reading through `dataset.astype`. Nothing warns.
# Seen:       [1, 255, 256, 300, 600, -1] written into uint8
#             h5py:  1 255 255 255 255   0
#             NumPy: 1 255   0  44  88 255
# Why it      Results of a volume larger than memory go block by block into a data set that
# matters:    was made before their number was known. With more than 255 cells, all the
#             rest are one object, 255: of a plausible number, and often so that no two
#             touch. The mark for "ignore" that many tools write, -1, is stored as 0, which
#             is background and is trained on, while the same line on a memory map stores
#             255. Compare `array.min()` and `array.max()` with `numpy.iinfo(dataset.dtype)`
#             before writing; the file cannot tell afterwards.
#
# Exits with 0 while h5py behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    h5py==3.16.0 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import h5py
import numpy as np

ids = np.array([1, 255, 256, 300, 600, -1])
with h5py.File("labels.h5", "w") as file:
    stored = file.create_dataset("narrow", ids.shape, np.uint8)
    stored[...] = ids
    written = stored[...].tolist()
    wide = file.create_dataset("wide", data=ids)
    read = wide.astype(np.uint8)[...].tolist()

mapped = np.memmap("labels.raw", np.uint8, "w+", shape=ids.shape)
mapped[...] = ids
print("h5py, written:", written)
print("h5py, read:   ", read)
print("NumPy:        ", mapped.tolist())

as_stated = written == read == [1, 255, 255, 255, 255, 0]
sys.exit(0 if as_stated and mapped.tolist() == [1, 255, 0, 44, 88, 255] else 1)
PYTHON
