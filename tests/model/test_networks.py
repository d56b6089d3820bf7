"""Every network is made, measured, kept and shared like the U-Net."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from napari_unet.config import NETWORKS, NetworkConfig, RunConfig, UNetConfig
from napari_unet.config.networks import other_network
from napari_unet.errors import InputError, ModelFileError
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, load_model, save_model
from napari_unet.model.folded import folded
from napari_unet.model.geometry import (
    grid,
    output_size,
    reach,
    receptive_field,
    valid_size,
)
from napari_unet.model.networks import build
from napari_unet.model.size import _measured, size_of

ALL = [(name, ndim) for name in NETWORKS for ndim in (2, 3)]
ALL.remove(("inception3", 3))
ALL.remove(("sliding-window", 3))
WITH_DECODER = [one for one in ALL if "decoder" in NETWORKS[one[0]].model_fields]


def tiny(name: str, ndim: int = 2, **settings: object) -> NetworkConfig:
    size = {"base_channels": 2, "ndim": ndim} | settings
    return NETWORKS[name].model_validate(size)


def on_paper(config: NetworkConfig) -> nn.Module:
    with torch.device("meta"):
        return build(config)


# ------------------------------------------------------------------------- layers


@pytest.mark.parametrize(("name", "ndim"), ALL)
def test_sizes_on_paper_are_those_of_real_answers(name, ndim):
    config = tiny(name, ndim, num_classes=3, in_channels=2, flat_levels=1)
    network, axes = on_paper(config).eval(), range(-ndim, 0)
    for wanted in (1, 33, 50):
        sides = [valid_size(config, wanted, axis) for axis in axes]
        answer = network(torch.empty(1, 2, *sides, device="meta"))
        outs = [output_size(config, *one) for one in zip(sides, axes, strict=True)]
        assert list(answer.shape) == [1, 3, *outs]
        if not config.path(-1)[0].lost:
            assert outs == sides


@pytest.mark.parametrize("name", NETWORKS)
def test_a_part_of_the_image_is_answered_as_in_the_whole(name):
    torch.manual_seed(0)
    config = tiny(name)
    network, step = build(config).double().eval(), grid(config)
    far = -(-reach(config) // step) * step
    lost = (valid_size(config, 1) - output_size(config, valid_size(config, 1))) // 2
    far = 0 if lost else far
    part = valid_size(config, 2 * far + step)
    high = valid_size(config, 1)
    image = torch.randn(1, 1, high, part + 2 * step, dtype=torch.float64)
    with torch.inference_mode():
        whole, cut = network(image), network(image[..., step : step + part])
    inner = slice(far, cut.shape[-1] - far)
    expected = whole[..., step : step + cut.shape[-1]][..., inner]
    assert expected.numel() > 0
    torch.testing.assert_close(cut[..., inner], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "ndim"), ALL)
def test_folded_normalisation_changes_nothing_but_the_passes(name, ndim):
    torch.manual_seed(0)
    network = build(tiny(name, ndim, norm="batch")).eval()
    norms = [one for one in network.modules() if isinstance(one, _BatchNorm)]
    for layer in norms:
        nn.init.normal_(layer.running_mean, 0, 0.1)
        nn.init.uniform_(layer.running_var, 0.5, 2)
        nn.init.normal_(layer.weight, 1, 0.2)
        nn.init.normal_(layer.bias)
    sides = [valid_size(network.config, 40, axis) for axis in range(-ndim, 0)]
    image = torch.randn(1, 1, *sides)
    with torch.inference_mode():
        alone, before = folded(network), network.probabilities(image)
        torch.testing.assert_close(alone.probabilities(image), before)
    left = [one for one in alone.modules() if isinstance(one, _BatchNorm)]
    assert norms
    # That of the sliding window comes after the pooling.
    assert not left or name == "sliding-window"
    assert [one for one in network.modules() if isinstance(one, _BatchNorm)] == norms


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_of_a_fresh_network_learns(name):
    torch.manual_seed(0)
    network = build(tiny(name)).train()
    side = valid_size(network.config, 64)
    network(torch.randn(2, 1, side, side)).square().mean().backward()
    assert 0.01 < network(torch.randn(2, 1, side, side)).std().item() < 100
    missing = [n for n, one in network.named_parameters() if one.grad is None]
    assert not missing


@pytest.mark.parametrize("name", NETWORKS)
def test_levels_and_head_are_where_training_looks_for_them(name):
    network = on_paper(tiny(name, num_classes=5))
    assert len(network.encoder) >= network.config.num_levels - 1
    channels = {len(one) for one in network.head.parameters()}
    assert channels == {5}


# --------------------------------------------------------------------------- size


def test_what_is_measured_on_paper_is_what_was_measured_of_the_u_net():
    config = UNetConfig(base_channels=8)
    formula, measured = config.known_size(), _measured(config)
    assert measured.parameters == build(config).num_parameters
    assert formula.parameters == pytest.approx(measured.parameters, rel=0.02)
    assert measured.kept == pytest.approx(formula.kept, rel=0.2)
    assert measured.peak == pytest.approx(formula.peak, rel=0.02)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_twice_the_channels_takes_more(name):
    small, large = (size_of(tiny(name, base_channels=n)) for n in (8, 16))
    assert large.parameters > 2 * small.parameters
    assert large.kept == pytest.approx(2 * small.kept, rel=0.3)
    assert large.peak >= small.peak > 0


# ----------------------------------------------------------------------- settings


@pytest.mark.parametrize("name", NETWORKS)
def test_settings_come_back_from_yaml_by_name_and_whole(tmp_path, name):
    path = tmp_path / "run.yaml"
    path.write_text(f"network: {name}\n", encoding="utf-8")
    assert RunConfig.from_yaml(path).network == NETWORKS[name]()
    settings = RunConfig(network=tiny(name, dropout=0.25))
    path.write_text(settings.to_yaml(), encoding="utf-8")
    assert RunConfig.from_yaml(path) == settings


def test_settings_without_a_name_are_a_u_net():
    assert RunConfig.read({"network": {"depth": 3}}, "x").network == UNetConfig(depth=3)


@pytest.mark.parametrize("given", ["resnet", {"name": "resnet", "depth": 3}])
def test_a_network_that_is_unknown_is_told_in_one_sentence(given):
    words = r"there is no network 'resnet': choose unet, segnet"
    with pytest.raises(InputError, match=words) as error:
        RunConfig.read({"network": given}, "run.yaml")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=words[1:]):
        other_network("resnet", UNetConfig())


def test_a_setting_that_a_network_does_not_have_is_named():
    with pytest.raises(InputError, match=r"network\.padding = 'valid'"):
        RunConfig.read({"network": {"name": "segnet", "padding": "valid"}}, "run.yaml")


def test_a_network_of_slices_does_not_take_volumes():
    assert other_network("inception3", UNetConfig(ndim=3)).ndim == 2
    with pytest.raises(InputError, match=r"network\.ndim = 3"):
        RunConfig.read({"network": {"name": "inception3", "ndim": 3}}, "run.yaml")


@pytest.mark.parametrize(("name", "ndim"), WITH_DECODER)
def test_an_encoder_has_the_decoder_of_a_u_net_too(name, ndim):
    config = tiny(name, ndim, decoder="unet", num_classes=1)
    network, axes = on_paper(config).eval(), range(-ndim, 0)
    sides = [valid_size(config, 33, axis) for axis in axes]
    answer = network(torch.empty(1, 1, *sides, device="meta"))
    assert list(answer.shape) == [1, 1, *sides]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("alexnet", 2_469_696), ("vgg16", 14_714_688), ("vgg19", 20_024_384)],
)
def test_encoders_at_full_width_have_the_weights_of_the_papers(name, numbers):
    config = NETWORKS[name].model_validate(
        {"base_channels": 64, "norm": "none", "in_channels": 3}
    )
    encoder = on_paper(config).encoder
    assert sum(one.numel() for one in encoder.parameters()) == numbers


def test_inception_at_full_width_has_the_weights_of_the_paper():
    config = NETWORKS["inception3"].model_validate(
        {"base_channels": 32, "in_channels": 3}
    )
    network = on_paper(config)
    # Without biases, which go under in the normalisation, and without the classifier.
    weights = sum(
        one.numel() for name, one in network.encoder.named_parameters() if one.ndim == 4
    )
    assert weights == 21_751_136
    assert network.widths == [3, 64, 192, 288, 768, 2048]


def test_another_network_is_of_the_same_data_and_size():
    was = UNetConfig(ndim=3, in_channels=2, num_classes=4, base_channels=32, depth=2)
    other = other_network("segnet", was)
    assert (other.ndim, other.in_channels, other.num_classes) == (3, 2, 4)
    assert other.base_channels == 32


# -------------------------------------------------------------------- model files


def saved(path, name: str) -> Model:
    config = tiny(name)
    model = Model(build(config).eval(), ModelCard(network=config))
    save_model(path, model)
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_comes_back_from_its_file(tmp_path, name):
    path = tmp_path / "model.safetensors"
    model = saved(path, name)
    loaded = load_model(path)
    assert loaded.card.network == model.card.network
    side = valid_size(loaded.card.network, 48)
    image = torch.randn(1, 1, side, side)
    with torch.inference_mode():
        assert torch.equal(loaded.network(image), model.network(image))


def test_weights_of_another_network_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "model.safetensors"
    model = saved(path, "segnet")
    card = model.card.model_copy(update={"network": tiny("unet")})
    save_model(path, Model(model.network, card))
    with pytest.raises(ModelFileError, match="do not fit the network that the file"):
        load_model(path)


@pytest.mark.parametrize("name", [name for name, ndim in ALL if ndim == 3])
def test_what_a_network_sees_is_told_of_every_axis(name):
    config = tiny(name, 3, flat_levels=1)
    assert receptive_field(config, -3) < receptive_field(config, -1)
    assert math.prod(config.factors(-3)) * config.poolings[0] == grid(config)
