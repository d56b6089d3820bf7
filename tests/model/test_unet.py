"""The network is the paper's, and its sizes are what its arithmetic says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from napari_unet.config import UNetConfig
from napari_unet.model.geometry import grid, output_size, valid_size
from napari_unet.model.layers import UpConv2d
from napari_unet.model.networks.unet import UNet

NORMS = ["none", "batch", "instance", "group"]
PAPER = UNetConfig(base_channels=64, padding="valid", norm="none", num_classes=2)


def on_paper(config):
    """Return a network without numbers, to be counted and measured for nothing."""
    with torch.device("meta"):
        return UNet(config)


def tiny(**settings):
    return UNetConfig(**{"base_channels": 2, "norm": "none", "depth": 1, **settings})


# -------------------------------------------------------------- the paper, the study


def test_the_study_s_small_network_has_1_940_817_parameters():
    config = UNetConfig(base_channels=16, norm="none", num_classes=1)
    assert on_paper(config).num_parameters == 1_940_817


def test_the_study_s_large_network_has_31_054_145_numbers_as_keras_counts():
    network = on_paper(UNetConfig(base_channels=64, norm="batch", num_classes=1))
    counted = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert sum(tensor.numel() for tensor in counted.values()) == 31_054_145


def test_the_paper_s_network_maps_572_to_388_pixels():
    network = on_paper(PAPER)
    assert network(torch.empty(1, 1, 572, 572, device="meta")).shape == (1, 2, 388, 388)
    assert output_size(PAPER, 572) == 388


@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
def test_the_paper_s_network_has_23_convolutional_layers(upsampling):
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    network = on_paper(PAPER.model_copy(update={"upsampling": upsampling}))
    assert sum(isinstance(layer, kinds) for layer in network.modules()) == 23


def test_initial_weights_have_the_paper_s_deviation():
    torch.manual_seed(0)
    network = UNet(UNetConfig(base_channels=16, depth=2, norm="batch"))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            # What one output value is connected to: kernel x kernel inputs of every
            # channel, but one position of an up-convolution whose stride is its kernel.
            up = isinstance(layer, nn.ConvTranspose2d)
            fan_in = layer.in_channels * (1 if up else math.prod(layer.kernel_size))
            expected, error = math.sqrt(2 / fan_in), 5 / math.sqrt(layer.weight.numel())
            assert layer.weight.std().item() == pytest.approx(expected, rel=error)
            assert abs(layer.weight.mean().item()) < error * expected
            assert not layer.bias.any()


def test_signals_keep_their_size_through_a_fresh_deep_network():
    torch.manual_seed(0)
    network = UNet(UNetConfig(base_channels=16, norm="none"))
    answer = network(torch.randn(1, 1, 64, 64))
    assert 0.1 < answer.std().item() < 10


def test_dropout_works_at_the_end_of_the_contracting_path_in_training_only():
    torch.manual_seed(0)
    network = UNet(tiny(dropout=0.5, base_channels=8))
    image = torch.randn(1, 1, 16, 16)
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))


# ---------------------------------------------------------------------- every shape


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_every_norm_trains_in_two_and_three_dimensions(norm, ndim, padding):
    config = tiny(norm=norm, ndim=ndim, padding=padding, in_channels=2, num_classes=3)
    network = UNet(config)
    side = valid_size(config, 20)
    answer = network(torch.randn(2, 2, *[side] * ndim))
    assert answer.shape == (2, 3, *[output_size(config, side)] * ndim)
    answer.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_every_norm_predicts_an_image_as_small_as_the_pooling_grid(norm, ndim):
    network = UNet(UNetConfig(ndim=ndim, base_channels=1, norm=norm, depth=3)).eval()
    answer = network(torch.randn(1, 1, *[grid(network.config)] * ndim))
    assert torch.isfinite(answer).all()


@pytest.mark.parametrize("shape", [(2, 6, 10, 12), (1, 6, 9, 9, 9)])
def test_instance_norm_is_torch_s(shape):
    config = tiny(norm="instance", ndim=len(shape) - 2, base_channels=shape[1])
    ours = next(m for m in UNet(config).modules() if isinstance(m, nn.InstanceNorm2d))
    torch.manual_seed(0)
    image = torch.randn(shape)
    theirs = nn.functional.instance_norm(image)
    torch.testing.assert_close(ours(image), theirs, rtol=1e-4, atol=1e-5)


def test_sides_of_images_may_differ():
    network = UNet(tiny(depth=2))
    assert network(torch.zeros(1, 1, 8, 24)).shape == (1, 2, 8, 24)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "silu"])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_every_activation_is_torch_s_and_trains(activation, norm):
    network = UNet(tiny(activation=activation, norm=norm)).double()
    image = torch.randn(1, 1, 6, 6, dtype=torch.float64)
    first, *norms, last = list(network.encoder[0])[: 2 + (norm == "batch")]
    before = nn.Sequential(first, *norms)(image)
    expected = getattr(nn.functional, activation)(before.clone())
    torch.testing.assert_close(last(before), expected)
    network(image).square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_the_last_normalisation_can_be_left_out():
    norms = [
        sum(isinstance(m, nn.BatchNorm2d) for m in on_paper(config).modules())
        for config in (UNetConfig(), UNetConfig(norm_last=False))
    ]
    assert norms == [18, 17]
    last = on_paper(UNetConfig(norm_last=False)).decoder[-1]
    assert [type(m).__name__ for m in last][-3:] == ["ReLU", "Conv2d", "ReLU"]


@pytest.mark.parametrize("ndim", [2, 3])
def test_linear_upsampling_is_interpolation_and_then_a_1x1_convolution(ndim):
    network = UNet(tiny(ndim=ndim, upsampling="linear", flat_levels=ndim - 2)).double()
    up, image = network.up[0], torch.randn(1, 4, *[4] * ndim, dtype=torch.float64)
    scale, mode = (
        ((2.0, 2.0), "bilinear") if ndim == 2 else ((1.0, 2.0, 2.0), "trilinear")
    )
    larger = nn.functional.interpolate(image, scale_factor=scale, mode=mode)
    torch.testing.assert_close(up(image), up.conv(larger))


def test_up_convolutions_that_learn_in_bfloat16_are_torch_s():
    torch.manual_seed(0)
    ours, theirs = UpConv2d(8, 4, 2, stride=2), nn.ConvTranspose2d(8, 4, 2, stride=2)
    theirs.load_state_dict(ours.state_dict())
    image = torch.randn(2, 8, 6, 10).contiguous(memory_format=torch.channels_last)
    results = []
    for layer in (ours, theirs):
        given = image.bfloat16().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            answer = layer(given)
        assert answer.is_contiguous(memory_format=torch.channels_last)
        (answer.float() * torch.linspace(0, 1, 20)).sum().backward()
        results.append([answer, given.grad, layer.weight.grad, layer.bias.grad])
    for mine, expected in zip(*results, strict=True):
        error = (mine - expected).abs().max() / expected.abs().max()
        assert error.item() < 0.01
