#!/usr/bin/env bash
# trimesh: the surface of a voxel grid is in voxels, all else of the grid in its units, and a
# round organelle becomes an egg.
#
# Guess:      a VoxelGrid that has a transform, of 4 x 4 x 40 nm for each voxel, gives its
#             mesh where its points, its bounds and its boxes are: `marching_cubes` and
#             `as_boxes()` are two meshes of the same grid.
# Version:    trimesh 5.2.0, scikit-image 0.26.0, NumPy 2.4.6, Python 3.11.
# Behaviour:  `points`, `bounds`, `volume` and `as_boxes()` apply the transform,
#             `marching_cubes` leaves it out: no scale, no shift, no turn. Nothing warns; the
#             documentation says that the dense array is what is meshed.
# Seen:       a ball of 400 nm, voxels of 40 x 4 x 4 nm, at 1,000 nm
#                                   volume, um^3   extent, nm
#             grid.volume           0.0331
#             grid.as_boxes()       0.0331         360 x 396 x 396, at 1,000
#             grid.marching_cubes   0.0000516      9 x 99 x 99, at 1
#             the last with         0.0330         360 x 396 x 396, at 1,000
#             apply_transform(grid.transform)
# Why it      Meshes of segmented organelles are what volumes and areas are measured on, in
# matters:    three dimensions with sections thicker than pixels. Area, sphericity and
#             curvature of a mesh in voxels are wrong by no common factor, so that no later
#             scaling by the size of a pixel mends them, and meshes of several cut-outs lie
#             on top of each other. Apply the grid's transform to the mesh.
#
# Exits with 0 while trimesh behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    trimesh==5.2.0 scikit-image==0.26.0 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from trimesh.voxel import VoxelGrid

VOXEL = np.array([40.0, 4.0, 4.0])
corner = np.full(3, 1000.0)

shape = (13, 121, 121)
places = np.indices(shape).transpose(1, 2, 3, 0) * VOXEL
ball = ((places - (240, 240, 240)) ** 2).sum(-1) < 200**2
transform = np.diag([*VOXEL, 1.0])
transform[:3, 3] = corner
grid = VoxelGrid(ball, transform=transform)

boxes, surface = grid.as_boxes(), grid.marching_cubes
placed = surface.copy().apply_transform(grid.transform)
volumes = {"grid": grid.volume}
for name, mesh in {"boxes": boxes, "surface": surface, "placed": placed}.items():
    volumes[name] = abs(mesh.volume)
    print(f"{name:8} from", mesh.bounds[0], "extent", mesh.extents)
for name, volume in volumes.items():
    print(f"{name:8} {volume / 1e9:.7f} um^3")

voxels = grid.volume / VOXEL.prod()
as_stated = (
    np.isclose(boxes.volume, grid.volume)
    and abs(surface.volume) < 1.05 * voxels
    and (surface.extents < shape).all()
    and np.isclose(abs(placed.volume), grid.volume, rtol=0.05)
)
sys.exit(0 if as_stated else 1)
PYTHON
