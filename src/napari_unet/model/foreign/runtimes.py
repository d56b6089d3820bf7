"""What runs the weights of a package: TorchScript, ONNX, or the package's own code."""

from __future__ import annotations

import importlib
import importlib.util
import io
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_unet.errors import ModelFileError, UntrustedCodeError
from napari_unet.model.foreign.archive import Package
from napari_unet.model.foreign.description import Description
from napari_unet.model.foreign.scripted import what_else
from napari_unet.model.threads import PROCESS

ONNX = "onnxruntime"
INSTALL = 'install it by pip install "napari-unet-em[onnx]", and start anew'


@dataclass(frozen=True, eq=False)
class Runtime:
    """Weights that can be run.

    Attributes
    ----------
    network
        Maps a tensor with the axes of the package to another.
    words
        Through what it runs, to the user.
    """

    network: nn.Module
    words: str


class OnnxNetwork(nn.Module):
    """An ONNX network, which onnxruntime runs on the CPU.

    Nothing in it is code; weights in other files are not looked for.
    """

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__()
        self.session = onnx_session(data, name)
        self._input = self.session.get_inputs()[0]

    def forward(self, values: Tensor) -> Tensor:
        """Run it, and bring the answer to where the values are."""
        kind = np.float64 if "double" in self._input.type else np.float32
        array = values.detach().cpu().contiguous().numpy().astype(kind, copy=False)
        answer = self.session.run(None, {self._input.name: array})[0]
        return torch.from_numpy(np.asarray(answer)).to(values.device)


def onnx_session(data: bytes, name: str) -> Any:
    """Open an ONNX network.

    Raises
    ------
    ModelFileError
        When onnxruntime is missing, or does not take it.
    """
    if not has_onnxruntime():
        raise ModelFileError(
            f"{name} is run by onnxruntime, which is missing here: {INSTALL}."
        )
    onnxruntime = importlib.import_module(ONNX)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = PROCESS.most
    try:
        return onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its errors share no class but this
        first = str(error).splitlines()[0][:120]
        raise ModelFileError(f"{name} is not taken by onnxruntime: {first}") from error


def open_runtime(described: Description, *, trust_code: bool = False) -> Runtime:
    """Open the weights of a package that can be run here.

    TorchScript comes first, then ONNX where onnxruntime is there, and the source code
    of the package last and only with the user's word.

    Raises
    ------
    UntrustedCodeError
        When all that is left is code that the user has not given leave for.
    ModelFileError
        When nothing can be run.
    """
    path, reasons, locked = described.package.path, [], False
    for kind, (doubt, opened) in _WAYS.items():
        if kind not in described.weights:
            continue
        try:
            words = doubt(described)
            if not words or trust_code:
                return opened(described)
            locked = True
            reasons.append(words)
        except ModelFileError as error:
            reasons.append(str(error).removeprefix(f"{path}: ").rstrip("."))
    if locked:
        raise UntrustedCodeError(
            f"{path} runs code of its own: {'; '.join(reasons)}. Give --trust-code, or "
            "answer the question in the window, if you know where it comes from."
        )
    if reasons:
        raise ModelFileError(f"{path} cannot be run: {'; '.join(reasons)}.")
    held = ", ".join(described.weights) or "none"
    raise ModelFileError(
        f"{path} has weights of the formats {held}; torchscript, onnx and "
        "pytorch_state_dict can be used here."
    )


def why_code_is_needed(described: Description) -> str:
    """Return which code of its own a package runs; "" where it needs none.

    Raises
    ------
    ModelFileError
        When its files cannot be read.
    """
    found = [
        doubt(described)
        for kind, (doubt, _) in _WAYS.items()
        if kind in described.weights and (kind != "onnx" or has_onnxruntime())
    ]
    return "; ".join(found) if all(found) else ""


def has_onnxruntime() -> bool:
    """Return whether ONNX can be run here."""
    return importlib.util.find_spec(ONNX) is not None


