"""The first layers of a window load nothing large that could be loaded before."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
import sys
import numpy as np
from napari.layers import Image, Labels
from napari_unet.widgets.layers.first_layer import load_ahead
load_ahead()
before = set(sys.modules)
for kind in (Image, Labels):
    kind(np.zeros((2, 64, 64), np.uint8))
late = {name.partition(".")[0] for name in set(sys.modules) - before}
assert not late & {"scipy", "pandas", "skimage"}, late
"""


def test_no_large_library_is_left_for_the_first_layers() -> None:
    subprocess.run([sys.executable, "-c", _CODE], check=True)
