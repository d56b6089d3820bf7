"""napari's reader for the files that it cannot open itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error, show_info

from napari_unet.data.read import read_stack
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.layers.add import image_options

Layers = list[tuple[Any, ...]]


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], Layers]:
    """Return what reads the files that the manifest names, as npe2 asks for it."""
    return read_layers


def read_layers(path: str | list[str]) -> Layers:
    """Read files as images with their scale, units and names of the axes.

    What a file leaves open, or how it was understood, is shown as napari shows news,
    and so is why it cannot be read: of an error, napari would only tell that there was
    one.
    """
    layers: Layers = []
    for name in [path] if isinstance(path, str) else path:
        try:
            stack = read_stack(name)
        except NapariUNetError as error:
            show_error(str(error))
            continue
        for note in stack.notes:
            show_info(f"{Path(name).name}: {note}")
        layers.append((stack.data, image_options(stack, Path(name).stem), "image"))
    # With an empty list napari would ask for another reader.
    return layers or [(None,)]
