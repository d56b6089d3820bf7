#!/usr/bin/env bash
# scikit-image: with channels, a matched histogram is cut to whole numbers, and sections
# that are matched one after another go dark.
#
# Guess:      `match_histograms(image, reference, channel_axis=0)` does to each channel what
#             `match_histograms(channel, channel_of_reference)` does: the channel gets the
#             grey values of its reference, and so their mean.
# Version:    scikit-image 0.26.0, NumPy 2.4.6, SciPy 1.17.1, Python 3.11.
# Behaviour:  without channel_axis the result of an image of 8 bits is float64, of values
#             between grey values. With it the same values go into an array of the type of
#             the image, which cuts off what is behind the point instead of rounding it, so
#             that a matched image is darker than its reference. Nothing warns, and the
#             documentation names neither type.
# Seen:       sections of two channels of 256 x 256, all of mean 120 and standard deviation
#             30, each matched to the one before it, which was matched itself:
#             mean of section          1      10     100     200     300
#             channel_axis=0         119.4   114.3   62.3    17.9    10.2
#             by channel, rounded    119.8   119.8  115.1   109.7   102.7
#             a section that is matched once is 0.38 darker than its reference.
# Why it      Brightness that changes from section to section is evened out by matching each
# matters:    section to the one before it, in images of several detectors or of three
#             colours by channel_axis. The loss of a section is too small to be seen, and
#             adds up: after a hundred sections half of the grey values are gone, after 300
#             a network sees black. Match floats, or channel by channel, and round.
#
# Exits with 0 while scikit-image behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6

"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.exposure import match_histograms

chance = np.random.default_rng(0)


def section():
    """Return two channels of smooth noise, mean 120, standard deviation 30."""
    noise = gaussian_filter(chance.normal(size=(2, 256, 256)), (0, 2, 2))
    return np.clip(np.round(120 + 30 * noise / noise.std()), 0, 255).astype(np.uint8)


def by_channel(image, reference):
    """Match channel by channel."""
    pairs = zip(image, reference, strict=True)
    return np.stack([match_histograms(one, other) for one, other in pairs])


first, second = section(), section()
at_once = match_histograms(second, first, channel_axis=0)
singly = by_channel(second, first)
darker = first.mean() - at_once.mean()
print("types", at_once.dtype, singly.dtype, "darker by", round(float(darker), 2))
# What is left is the same, but for what is behind the point.
cut = (at_once == np.floor(singly)).all()

kept = rounded = first
means = {}
for number in range(1, 301):
    image = section()
    kept = match_histograms(image, kept, channel_axis=0)
    rounded = np.round(by_channel(image, rounded)).astype(np.uint8)
    if number in (1, 10, 100, 200, 300):
        means[number] = float(kept.mean()), float(rounded.mean())
        print(f"section {number:3}", *(f"{mean:.1f}" for mean in means[number]))

as_stated = (
    at_once.dtype == np.uint8
    and singly.dtype == np.float64
    and cut
    and 0.1 < darker < 1
    and means[100][0] < 75
    and means[300][0] < 15
    and means[300][1] > 95
)
sys.exit(0 if as_stated else 1)
PYTHON
