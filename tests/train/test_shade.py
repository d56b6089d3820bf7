"""Grey values change within their bounds, and each change does what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_unet.config import AugmentConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.train.augmentation import augment
from napari_unet.train.patches import Batch
from napari_unet.train.shade import shade

OFF = AugmentConfig(brightness=0, contrast=0, noise=0)


def shaded(image: torch.Tensor, seed=0, **options) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return shade(image, OFF.model_copy(update=options), generator)


def grey(count=4, channels=1, slices=1, side=24) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn((count, channels, slices, side, side), generator=generator)


@pytest.mark.parametrize(
    "options",
    [{"brightness": 0.5}, {"contrast": 0.3}, {"gamma": 0.5}, {"blur": 2}, {"noise": 1}],
)
def test_each_change_is_the_same_for_a_seed_and_leaves_its_input_alone(options):
    image = grey(channels=2, slices=3)
    before = image.clone()
    first, again, other = (shaded(image, seed, **options) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == image.shape
    assert torch.equal(image, before)
    assert not torch.allclose(first, image, atol=0.01)


def test_with_everything_off_grey_values_are_unchanged():
    assert torch.equal(shaded(grey()), grey())


def test_labels_and_weights_are_not_shaded():
    still = {"flip": False, "rotate": False, "scale": 0, "elastic": 0}
    config = AugmentConfig(**still, gamma=1, blur=2, noise=1)
    target = torch.randint(0, 3, (4, 1, 24, 24), dtype=torch.uint8)
    target[:, :, 0] = IGNORE
    weights = torch.rand(target.shape)
    generator = torch.Generator().manual_seed(0)
    got = augment(Batch(grey(), target, weights), config, 24, generator)
    assert not torch.allclose(got.image, grey(), atol=0.1)
    assert torch.equal(got.target, target)
    assert torch.equal(got.weight_map, weights)


def test_brightness_and_contrast_stay_within_their_bounds():
    values = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 1, 2)
    got = shaded(values.repeat(200, 1, 1, 2, 1), brightness=0.5, contrast=0.3)
    offset, gain = got[..., 0], got[..., 1] - got[..., 0]
    assert offset.abs().max() <= 0.5
    assert offset.std() == pytest.approx(0.5 / 3**0.5, rel=0.15)
    assert gain.min() >= 0.7 - 1e-6
    assert gain.max() <= 1.3 + 1e-6


def test_gamma_keeps_the_order_of_grey_values_and_both_ends():
    values = torch.linspace(-2, 3, 64).reshape(1, 1, 1, 8, 8).repeat(100, 1, 1, 1, 1)
    got = shaded(values, gamma=0.5).flatten(1)
    assert (got.diff(dim=1) > 0).all()
    torch.testing.assert_close(got[:, 0], torch.full((100,), -2.0))
    torch.testing.assert_close(got[:, -1], torch.full((100,), 3.0))
    # The exponent lies between 1 / 1.5 and 1.5, as often above 1 as below.
    middle = (values.flatten(1)[:, 32] + 2) / 5
    power = torch.log((got[:, 32] + 2) / 5) / torch.log(middle)
    assert 1 / 1.5 - 1e-4 <= power.min() < 0.75
    assert 1.35 < power.max() <= 1.5 + 1e-4
    assert 0.35 < (power > 1).float().mean() < 0.65


def test_gamma_bends_every_channel_between_its_own_ends():
    image = grey(channels=2)
    image[:, 1] = 100 + 10 * image[:, 0]
    got = shaded(image, gamma=1)
    torch.testing.assert_close(got[:, 1], 100 + 10 * got[:, 0], rtol=0, atol=0.01)


def test_gamma_leaves_a_patch_of_one_grey_value_as_it_is():
    flat = torch.full((2, 1, 1, 8, 8), 0.7)
    torch.testing.assert_close(shaded(flat, gamma=2), flat)


def test_blur_is_gaussian_and_mirrored_at_the_border():
    image = grey(count=1, channels=2, slices=3)
    got = shaded(image, seed=5, blur=2.0)
    sigma = 2 * torch.rand(1, generator=torch.Generator().manual_seed(5)).item()
    assert sigma > 0.5, "or there is nothing to see"
    sigmas = (0, 0, 0, sigma, sigma)
    expected = gaussian_filter(image.numpy(), sigmas, mode="mirror", radius=6)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-4)


def test_every_patch_is_blurred_by_its_own_amount():
    left = (shaded(grey(count=30), blur=2.0).std(dim=(1, 2, 3, 4))).sort().values
    assert left[0] < 0.3
    assert left[-1] > 0.9


def test_a_patch_smaller_than_the_blur_reaches_can_be_blurred():
    assert shaded(grey(side=8), blur=5.0).isfinite().all()


def test_noise_is_no_stronger_than_its_setting():
    noise = shaded(torch.zeros((200, 1, 1, 16, 16)), noise=0.5)
    strength = noise.flatten(1).std(dim=1)
    assert strength.max() < 0.5 * 1.15
    assert strength.mean() == pytest.approx(0.25, rel=0.15)
    assert noise.mean().abs() < 0.01
