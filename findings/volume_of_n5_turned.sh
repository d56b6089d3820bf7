#!/usr/bin/env bash
# TensorStore and zarr: an N5 volume of one library is turned over in the other, slices
# for columns.
#
# Guess:      what zarr wrote as (Z, Y, X) into an N5 container, TensorStore opens as
#             (Z, Y, X), and the other way round: both go by the same attributes.json.
# Version:    tensorstore 0.1.86, zarr 2.18.3, numcodecs 0.13.1, NumPy 2.4.6, Python 3.11.
# Behaviour:  N5 names the axis first that changes fastest. zarr turns the order around:
#             an array of (Z, Y, X) is stored with dimensions [X, Y, Z]. TensorStore keeps
#             the order of the file, and opens that as (X, Y, Z); what it writes as
#             (Z, Y, X) has the dimensions [Z, Y, X], and comes back from zarr as
#             (X, Y, Z). Blocks are turned likewise. The axes have no names in the file.
#             Nothing warns.
# Seen:       a volume of 2 x 3 x 4, slices, rows and columns
#             written by zarr          dimensions 4 3 2, opened by TensorStore as 4 3 2
#             written by TensorStore   dimensions 2 3 4, opened by zarr as        4 3 2
# Why it      Volumes of FIB-SEM are passed on as N5, and cut into cubes to train on. Of a
# matters:    cube the shape says nothing: slices become columns, the voxel size belongs to
#             the wrong axis, and labels written back by the other library lie mirrored
#             across the diagonal, which looks like labels all the same. Transpose what
#             TensorStore gives (`store.T`), and before much is written, look at a little of
#             it in the program that is to read it.
#
# Exits with 0 while both behave so, and with another code once one does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    tensorstore==0.1.86 zarr==2.18.3 numcodecs==0.13.1 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W ignore::FutureWarning - <<'PYTHON'
import json
import sys

import numpy as np
import tensorstore
import zarr

SHAPE = (2, 3, 4)


def dimensions(container):
    with open(f"{container}/em/attributes.json") as file:
        return tuple(json.load(file)["dimensions"])


def by_zarr(container):
    return zarr.group(zarr.N5Store(container))


def by_tensorstore(container, **more):
    file = {"driver": "file", "path": f"{container}/em"}
    return tensorstore.open({"driver": "n5", "kvstore": file, **more}).result()


volume = np.arange(24, dtype=np.uint16).reshape(SHAPE)

by_zarr("first.n5").create_dataset("em", data=volume, chunks=(1, 3, 2))
there = by_tensorstore("first.n5").read().result()
print("written by zarr:       ", *dimensions("first.n5"), "opened as", *there.shape)

made = {"dimensions": SHAPE, "blockSize": (1, 3, 2), "dataType": "uint16"}
made["compression"] = {"type": "gzip"}
by_tensorstore("second.n5", metadata=made, create=True)[...] = volume
back = by_zarr("second.n5")["em"][...]
print("written by TensorStore:", *dimensions("second.n5"), "opened as", *back.shape)

own = by_tensorstore("second.n5").read().result()
sys.exit(
    0
    if dimensions("first.n5") == SHAPE[::-1]
    and np.array_equal(there, volume.T)
    and dimensions("second.n5") == SHAPE
    and np.array_equal(back, volume.T)
    and np.array_equal(own, volume)
    and np.array_equal(by_zarr("first.n5")["em"][...], volume)
    else 1
)
PYTHON
