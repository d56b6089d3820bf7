"""Networks that OpenVINO compiles for the CPU, where it is faster than torch."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import math
import sys
import warnings
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.amp.autocast_mode import autocast
from torch.jit._trace import TracerWarning

from napari_unet.model.losses import probabilities
from napari_unet.model.networks.segmentation_network import SegmentationNetwork
from napari_unet.model.threads import PROCESS

OPENVINO = "openvino"
INSTALL = 'install it by pip install "napari-unet-em[openvino]", and start anew'
_SHAPES = 2
"""Kept for each network: tiles that are not square are turned by averaging."""


def has_openvino() -> bool:
    """Return whether networks can be compiled here."""
    return importlib.util.find_spec(OPENVINO) is not None


class CompiledNetwork:
    """A network of ours, compiled for each shape of its input that is asked for.

    Parameters
    ----------
    network
        What is compiled; its weights are those of now.
    bfloat16
        Whether convolutions run in bfloat16, as under torch's autocast.

    Attributes
    ----------
    checked
        Whether its answers were found to be those of torch.
    """

    def __init__(self, network: SegmentationNetwork, *, bfloat16: bool) -> None:
        self.checked = False
        self._bfloat16, self._lock = bfloat16, Lock()
        self._requests: dict[tuple[int, ...], Any] = {}
        # The graph reads the weights where the decoder holds them.
        self._graph, self._decoder = _graph_of(network)

    def probabilities(self, images: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to float32 probabilities, background first."""
        shape = tuple(images.shape)
        with self._lock:
            request = self._requests.get(shape) or self._compile(shape)
            request.infer({0: images.contiguous().numpy()}, share_inputs=True)
            logits = np.array(request.get_output_tensor(0).data)
        return probabilities(torch.from_numpy(logits))

    def release(self) -> None:
        """Give the memory of what lies between the layers back until the next image."""
        with self._lock:
            for request in self._requests.values():
                request.get_compiled_model().release_memory()

    def _compile(self, shape: tuple[int, ...]) -> Any:
        if len(self._requests) == _SHAPES:
            del self._requests[next(iter(self._requests))]
        self._graph.reshape(list(shape))
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if self._bfloat16 else "f32",
            "INFERENCE_NUM_THREADS": PROCESS.most,
            "NUM_STREAMS": 1,
            # Threads that may not move wait for other programs on their core.
            "ENABLE_CPU_PINNING": False,
        }
        made = _openvino().Core().compile_model(self._graph, "CPU", settings)
        self._requests[shape] = made.create_infer_request()
        return self._requests[shape]


_COMPILED: dict[str, CompiledNetwork] = {}
"""The last network by its digest: a model is opened anew for every prediction."""


def compiled(network: SegmentationNetwork, *, bfloat16: bool) -> CompiledNetwork:
    """Return a network compiled, only once as long as no other one comes between."""
    digest = _digest(network, bfloat16=bfloat16)
    made = _COMPILED.get(digest)
    if made is None:
        made = CompiledNetwork(network, bfloat16=bfloat16)
        _COMPILED.clear()
        _COMPILED[digest] = made
    return made


def state_of(network: nn.Module) -> tuple[int, ...]:
    """Return what is another once the weights of a network have changed in place."""
    parts = (*network.parameters(), *network.buffers())
    return tuple(part._version for part in parts)


def _digest(network: SegmentationNetwork, *, bfloat16: bool) -> str:
    found = hashlib.sha256(repr((bfloat16, PROCESS.most, network.config)).encode())
    for part in network.state_dict().values():
        found.update(part.cpu().contiguous().numpy())
    return found.hexdigest()


def _graph_of(network: SegmentationNetwork) -> tuple[Any, Any]:
    """Return a network as OpenVINO's graph, and what reads it out of torch.

    Out of torch itself it needs no further package, and starts sooner than by ONNX.
    """
    openvino = _openvino()
    name = f"{OPENVINO}.frontend.pytorch.ts_decoder"
    decoder = importlib.import_module(name).TorchScriptPythonDecoder
    sides = network.footprint.sides[3 - network.footprint.ndim :]
    # As small as it takes, so that tracing is quick, but not so small that a side is 1.
    shape = [side.least + math.ceil(32 / side.step) * side.step for side in sides]
    image = torch.zeros(1, network.footprint.in_channels, *shape)
    with warnings.catch_warnings(), torch.no_grad(), autocast("cpu", enabled=False):
        # That there is something newer is no news to the user, nor that the number of
        # classes stays what it is.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        traced = torch.jit.trace(network, image, check_trace=False)
        read = decoder(traced)
    frontend = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    return frontend.convert(frontend.load(read)), read


def _openvino() -> ModuleType:
    """Import OpenVINO without what tells its makers of every import."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module(OPENVINO)
