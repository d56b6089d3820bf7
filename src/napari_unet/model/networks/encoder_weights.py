"""Weights of a network for photographs, taken over by the encoder of one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from napari_unet.errors import ModelFileError
from napari_unet.model.foreign.runtimes import read_state_dict
from napari_unet.model.networks.segmentation_network import SegmentationNetwork
from napari_unet.words import reason

_ASIDE = ("AuxLogits.",)
"""What Inception-v3 learns with beside the way through it."""
_STATISTICS = ("weight", "bias", "running_mean", "running_var")


def take_encoder_weights(network: SegmentationNetwork, path: str | Path) -> str:
    """Copy the convolutions of a state dict of torchvision into an encoder.

    Layers are matched by their order and shapes. Kernels for red, green and blue are
    added up for other channels, which then share the sum: a grey image is answered as
    one in colours that are all alike.

    Parameters
    ----------
    network
        Whose encoder is filled, at the full width of the paper.
    path
        A state dict, as `torch.save` or safetensors writes it. Nothing in it is run.

    Returns
    -------
    One line for the user.

    Raises
    ------
    ModelFileError
        When the file cannot be read, or is of another network or width, or the network
        has no encoder of that kind.
    """
    known = network.config.encoder_title
    if not known:
        raise ModelFileError(
            f"{path} fits no {network.config.title}, which has an encoder of its own: "
            "leave the encoder weights out, or choose a network such as vgg16."
        )
    mine, theirs = _own_layers(network.encoder), _layers(_read(Path(path)))
    title, channels = network.config.title, network.config.base_channels
    for index, (conv, _) in enumerate(mine):
        name, tensors = theirs[index] if index < len(theirs) else ("none", {})
        found, wanted = tensors.get("weight"), conv.weight
        if found is None or _shape(found, index) != _shape(wanted, index):
            raise ModelFileError(
                f"{path} does not fit the encoder of {title} with {channels} channels: "
                f"convolution {index + 1} of {len(mine)} differs ({name}); take the "
                f"weights of {known}, 2 dimensions and "
                f"{network.config.full_channels} channels."
            )
    normed = 0
    with torch.no_grad():
        for (conv, norm), (_, tensors) in zip(mine, theirs, strict=False):
            conv.weight.copy_(_for_channels(tensors["weight"], conv.weight.shape[1]))
            if conv.bias is not None:
                conv.bias.copy_(tensors.get("bias", torch.zeros_like(conv.bias)))
            if norm is not None and "norm.running_mean" in tensors:
                normed += 1
                # Without weight and bias it is as one that starts.
                for part in _STATISTICS:
                    if f"norm.{part}" in tensors:
                        getattr(norm, part).copy_(tensors[f"norm.{part}"])
    words = f"taken from {path}: {len(mine)} convolutions of the encoder"
    return f"{words}, with their normalisation" if normed else words


def _read(path: Path) -> Mapping[str, Tensor]:
    """Read a state dict."""
    if not path.is_file():
        raise ModelFileError(f"There is no file of weights {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return read_state_dict(str(path), path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{path} is no state dict ({reason(error)}).") from error


def _layers(state: Mapping[str, Tensor]) -> list[tuple[str, dict[str, Tensor]]]:
    """Return every convolution with the statistics of its normalisation, in order."""
    found: list[tuple[str, dict[str, Tensor]]] = []
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if not name.startswith(_ASIDE):
            layer, _, part = name.rpartition(".")
            parts.setdefault(layer, {})[part] = tensor
    for layer, tensors in parts.items():
        if "weight" in tensors and tensors["weight"].ndim == 4:
            found.append((layer, dict(tensors)))
        elif found and "running_mean" in tensors:
            found[-1][1].update({f"norm.{part}": t for part, t in tensors.items()})
    return found


def _own_layers(encoder: nn.Module) -> list[tuple[nn.Conv2d, _BatchNorm | None]]:
    found: list[tuple[nn.Conv2d, _BatchNorm | None]] = []
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            found.append((layer, None))  # type: ignore[arg-type]
        elif found and isinstance(layer, _BatchNorm):
            found[-1] = (found[-1][0], layer)
    return found


def _shape(weight: Tensor, index: int) -> tuple[int, ...]:
    """Return the shape of a kernel; the first takes any number of channels."""
    shape = tuple(weight.shape)
    return (shape[0], *shape[2:]) if index == 0 else shape


def _for_channels(weight: Tensor, channels: int) -> Tensor:
    if weight.shape[1] == channels:
        return weight
    return weight.sum(1, keepdim=True).expand(-1, channels, -1, -1) / channels
