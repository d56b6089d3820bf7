#!/usr/bin/env bash
# napari: `layer.metadata |= {...}` empties the metadata instead of adding to them.
#
# Guess:      `layer.metadata` is a dictionary, so `|=` adds an entry, as
#             `layer.metadata.update(...)` and `layer.metadata[key] = value` do.
# Version:    napari 0.9.2, NumPy 2.4.6, Python 3.11.
# Behaviour:  `|=` joins in place and then assigns the dictionary to the property; its
#             setter clears the layer's own dictionary, which is the one that was handed
#             over, and fills it with what is left of it: nothing. No word is said. The
#             same goes for `layer.metadata = layer.metadata`.
# Seen:       entries after:  [key] =   update   |=   assigned to itself
#             Image                 2        2    0                    0
#             Labels                2        2    0                    0
#             Shapes                2        2    0                    0
# Why it      Plugins and readers keep in the metadata where a layer comes from: its file,
# matters:    its header, its pixel size, what it was made with. All of it is lost, that of
#             other plugins too, and found missing much later.
#
# Exits with 0 while napari behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    napari==0.9.2 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from napari.layers import Image, Labels, Shapes


def layers():
    known = {"source": "stack.tif"}
    yield Image(np.zeros((4, 4)), metadata=dict(known))
    yield Labels(np.zeros((4, 4), int), metadata=dict(known))
    yield Shapes(None, ndim=2, metadata=dict(known))


def by_key(layer):
    layer.metadata["unit"] = "nm"


def by_update(layer):
    layer.metadata.update(unit="nm")


def in_place(layer):
    layer.metadata |= {"unit": "nm"}


def to_itself(layer):
    layer.metadata["unit"] = "nm"
    layer.metadata = layer.metadata


counts = {}
for change in (by_key, by_update, in_place, to_itself):
    counts[change.__name__] = []
    for layer in layers():
        change(layer)
        counts[change.__name__].append(len(layer.metadata))
    print(change.__name__, counts[change.__name__])

sys.exit(0 if list(counts.values()) == [[2] * 3, [2] * 3, [0] * 3, [0] * 3] else 1)
PYTHON
