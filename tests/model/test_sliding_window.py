"""All windows of an image at once, and one after the other."""

from __future__ import annotations

import pytest
import torch

from napari_unet.config import SlidingWindowConfig
from napari_unet.model.geometry import output_size, reach, receptive_field
from napari_unet.model.networks import build


@pytest.mark.parametrize(("window", "left"), [(65, 1), (95, 3)])
def test_an_image_is_answered_as_window_by_window(window, left):
    torch.manual_seed(0)
    config = SlidingWindowConfig(window=window, base_channels=6, in_channels=2)
    network = build(config).eval()
    image = torch.randn(1, 2, window + 4, window + 2)
    with torch.inference_mode():
        whole = network(image)
        for y in range(5):
            for x in range(3):
                around = image[..., y : y + window, x : x + window]
                torch.testing.assert_close(
                    network.at_centres(around), whole[..., y, x], rtol=0, atol=1e-5
                )
    assert config.left == left
    assert whole.std() > 1e-3


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
