"""Where the blocks of a volume are written: made once, and found again later."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from napari_unet.data.addresses import is_address
from napari_unet.data.files import unwritable
from napari_unet.data.formats.extra import library
from napari_unet.data.ome_zarr import holds_image, open_volume, open_zarr
from napari_unet.data.ome_zarr_writer import create_image, create_labels, planned
from napari_unet.data.volume import Volume
from napari_unet.errors import InputError, OutputError

Levels = tuple[Volume, ...]


def labels_place(out: Path, like: Volume, name: str) -> tuple[Path, Path, str]:
    """Return where labels are written.

    Parameters
    ----------
    out
        An OME-Zarr of their own; or the image that they lie on, which gets them as its
        labels; or labels in an image.
    like
        What they lie on.
    name
        What they are called in that image where `out` does not say it.

    Returns
    -------
    Their place, the OME-Zarr that they are made in, and their name in it, or "".

    Raises
    ------
    InputError
        When `out` is the image, and cannot hold labels.
    """
    if not is_address(like.path) and _real(out) == _real(like.path):
        if not holds_image(out):
            raise InputError(
                f"{out} is no OME-Zarr, and holds no labels: choose another name for "
                "the result."
            )
        return out / "labels" / name, out, name
    image = out.parent.parent
    if out.parent.name == "labels" and holds_image(image):
        return out, image, out.name
    return out, out, ""


def smallest_type(highest: int) -> DTypeLike:
    """Return what numbers of objects up to `highest` are stored in."""
    return np.uint32 if highest < 2**32 else np.uint64


def check_free(place: Path) -> None:
    """Refuse a result where something is already.

    Raises
    ------
    OutputError
        Saying where.
    """
    if place.exists():
        raise OutputError(
            f"{place} is there already: choose another name, or delete it."
        )


def check_outside(places: Sequence[Path], *inputs: str | Path) -> None:
    """Refuse results where an input lies, and those that lie in each other.

    Raises
    ------
    InputError
        Saying which.
    """
    for place, other in itertools.permutations(places, 2):
        if _real(place).is_relative_to(_real(other)):
            raise InputError(
                f"{place} and {other} cannot both be written: choose another name for "
                "one of them."
            )
    for place, path in itertools.product(places, inputs):
        if _real(path).is_relative_to(_real(place)):
            raise InputError(
                f"{place} holds {path}, which is read: choose another name for the "
                "result, so that nothing is lost."
            )


def clear(places: Sequence[Path]) -> None:
    """Remove what is where results are to be.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    for place in places:
        try:
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(place, error) from error


def labels(
    out: Path, like: Volume, name: str, dtype: DTypeLike, chunks: Sequence[int]
) -> Levels:
    """Return the levels of the labels of a volume, made where there are none yet."""
    place, root, inside = labels_place(out, like, name)
    kept = tuple(
        side for side, axis in zip(chunks, "ZYX", strict=True) if axis in like.axes
    )
    return _once(place, lambda: create_labels(root, like, dtype, inside, chunks=kept))


def probabilities(
    out: Path, like: Volume, channels: int, dtype: DTypeLike, chunks: Sequence[int]
) -> Levels:
    """Return the levels of the probabilities of a volume, made where there are none."""
    kept = [axis for axis in "ZYX" if axis in like.axes]
    lengths = dict(zip(like.axes, like.shape, strict=True))
    sides = dict(zip("ZYX", chunks, strict=True))
    places = dict(zip(like.axes, like.origin, strict=True))
    image = planned(
        out,
        "C" + "".join(kept),
        (channels, *(lengths[axis] for axis in kept)),
        dtype,
        like.pixel_size,
        like.unit,
    )
    image = replace(
        image,
        chunks=(1, *(sides[axis] for axis in kept)),
        origin=(0.0, *(places[axis] for axis in kept)),
        unknown_axes=like.unknown_axes,
    )
    return _once(out, lambda: create_image(image))


def scratch(
    path: Path, shape: Sequence[int], dtype: DTypeLike, chunks: Sequence[int]
) -> Volume:
    """Return a plain (Z, Y, X) array, made where there is none yet."""
    zarr = library("zarr", "OME-Zarr and Zarr", "zarr")
    if not (path / "zarr.json").exists():
        sides = {"shape": tuple(shape), "chunks": tuple(chunks)}
        try:
            zarr.create_array(str(path), dtype=dtype, **sides)
        except OSError as error:
            raise unwritable(path, error) from error
    return open_volume(path, axes="ZYX")


def _real(path: str | Path) -> Path:
    """Follow links; of a circle of links, writing says what is wrong."""
    return Path(os.path.realpath(path))


def _once(place: Path, make: Callable[[], Levels]) -> Levels:
    """Open what is there; what a kill left half made is made anew."""
    if holds_image(place):
        return open_zarr(place).levels
    shutil.rmtree(place, ignore_errors=True)
    return make()
