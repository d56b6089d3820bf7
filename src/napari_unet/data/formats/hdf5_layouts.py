"""What the data sets of HDF5 files mean, as the programs that write them have it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from napari_unet.config.structured_text import parse_json
from napari_unet.data.calibration import normal_unit
from napari_unet.data.formats.arrange import Sizes
from napari_unet.errors import InputError

_PLAIN_AXES = {2: "YX", 3: "ZYX", 4: "CZYX", 5: "TCZYX"}
_CHANNELS_LAST = {3: "YXC", 4: "ZYXC", 5: "TZYXC"}


@dataclass(frozen=True)
class Found:
    """An image in an HDF5 file.

    Parameters
    ----------
    name
        What the user chooses it by.
    paths
        Its data set; of a series of several, one for each time point.
    shape, axes
        Of one data set; `axes` is empty where nothing tells them.
    sizes
        Size and unit along those axes of which they are stated.
    dtype
        What the numbers are, where the file calls them something else.
    """

    name: str
    paths: tuple[str, ...]
    shape: tuple[int, ...]
    axes: str
    sizes: Sizes = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dtype: np.dtype[Any] | None = None


def images_in(file: Any, path: Path) -> list[Found]:
    """Return the images of an open `h5py.File`.

    Known are BigDataViewer, EMD of Velox and of Berkeley, ilastik's `axistags`, CREMI,
    and the labels and sizes that HDF5 itself and Fiji's plugin keep.
    """
    if "DataSet" in file and "DataSetInfo" in file:
        raise InputError(
            f"{path} is an Imaris file, which is not read here: open it in Fiji "
            "through Bio-Formats and save it as OME-TIFF."
        )
    if "t00000" in file:
        return _of_big_data_viewer(file, path)
    if "Data/Image" in file:
        return _of_velox(file)
    return _of_berkeley(file) or [_plain(file, name) for name in _images(file)]


def dataset_in(file: Any, name: str) -> list[Found]:
    """Return the data set of that path as an image, if it is one."""
    held = file.get(name)
    return [_plain(file, name)] if held is not None and _is_image(held) else []


def _is_image(held: Any) -> bool:
    numbers = hasattr(held, "shape") and held.dtype.kind in "biuf"
    return numbers and sum(side > 1 for side in held.shape or ()) >= 2


def _images(group: Any) -> list[str]:
    found: list[str] = []
    group.visititems(lambda name, held: found.append(name) if _is_image(held) else None)
    return found


# ----------------------------------------------------------------- single data sets


def _plain(file: Any, name: str) -> Found:
    dataset = file[name]
    axes, notes = _axes(dataset)
    found = Found(name, (name,), tuple(dataset.shape), axes, notes=notes)
    return replace(found, sizes=_sizes(file, dataset, axes))


def _axes(dataset: Any) -> tuple[str, tuple[str, ...]]:
    """Return the letters of the dimensions, and a note where they are guessed."""
    shape = dataset.shape
    tags = [tag["key"] for tag in _tags(dataset)]
    labels = [dimension.label[:1] for dimension in dataset.dims]
    for stated in (tags, labels):
        axes = "".join(stated).upper()
        letters = set(axes)
        unique = len(letters) == len(axes) == len(shape)
        if unique and {"Y", "X"} <= letters <= set("CTZYX"):
            return axes, ()
    channels = shape[-1] <= 4 and shape[-1] < min(shape[-3:-1])
    axes = (_CHANNELS_LAST if channels else _PLAIN_AXES).get(len(shape), "")
    return axes, (f"its dimensions are not named: read as {axes}",) if axes else ()


def _tags(dataset: Any) -> list[dict[str, Any]]:
    found = _json(dataset.attrs.get("axistags", "{}")).get("axes", [])
    return [tag for tag in found if "key" in tag]


def _sizes(file: Any, dataset: Any, axes: str) -> Sizes:
    attributes = dataset.attrs
    units = _json(attributes.get("axis_units", "null"))
    tagged = {
        tag["key"].upper(): (tag["resolution"], units.get(tag["key"]) or "")
        for tag in _tags(dataset)
        if tag.get("resolution")
    }
    if tagged:
        return tagged
    space = [letter for letter in axes if letter in "ZYX"]
    # In the order of the data set, as Fiji's HDF5 plugin and pytorch-3dunet have it.
    found = np.ravel(attributes.get("element_size_um", ()))
    unit = "um"
    if not len(found) and "file_format" in file.attrs and "volumes" in file:
        found, unit = np.ravel(attributes.get("resolution", ())), "nm"  # CREMI
    found = found[-len(space) :] if len(found) == 3 and len(space) == 2 else found
    if len(found) != len(space):
        return {}
    return {k: (size, unit) for k, size in zip(space, found, strict=True)}


# ------------------------------------------------------------------- BigDataViewer


def _of_big_data_viewer(file: Any, path: Path) -> list[Found]:
    times = sorted(name for name in file if re.fullmatch(r"t\d{5,}", name))
    voxels = _voxels(path)
    found = []
    for setup in sorted(file[times[0]]):
        paths = tuple(f"{time}/{setup}/0/cells" for time in times)
        paths = tuple(name for name in paths if name in file)
        shapes = {file[name].shape for name in paths}
        if not paths:
            continue
        if len(shapes) > 1:
            raise InputError(
                f"{path} has time points of different shapes in {setup}: choose one by "
                f"writing {path}:{paths[0]}"
            )
        # BigDataViewer knows no signed numbers, and calls the unsigned ones signed.
        dtype = file[paths[0]].dtype
        unsigned = np.dtype(f"u{dtype.itemsize}").newbyteorder(dtype.byteorder)
        found.append(
            Found(
                *(setup, paths, shapes.pop(), "ZYX", voxels.get(setup, {})),
                dtype=unsigned if dtype.kind == "i" else None,
            )
        )
    return found


def _voxels(path: Path) -> dict[str, Sizes]:
    """Return the voxel size of each setup, from the XML file beside the data."""
    try:
        root = ElementTree.parse(path.with_suffix(".xml")).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    voxels: dict[str, Sizes] = {}
    for setup in root.iterfind(".//ViewSetup"):
        size, unit = setup.findtext("voxelSize/size"), setup.findtext("voxelSize/unit")
        number = setup.findtext("id")
        if size and number:
            sizes = zip("XYZ", size.split(), strict=False)
            voxels[f"s{number.strip():0>2}"] = {
                k: (one, unit or "") for k, one in sizes
            }
    return voxels


# ---------------------------------------------------------------------------- EMD


def _of_velox(file: Any) -> list[Found]:
    found = []
    for name, group in file["Data/Image"].items():
        if "Data" not in group or not _is_image(group["Data"]):
            continue
        meta = _velox_meta(group)
        result = meta.get("BinaryResult") or {}
        size = result.get("PixelSize") or {}
        sizes = {
            "X": (size.get("width"), result.get("PixelUnitX", "")),
            "Y": (size.get("height"), result.get("PixelUnitY", "")),
        }
        path = f"Data/Image/{name}/Data"
        detector = str(result.get("Detector") or "")
        found.append(Found(detector, (path,), tuple(group["Data"].shape), "YXT", sizes))
    times = Counter(image.name for image in found)
    return [
        image
        if image.name and times[image.name] == 1
        # Its path is the name of what cannot be told by its detector.
        else replace(image, name=image.paths[0])
        for image in found
    ]


def _velox_meta(group: Any) -> dict[str, Any]:
    """Read the first frame's metadata: JSON text, filled up with zeros."""
    if "Metadata" not in group:
        return {}
    text = group["Metadata"][:, 0].tobytes().split(b"\0")[0]
    return _json(text or "{}")


