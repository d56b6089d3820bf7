"""A model of another program, to predict with."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from napari_unet.errors import ModelFileError
from napari_unet.model.card import ModelCard
from napari_unet.model.device import memory_errors
from napari_unet.model.footprint import Footprint
from napari_unet.model.foreign.description import Description
from napari_unet.model.foreign.runtimes import open_runtime
from napari_unet.model.foreign.tensors import Axis
from napari_unet.model.foreign.transforms import AXES
from napari_unet.model.predictable import Network

_FULL = "Close other programs, or give a smaller tile size."


class ForeignNetwork(Network):
    """A network that is run as its package describes it.

    Parameters
    ----------
    described
        The package.
    network
        Maps a tensor with the package's axes to another.
    """

    precise = True

    def __init__(self, described: Description, network: nn.Module) -> None:
        super().__init__()
        self._described = described
        self.network = network

    @property
    def footprint(self) -> Footprint:
        """What fits the network, and what it sees."""
        return self._described.footprint

    def probabilities(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to float32 probabilities, background first."""
        flat = image.ndim == 4
        values = self.answer(image.unsqueeze(2) if flat else image)
        found = self._described.meaning.probabilities(self._inside(values))
        return found.squeeze(2) if flat else found

    def answer(self, values: Tensor) -> Tensor:
        """Return all of the output for a prepared (B, C, Z, Y, X) input.

        Raises
        ------
        ModelFileError
            When the network does not run, or gives what it should not.
        """
        described = self._described
        size = tuple(values.shape[2:])
        try:
            with memory_errors(_FULL):
                one = _from_canonical(values.float(), described.input.axes)
                found = self.network(one.contiguous())
        except RuntimeError as error:
            first = (str(error).strip().splitlines() or ["no reason is given"])[-1][
                :160
            ]
            raise ModelFileError(
                f"{described.package.path}: the network does not run on {size}: {first}"
            ) from error
        found = found[0] if isinstance(found, tuple | list) else found
        answer = _to_canonical(found.float(), described.output.axes)
        less = [2 * self._lost(name) for name in AXES[2:]]
        wanted = described.output.channels, *map(int.__sub__, size, less)
        given = tuple(answer.shape[1:])
        if given != wanted:
            raise ModelFileError(
                f"{described.package.path}: the network gives {given} where its "
                f"description has {wanted}."
            )
        for step in described.output.steps:
            answer = step(answer)
        return answer

    def _inside(self, values: Tensor) -> Tensor:
        """Cut off what is not to be used."""
        sides = zip(self.footprint.sides, AXES[2:], strict=True)
        cuts = [side.margin - self._lost(name) for side, name in sides]
        box = [
            slice(cut, n - cut) for cut, n in zip(cuts, values.shape[2:], strict=True)
        ]
        return values[:, :, box[0], box[1], box[2]]

    def _lost(self, name: str) -> int:
        axis = self._described.output.axis(name)
        return 0 if axis is None else axis.lost


@dataclass(frozen=True, eq=False)
class ForeignModel:
    """A model of another program.

    Attributes
    ----------
    network, card
        As those of a `Model`; the network that the card names is no U-Net of ours.
    notes
        How it is run, and what becomes of its output.
    """

    network: ForeignNetwork
    card: ModelCard
    notes: tuple[str, ...]

    @classmethod
    def of(cls, described: Description, *, trust_code: bool = False) -> ForeignModel:
        """Open the weights of a package.

        Raises
        ------
        UntrustedCodeError, ModelFileError
            As `open_runtime`.
        """
        card = described.card
        runtime = open_runtime(described, trust_code=trust_code)
        network = ForeignNetwork(described, runtime.network).eval()
        words = (
            f"{described.name}, through {runtime.words}, in float32",
            described.meaning.words,
        )
        return cls(network, card, (*words, *described.notes))


def _from_canonical(values: Tensor, axes: tuple[Axis, ...]) -> Tensor:
    """Bring (B, C, Z, Y, X) to the axes of a network."""
    names = [axis.name for axis in axes]
    missing = [number for number, name in enumerate(AXES) if name not in names]
    values = values.squeeze(missing) if missing else values
    kept = [name for name in AXES if name in names]
    return values.permute([kept.index(name) for name in names])


def _to_canonical(values: Tensor, axes: tuple[Axis, ...]) -> Tensor:
    """Bring what a network gives to (B, C, Z, Y, X)."""
    names = [axis.name for axis in axes]
    if values.ndim != len(names):
        raise ModelFileError(
            f"The network gives {values.ndim} axes where its description has "
            f"{len(names)}."
        )
    values = values.permute([names.index(name) for name in AXES if name in names])
    for number, name in enumerate(AXES):
        values = values if name in names else values.unsqueeze(number)
    return values
