"""OME-Zarr 0.4 and 0.5, and plain Zarr, opened without reading a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.data.addresses import holds_zarr, is_zarr, location
from napari_unet.data.calibration import normal_unit, unit_factor
from napari_unet.data.dimensions import all_letters, unknown_dimensions
from napari_unet.data.lazy import memory_limit
from napari_unet.data.volume import Volume
from napari_unet.data.zarr_node import Node
from napari_unet.errors import InputError
from napari_unet.words import sides

_BYTES_A_VOXEL = 4
"""Of annotations, were all of it painted, and of what is predicted."""
_EARLIER = ("0.1", "0.2", "0.3")
_TYPES = {"channel": "C", "time": "T"}
_NAMED = 8  # arrays that an error names


@dataclass(frozen=True)
class OmeZarr:
    """An image in one or several resolutions, and the labels that lie in it.

    Attributes
    ----------
    levels
        Its resolutions, the finest first; one of plain Zarr.
    labels
        Names of its labels, which are images themselves.
    is_labels
        Whether it says of itself that it holds labels.
    """

    levels: tuple[Volume, ...]
    labels: tuple[str, ...] = ()
    is_labels: bool = False

    @property
    def path(self) -> str:
        """Folder or address."""
        return self.levels[0].path

    def level(self, level: int) -> Volume:
        """Return a resolution, 0 the finest.

        Raises
        ------
        InputError
            When it has not so many.
        """
        if not 0 <= level < len(self.levels):
            shapes = ", ".join(
                f"{one.level} ({sides(one.shape)})" for one in self.levels
            )
            raise InputError(
                f"{self.path} has no level {level}: choose one of {shapes}."
            )
        return self.levels[level]

    def fitting(self) -> int:
        """Return the finest level on which there is memory to annotate and train."""
        for volume in self.levels[:-1]:
            lengths = zip(volume.axes, volume.shape, strict=True)
            voxels = math.prod(n for letter, n in lengths if letter in "TZYX")
            if voxels * _BYTES_A_VOXEL <= memory_limit():
                return volume.level
        return self.levels[-1].level

    def label(self, name: str) -> OmeZarr:
        """Open some of its labels."""
        return open_zarr(f"{self.path}/labels/{name}")


def holds_image(path: Path) -> bool:
    """Return whether a folder is an OME-Zarr image."""
    return holds_zarr(path) and "multiscales" in Node.at(str(path)).attributes


def list_labels(path: Path) -> tuple[str, ...]:
    """Return the names of the labels that lie in an OME-Zarr."""
    return _labels(Node.at(str(path)))


def labels_in(path: str | Path) -> str:
    """Return where the labels are that a path stands for: of an image those in it.

    What is no OME-Zarr, holds labels itself, or has none in it, stands for itself.

    Raises
    ------
    InputError
        When there are several (which).
    """
    if not is_zarr(path):
        return str(path)
    node = Node.at(location(path))
    if _is_series(node):
        node = Node.at(f"{node.path}/0")
    if node.is_array or "image-label" in node.attributes:
        return str(path)
    names = _labels(node)
    places = [f"{node.path}/labels/{name}" for name in names]
    if len(places) > 1:
        raise InputError(
            f"{path} holds several labels ({', '.join(names)}): choose some, as in "
            f"{places[0]}"
        )
    return places[0] if places else str(path)


def open_volume(path: str | Path, level: int = 0, axes: str | None = None) -> Volume:
    """Open one resolution of an OME-Zarr, or an array of plain Zarr.

    Raises
    ------
    InputError
        As `open_zarr` and `OmeZarr.level` do.
    """
    return open_zarr(path, axes).level(level)


def open_zarr(path: str | Path, axes: str | None = None) -> OmeZarr:
    """Open an OME-Zarr, or an array or group of plain Zarr.

    Parameters
    ----------
    path
        Folder, or address of a store that fsspec knows, such as https:// or s3://.
    axes
        A letter for each dimension, as they are stored, where it does not say them,
        or not rightly. Those of length 1 can be left out.

    Raises
    ------
    InputError
        When it is missing, broken, or holds no image, or several (which), or does not
        say what its dimensions mean; or when zarr is not installed.
    """
    found = _image_in(Node.at(location(path)))
    return replace(found, levels=tuple(_named(one, axes) for one in found.levels))


def level_of_size(
    path: str | Path, size: Sequence[int], axes: str | None = None
) -> int | None:
    """Return the level with some slices, rows and columns; None where none has them."""
    for volume in open_zarr(path, axes).levels:
        lengths = dict(zip(volume.axes, volume.shape, strict=True))
        if [lengths.get(letter, 1) for letter in "ZYX"] == list(size):
            return volume.level
    return None


def _image_in(node: Node) -> OmeZarr:
    if node.is_array:
        return OmeZarr((_plain(node, "", node.held),))
    attributes = node.attributes
    if "multiscales" in attributes:
        return OmeZarr(_levels(node), _labels(node), "image-label" in attributes)
    if "plate" in attributes or "well" in attributes:
        raise InputError(
            f"{node.path} is a plate of many images: open one of its fields, such as "
            f"{node.path}/A/1/0."
        )
    if _is_series(node):
        return _image_in(Node.at(f"{node.path}/0"))
    labels = _labels(node)
    if labels:
        raise InputError(
            f"{node.path} holds labels and no image: choose some, as in "
            f"{node.path}/labels/{labels[0]}"
        )
    return OmeZarr((_only_array(node),))


def _is_series(node: Node) -> bool:
    """Return whether it is an export of bioformats2raw, whose first image counts."""
    return "bioformats2raw.layout" in node.attributes and "0" in node.held


def _only_array(node: Node) -> Volume:
    """Return the one array of a plain group."""
    held = {name: held for name, held in node.held.arrays() if len(held.shape) > 1}
    if len(held) == 1:
        ((name, array),) = held.items()
        return _plain(node, name, array)
    names = [f"{name} ({sides(array.shape)})" for name, array in held.items()]
    names = names or sorted(name for name, _ in node.held.groups())
    if not names:
        raise InputError(f"{node.path} holds no image: choose another folder.")
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    first = names[0].split(" ")[0]
    raise InputError(
        f"{node.path} is no OME-Zarr and holds {', '.join(names[:_NAMED])}{more}: "
        f"choose one, as in {node.path}/{first}"
    )


def _plain(node: Node, inside: str, array: Any) -> Volume:
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    letters = [str(name or "").upper()[:1] for name in names]
    ones = (1.0,) * len(array.shape)
    axes = "".join(letters) if _all_known(letters, array.shape) else ""
    return _volume(node, inside, array, axes, scale=ones)


def _levels(node: Node) -> tuple[Volume, ...]:
    """Return the resolutions of the first multiscale image of a group."""
    try:
        first = node.attributes["multiscales"][0]
        version = str(node.attributes.get("version") or first.get("version"))
        if version in _EARLIER:
            raise InputError(
                f"{node.path} is OME-Zarr {version}, of which 0.4 and 0.5 are read: "
                "convert it, or open one of its arrays with --axes."
            )
        letters = [_letter(axis) for axis in first["axes"]]
        unit, factors, unknown = _units(first["axes"], letters)
        scale, origin = _transformation(first, len(letters))
        found = []
        for level, dataset in enumerate(first["datasets"]):
            array = node.array(dataset["path"])
            axes = "".join(letters) if _all_known(letters, array.shape) else ""
            own_scale, own_origin = _transformation(dataset, len(letters))
            places = factors * (scale * own_origin + origin)
            sizes = factors * scale * own_scale
            one = _volume(node, dataset["path"], array, axes, sizes, places)
            one = replace(one, unit=unit, unknown_axes=unknown)
            found.append(replace(one, level=level, version=version))
        if not found:
            raise ValueError("no resolutions")
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        words = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{node.path}: its OME-Zarr metadata are broken ({words}): export it "
            "again, or open one of its arrays with --axes."
        ) from error
    return tuple(found)


def _volume(
    node: Node,
    inside: str,
    array: Any,
    axes: str,
    scale: Sequence[float],
    origin: Sequence[float] | None = None,
) -> Volume:
    shape = tuple(int(side) for side in array.shape)
    dtype = np.dtype(array.dtype).newbyteorder("=")
    if dtype.kind not in "biuf":
        raise InputError(
            f"{node.path}/{inside} holds values of type {dtype}: choose another array."
        )
    if len(scale) != len(shape):
        raise ValueError(f"{len(scale)} axes for {len(shape)} dimensions")
    zeros = (0.0,) * len(shape)
    shards = getattr(array, "shards", None)
    return Volume(
        node.path,
        inside,
        axes,
        shape,
        dtype,
        tuple(int(side) for side in array.chunks),
        tuple(float(size) for size in scale),
        "pixel",
        zeros if origin is None else tuple(float(place) for place in origin),
        None if shards is None else tuple(int(side) for side in shards),
    )


def _transformation(held: Mapping[str, Any], ndim: int) -> tuple[Any, Any]:
    """Return scale and translation, 1 and 0 where they are not stated."""
    scale, origin = np.ones(ndim), np.zeros(ndim)
    for one in held.get("coordinateTransformations") or ():
        if one["type"] == "scale":
            scale = np.array(one["scale"], float)
        elif one["type"] == "translation":
            origin = np.array(one["translation"], float)
        if len(scale) != ndim or len(origin) != ndim:
            raise ValueError(f"{one['type']} does not fit {ndim} axes")
    return scale, origin


def _letter(axis: Mapping[str, Any]) -> str:
    """Return the letter of an axis, "" for one unknown here."""
    name = str(axis["name"]).upper()
    return name if name in set("CTZYX") else _TYPES.get(axis.get("type") or "", "")


def _units(
    axes: Sequence[Mapping[str, Any]], letters: Sequence[str]
) -> tuple[str, Any, str]:
    """Return the unit of X, how many of it each axis' own is, and axes without any."""
    own = [normal_unit(axis.get("unit")) or "pixel" for axis in axes]
    unit = own[letters.index("X")] if "X" in letters else "pixel"
    lengths = [
        letter in set("ZYX") and "pixel" not in (name, unit)
        for letter, name in zip(letters, own, strict=True)
    ]
    pairs = zip(own, lengths, strict=True)
    factors = np.array([unit_factor(k, unit) if one else 1.0 for k, one in pairs])
    spatial = zip(letters, lengths, strict=True)
    unknown = [k for k, one in spatial if k in set("ZYX") and not one]
    return unit, factors, "" if unit == "pixel" else "".join(unknown)


def _labels(node: Node) -> tuple[str, ...]:
    try:
        own = dict(node.held["labels"].attrs)
    except (KeyError, OSError):
        return ()
    return tuple(str(name) for name in own.get("ome", own).get("labels", ()))


def _all_known(letters: Sequence[str], shape: Sequence[int]) -> bool:
    known = set(letters) <= set("CTZYX") and len(set(letters)) == len(letters)
    return known and {"Y", "X"} <= set(letters) and len(letters) == len(shape)


def _named(volume: Volume, axes: str | None) -> Volume:
    """Return a volume with the letters that the user gives, if any are given.

    Raises
    ------
    InputError
        When nothing says what its dimensions mean, or the letters do not fit.
    """
    if axes is None:
        if not volume.axes:
            raise unknown_dimensions(volume.path, volume.shape)
        return volume
    letters = all_letters(axes, volume.shape)
    if not _all_known(letters, volume.shape):
        raise InputError(
            f'axes "{axes}" do not fit {volume.path}, which has {volume.ndim} '
            f"dimensions ({sides(volume.shape)}): give one of the letters C, T, Z, Y, "
            "X for each."
        )
    return replace(volume, axes=letters)
