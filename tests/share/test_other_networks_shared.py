"""Networks of which other programs have no source are shared as graphs."""

from __future__ import annotations

import io
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import yaml

from napari_unet.config import NETWORKS
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model
from napari_unet.model.geometry import valid_size
from napari_unet.model.loading import card_of, open_package
from napari_unet.model.networks import build
from napari_unet.share.package import export_model

# One of each kind of layers; the largest see too far for a package to be quick.
PACKED = ("segnet", "alexnet", "vgg16-dilated")
AS_ONNX = (
    {"name": "segnet"},
    {"name": "inception3"},
    {"name": "doubleunet"},
    {"name": "sliding-window", "foveation": True, "nonuniform": True},
)
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.load`:DeprecationWarning")


@pytest.mark.parametrize("name", PACKED)
def test_a_package_gives_what_the_model_gives_and_comes_back(tmp_path, name):
    torch.manual_seed(0)
    config = NETWORKS[name].model_validate({"base_channels": 2})
    model = Model(build(config).eval(), ModelCard(network=config))
    path = tmp_path / "model.zip"
    told = export_model(model, path)
    assert "pytorch_state_dict" not in told.differences
    assert max(told.differences.values()) < 1e-5
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        described = yaml.safe_load(archive.read("rdf.yaml"))
        scripted = archive.read("weights_torchscript.pt")
        readme = archive.read("README.md").decode()
    assert "unet.py" not in names
    assert "unet.py" not in readme
    assert described["cite"][0] == config.source.citation
    assert described["name"].startswith(config.title)
    assert "parent" not in described["weights"]["torchscript"]
    assert card_of(path).network == config
    again = open_package(path)
    side = valid_size(config, 80)
    image = torch.randn(2, 1, side, side)
    with torch.inference_mode():
        expected = model.network.probabilities(image)
        assert torch.equal(again.network.probabilities(image), expected)
        alone = torch.jit.load(io.BytesIO(scripted))(image)
    torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None,
    reason="needs the extra onnx",
)
@pytest.mark.parametrize("settings", AS_ONNX, ids=str)
def test_onnx_takes_other_sizes_than_the_test_image(tmp_path, settings):
    torch.manual_seed(0)
    config = NETWORKS[settings["name"]].model_validate({"base_channels": 2} | settings)
    model = Model(build(config).eval(), ModelCard(network=config))
    told = export_model(model, tmp_path / "model.onnx")
    assert told.differences["onnx"] < 1e-5
    opened = open_package(tmp_path / "model.onnx")
    image = torch.randn(2, 1, valid_size(config, 70), valid_size(config, 110))
    with torch.inference_mode():
        wanted = model.network.probabilities(image)
        answer = opened.network.probabilities(image)
    np.testing.assert_allclose(answer.numpy(), wanted.numpy(), atol=1e-4)
