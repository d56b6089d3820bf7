#!/usr/bin/env bash
# nibabel: a voxel size that is set is saved beside the old one, and readers differ.
#
# Guess:      `image.header.set_zooms(...)`, and saving, gives the file that voxel size;
#             every reader then finds it.
# Version:    nibabel 5.4.2, SimpleITK 2.5.7, NumPy 2.4.6, Python 3.11.
# Behaviour:  only the sizes in the header change. The affine, which the image has besides,
#             keeps the old size, and both are saved. nibabel's own `affine`, and all that
#             is built on it, goes by the old size, `get_zooms` and ITK by the new one.
#             Neither setting nor saving nor reading by nibabel warns; ITK prints a line to
#             its standard error.
# Seen:       voxels of 4 x 4 x 50, set to 8 x 8 x 50 after binning, saved and read:
#             nibabel, header.get_zooms()        8 8 50
#             nibabel, affine (voxel_sizes)      4 4 50
#             SimpleITK, GetSpacing()            8 8 50
#             and a new image with numpy.eye(4), set to 4 x 4 x 50: 4 4 50, 1 1 1, 4 4 50
# Why it      The size is set where a stack was binned, or had none. Asked by get_zooms it
# matters:    is right, so that a check of the file finds nothing. What resamples by the
#             affine (nibabel.processing among them) takes voxels of half the size: volumes
#             are an eighth, an isotropic resampling stretches the stack, and a network in
#             one program and its proofreading in another see different images. Scale the
#             affine instead (nibabel.affines.rescale_affine), and make the image with it.
#
# Exits with 0 while nibabel behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - 2> itk.txt <<'PYTHON'
import sys

import nibabel
import numpy as np
import SimpleITK
from nibabel.affines import voxel_sizes

data = np.zeros((20, 30, 10), np.uint8)
nibabel.save(nibabel.Nifti1Image(data, np.diag([4.0, 4, 50, 1])), "old.nii")
binned = nibabel.load("old.nii")
new = nibabel.Nifti1Image(data, np.eye(4))
agree = []
for image, wanted, old in (
    (binned, (8, 8, 50), (4, 4, 50)),
    (new, (4, 4, 50), (1, 1, 1)),
):
    image.header.set_zooms(wanted)
    nibabel.save(image, "saved.nii")
    read = nibabel.load("saved.nii")
    found = {
        "header.get_zooms()": read.header.get_zooms(),
        "affine": voxel_sizes(read.affine),
        "SimpleITK": SimpleITK.ReadImage("saved.nii").GetSpacing(),
    }
    print({name: [float(size) for size in sizes] for name, sizes in found.items()})
    states = [np.allclose(found[name], wanted) for name in ("header.get_zooms()", "SimpleITK")]
    agree.append(all(states) and np.allclose(found["affine"], old))
sys.exit(0 if all(agree) else 1)
PYTHON
