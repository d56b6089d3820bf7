#!/usr/bin/env bash
# MONAI: a volume is deformed by a hundredth of what the same magnitude does to an image,
# and the smoother the deformation is to be, the less there is of it.
#
# Guess:      `magnitude_range` of Rand3DElastic is what it is in Rand2DElastic, the length
#             of the random offsets in pixels. The documentation has the same words for both:
#             the offsets are generated from uniform[magnitude[0], magnitude[1]). The sigma
#             that a volume is given besides says how smooth the field is.
# Version:    MONAI 1.6.1, PyTorch 2.13.0 (CPU), NumPy 2.4.6, Python 3.11.
# Behaviour:  in both the magnitude is one number for all of the field. In two dimensions
#             normal noise at the control points is multiplied by it, and is interpolated
#             between them, which keeps its size. In three dimensions uniform noise of every
#             voxel is smoothed first and multiplied then. What a Gaussian leaves of noise
#             falls with sigma to the power of 1.5, so that sigma sets the strength, too.
# Seen:       magnitude_range=(10, 10), standard deviation of the displacement
#             Rand2DElastic   spacing 16   8.5 pixels      spacing 32   8.5 pixels
#             Rand3DElastic   sigma 3      0.163 voxels    sigma 6      0.061 voxels
# Why it      The elastic deformation of the U-Net paper has a standard deviation of ten
# matters:    pixels. Who moves such a training from slices to volumes, with magnitudes that
#             worked, trains without any deformation, and nothing tells: the images look as
#             before because they are. Ten voxels at a sigma of 6 take a magnitude of 1,600.
#             Who searches for the best sigma with a fixed magnitude compares strengths.
#
# Exits with 0 while MONAI behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    monai==1.6.1 torch==2.13.0 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from monai.transforms import Rand2DElastic, Rand3DElastic

MAGNITUDE = {"magnitude_range": (10, 10), "prob": 1, "padding_mode": "border"}


def displacement(transform, size, dimensions, margin):
    """Return the standard deviation of where pixels come from, over four fields."""
    one = torch.arange(float(size))
    # An image whose values are its coordinates shows where each pixel came from.
    places = torch.stack(torch.meshgrid(*[one] * dimensions, indexing="ij"))
    inner = (slice(None), *[slice(margin, -margin)] * dimensions)
    moved = []
    for seed in range(4):
        transform.set_random_state(seed)
        moved.append((torch.as_tensor(transform(places)) - places)[inner])
    return round(float(torch.stack(moved).std()), 3)


images = {
    spacing: displacement(Rand2DElastic((spacing, spacing), **MAGNITUDE), 256, 2, 40)
    for spacing in (16, 32)
}
volumes = {
    sigma: displacement(Rand3DElastic((sigma, sigma), **MAGNITUDE), 64, 3, 16)
    for sigma in (3, 6)
}
print("Rand2DElastic, pixels by spacing", images)
print("Rand3DElastic, voxels by sigma  ", volumes)

as_stated = (
    all(7 < moved < 11 for moved in images.values())
    and 0.14 < volumes[3] < 0.18
    and 0.05 < volumes[6] < 0.07
)
sys.exit(0 if as_stated else 1)
PYTHON
