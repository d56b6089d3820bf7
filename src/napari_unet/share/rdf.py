"""What a package says of a model, in the words of bioimage.io (format 0.5.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from napari_unet.data.calibration import normal_unit, unit_factor
from napari_unet.model import geometry
from napari_unet.share import package_files as names
from napari_unet.share.package_files import sha256
from napari_unet.share.weight_files import INPUT, OPSET, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_unet.config import ExportConfig, NetworkConfig
    from napari_unet.model.card import ModelCard
    from napari_unet.model.networks.segmentation_network import Architecture

FORMAT_VERSION = "0.5.4"
"""The newest that programs of 2025, ilastik among them, and those of today read."""
_UNITS = ("femtometer", "picometer", "nanometer", "micrometer", "millimeter")


def describe(
    card: ModelCard,
    config: ExportConfig,
    files: Mapping[str, bytes],
    torch: str,
    architecture: Architecture | None = None,
) -> dict[str, Any]:
    """Return what `rdf.yaml` holds.

    Parameters
    ----------
    card
        Of the model.
    config
        What the user says of it.
    files
        Content of the other files, by name.
    torch
        Version of torch that wrote the weights.
    architecture
        Of a network that other programs can build from its source.
    """
    nickname = f"napari-unet-{sha256(files[names.STATE_DICT])[:8]}"
    dimensions = f"{card.network.ndim}d"
    tags = (
        card.network.name,
        dimensions,
        "pytorch",
        "semantic-segmentation",
        "napari-unet",
    )
    attached = [names.CARD] if architecture else [names.CARD, names.STATE_DICT]
    return {
        "format_version": FORMAT_VERSION,
        "type": "model",
        "id": nickname,
        "name": _title(card, config),
        "description": config.description or _summary(card),
        "documentation": names.README,
        "covers": [names.COVER],
        "authors": [{"name": name} for name in config.authors or ("not stated",)],
        "license": config.license,
        "cite": [card.network.source.citation, *config.citations],
        "tags": [*tags, "electron-microscopy"],
        "timestamp": card.date or datetime.now(UTC).isoformat(),
        "inputs": [_input(card, files)],
        "outputs": [_output(card, files)],
        "weights": _weights(architecture, files, torch),
        "attachments": [_file(name, files) for name in attached],
        "config": {"bioimageio": {"nickname": nickname}},
    }


def _title(card: ModelCard, config: ExportConfig) -> str:
    if config.name:
        return config.name
    classes = " ".join(_plain(name) for name in card.class_names[1:])
    return f"{card.network.title} {card.network.ndim}D {classes}"[:64].strip()


def halo(config: NetworkConfig, axis: int) -> int:
    """Return how much of a tile's rim other programs are told to discard.

    Half of what a pixel can depend on, in whole steps of the pooling grid: what lies
    farther changes hardly a probability (measured in docs/share.md). With `valid`
    padding the network discards the rim itself.
    """
    if geometry.is_cropped(config, axis):
        return 0
    grid = geometry.grid(config, axis)
    return -(-geometry.reach(config, axis) // 2 // grid) * grid


def smallest_sides(config: NetworkConfig) -> list[int]:
    """Return the smallest tile along [Z,] Y and X; larger ones are grids larger."""
    return [_smallest_side(config, axis) for axis in range(-config.ndim, 0)]


def _smallest_side(config: NetworkConfig, axis: int) -> int:
    if geometry.is_cropped(config, axis):
        return geometry.input_size(config, config.most_answers or 64, axis)
    step = geometry.grid(config, axis)
    return max(-(-16 // step) * step, 2 * halo(config, axis) + step)


def shared_axes(card: ModelCard) -> list[str]:
    """Return the axes whose pixels share mean and standard deviation."""
    whole = card.network.ndim == 3 and card.normalization.per == "image"
    return ["z", "y", "x"] if whole else ["y", "x"]


def _input(card: ModelCard, files: Mapping[str, bytes]) -> dict[str, Any]:
    config = card.network
    steps = [geometry.grid(config, axis) for axis in range(-config.ndim, 0)]
    sides = zip(smallest_sides(config), steps, strict=True)
    sizes = [{"min": side, "step": step} for side, step in sides]
    channels = [f"channel{number}" for number in range(config.in_channels)]
    kwargs = {"axes": shared_axes(card), "eps": 1e-6}
    return {
        "id": INPUT,
        "description": "grey values, as the microscope or scanner gives them",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": channels},
            *_space(card, sizes),
        ],
        "data": {"type": "float32"},
        "test_tensor": _file(names.TEST_INPUT, files),
        "preprocessing": [{"id": "zero_mean_unit_variance", "kwargs": kwargs}],
    }


def _output(card: ModelCard, files: Mapping[str, bytes]) -> dict[str, Any]:
    config = card.network
    axes = range(-config.ndim, 0)
    sizes = []
    for axis, side in zip(axes, smallest_sides(config), strict=True):
        offset = geometry.output_size(config, side, axis) - side
        name = "zyx"[axis]
        sizes.append({"tensor_id": INPUT, "axis_id": name, "offset": offset})
    space = _space(card, sizes)
    for described, axis in zip(space, axes, strict=True):
        if rim := halo(config, axis):
            described["halo"] = rim
    classes = card.class_names[1:2] if config.num_classes == 1 else card.class_names
    channels = [f"class{n}_{_plain(name)}" for n, name in enumerate(classes)]
    return {
        "id": OUTPUT,
        "description": "probability of each class",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": channels},
            *space,
        ],
        "data": {"type": "float32", "range": [0.0, 1.0]},
        "test_tensor": _file(names.TEST_OUTPUT, files),
    }


def _weights(
    architecture: Architecture | None, files: Mapping[str, bytes], torch: str
) -> dict[str, Any]:
    version = {"pytorch_version": torch.partition("+")[0]}
    derived: dict[str, str] = {}
    weights: dict[str, Any] = {}
    if architecture is not None:
        derived = {"parent": "pytorch_state_dict"}
        weights["pytorch_state_dict"] = {
            **_file(names.STATE_DICT, files),
            **version,
            "architecture": {
                **_file(names.ARCHITECTURE, files),
                "callable": architecture.callable,
                "kwargs": architecture.kwargs,
            },
        }
    weights["torchscript"] = {**_file(names.TORCHSCRIPT, files), **derived, **version}
    if names.ONNX in files:
        opset = {"opset_version": OPSET}
        weights["onnx"] = {**_file(names.ONNX, files), **derived, **opset}
    return weights


def _space(card: ModelCard, sizes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the axes of space, with the size of a pixel where it is known."""
    ids = "zyx"[-card.network.ndim :]
    axes: list[dict[str, Any]] = [
        {"type": "space", "id": name, "size": size}
        for name, size in zip(ids, sizes, strict=True)
    ]
    unit = normal_unit(card.unit)
    if unit is None or unit == "pixel":
        return axes
    # Readers take `int(size * scale / scale)` for the size of the output, which loses a
    # pixel unless the scale is a whole number.
    femto = unit_factor(unit, "fm")
    scales = [max(1, round(s * femto)) for s in card.pixel_size[-card.network.ndim :]]
    name = 0
    while name + 1 < len(_UNITS) and not any(scale % 1000 for scale in scales):
        scales = [scale // 1000 for scale in scales]
        name += 1
    for axis, scale in zip(axes, scales, strict=True):
        axis |= {"unit": _UNITS[name], "scale": float(scale)}
    return axes


def _summary(card: ModelCard) -> str:
    classes = ", ".join(card.class_names[1:])
    return (
        f"{card.network.title} of {card.network.ndim} dimensions that finds: {classes}."
    )[:1024]


def _plain(name: str) -> str:
    """Return a name of letters, digits and underscores."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "class"


def _file(name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {"source": name, "sha256": sha256(files[name])}
