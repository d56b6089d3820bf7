"""What napari loads for the first layers of a window, loaded on a thread before."""

from __future__ import annotations

import importlib

_NEEDED = ("scipy.ndimage", "skimage.color.colorconv", "pandas")
"""For thumbnails, colours and tables of features: half a second together."""


def load_ahead() -> None:
    """Load what the first layers would wait for; on any thread."""
    for name in _NEEDED:
        importlib.import_module(name)
