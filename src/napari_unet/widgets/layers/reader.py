"""napari's reader for the files that it cannot open itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error, show_info

from napari_unet.data.addresses import is_zarr, title_of
from napari_unet.data.read import coarser_levels, read_stack
from napari_unet.data.stack import Stack
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.layers.add import image_options
from napari_unet.widgets.layers.arrays import placed_as
from napari_unet.widgets.layers.marks import SOURCE

Layers = list[tuple[Any, ...]]


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], Layers]:
    """Return what reads the files that the manifest names, as npe2 asks for it."""
    return read_layers


def read_layers(path: str | list[str]) -> Layers:
    """Read files as images with their scale, units and names of the axes.

    An OME-Zarr gives its image in all resolutions, and a layer for each of its labels.
    What a file leaves open, or how it was understood, is shown as napari shows news,
    and so is why it cannot be read: of an error, napari would only tell that there was
    one.
    """
    layers: Layers = []
    for name in [path] if isinstance(path, str) else path:
        try:
            layers += (
                _zarr_layers(name) if is_zarr(name) else [_image(name, _told(name))]
            )
        except NapariUNetError as error:
            show_error(str(error))
    # With an empty list napari would ask for another reader.
    return layers or [(None,)]


def _image(path: str, stack: Stack) -> tuple[Any, ...]:
    options = image_options(stack, title_of(path))
    return options.pop("data"), options, "image"


def _zarr_layers(path: str) -> Iterator[tuple[Any, ...]]:
    from napari_unet.data.ome_zarr import open_zarr

    found = open_zarr(path)
    if found.is_labels:
        yield lazy_labels(path)
        return
    image = _told(path)
    yield _image(path, image)
    for label in found.labels:
        yield lazy_labels(f"{path}/labels/{label}", image)


def lazy_labels(path: str, image: Stack | None = None) -> tuple[Any, ...]:
    """Return labels, where their image lies if they themselves do not say where."""
    stack = _told(path)
    of = stack
    if image is not None and set(stack.pixel_size) == {1.0}:
        sizes = {one.as_czyx().shape[1:] for one in (stack, image)}
        of = image if len(sizes) == 1 else stack
    levels = [stack.data, *coarser_levels(path, 0, None)]
    options = {
        "name": title_of(path),
        "multiscale": len(levels) > 1,
        "metadata": {SOURCE: stack.source},
        **placed_as(of, len(stack.axes)),
    }
    return levels if len(levels) > 1 else stack.data, options, "labels"


def _told(path: str) -> Stack:
    stack = read_stack(path)
    for note in stack.notes:
        show_info(f"{Path(path).name}: {note}")
    return stack