def weights_of(described: Description, kind: str) -> tuple[str, bytes]:
    """Return name and contents of the weights of a format.

    Raises
    ------
    ModelFileError
        As `Package.read`.
    """
    found = described.weights[kind]
    return str(found["source"]), described.package.read(
        str(found["source"]), found.get("sha256")
    )


def _doubt_of_script(described: Description) -> str:
    name, data = weights_of(described, "torchscript")
    doubt = what_else(data, name)
    return doubt and f"its TorchScript does more than compute ({doubt})"


def _scripted(described: Description) -> Runtime:
    name, data = weights_of(described, "torchscript")
    try:
        with warnings.catch_warnings():
            # That there is something newer is no news to the user.
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(io.BytesIO(data), map_location="cpu")
    except (RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0][:120]
        raise ModelFileError(f"{name} is not taken by torch: {first}") from error
    return Runtime(network, "TorchScript")


def _onnx(described: Description) -> Runtime:
    name, data = weights_of(described, "onnx")
    return Runtime(OnnxNetwork(data, name), "ONNX, on the CPU")


def _doubt_of_source(described: Description) -> str:
    entry = described.weights["pytorch_state_dict"]["architecture"]
    what = entry if isinstance(entry, str) else entry.get("callable", "its source")
    return f"its network is made by Python code ({what})"


def _from_source(described: Description) -> Runtime:
    """Run the package's own Python; the weights themselves hold none."""
    found = described.weights["pytorch_state_dict"]
    package, entry = described.package, found["architecture"]
    tensors = read_state_dict(*weights_of(described, "pytorch_state_dict"))
    make, kwargs = _architecture(package, entry, found)
    try:
        network = make(**kwargs)
        network.load_state_dict(tensors)
    except Exception as error:  # any code of anybody
        first = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise ModelFileError(f"its own code fails: {first}") from error
    return Runtime(network.eval(), "its own code")


def read_state_dict(name: str, data: bytes) -> dict[str, Tensor]:
    """Read weights that torch.save wrote, which may hold nothing but tensors.

    Raises
    ------
    ModelFileError
        When they hold anything else, which could be a program.
    """
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's and torch's own
        raise ModelFileError(
            f"{name} holds more than weights, or is damaged: it is not opened."
        ) from error
    for key in ("state_dict", "model_state_dict", "model_state", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor)
        for name, value in found.items()
    ):
        raise ModelFileError(f"{name} holds no weights by their names.")
    return dict(found)


def _architecture(
    package: Package, entry: Any, found: dict[str, Any]
) -> tuple[Callable[..., nn.Module], dict[str, Any]]:
    """Return what makes the network, and with which arguments."""
    if isinstance(entry, str):  # version 0.4: file.py:Name, or a name in a library
        source, _, name = entry.rpartition(":" if ".py:" in entry else ".")
        sha256, kwargs = found.get("architecture_sha256"), found.get("kwargs")
    else:
        source = entry.get("source") or entry.get("import_from")
        sha256, name, kwargs = (
            entry.get("sha256"),
            entry["callable"],
            entry.get("kwargs"),
        )
    if not str(source).endswith(".py"):
        try:
            return getattr(importlib.import_module(source), name), dict(kwargs or {})
        except (ImportError, AttributeError, ValueError) as error:
            raise ModelFileError(f"its code is in {source}, missing here") from error
    text = package.read(str(source), sha256)
    module = types.ModuleType(f"architecture of {package.path.stem}")
    try:
        exec(compile(text, str(source), "exec"), module.__dict__)
        return getattr(module, name), dict(kwargs or {})
    except Exception as error:  # any code of anybody
        raise ModelFileError(f"its own code {source} fails: {error}") from error


_WAYS: dict[
    str, tuple[Callable[[Description], str], Callable[[Description], Runtime]]
] = {
    "torchscript": (_doubt_of_script, _scripted),
    "onnx": (lambda _described: "", _onnx),
    "pytorch_state_dict": (_doubt_of_source, _from_source),
}
