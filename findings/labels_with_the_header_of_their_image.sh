#!/usr/bin/env bash
# nibabel: labels saved with the header of their image lose their ids, from 256 on.
#
# Guess:      Nifti1Image(labels, image.affine, image.header) keeps labels in place, and
#             saves whole numbers as they are; where the header has no room for them, it
#             takes a wider type or refuses.
# Version:    nibabel 5.4.2, NumPy 2.4.6, Python 3.11.
# Behaviour:  the type on disk is that of the header, which is the image's. Whole numbers
#             that fit it are stored as they are. As soon as one does not, all are scaled
#             to its range, with a slope in the file that reading multiplies by: floats
#             come back, of which there are no more than 256 for an image of uint8.
#             Nothing warns, neither saving nor reading.
# Seen:       int32 labels upon an image of uint8, saved and read:
#             ids 0 to 255   256 ids, uint8, all right
#             ids 0 to 256   256 ids, float64, 1 of 257 lost, and half of them off by one
#                            once they are rounded down
#             ids 0 to 599   256 ids, float64, steps of 2.349: neighbours have merged
# Why it      The header is passed on to keep voxel size, unit and orientation, and EM
# matters:    stacks are uint8. A test volume of some dozens of cells comes back exactly;
#             the whole one with its thousands does not, and ids that differ by one, which
#             are mostly neighbours, become one object. In a viewer it looks right. Set
#             `set_data_dtype(labels.dtype)` on the new image before it is saved.
#
# Exits with 0 while nibabel behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    nibabel==5.4.2 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import nibabel
import numpy as np

grey = np.random.default_rng(0).integers(0, 256, (20, 30, 40), dtype=np.uint8)
nibabel.save(nibabel.Nifti1Image(grey, np.diag([4, 4, 40, 1])), "em.nii.gz")
image = nibabel.load("em.nii.gz")


def saved_and_read(count, *, say_type=False):
    labels = (np.arange(grey.size, dtype=np.int32) % count).reshape(grey.shape)
    result = nibabel.Nifti1Image(labels, image.affine, image.header)
    if say_type:
        result.set_data_dtype(labels.dtype)
    nibabel.save(result, "labels.nii.gz")
    read = np.asarray(nibabel.load("labels.nii.gz").dataobj)
    ids = len(np.unique(read))
    kept = float((read.astype(int) == labels).mean())
    print(f"{count} ids: {ids} read as {read.dtype}, {kept:.1%} of the pixels right")
    return ids, str(read.dtype), kept


fits, just, many = (saved_and_read(count) for count in (256, 257, 600))
said = saved_and_read(600, say_type=True)
as_stated = (
    fits == (256, "uint8", 1.0)
    and just[:2] == many[:2] == (256, "float64")
    and just[2] < 0.99
    and many[2] < 0.5
)
sys.exit(0 if as_stated and said == (600, "int32", 1.0) else 1)
PYTHON
