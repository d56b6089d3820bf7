#!/usr/bin/env bash
# scikit-image: two sections are aligned while they are noisy, and no more once they are
# denoised.
#
# Guess:      phase_cross_correlation finds the shift of two sections the more surely the less
#             noise they have. Its documentation says as much of its normalisation, which is
#             on: it "is not very robust to noise".
# Version:    scikit-image 0.26.0, SciPy 1.17.1, NumPy 2.4.6, Python 3.11.
# Behaviour:  every frequency gets the same say, however little of the image is in it. In a smooth
#             image most of them hold nothing but the jump between opposite borders of the
#             image, which does not move with the sample; white noise drowns it. What
#             two images have in common that does not move, such as the pattern of a detector,
#             wins over all of the sample for the same reason, at a fiftieth of its contrast.
#             With normalization=None all shifts come out right. The error that is returned is
#             1 in each case, for right shifts and wrong ones.
# Seen:       two cut-outs of 512 x 512 pixels that lie 7 and -5 pixels apart
#             structures of some ten pixels, without noise        1  -1
#             with noise of as much contrast, another in each     7  -4
#             the noisy ones, smoothed by a Gaussian of 2         0   0
#             without noise, a fixed pattern of 2 % in both       0   0
# Why it      Sections are often denoised before they are aligned, or aligned in a coarser
# matters:    level of their pyramid or by the probabilities of a network, all of them smooth.
#             A shift of 0 reads as a stack that was aligned already. Align the images as they
#             were recorded, or with normalization=None after the mean is subtracted.
#
# Exits with 0 while scikit-image behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.registration import phase_cross_correlation

random = np.random.default_rng(0)
sample = gaussian_filter(random.normal(size=(700, 700)), 3)
sample /= sample.std()
one, other = sample[50:562, 50:562], sample[57:569, 45:557]
noisy = [each + random.normal(size=each.shape) for each in (one, other)]
pattern = 0.02 * random.normal(size=one.shape)
pairs = {
    "without noise": (one, other),
    "with noise": noisy,
    "smoothed": [gaussian_filter(each, 2) for each in noisy],
    "fixed pattern": (one + pattern, other + pattern),
}
shifts, plain, errors = {}, {}, {}
for name, (first, second) in pairs.items():
    shift, errors[name], _ = phase_cross_correlation(first, second)
    shifts[name] = shift.astype(int).tolist()
    found = phase_cross_correlation(first, second, normalization=None)[0]
    plain[name] = found.astype(int).tolist()
    print(f"{name:14}", shifts[name], f"error {errors[name]:.2f}; without", plain[name])

apart = [7, -5]
missed = {name: np.abs(np.subtract(found, apart)).max() for name, found in shifts.items()}
as_stated = (
    missed.pop("with noise") <= 1
    and all(by > 3 for by in missed.values())
    and all(found == apart for found in plain.values())
    and all(error > 0.99 for error in errors.values())
)
sys.exit(0 if as_stated else 1)
PYTHON