def _of_berkeley(file: Any) -> list[Found]:
    groups: list[str] = []
    file.visititems(
        lambda name, held: (
            groups.append(name)
            if "emd_group_type" in held.attrs and hasattr(held, "keys")
            else None
        )
    )
    return [image for name in groups for image in _berkeley_image(file, name)]


def _berkeley_image(file: Any, name: str) -> Iterable[Found]:
    group = file[name]
    for held_name, held in group.items():
        if re.fullmatch(r"dim\d+", held_name) or not _is_image(held):
            continue
        keys = sorted((k for k in group if re.fullmatch(r"dim\d+", k)), key=_number)
        dims = [group[key] for key in keys][: held.ndim]
        names = [_text(dim.attrs.get("name", "")).strip("'") for dim in dims]
        units = [_unit(_text(dim.attrs.get("units", ""))) for dim in dims]
        axes = _berkeley_axes(names, units, held.ndim)
        stated = zip(axes, dims, held.shape, units, strict=False)
        sizes = {letter: (_step(dim, side), unit) for letter, dim, side, unit in stated}
        path = f"{name}/{held_name}"
        yield Found(path, (path,), tuple(held.shape), axes, sizes)


def _berkeley_axes(names: list[str], units: list[str], count: int) -> str:
    """Tell the dimensions by their names: "x", "R_x" and "Rx" are X."""
    known = [re.fullmatch(r"(?:[RQ]_?)?([XYZTC])", name.upper()) for name in names]
    axes = [match[1] if match else "" for match in known]
    if not {"X", "Y"} <= set(axes):
        return {2: "YX", 3: "ZYX"}.get(count, "")
    for place, letter in enumerate(axes):
        if not letter:
            length = normal_unit(units[place]) is not None
            axes[place] = "Z" if length and "Z" not in axes else "C"
    unique = len(set(axes)) == len(axes) == count
    return "".join(axes) if unique else ""


def _step(dim: Any, side: int) -> Any:
    """Return the distance of two pixels of a dimension that lists their places."""
    places = np.asarray(dim[()])
    if places.dtype.kind not in "iuf" or places.ndim != 1 or len(places) < 2:
        return 0.0
    last = len(places) - 1 if len(places) == side else 1
    return np.float32(abs(places[last] - places[0]) / last)


def _unit(text: str) -> str:
    """Undo how EMD writes units: "[n_m]" is nm."""
    return text.strip("[]' ").replace("_", "")


def _json(text: Any) -> dict[str, Any]:
    """Return what is stated in JSON; nothing where that is damaged."""
    try:
        found = parse_json(text)
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(name: str) -> int:
    return int(name.removeprefix("dim"))
