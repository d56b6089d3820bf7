"""OME-Zarr as it is made: empty, to be filled box by box."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from napari_unet.data.addresses import holds_zarr
from napari_unet.data.files import unwritable
from napari_unet.data.formats.extra import library
from napari_unet.data.labels import check_same_size
from napari_unet.data.ome_zarr import holds_image, list_labels, open_zarr
from napari_unet.data.pyramid import boxes, coarser, fill_pyramid
from napari_unet.data.stack import Stack
from napari_unet.data.volume import Volume, write_box
from napari_unet.errors import InputError, OutputError

_NAMES = {
    "fm": "femtometer",
    "pm": "picometer",
    "nm": "nanometer",
    "um": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
}
_TYPES = {"C": "channel", "T": "time"}
_FLAT, _WIDE, _DEEP = 512, 128, 64
_COARSEST = 512


def planned(
    path: str | Path,
    axes: str,
    shape: Sequence[int],
    dtype: DTypeLike,
    pixel_size: Sequence[float],
    unit: str,
) -> Volume:
    """Return the finest level of an OME-Zarr 0.5 that is not there yet.

    Its chunks are 64 slices deep, or one where there is one; another size, shards
    (which are multiples of chunks) or version 0.4 are put in by `replace`.

    Parameters
    ----------
    axes
        Some of T, C, Z, Y, X, in this order.
    pixel_size
        One for each of the spatial axes.
    unit
        Of the pixel size; "pixel" when unknown.
    """
    sizes = iter(pixel_size)
    scale = tuple(next(sizes) if letter in "ZYX" else 1.0 for letter in axes)
    lengths = dict(zip(axes, shape, strict=True))
    deep = lengths.get("Z", 1) > 1
    usual = {"Z": _DEEP, "Y": _WIDE if deep else _FLAT, "X": _WIDE if deep else _FLAT}
    chunks = tuple(min(usual.get(letter, 1), lengths[letter]) for letter in axes)
    zeros = (0.0,) * len(axes)
    kind, sides_ = np.dtype(dtype), tuple(int(side) for side in shape)
    own = (str(path), "0", axes, sides_, kind, chunks, scale, unit, zeros)
    return Volume(*own, version="0.5")


def create_image(volume: Volume) -> tuple[Volume, ...]:
    """Make an image that holds only zeros, as `planned` describes it, with its levels.

    Returns
    -------
    Its levels, the finest first, to be written by `write_box` and `fill_pyramid`.

    Raises
    ------
    OutputError
        When something is there already, or the operating system refuses.
    """
    return _create(_pyramid(volume), "mean")


def create_labels(
    path: str | Path,
    like: Volume,
    dtype: DTypeLike,
    name: str = "",
    *,
    chunks: Sequence[int] | None = None,
    shards: Sequence[int] | None = None,
) -> tuple[Volume, ...]:
    """Make labels that are all background, of an image, with its levels.

    Parameters
    ----------
    path
        An OME-Zarr image, which gets them as labels `name`; or, without a name, a
        folder that is not there yet.
    like
        The resolution of the image that they lie on. They have its scale, unit and
        levels (those of an image of its own, where it is no OME-Zarr), and all its
        dimensions but channels, and time points where there is one.
    dtype
        Whole numbers.
    chunks, shards
        Sides along their own dimensions, where others than the usual are wanted.

    Returns
    -------
    Their levels, the finest first, to be written by `write_box` and `fill_pyramid`.

    Raises
    ------
    OutputError
        When labels of that name are there already, or the operating system refuses.
    """
    levels, root = [like], Path(path)
    if like.version:
        found = open_zarr(like.path).levels[like.level + 1 :]
        levels += [replace(one, axes=like.axes) for one in found]
    elif not name:
        levels = _pyramid(like)
    target, count, version = root, len(levels), like.version or "0.5"
    if name:
        target = root / "labels" / name
        if holds_zarr(root):
            version = "0.5" if (root / "zarr.json").is_file() else "0.4"
        if holds_image(root):
            count = len(open_zarr(root).levels)
    while len(levels) < count:
        levels.append(coarser(levels[-1]))
    made = [_as_labels(one, str(target), dtype, version) for one in levels[:count]]
    if chunks is not None:
        made = [replace(one, chunks=tuple(chunks)) for one in made]
    if shards is not None:
        made = [replace(one, shards=tuple(shards)) for one in made]
    made = [
        replace(one, level=level, inside=str(level)) for level, one in enumerate(made)
    ]
    source = "../../" if name and like.path == str(root) else ""
    created = _create(made, "nearest", {"image-label": _image_label(version, source)})
    if name:
        _add_to_list(root, name, version)
    return created


def _pyramid(volume: Volume) -> list[Volume]:
    """Return a level with all that are coarser, down to one that is small."""
    levels = [volume]
    while max(levels[-1].shape[volume.axes.index(axis)] for axis in "YX") > _COARSEST:
        levels.append(coarser(levels[-1]))
    return levels


def write_zarr(
    path: str | Path, image: Stack | None, labels: Mapping[str, Stack]
) -> tuple[str, ...]:
    """Write an image with its labels as OME-Zarr 0.5, a box at a time.

    Parameters
    ----------
    path
        A folder that is not there yet.
    image
        With channels, slices, rows and columns; None for labels alone, of which there
        is one.
    labels
        Those of the image, by their names.

    Returns
    -------
    What was written: the image, or the labels.

    Raises
    ------
    InputError
        When there are several labels and no image, or labels of another size.
    OutputError
        When something is there already, or the operating system refuses.
    """
    if image is None and len(labels) != 1:
        raise InputError(
            f"{path}: {len(labels)} labels without an image cannot be written as one: "
            "choose the image, too, or one of them."
        )
    like = None
    if image is not None:
        size = image.as_czyx().shape[1:]
        for name, stack in labels.items():
            names = f"The labels {name} are", f"the image {image.source} is"
            advice = "save them by themselves, or without it"
            check_same_size(stack.as_czyx().shape[1:], size, names, advice)
        levels = create_image(_plan(path, image))
        _write_levels(levels, image, labels=False)
        like = levels[0]
    for name, stack in labels.items():
        of = like or replace(_plan(path, stack), version="")
        _write_levels(
            create_labels(path, of, stack.dtype, _name(name) if like else ""),
            stack,
            labels=True,
        )
    return (str(path),)


def _name(layer: str) -> str:
    """Return the name of a folder within another one for labels of any name."""
    return re.sub(r"[/\\]+", "-", layer).strip(".") or "labels"


def _plan(path: str | Path, stack: Stack) -> Volume:
    lengths = dict(zip("CZYX", stack.as_czyx().shape, strict=True))
    axes = "".join(k for k, length in lengths.items() if length > 1 or k in stack.axes)
    sizes = dict(zip("ZYX", stack.zyx_size, strict=True))
    pixel_size = [sizes[letter] for letter in axes if letter in sizes]
    shape = [lengths[letter] for letter in axes]
    made = planned(path, axes, shape, stack.dtype, pixel_size, stack.unit)
    return replace(made, unknown_axes=stack.unknown_axes)


def _write_levels(levels: Sequence[Volume], stack: Stack, *, labels: bool) -> None:
    whole, first = stack.as_czyx(), levels[0]
    for box in boxes(first):
        parts = dict(zip(first.axes, box, strict=True))
        key = tuple(parts.get(letter, slice(None)) for letter in "CZYX")
        shape = [part.stop - part.start for part in box]
        write_box(first, box, np.asarray(whole[key]).reshape(shape))
    for _ in fill_pyramid(levels, labels=labels):
        pass


def _as_labels(volume: Volume, path: str, dtype: DTypeLike, version: str) -> Volume:
    """Return the level of labels that lies on a level of an image."""
    lengths = dict(zip(volume.axes, volume.shape, strict=True))
    axes = "".join(
        letter
        for letter in "TZYX"
        if letter in lengths and (letter != "T" or lengths["T"] > 1)
    )
    places = [volume.axes.index(letter) for letter in axes]
    shape = [volume.shape[place] for place in places]
    scale = tuple(volume.scale[place] for place in places)
    sizes = [size for size, letter in zip(scale, axes, strict=True) if letter != "T"]
    made = planned(path, axes, shape, dtype, sizes, volume.unit)
    origin = tuple(volume.origin[place] for place in places)
    made = replace(made, scale=scale, origin=origin, version=version)
    return replace(made, unknown_axes=volume.unknown_axes)


def _create(
    levels: Sequence[Volume], method: str, more: dict[str, Any] | None = None
) -> tuple[Volume, ...]:
    """Make arrays, and then the group that makes an image of them."""
    zarr = library("zarr", "OME-Zarr and Zarr", "zarr")
    first = levels[0]
    if Path(first.path).exists():
        raise OutputError(f"{first.path} is there already: choose another name.")
    options: dict[str, Any] = {"zarr_format": 3}
    if first.version == "0.4":
        separator = {"name": "v2", "separator": "/"}
        options = {"zarr_format": 2, "chunk_key_encoding": separator}
    try:
        for one in levels:
            if one.version != "0.4":
                options["dimension_names"] = list(one.axes.lower())
            zarr.create_array(
                f"{one.path}/{one.inside}",
                shape=one.shape,
                dtype=one.dtype,
                chunks=one.chunks,
                shards=one.shards,
                **options,
            )
        attributes = _metadata(levels, method, more or {})
        _write_group(Path(first.path), attributes, first.version)
    except OSError as error:
        raise unwritable(first.path, error) from error
    return tuple(levels)


def _metadata(
    levels: Sequence[Volume], method: str, more: dict[str, Any]
) -> dict[str, Any]:
    """Return what OME-Zarr says of an image, checked against its models."""
    first = levels[0]
    unit = {} if first.unit == "pixel" else {"unit": _NAMES.get(first.unit, first.unit)}
    units = {letter: {} if letter in first.unknown_axes else unit for letter in "ZYX"}
    axes = [
        {"name": letter.lower(), "type": _TYPES[letter]}
        if letter in _TYPES
        else {"name": letter.lower(), "type": "space", **units[letter]}
        for letter in first.axes
    ]
    multiscale = {
        "name": Path(first.path).name.split(".")[0],
        "axes": axes,
        "datasets": [
            {"path": one.inside, "coordinateTransformations": _transformations(one)}
            for one in levels
        ],
        "type": method,
    }
    models = library(
        f"yaozarrs.v{first.version.replace('.', '')}", "OME-Zarr metadata", "zarr"
    )
    stated = {"version": first.version}
    if first.version == "0.4":
        said = {"multiscales": [multiscale | stated], **more}
    else:
        said = {**stated, "multiscales": [multiscale], **more}
    model = models.LabelImage if more else models.Image
    model.model_validate(said)
    return said


def _transformations(level: Volume) -> list[dict[str, Any]]:
    scale = {"type": "scale", "scale": list(level.scale)}
    if not any(level.origin):
        return [scale]
    return [scale, {"type": "translation", "translation": list(level.origin)}]


def _image_label(version: str, source: str) -> dict[str, Any]:
    stated = {"version": version}
    return {**stated, "source": {"image": source}} if source else stated


def _write_group(path: Path, said: dict[str, Any], version: str) -> None:
    zarr = library("zarr", "OME-Zarr and Zarr", "zarr")
    form = 2 if version == "0.4" else 3
    group = zarr.open_group(str(path), mode="a", zarr_format=form)
    if said:
        group.attrs.update(said if form == 2 else {"ome": said})


def _add_to_list(root: Path, name: str, version: str) -> None:
    """List labels in their image, beside those that are there."""
    if not holds_zarr(root):
        _write_group(root, {}, version)
    known = list_labels(root)
    names = [*known, name] if name not in known else known
    stated = {} if version == "0.4" else {"version": version}
    _write_group(root / "labels", {**stated, "labels": names}, version)
    _renew_consolidated(root)


def _renew_consolidated(root: Path) -> None:
    """Put labels into what was consolidated of their image, and of what it lies in.

    Zarr's readers see nothing of a group beside that.
    """
    zarr = library("zarr", "OME-Zarr and Zarr", "zarr")
    for folder in (root / "labels", root, *takewhile(holds_zarr, root.parents)):
        there = zarr.open_group(str(folder), mode="r").metadata
        if there.consolidated_metadata is not None:
            with warnings.catch_warnings():
                # They are an extension of version 3, which was there before.
                warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
                zarr.consolidate_metadata(str(folder), zarr_format=there.zarr_format)
