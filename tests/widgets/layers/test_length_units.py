"""Units of length are read once, and never change under a layer."""

from __future__ import annotations

import subprocess
import sys

import pytest

_READ = """
import numpy as np, pint
from napari.layers import Image
from napari_unet.widgets.layers.length_units import *
assert are_unread()
registry = read_units()
"""
_LAYER = """
layer = Image(np.zeros((4, 4)), units=("nm", "nm"))
"""
_SHARE = """
share_units(registry)
assert not are_unread()
"""


@pytest.mark.parametrize(
    ("steps", "shared"), [(_SHARE + _LAYER, True), (_LAYER + _SHARE, False)]
)
def test_units_are_those_of_the_first_layer(steps: str, shared: bool) -> None:
    same = "pint.get_application_registry().nm == layer.units[0]"
    ours = f"(layer.units[0]._REGISTRY is registry) is {shared}"
    code = f"{_READ}{steps}\nassert {same}\nassert {ours}"
    subprocess.run([sys.executable, "-c", code], check=True)
