#!/usr/bin/env bash
# napari: a layer that is not editable becomes so again by new data.
#
# Guess:      `layer.editable = False` holds until somebody sets it to True: a layer that
#             shows results, such as errors or a preview, is locked once, where it is made.
# Version:    napari 0.9.2, NumPy 2.4.6, Python 3.11.
# Behaviour:  `layer.data = ...` of Labels, Points and Shapes sets `editable` to True, without
#             a word. Three displayed dimensions and back, and hidden and back, do not.
# Seen:       editable:     locked   new data   3D and back   hidden and back
#             Labels         False       True         False             False
#             Points         False       True         False             False
#             Shapes         False       True         False             False
# Why it      A locked layer is still the active one, with the brush at hand: a stroke that
# matters:    was meant for the annotations goes into the result, which is then scored, sent
#             on or saved. Set `editable` after every change of data, not once.
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
from napari.components import ViewerModel

new = {
    "labels": np.ones((3, 8, 8), int),
    "points": np.ones((2, 3)),
    "shapes": [np.array([[0, 0, 0], [0, 0, 4], [0, 4, 4], [0, 4, 0]])],
}
found = {}
for kind, data in new.items():
    states = []
    for change in ("nothing", "data", "3D", "visible"):
        viewer = ViewerModel()
        viewer.add_image(np.zeros((3, 8, 8)))
        layer = getattr(viewer, f"add_{kind}")(data, name=kind)
        layer.editable = False
        if change == "data":
            layer.data = data
        elif change == "3D":
            viewer.dims.ndisplay = 3
            viewer.dims.ndisplay = 2
        elif change == "visible":
            layer.visible = False
            layer.visible = True
        states.append(layer.editable)
    found[kind] = states
    print(kind, dict(zip(("locked", "new data", "3D and back", "hidden"), states)))

wanted = [False, True, False, False]
sys.exit(0 if all(states == wanted for states in found.values()) else 1)
PYTHON
