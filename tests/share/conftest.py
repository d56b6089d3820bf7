"""Small models, and bioimage.io packages as other programs write them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from napari_unet.config import UNetConfig
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model
from napari_unet.model.networks.unet import UNet


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def script(network: nn.Module, image: torch.Tensor) -> bytes:
    file = io.BytesIO()
    with torch.inference_mode():
        torch.jit.save(torch.jit.trace(network, image, check_trace=False), file)
    return file.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Smooth(nn.Module):
    """Three times the mean of 5 x 5 pixels, as logits of one class."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, 5, padding=2)
        nn.init.constant_(self.conv.weight, 3 / 25)
        nn.init.zeros_(self.conv.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.conv(image)


@dataclass
class Package:
    """A package of version 0.5 that is made of parts, each of which can be changed."""

    network: nn.Module = field(default_factory=Smooth)
    description: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        image = rng.normal(100, 20, (1, 1, 64, 64)).astype(np.float32)
        size = {"min": 16, "step": 8}
        given = [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["raw"]},
            {"type": "space", "id": "y", "size": size, "scale": 4, "unit": "nanometer"},
            {"type": "space", "id": "x", "size": size, "scale": 4, "unit": "nanometer"},
        ]
        after = [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["mitochondria"]},
            *(
                {
                    "type": "space",
                    "id": one,
                    "halo": 8,
                    "size": {"tensor_id": "raw", "axis_id": one},
                    "scale": 4,
                }
                for one in "yx"
            ),
        ]
        normalise = {
            "id": "zero_mean_unit_variance",
            "kwargs": {"axes": ["channel", "y", "x"]},
        }
        scripted = script(self.network.eval(), torch.from_numpy(image))
        self.files = {
            "weights.pt": scripted,
            "in.npy": npy(image),
            "out.npy": npy(self.answer(image)),
        }
        self.description = {
            "type": "model",
            "format_version": "0.5.3",
            "name": "Smooth mitochondria",
            "tags": ["electron-microscopy"],
            "inputs": [
                {
                    "id": "raw",
                    "axes": given,
                    "preprocessing": [normalise],
                    "test_tensor": {"source": "in.npy"},
                }
            ],
            "outputs": [
                {
                    "id": "mito",
                    "axes": after,
                    "postprocessing": [{"id": "sigmoid"}],
                    "test_tensor": {"source": "out.npy"},
                }
            ],
            "weights": {
                "torchscript": {
                    "source": "weights.pt",
                    "sha256": sha256(scripted),
                    "pytorch_version": "2.6",
                }
            },
        }

    def answer(self, image: np.ndarray) -> np.ndarray:
        """What the whole model gives for an image of (1, 1, Y, X)."""
        prepared = (image - image.mean()) / (image.std() + 1e-6)
        with torch.inference_mode():
            logits = self.network.eval()(torch.from_numpy(prepared.astype(np.float32)))
        return torch.sigmoid(logits).numpy()

    @property
    def input(self) -> dict[str, Any]:
        return self.description["inputs"][0]

    @property
    def output(self) -> dict[str, Any]:
        return self.description["outputs"][0]

    def as_version_04(self) -> None:
        """Describe the same in the words of version 0.4."""
        weights = self.description["weights"]
        self.description = {
            "type": "model",
            "format_version": "0.4.9",
            "name": "Smooth mitochondria",
            "inputs": [
                {
                    "name": "raw",
                    "axes": "bcyx",
                    "data_type": "float32",
                    "shape": {"min": [1, 1, 16, 16], "step": [0, 0, 8, 8]},
                    "preprocessing": [
                        {
                            "name": "zero_mean_unit_variance",
                            "kwargs": {"mode": "per_sample", "axes": "cyx"},
                        }
                    ],
                }
            ],
            "outputs": [
                {
                    "name": "mito",
                    "axes": "bcyx",
                    "data_type": "float32",
                    "halo": [0, 0, 8, 8],
                    "shape": {
                        "reference_tensor": "raw",
                        "scale": [1.0, 1.0, 1.0, 1.0],
                        "offset": [0.0, 0.0, 0.0, 0.0],
                    },
                    "postprocessing": [{"name": "sigmoid"}],
                }
            ],
            "test_inputs": ["in.npy"],
            "test_outputs": ["out.npy"],
            "weights": weights,
        }

    def write(self, path: Path, inside: str = "") -> Path:
        """Write it as an archive, or as a folder where the name has no suffix."""
        text = yaml.safe_dump(self.description, sort_keys=False)
        files = {"rdf.yaml": text.encode(), **self.files}
        if not path.suffix:
            for name, data in files.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(data)
            return path
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(inside + name, data)
        return path


@pytest.fixture
def package() -> Callable[..., Package]:
    """Make a package."""
    return Package


@pytest.fixture(scope="session")
def model() -> Callable[..., Model]:
    """Make a model, of which batch normalisation has statistics of its own."""

    def make(card: dict[str, Any] | None = None, **network: Any) -> Model:
        torch.manual_seed(0)
        config = UNetConfig(**{"base_channels": 4, "depth": 2} | network)
        made = UNet(config).eval()
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 2)
        names = ("background", *(f"cell {n}" for n in range(1, config.num_classes)))
        known = {"class_names": names if len(names) > 1 else ("background", "cell")}
        return Model(made, ModelCard(network=config, **known | (card or {})))

    return make
