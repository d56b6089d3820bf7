"""All windows of an image at once, and one after the other."""

from __future__ import annotations

import itertools

import pytest
import torch

from napari_unet.config import SlidingWindowConfig
from napari_unet.model.geometry import output_size, patch_size, reach, receptive_field
from napari_unet.model.networks import build

UNEVEN = [
    {"foveation": True},
    {"nonuniform": True},
    {"foveation": True, "nonuniform": True, "window": 95},
]


@pytest.mark.parametrize(("window", "left"), [(65, 1), (95, 3)])
def test_an_image_is_answered_as_window_by_window(window, left):
    torch.manual_seed(0)
    config = SlidingWindowConfig(window=window, base_channels=6, in_channels=2)
    network = build(config).eval()
    image = torch.randn(2, 2, window + 4, window + 2)
    with torch.inference_mode():
        whole = network(image)
        torch.testing.assert_close(network.one_by_one(image), whole, rtol=0, atol=1e-5)
    assert whole.shape == (2, 2, 5, 3)
    assert config.left == left
    assert whole.std() > 1e-3


@pytest.mark.parametrize("settings", UNEVEN, ids=str)
def test_a_window_that_is_sharp_in_its_middle_is_told_wherever_it_lies(settings):
    torch.manual_seed(0)
    network = build(SlidingWindowConfig(base_channels=4, **settings)).eval()
    side = receptive_field(network.config)
    image = torch.randn(2, 1, side + 2, side + 3)
    with torch.inference_mode():
        whole, alone = network(image), network(image[1:, :, 1:-1, 2:-1])
    assert whole.shape == (2, 2, 3, 4)
    torch.testing.assert_close(alone[0, :, 0, 0], whole[1, :, 1, 2])
    assert whole.std() > 1e-3


def test_foveation_keeps_the_middle_of_a_window_and_blurs_its_rim():
    config = SlidingWindowConfig(foveation=True)
    retina, side = build(config).retina, receptive_field(config)
    image = torch.randn(1, 1, side, side)
    window, plain = retina(image)[0, 0], image[0, 0, 4:-4, 4:-4]
    assert torch.equal(window[21:44, 21:44], plain[21:44, 21:44])
    assert window[0].std() < window[16].std() < plain[16].std()
    disc = torch.hypot(*torch.meshgrid([torch.arange(-4.0, 5)] * 2, indexing="ij")) <= 4
    mean = image[0, 0, :9, :9][disc].mean()
    torch.testing.assert_close(window[0, 0], mean)


def test_non_uniform_sampling_takes_fewer_pixels_the_farther_out():
    config = SlidingWindowConfig(nonuniform=True)
    side = receptive_field(config)
    assert (len(config.places), side) == (65, 97)
    steps = [b - a for a, b in itertools.pairwise(config.places)]
    assert steps == steps[::-1]
    assert steps[16:48] == [1] * 32
    assert (steps[0], steps[8]) == (3, 2)
    rows = torch.arange(float(side)).expand(1, 1, side, side)
    window = build(config).retina(rows)[0, 0]
    assert (window[0] - side // 2).tolist() == list(config.places)


def test_its_patches_are_small_where_every_window_is_computed_by_itself():
    config = SlidingWindowConfig(foveation=True)
    assert patch_size(config, 256) == 73 + 15
    assert patch_size(SlidingWindowConfig(), 256) == 256


def test_layers_are_those_of_the_paper():
    config = SlidingWindowConfig(window=95, base_channels=48, norm="none")
    sides, side = [], 95
    for kernel in config.kernels:
        sides += [side - kernel + 1, (side - kernel + 1) // 2]
        side = sides[-1]
    assert sides == [92, 46, 42, 21, 18, 9, 6, 3]
    weights = [one.numel() for one in build(config).parameters() if one.ndim == 4]
    width = 48**2
    assert weights == [48 * 16, 25 * width, 16 * width, 16 * width, 9 * 48 * 200, 400]


def test_every_pooling_of_a_window_halves_an_even_side():
    for window in (65, 95):
        config, side = SlidingWindowConfig(window=window), window
        for kernel in config.kernels:
            side -= kernel - 1
            assert side % 2 == 0
            side //= 2
        assert side == config.left


def test_a_pixel_sees_as_far_as_its_window_reaches():
    config = SlidingWindowConfig(window=65)
    assert receptive_field(config) == 65
    assert reach(config) == 32
    assert output_size(config, 256) == 192
