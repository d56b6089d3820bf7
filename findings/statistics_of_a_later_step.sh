#!/usr/bin/env bash
# bioimageio.core: a step that measures the image measures it as it was before the first
# step, and not as the step before left it.
#
# Guess:      preprocessing is a chain. `zero_mean_unit_variance` after another step, such
#             as scaling or clipping, gives what it is handed mean 0 and deviation 1.
# Version:    bioimageio.core 0.11.0, bioimageio.spec 0.5.12.0, pydantic 2.13.5,
#             NumPy 2.4.6, Python 3.11.
# Behaviour:  the mean and deviation that all steps need are computed once, of the image
#             as it comes in, and kept under the name of the tensor. A later step then
#             subtracts and divides by those of other numbers, without a word.
# Seen:       grey values of mean 100 and deviation 20, scaled by 0.01, then
#             zero_mean_unit_variance over y and x: mean -4.95, deviation 0.01.
# Why it      Percentiles, clip and then zero mean is the natural way to describe moments
# matters:    that hot pixels do not change. In this program the network then sees a nearly
#             constant image far from 0, while a reader that goes step by step sees what
#             was meant, so that one package gives two answers. The test of a package finds
#             it only if its example was not made by this program. Let the step that
#             measures be the first.
#
# Exits with 0 while bioimageio.core behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    bioimageio.core==0.11.0 bioimageio.spec==0.5.12.0 pydantic==2.13.5 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from types import SimpleNamespace

import numpy as np
from bioimageio.core import Sample, Tensor
from bioimageio.core.proc_setup import get_pre_and_postprocessing
from bioimageio.spec.model import v0_5

SCALE = {"id": "scale_linear", "kwargs": {"gain": 0.01}}
MEASURE = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}
AXES = [
    {"type": "batch"},
    {"type": "channel", "channel_names": ["grey"]},
    {"type": "space", "id": "y", "size": 64},
    {"type": "space", "id": "x", "size": 64},
]
image = np.random.default_rng(0).normal(100, 20, (1, 1, 64, 64)).astype(np.float32)


def prepared(*steps):
    described = v0_5.InputTensorDescr.model_validate(
        {"id": "image", "axes": AXES, "preprocessing": list(steps)}
    )
    model = SimpleNamespace(inputs=[described], outputs=[])
    before, _ = get_pre_and_postprocessing(model, dataset_for_initial_statistics=[])
    tensor = Tensor.from_numpy(image, dims=("batch", "channel", "y", "x"))
    sample = Sample(members={"image": tensor}, stat={}, id=None)
    before(sample)
    values = np.asarray(sample.members["image"].data)
    return float(values.mean()), float(values.std())


alone, after = prepared(MEASURE), prepared(SCALE, MEASURE)
print("measured first:           mean %.3f, deviation %.3f" % alone)
print("measured after a scaling: mean %.3f, deviation %.3f" % after)
is_right = abs(alone[0]) < 0.01 and abs(alone[1] - 1) < 0.01
sys.exit(0 if is_right and after[0] < -4 and after[1] < 0.02 else 1)
PYTHON
