"""Importing the package is cheap, and every public name is there."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import napari_unet

HEAVY = ("torch", "qtpy", "napari", "magicgui", "PyQt6", "PySide6", "triton")
LATER = ("torch", "dask.array", "zarr", "scipy.ndimage", "scipy.sparse", "pyqtgraph")
"""What takes long to import, and no dock needs before somebody works in it."""


def loaded_by(code, packages=HEAVY):
    """Which heavy packages are loaded after `code` has run in a fresh process."""
    report = f"import sys; {code}; print(*(n for n in {packages} if n in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", report], check=True, capture_output=True, text=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import napari_unet; dir(napari_unet); napari_unet.__version__",
        "from napari_unet import RunConfig, NapariUNetError, read_stack",
        "from napari_unet import to_target, weight_map, score_stack, write_stack",
        "import napari_unet.cli",
        "import napari_unet.samples",
    ],
)
def test_importing_loads_neither_torch_nor_qt_nor_napari(code):
    assert loaded_by(code) == set()


def test_opening_the_dock_loads_nothing_that_is_needed_later():
    code = "import napari_unet.widgets.workflow"
    assert loaded_by(code, LATER) == set()


def test_the_engine_loads_neither_qt_nor_napari():
    assert loaded_by("from napari_unet import Trainer, Predictor") <= {
        "torch",
        "triton",
    }


@pytest.mark.parametrize("name", napari_unet.__all__)
def test_every_public_name_is_there(name):
    assert getattr(napari_unet, name) is not None
    assert name in dir(napari_unet)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = napari_unet.nothing_of_that_name


def test_the_version_is_the_distribution_s():
    assert napari_unet.__version__ == importlib.metadata.version("napari-unet-em")
