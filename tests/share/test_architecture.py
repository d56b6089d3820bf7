"""The network that other programs build from its source is the one that was trained."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from napari_unet.config import UNetConfig
from napari_unet.model import architecture
from napari_unet.model.geometry import valid_size
from napari_unet.model.losses import probabilities
from napari_unet.model.networks.unet import UNet, architecture_of
from napari_unet.share.weight_files import standalone

SHAPES = [
    dict(zip(("ndim", "padding", "upsampling", "flat_levels"), each, strict=True))
    for each in itertools.product(
        (2, 3), ("same", "valid"), ("transposed", "linear"), (None, 1, 2)
    )
]
LAYERS = [
    {"norm": "none", "activation": "elu"},
    {"norm": "instance", "activation": "leaky_relu"},
    {"norm": "group", "activation": "silu", "norm_last": False},
    {"norm": "batch", "norm_last": False, "dropout": 0.3},
    {"num_classes": 1},
    {"num_classes": 5, "in_channels": 3},
    {"depth": 1},
    {"depth": 3, "base_channels": 3, "norm": "group"},
]


@pytest.mark.parametrize("settings", [*SHAPES, *LAYERS], ids=str)
def test_names_and_values_are_those_of_the_network(settings, model):
    trained = model(**settings)
    config = trained.network.config
    alone = standalone(trained)
    assert list(alone.state_dict()) == list(trained.network.state_dict())
    sides = [valid_size(config, 48, axis) for axis in range(-config.ndim, 0)]
    image = torch.randn(2, config.in_channels, *sides)
    with torch.inference_mode():
        expected = probabilities(trained.network(image))
        answer = alone(image)
    assert answer.shape[1] == config.num_classes
    torch.testing.assert_close(answer, expected[:, -config.num_classes :])


def test_every_setting_of_the_network_is_carried_over():
    config = UNetConfig(num_classes=3, flat_levels=1, ndim=3)
    known = architecture_of(config).kwargs.copy()
    assert known.pop("out_channels") == 3
    assert known == config.model_dump(exclude={"name", "num_classes"})


def test_it_trains_as_the_network_does():
    config = UNetConfig(base_channels=4, depth=2, dropout=0.5)
    networks = UNet(config), architecture_of(config).build()
    networks[1].load_state_dict(networks[0].state_dict())
    image = torch.randn(2, 1, 16, 16)
    answers = []
    for network in networks:
        torch.manual_seed(1)
        answers.append(network.train()(image))
    torch.testing.assert_close(answers[1], torch.softmax(answers[0], 1))


def test_it_needs_nothing_but_torch(tmp_path):
    source = Path(architecture.__file__).read_text(encoding="utf-8")
    (tmp_path / "alone.py").write_text(source, encoding="utf-8")
    code = (
        "import sys, alone; alone.UNet(ndim=3, padding='valid'); "
        "sys.exit('napari_unet' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
