"""Weights of a U-Net of another program, fitted into one of ours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError
from napari_unet.model.networks.unet import UNet

_ACTIVATIONS = ("relu", "leaky_relu", "elu", "silu")


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution of another program, with the normalisation that follows it."""

    name: str
    weight: Tensor
    bias: Tensor | None
    norm: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a U-Net of another program, found by their shapes.

    Attributes
    ----------
    encoder, decoder
        Pairs of convolutions: of the first level down, and of the last level up.
    up
        What enlarges, of the last level up.
    head
        What comes last.
    """

    encoder: tuple[tuple[Convolution, Convolution], ...]
    up: tuple[Convolution, ...]
    decoder: tuple[tuple[Convolution, Convolution], ...]
    head: Convolution

    @classmethod
    def of(cls, weights: Mapping[str, Tensor], ndim: int) -> Layers:
        """Find the layers of a U-Net among weights.

        Raises
        ------
        InputError
            Saying what is not as in the U-Nets of napari-unet.
        """
        found = list(_convolutions(weights, ndim))
        kinds: dict[int, list[Convolution]] = {1: [], 2: [], 3: []}
        for one in found:
            kinds[one.weight.shape[-1]].append(one)
        if not kinds[1]:
            raise InputError("it has no 1x1 convolution at its end.")
        head, up = kinds[1][-1], kinds[2] or kinds[1][:-1]
        pairs = list(zip(kinds[3][::2], kinds[3][1::2], strict=False))
        wanted = 2 * len(up) + 1
        if not up or len(kinds[3]) != 2 * wanted:
            raise InputError(
                f"it has {len(up)} up-convolutions and {len(kinds[3])} of 3x3 pixels; "
                f"a U-Net of ours has {2 * wanted} of these then."
            )
        # Each first convolution of a level has a shape of its own.
        base = head.weight.shape[1]
        sizes = [base * 2**level for level in range(len(up) + 1)]
        shapes = [first.weight.shape[:2] for first, _ in pairs]
        channels = min((a for b, a in shapes if b == base), default=base)
        inputs = [channels, *sizes]
        encoder = [_pair(pairs, a, b) for a, b in zip(inputs, sizes, strict=False)]
        rising = list(reversed(sizes[:-1]))
        decoder = [_pair(pairs, 2 * size, size) for size in rising]
        ups = [_up(up, size, transposed=bool(kinds[2])) for size in rising]
        return cls(tuple(encoder), tuple(ups), tuple(decoder), head)

    @property
    def words(self) -> str:
        """What was found."""
        convolutions = 2 * (len(self.encoder) + len(self.decoder))
        norms = sum(bool(one.norm) for one in self._all)
        normed = f", {norms} of them normalised" if norms else ""
        return (
            f"{convolutions} 3x3 convolutions{normed}, {len(self.up)} up-convolutions "
            f"and the last one ({self.head.name})"
        )

    @property
    def _all(self) -> list[Convolution]:
        return list(itertools.chain(*self.encoder, *self.decoder))

    def configs(self, ndim: int, *, valid: bool) -> Iterator[UNetConfig]:
        """Give the U-Nets that may have these layers, the most frequent one first."""
        first = self.encoder[0][0].weight
        transposed = self.up[0].weight.shape[-1] == 2
        for norm, activation in itertools.product(self._norms(), _ACTIVATIONS):
            yield UNetConfig.model_validate(
                {
                    "ndim": ndim,
                    "in_channels": first.shape[1],
                    "num_classes": self.head.weight.shape[0],
                    "base_channels": first.shape[0],
                    "depth": len(self.up),
                    "padding": "valid" if valid else "same",
                    "norm": norm,
                    "norm_last": norm == "none" or bool(self.decoder[-1][1].norm),
                    "activation": activation,
                    "upsampling": "transposed" if transposed else "linear",
                }
            )

    def _norms(self) -> Sequence[str]:
        normed = [one.norm for one in self._all if one.norm]
        if not normed:
            return ("none", "instance")
        if any("running_mean" in norm for norm in normed):
            return ("batch",)
        return ("instance", "group")

    def state_dict(self, network: UNet, *, skip_first: bool) -> dict[str, Tensor]:
        """Return the weights by the names of a U-Net of ours.

        `skip_first` says whether the skip connection comes before what was enlarged,
        as in ours, where the two are joined.
        """
        made = dict(network.state_dict())
        blocks = [*zip(network.encoder, self.encoder, strict=True)]
        blocks += [*zip(network.decoder, self.decoder, strict=True)]
        names = {module: name for name, module in network.named_modules()}
        for block, pair in blocks:
            last: Convolution | None = None
            rest = iter(pair)
            for layer in block.children():
                name = names[layer]
                if f"{name}.weight" not in made:
                    continue
                if made[f"{name}.weight"].ndim > 1:
                    last = next(rest)
                    _put(made, name, last)
                elif last is not None:
                    made |= {f"{name}.{part}": t for part, t in last.norm.items()}
        if not skip_first:
            for block in network.decoder:
                name = f"{names[block]}.0.weight"
                made[name] = torch.cat(made[name].chunk(2, 1)[::-1], 1)
        for module, one in zip(network.up, self.up, strict=True):
            _put(made, names[getattr(module, "conv", module)], one)
        _put(made, "head", self.head)
        return made


def candidates(layers: Layers, ndim: int, *, valid: bool = False) -> Iterator[UNet]:
    """Give the U-Nets of ours that these layers may be; only one computes the same."""
    for config in layers.configs(ndim, valid=valid):
        for skip_first in (True, False):
            network = UNet(config)
            try:
                network.load_state_dict(
                    layers.state_dict(network, skip_first=skip_first)
                )
            except RuntimeError as error:
                raise InputError("its layers have other sizes than ours.") from error
            yield network.eval()


def _convolutions(weights: Mapping[str, Tensor], ndim: int) -> Iterator[Convolution]:
    found: list[Convolution] = []
    for name, tensor in weights.items():
        stem, _, kind = name.rpartition(".")
        if tensor.ndim == 2 + ndim and kind == "weight":
            if set(tensor.shape[2:]) not in ({1}, {2}, {3}):
                size = " x ".join(map(str, tensor.shape[2:]))
                raise InputError(f"{name} is a convolution of {size} pixels.")
            found.append(Convolution(stem, tensor, weights.get(f"{stem}.bias")))
        elif kind == "weight" and tensor.ndim == 1:
            if not found or found[-1].weight.shape[0] != tensor.shape[0]:
                raise InputError(
                    f"{name} normalises before a convolution, not after it."
                )
            found[-1].norm.update(
                {
                    part: weights[f"{stem}.{part}"]
                    for part in ("weight", "bias", "running_mean", "running_var")
                    if f"{stem}.{part}" in weights
                }
            )
        elif tensor.ndim > 1:
            raise InputError(f"{name} is no layer of a U-Net of ours.")
    yield from found


def _pair(pairs: Sequence[Any], inputs: int, outputs: int) -> Any:
    for first, second in pairs:
        shapes = first.weight.shape[:2], second.weight.shape[:2]
        if shapes == ((outputs, inputs), (outputs, outputs)):
            return first, second
    raise InputError(f"no level has convolutions from {inputs} to {outputs} channels.")


def _up(ups: Sequence[Convolution], size: int, *, transposed: bool) -> Convolution:
    wanted = (2 * size, size) if transposed else (size, 2 * size)
    for one in ups:
        if tuple(one.weight.shape[:2]) == wanted:
            return one
    raise InputError(f"no up-convolution gives {size} channels.")


def _put(made: dict[str, Tensor], name: str, one: Convolution) -> None:
    bias = made[f"{name}.bias"]
    made[f"{name}.weight"] = one.weight
    made[f"{name}.bias"] = torch.zeros_like(bias) if one.bias is None else one.bias
