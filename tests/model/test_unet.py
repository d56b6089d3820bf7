"""The network is the paper's, and its sizes are what its arithmetic says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError
from napari_unet.model.unet import (
    UNet,
    grid,
    input_size,
    output_size,
    reach,
    receptive_field,
    valid_size,
)

NORMS = ["none", "batch", "instance", "group"]
PAPER = UNetConfig(base_channels=64, padding="valid", norm="none", num_classes=2)


def on_paper(config):
    """Return a network without numbers, to be counted and measured for nothing."""
    with torch.device("meta"):
        return UNet(config)


def tiny(**settings):
    return UNetConfig(**{"base_channels": 2, "norm": "none", "depth": 1, **settings})


def side_after(network, side):
    """Side of what the network really answers; 0 where it cannot."""
    config = network.config
    shape = (1, config.in_channels, *[side] * config.ndim)
    try:
        return network(torch.empty(shape, device="meta")).shape[-1]
    except RuntimeError:
        return 0


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
    assert side_after(network, 572) == 388 == output_size(PAPER, 572)


def test_the_paper_s_network_has_23_convolutional_layers():
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    assert sum(isinstance(layer, kinds) for layer in on_paper(PAPER).modules()) == 23


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


# ------------------------------------------------------------------- sizes on paper


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_sizes_on_paper_are_the_sizes_of_real_answers(padding, depth):
    config = tiny(padding=padding, depth=depth, base_channels=1)
    network = on_paper(config)
    sides = range(1, 20 * 2**depth)[-64:]
    passing = [side for side in sides if valid_size(config, side) == side]
    assert len(passing) >= 4
    for side in passing:
        assert output_size(config, side) == side_after(network, side)
    for side in range(sides[0], passing[-1]):
        larger = next(one for one in passing if one >= side)
        assert valid_size(config, side) == larger


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_side_that_does_not_fit_is_told_the_next_that_does(padding):
    # torch itself would pool an odd side by dropping its last row, without a word.
    config = tiny(padding=padding, depth=4)
    with pytest.raises(InputError, match=r"571 pixels.* does is (572|576)\."):
        output_size(config, 571)


def test_sides_too_small_for_a_valid_network_do_not_fit():
    network = on_paper(tiny(padding="valid", depth=2))
    smallest = valid_size(network.config, 1)
    assert output_size(network.config, smallest) > 0
    assert all(not side_after(network, side) for side in range(1, smallest))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("depth", [1, 2, 4, 7])
def test_the_input_size_is_the_smallest_that_answers_enough(padding, depth):
    config = tiny(padding=padding, depth=depth)
    for wanted in (1, 2, 15, 16, 17, 100, 388):
        side = input_size(config, wanted)
        assert output_size(config, side) >= wanted
        for smaller in range(max(1, side - 2**depth), side):
            fits = valid_size(config, smaller) == smaller
            assert not fits or output_size(config, smaller) < wanted


# ----------------------------------------------------------------- receptive field


def seen_by(image, answer, pixel):
    """First and last input row and column behind one output pixel, by its gradient."""
    (grad,) = torch.autograd.grad(answer[0, 0, pixel, pixel], image, retain_graph=True)
    rows = grad[0, 0].any(dim=1).nonzero().flatten()
    columns = grad[0, 0].any(dim=0).nonzero().flatten()
    assert torch.equal(rows, columns)
    return int(rows[0]), int(rows[-1])


def transparent(config):
    """A network in which every input that can have a say has one."""
    network = UNet(config).double()
    network.pool = nn.ModuleList(nn.AvgPool2d(p.kernel_size) for p in network.pool)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1 if parameter.ndim > 1 else 0)
    return network


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_receptive_field_and_reach_are_what_gradients_show(padding, depth):
    config = tiny(padding=padding, depth=depth, base_channels=1)
    network, grid = transparent(config), 2**depth
    side = valid_size(config, 3 * receptive_field(config) // 2)
    image = torch.ones(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    answer = network(image)
    out = output_size(config, side)
    margin, first = (side - out) // 2, out // 2 // grid * grid
    widest = farthest = 0
    for pixel in range(first, first + grid):
        low, high = seen_by(image, answer, pixel)
        assert low > 0
        assert high < side - 1
        widest = max(widest, high - low + 1)
        here = pixel + margin
        farthest = max(farthest, here - low, high - here)
    assert widest == receptive_field(config) == network.receptive_field
    assert farthest == reach(config)
