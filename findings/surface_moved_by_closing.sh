#!/usr/bin/env bash
# zmesh: closing the surfaces at the edge of a volume moves all surfaces by a voxel.
#
# Guess:      `mesher.mesh(labels, close=True)` adds the faces that are missing where an
#             object is cut by the edge of the volume, and leaves all else where it was.
# Version:    zmesh 1.15.0, NumPy 2.4.6, Python 3.11.
# Behaviour:  every vertex of every object, of those too that touch no edge, lies one voxel
#             further along each axis. `voxel_centered=True`, which moves by half a voxel,
#             comes on top of that. Nothing warns.
# Seen:       slices 3 to 5 of 50 nm, rows 3 to 8 of 5 nm, columns 4 to 7 of 4 nm; a voxel
#             lies around its number, so that the object goes from 2.5 to 5.5 slices
#                            Z (nm)         Y (nm)         X (nm)
#             expected       125 to 275    12.5 to 42.5   14 to 30
#             close=False    125 to 275    12.5 to 42.5   14 to 30
#             close=True     175 to 325    17.5 to 47.5   18 to 34
# Why it      Volumes and areas need closed surfaces, so that this is how objects of EM are
# matters:    meshed in blocks. They are right, and the surfaces lie beside their objects: over
#             the image, at the synapses and skeletons of the same cell, and at the mesh of
#             the next block, where that was left open. With slices of 50 nm it is more than
#             a membrane is thick. Subtract one voxel size from the vertices; or pad the
#             labels by 0 yourself, and know by how much.
#
# Exits with 0 while zmesh behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    zmesh==1.15.0 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import zmesh

VOXEL = np.array([50, 5, 4])
labels = np.zeros((10, 12, 14), np.uint8)
labels[3:6, 3:9, 4:8] = 1
labels[0:2, 3:9, 4:8] = 2


def ends(number: int, close: bool) -> np.ndarray:
    mesher = zmesh.Mesher(tuple(VOXEL.tolist()))
    mesher.mesh(labels, close=close)
    vertices = mesher.get(number).vertices
    return np.array([vertices.min(axis=0), vertices.max(axis=0)])


inside = np.argwhere(labels == 1)
expected = np.array([inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5]) * VOXEL
opened, closed = ends(1, close=False), ends(1, close=True)
print("expected   ", *expected.tolist())
print("close=False", *opened.tolist())
print("close=True ", *closed.tolist())
print("at the edge", *ends(2, close=False).tolist())
print("and closed ", *ends(2, close=True).tolist())

as_stated = np.allclose(opened, expected) and np.allclose(closed, expected + VOXEL)
sys.exit(0 if as_stated else 1)
PYTHON
