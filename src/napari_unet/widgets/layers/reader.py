"""napari's reader for the files that it cannot open itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info

from napari_unet.data.read import read_stack
from napari_unet.widgets.layers.add import image_options

Layers = list[tuple[Any, dict[str, Any], str]]


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], Layers]:
    """Return what reads the files that the manifest names, as npe2 asks for it."""
    return read_layers


def read_layers(path: str | list[str]) -> Layers:
    """Read files as images with their scale, units and names of the axes.

    What a file leaves open, or how it was understood, is shown as napari shows news.

    Raises
    ------
    InputError
        As `read_stack` does.
    """
    layers = []
    for name in [path] if isinstance(path, str) else path:
        stack = read_stack(name)
        for note in stack.notes:
            show_info(f"{Path(name).name} {note}")
        layers.append((stack.data, image_options(stack, Path(name).stem), "image"))
    return layers
