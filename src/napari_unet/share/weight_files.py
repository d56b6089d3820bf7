"""The weights of a model in the formats that other programs read."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_unet.errors import InputError
from napari_unet.model.card import KEY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.model.checkpoint import Model
    from napari_unet.model.networks.segmentation_network import (
        Architecture,
        SegmentationNetwork,
    )

INPUT, OUTPUT = "image", "probabilities"
"""Names of the two tensors."""
OPSET = 17
"""The newest operators of ONNX that the runtime of deepImageJ and Icy reads."""
NO_ONNX = 'ONNX needs two packages more: pip install "napari-unet-em[onnx]".'


class WithProbabilities(nn.Module):
    """A network whose last layer is softmax or, of one output, sigmoid."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network
        single = network.config.num_classes == 1
        self.final = nn.Sigmoid() if single else nn.Softmax(dim=1)

    def forward(self, image: Tensor) -> Tensor:
        """Map a normalised (B, C, [Z,] Y, X) image to probabilities."""
        probabilities: Tensor = self.final(self.network(image))
        return probabilities


def standalone(model: Model) -> nn.Module:
    """Return the network of a model as other programs build or load it."""
    architecture = model.network.architecture
    if architecture is None:
        return WithProbabilities(model.network).eval()
    network = architecture.build()
    network.load_state_dict(model.network.state_dict())
    return network.eval()


def state_dict_file(network: nn.Module) -> bytes:
    """Return the weights as `torch.load(..., weights_only=True)` reads them."""
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return file.getvalue()


def torchscript_file(network: nn.Module, image: Tensor, card: str) -> bytes:
    """Return a network as TorchScript that takes images of any size that fits.

    Parameters
    ----------
    network
        What is written.
    image
        (B, C, [Z,] Y, X), a normalised example.
    card
        JSON of the model's card, kept in the file.
    """
    file = io.BytesIO()
    with _quiet(), torch.inference_mode():
        traced = torch.jit.trace(network, image, check_trace=False)
        torch.jit.save(traced, file, _extra_files={KEY: card})
    return file.getvalue()


def onnx_file(network: nn.Module, image: Tensor, card: str) -> bytes:
    """Return a network as ONNX, all in one file; parameters as of `torchscript_file`.

    Raises
    ------
    InputError
        When the package onnx is not installed.
    """
    if not has_onnx():
        raise InputError(NO_ONNX)
    import onnx

    file = io.BytesIO()
    sides = dict(enumerate("zyx"[5 - image.ndim :], start=2))
    axes = {0: "batch", **sides}
    with _quiet(), torch.no_grad():
        # The exporter of today writes newer operators than most programs read, and the
        # weights into a second file.
        torch.onnx.export(
            network,
            (image,),
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: axes, OUTPUT: axes},
        )
    graph = onnx.load_from_string(file.getvalue())
    onnx.helper.set_model_props(graph, {KEY: card})
    data: bytes = graph.SerializeToString()
    return data


def has_onnx() -> bool:
    """Return whether ONNX can be written here."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def run_state_dict(
    data: bytes, architecture: Architecture, image: Tensor
) -> NDArray[np.float32]:
    """Return what the architecture with weights of a file makes of an image."""
    network = architecture.build().eval()
    network.load_state_dict(torch.load(io.BytesIO(data), weights_only=True))
    with torch.inference_mode():
        answer: NDArray[np.float32] = network(image).numpy()
    return answer


def run_torchscript(data: bytes, image: Tensor) -> NDArray[np.float32]:
    """Return what a TorchScript file makes of an image."""
    with _quiet(), torch.inference_mode():
        network = torch.jit.load(io.BytesIO(data), map_location="cpu")
        answer: NDArray[np.float32] = network(image).numpy()
        return answer


def run_onnx(data: bytes, image: Tensor) -> NDArray[np.float32]:
    """Return what an ONNX file makes of an image."""
    from onnxruntime import InferenceSession

    session = InferenceSession(data, providers=["CPUExecutionProvider"])
    answer: NDArray[np.float32] = session.run([OUTPUT], {INPUT: image.numpy()})[0]
    return answer


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's words on old formats, and on what is meant, from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # Instance normalisation has no other mode.
        warnings.filterwarnings("ignore", "ONNX export mode is set to", UserWarning)
        yield
