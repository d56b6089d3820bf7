"""A package imported as a model file of napari-unet, where its network is a U-Net."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, write_model
from napari_unet.model.foreign.archive import Package
from napari_unet.model.foreign.description import Description
from napari_unet.model.foreign.own import own_model
from napari_unet.model.foreign.runtimes import read_state_dict, weights_of
from napari_unet.model.foreign.transforms import Moments, Sigmoid, Softmax
from napari_unet.model.networks.unet import UNet
from napari_unet.share.fitting import Layers, candidates

_CLOSE = 1e-3
"""Of the largest output, how much the same network may differ by rounding."""


@dataclass(frozen=True, eq=False)
class Imported:
    """A model that was in a package.

    Attributes
    ----------
    model
        The model.
    words
        What was done, and how well it agrees.
    """

    model: Model
    words: str


_ELSE = "use the .safetensors file that it was exported from, or a package (.zip)"
_NO_PACKAGES = {
    ".safetensors": "is a model file already: predict and export take it as it is",
    ".onnx": "is a network for other programs, with which predict works where it was "
    f"exported here: to train it, {_ELSE}",
    ".pt": f"is a network for other programs: {_ELSE}",
}


def check_package(path: str | Path) -> None:
    """Raise an `InputError` where a file is another one that is exported here."""
    words = _NO_PACKAGES.get(Path(path).suffix.lower())
    if words is not None and Path(path).is_file():
        raise InputError(f"{path} {words}.")


def import_model(package: str | Path, out: str | Path | None = None) -> Imported:
    """Make a model of napari-unet from a bioimage.io package, to train and predict.

    What napari-unet exported comes back as it was. The weights of another program's
    U-Net are taken where its layers are those of a U-Net of ours and give the same for
    the package's own example; no code of the package is run.

    Parameters
    ----------
    package
        The package, as for `open_package`.
    out
        Model file (.safetensors) to write; none when left out.

    Raises
    ------
    InputError
        When the file is another one that is exported here, or the network no such
        U-Net, saying where it differs.
    ModelFileError
        When the package cannot be read.
    OutputError
        When the file cannot be written.
    """
    check_package(package)
    opened = Package(package)
    model = own_model(opened)
    words = "a model of napari-unet, as it was exported"
    if model is None:
        model, words = _fitted(Description.of(opened))
    if out is not None:
        write_model(out, model)
    return Imported(model, words)


def _fitted(described: Description) -> tuple[Model, str]:
    advice = "It can be predicted with all the same."
    path = described.package.path
    try:
        if "pytorch_state_dict" not in described.weights:
            raise InputError("it holds no pytorch_state_dict.")
        normalization = _normalization(described)
        _check_output(described)
        name, data = weights_of(described, "pytorch_state_dict")
        layers = Layers.of(read_state_dict(name, data), described.ndim)
        network, difference = _agreeing(described, layers)
    except InputError as error:
        raise InputError(f"{path} is not imported: {error} {advice}") from error
    sides = described.card
    card = ModelCard(
        network=network.config,
        class_names=described.meaning.names,
        normalization=normalization,
        pixel_size=sides.pixel_size,
        unit=sides.unit,
        data=({"package": described.name},),
    )
    words = (
        f"{described.name}: {layers.words} fitted; checked against the package's own "
        f"example: largest difference {difference:.0e}"
    )
    return Model(network, card), words


def _normalization(described: Description) -> Normalization:
    steps = described.input.steps
    within = {3, 4} if described.ndim == 2 else {2, 3, 4}
    if described.input.channels == 1:
        within.add(1)
    if len(steps) == 1 and isinstance(steps[0], Moments):
        over = set(steps[0].axes) | ({1} & within)
        if over == within:
            per = "slice" if described.ndim == 2 else "image"
            return Normalization(per=per, moments="plain")
        if over == {0, *within}:
            return Normalization(per="image", moments="plain")
    names = ", ".join(type(step).__name__.lower() for step in steps) or "none"
    raise InputError(
        f"its normalisation ({names}) is none that our models have, which bring the "
        "mean to 0 and the standard deviation to 1."
    )


def _check_output(described: Description) -> None:
    """Refuse steps after the network that our models would leave out."""
    steps = described.output.steps
    others = [s for s in steps if not isinstance(s, Sigmoid | Softmax)]
    if others or len(steps) > 1:
        names = ", ".join(type(step).__name__.lower() for step in steps)
        raise InputError(
            f"its output goes through steps ({names}), and that of our models through "
            "a sigmoid or softmax alone."
        )


def _agreeing(described: Description, layers: Layers) -> tuple[UNet, float]:
    """Return the U-Net that gives what the package's example says, and how closely."""
    given = described.example(described.input)
    wanted = described.example(described.output)
    if given is None or wanted is None:
        raise InputError("it has no example by which its layers could be checked.")
    meaning, output = described.meaning, described.output
    if meaning.background is None and output.channels > 1:
        raise InputError("its channels are no classes of which every pixel has one.")
    image = described.card.normalization(given[0].astype(np.float32))
    expected = torch.from_numpy(wanted.astype(np.float32))
    valid = any(axis.lost for axis in output.axes)
    least = float("inf")
    for network in candidates(layers, described.ndim, valid=valid):
        answer = _answer(described, network, torch.from_numpy(image))
        if answer.shape == expected.shape:
            least = min(least, float((answer - expected).abs().max()))
        if least < _CLOSE * max(1.0, float(expected.abs().max())):
            _put_background_first(network, meaning.background or 0)
            return network, least
    raise InputError(
        "its layers have the shapes of ours, but compute something else: for the "
        f"package's own example the largest difference is {least:.2g}."
    )


def _answer(described: Description, network: UNet, image: Tensor) -> Tensor:
    """Return what the whole model gives for a prepared (C, Z, Y, X) image."""
    flat = described.ndim == 2
    with torch.inference_mode():
        logits = network(image.squeeze(1).unsqueeze(0) if flat else image.unsqueeze(0))
    values: Tensor = logits.unsqueeze(2) if flat else logits
    steps = described.output.steps
    activated = any(isinstance(step, Sigmoid | Softmax) for step in steps)
    if described.meaning.logits is None and not activated:
        # The last layer of the network is one.
        values = (Sigmoid() if values.shape[1] == 1 else Softmax())(values)
    for step in steps:
        values = step(values)
    return values


def _put_background_first(network: UNet, background: int) -> None:
    count = network.config.num_classes
    order = [background, *(n for n in range(count) if n != background)]
    weights = network.state_dict()
    head = {name: weights[name][order] for name in ("head.weight", "head.bias")}
    network.load_state_dict(weights | head)
