"""OpenVINO predicts what torch predicts, or torch does."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest
import torch

from napari_unet.config import PredictConfig
from napari_unet.config.networks import NETWORKS
from napari_unet.errors import InputError
from napari_unet.model import compiled
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.device import choose_device
from napari_unet.model.networks import build
from napari_unet.predict import backend
from napari_unet.predict.predictor import Predictor

CPU = choose_device("cpu")
SIZES = [
    {"name": "unet", "base_channels": 4, "depth": 2},
    {"name": "unet", "base_channels": 4, "depth": 2, "padding": "valid"},
    {
        "name": "unet",
        "base_channels": 4,
        "depth": 2,
        "norm": "instance",
        "ndim": 3,
        "upsampling": "linear",
    },
    {"name": "segnet", "base_channels": 4, "depth": 3},
    {"name": "alexnet", "base_channels": 4},
    {"name": "sliding-window", "base_channels": 4},
]


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Compute in float32, so that the difference is rounding alone."""
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")


def model(**settings):
    config = NETWORKS[settings.pop("name", "unet")](**settings)
    torch.manual_seed(0)
    return Model(build(config), ModelCard(network=config))


def small():
    return model(base_channels=4, depth=2)


def image(*shape):
    return np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)


def predicted(given, stack, **settings):
    """The probabilities of a stack, and what the user is told."""
    predictor = Predictor(given, PredictConfig(device="cpu", **settings))
    found, told = predictor.empty(stack.shape[1:], keep=True), ""
    for tile in predictor.tiles(stack):
        found.add(tile)
        told += tile.message
    return found.probabilities, told


@pytest.mark.parametrize("settings", SIZES, ids=str)
def test_openvino_predicts_what_torch_predicts(settings):
    given = model(**settings)
    side = given.network.footprint.sides[2]
    size, depth = side.input_for(16), 8 if given.network.footprint.ndim == 3 else 1
    stack = image(depth, size, size + 2 * side.step)
    truth, _ = predicted(given, stack, backend="torch")
    found, told = predicted(given, stack, backend="openvino")
    assert truth.std() > 0
    assert not told
    np.testing.assert_allclose(found, truth, atol=1e-4)


def test_turned_tiles_that_are_not_square_are_averaged_by_openvino():
    given, stack = small(), image(1, 32, 48)
    truth, _ = predicted(given, stack, backend="torch", average=True)
    found, told = predicted(given, stack, backend="openvino", average=True)
    assert not told
    np.testing.assert_allclose(found, truth, atol=1e-4)


def test_a_stack_that_pays_is_compiled_once_and_a_slice_is_not(monkeypatch):
    given, stack = small(), image(3, 32, 32)
    monkeypatch.setattr(backend, "_PAYS", 2 * 32 * 32)
    words = [
        Predictor(given, PredictConfig(device="cpu")).device_for((z, 32, 32)).words
        for z in (1, 2)
    ]
    assert ["OpenVINO" in one for one in words] == [False, True]
    monkeypatch.setattr(compiled, "_COMPILED", {})
    predicted(given, stack[:, :1])
    assert not compiled._COMPILED
    predicted(given, stack)
    (made,) = compiled._COMPILED.values()
    # As the dock does, which opens the model of its file again.
    predicted(copy.deepcopy(given), stack)
    assert list(compiled._COMPILED.values()) == [made]
    assert len(made._requests) == 1


def test_weights_that_have_changed_are_compiled_anew():
    given, stack = small(), image(1, 32, 32)
    predictor = Predictor(given, PredictConfig(device="cpu", backend="openvino"))
    before = predictor.predict(stack, keep=True).probabilities
    with torch.no_grad():
        given.network.head.bias[1] += 1
    truth, _ = predicted(given, stack, backend="torch")
    found = predictor.predict(stack, keep=True).probabilities
    assert np.abs(before - truth).max() > 0.1
    np.testing.assert_allclose(found, truth, atol=1e-4)


def test_torch_predicts_where_openvino_is_off_or_the_network_is_in_training():
    given = small()
    config = PredictConfig(device="cpu", backend="torch")
    huge = (10**4,) * 3
    assert "OpenVINO" not in Predictor(given, config).device_for(huge).words
    assert "OpenVINO" not in Predictor(given, device=CPU).device_for(huge).words


@pytest.mark.parametrize("how", ["fails", "differs"])
def test_torch_goes_on_where_openvino_fails_or_differs(monkeypatch, how):
    given, stack = small(), image(2, 32, 32)

    def other(self, images):
        if how == "fails":
            raise RuntimeError("no such operation")
        return torch.rand(len(images), 2, *images.shape[2:])

    monkeypatch.setattr(compiled.CompiledNetwork, "probabilities", other)
    truth, _ = predicted(given, stack, backend="torch")
    found, told = predicted(given, stack, backend="openvino")
    assert told.count("torch predicts") == 1
    assert ("no such operation" if how == "fails" else "differ by") in told
    np.testing.assert_array_equal(found, truth)


def test_a_missing_openvino_is_told_only_to_those_who_ask_for_it(monkeypatch):
    monkeypatch.setattr(backend, "has_openvino", lambda: False)
    stack = image(1, 32, 32)
    assert not predicted(small(), stack)[1]
    with pytest.raises(InputError, match=r"napari-unet-em\[openvino\]"):
        predicted(small(), stack, backend="openvino")


def test_nothing_is_told_to_the_makers_of_openvino():
    predicted(small(), image(1, 32, 32), backend="openvino")
    assert sys.modules["openvino_telemetry"] is None
