"""What napari loads for the first layers of a window, loaded on a thread before."""

from __future__ import annotations

from napari_unet.data.one_import import imported

_NEEDED = ("scipy.ndimage", "skimage.color.colorconv", "pandas")
"""For thumbnails, colours and tables of features: half a second together."""


def load_ahead() -> None:
    """Load what the first layers would wait for; on any thread."""
    for name in _NEEDED:
        imported(name)
