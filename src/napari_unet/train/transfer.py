"""Fine-tuning: layers taken from an old model, and levels that stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_unet.errors import InputError
from napari_unet.model.networks import SegmentationNetwork

_HEAD = "head"


@dataclass(frozen=True)
class Transfer:
    """Which layers of a network come from an old model.

    Attributes
    ----------
    old, new
        Names of the layers that were taken, and of those that start afresh, such as
        `encoder.0.0` (the first convolution) and `head` (the last one).
    classes
        Classes whose outputs were taken into a new head, which has more; else 0.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    classes: int = 0

    @property
    def answers(self) -> bool:
        """Whether the network tells classes apart as the old model does."""
        return self.classes > 0 or not any(map(_is_head, self.new))

    def words(self, model: str) -> str:
        """Say in one line what a network has of a model of that name."""
        if not self.new:
            return f"starts from {model} (all layers fit)"
        heads = [name for name in self.new if _is_head(name)]
        others = len(self.new) - len(heads)
        kept = f", {self.classes} of which are kept" if self.classes else ""
        new = [f"the last one, for the classes{kept}"] * bool(heads)
        if others:
            first = others == 1 and self.new[0].startswith("encoder.0.")
            new.append("the first one, for the channels" if first else f"{others} more")
        total = len(self.old) + len(self.new)
        return (
            f"starts from {model} ({len(self.old)} of {total} layers fit; new: "
            f"{' and '.join(new)})"
        )


def take_layers(network: SegmentationNetwork, old: SegmentationNetwork) -> Transfer:
    """Copy every layer of `old` that fits, whole, into `network`.

    A head for more classes goes on telling those apart that it knew. So does one with
    a single output, for background and foreground, that gets two, or the other way.
    """
    mine, theirs = _layers(network), _layers(old)
    taken = [name for name in mine if _shapes(mine[name]) == _shapes(theirs.get(name))]
    for name in taken:
        for part, tensor in mine[name].items():
            tensor.copy_(theirs[name][part])
    new = tuple(name for name in mine if name not in taken)
    heads = [name for name in new if _is_head(name)]
    parts = [
        (mine[head][part], theirs[head][part]) for head in heads for part in mine[head]
    ]
    if not parts or not all(_take_outputs(*pair) for pair in parts):
        return Transfer(tuple(taken), new)
    return Transfer(tuple(taken), new, max(2, old.config.num_classes))


def freeze(
    network: SegmentationNetwork, levels: int, transfer: Transfer | None = None
) -> None:
    """Keep the first `levels` of the contracting path out of the training.

    Give `transfer` where the layers were just taken from an old model; a run that is
    resumed has checked them already. Normalisation is kept by `train_mode`.

    Raises
    ------
    InputError
        When a level that is to be frozen has a new layer.
    """
    for level, block in enumerate(network.encoder[:levels]):
        new = () if transfer is None else transfer.new
        unknown = [name for name in new if name.startswith(f"encoder.{level}.")]
        if unknown:
            raise InputError(
                f"Level {level + 1} cannot be frozen: its layer {unknown[0]} does not "
                "fit the old model and is new. Set frozen_levels to "
                f"{level}."
            )
        block.requires_grad_(False)


def train_mode(network: SegmentationNetwork, frozen_levels: int = 0) -> None:
    """Put a network into training mode, but for the levels that are frozen.

    Their normalisation would else follow the new images, though no weight moves.
    """
    network.train()
    for block in network.encoder[:frozen_levels]:
        block.eval()


def _take_outputs(mine: Tensor, theirs: Tensor) -> bool:
    """Copy the outputs of a head into those of another; False where they do not fit.

    The sigmoid of one output is the softmax of 0 and that output.
    """
    if len(theirs) == 1:
        theirs = torch.cat([torch.zeros_like(theirs), theirs])
    elif len(theirs) == 2 and len(mine) == 1:
        theirs = theirs[1:] - theirs[:1]
    if len(theirs) > len(mine):
        return False
    mine[: len(theirs)].copy_(theirs)
    return True


def _is_head(name: str) -> bool:
    return name.partition(".")[0] == _HEAD


def _layers(network: SegmentationNetwork) -> dict[str, dict[str, Tensor]]:
    """Tensors of every layer, in the order of the network."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in network.state_dict().items():
        layer, _, part = name.rpartition(".")
        layers.setdefault(layer, {})[part] = tensor
    return layers


def _shapes(layer: dict[str, Tensor] | None) -> dict[str, tuple[int, ...]] | None:
    if layer is None:
        return None
    return {part: tuple(tensor.shape) for part, tensor in layer.items()}
