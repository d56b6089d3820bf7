"""Augmented patches: what may change, and what must stay together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.config import AugmentConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.train.augment import augment, sampling_grid, source_side
from napari_unet.train.patches import Batch

OFF = AugmentConfig(
    flip=False, rotate=False, scale=0, elastic=0, brightness=0, contrast=0, noise=0
)
MOVING = AugmentConfig(scale=0.2, elastic=4, brightness=0, contrast=0, noise=0)


def make_batch(side: int, *, count=4, slices=1, channels=1, seed=0) -> Batch:
    """Noise in blocks of 16 pixels, the same in image, target and weights."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(1, 5, (count, slices, side // 16 + 1, side // 16 + 1))
    target = blocks.repeat(16, axis=2).repeat(16, axis=3)[..., :side, :side]
    image = np.repeat(target[:, None], channels, axis=1).astype(np.float32)
    return Batch(
        torch.from_numpy(image),
        torch.from_numpy(target.astype(np.uint8)),
        torch.from_numpy(target.astype(np.float32)),
    )


def changed(batch: Batch, config: AugmentConfig, side: int, seed=0) -> Batch:
    return augment(batch, config, side, torch.Generator().manual_seed(seed))


def test_the_same_seed_gives_the_same_batch_and_another_seed_another():
    batch = make_batch(source_side(AugmentConfig(), 32))
    first, again = (changed(batch, AugmentConfig(), 32, seed=7) for _ in range(2))
    other = changed(batch, AugmentConfig(), 32, seed=8)
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.target, again.target)
    assert torch.equal(first.weights, again.weights)
    assert not torch.equal(first.image, other.image)


def test_with_everything_off_the_patch_is_the_centre_of_the_source():
    batch = make_batch(48, channels=2)
    same = changed(batch, OFF, 48)
    centre = changed(batch, OFF, 32)
    torch.testing.assert_close(same.image, batch.image, rtol=0, atol=1e-5)
    assert torch.equal(same.target, batch.target)
    assert torch.equal(same.weights, batch.weights)
    assert torch.equal(centre.target, batch.target[..., 8:40, 8:40])
    torch.testing.assert_close(
        centre.image, batch.image[..., 8:40, 8:40], rtol=0, atol=1e-5
    )


def test_a_source_for_unchanged_patches_is_no_larger_than_the_patch():
    assert source_side(OFF, 32) == 32
    assert source_side(OFF.model_copy(update={"flip": True}), 32) == 32


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_never_blended(seed):
    side = source_side(MOVING, 32)
    batch = make_batch(side)
    holes = torch.rand(batch.target.shape) < 0.2
    target = torch.where(holes, torch.tensor(IGNORE, dtype=torch.uint8), batch.target)
    got = changed(Batch(batch.image, target, batch.weights), MOVING, 32, seed)
    assert set(got.target.unique().tolist()) <= {1, 2, 3, 4, IGNORE}
    assert set(got.weights.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize("seed", range(5))
def test_one_grid_moves_image_target_and_weights_together(seed):
    got = changed(make_batch(source_side(MOVING, 48)), MOVING, 48, seed)
    known = got.target != IGNORE
    assert torch.equal(got.target[known].float(), got.weights[known])
    # The image is interpolated, so it may differ at the rims of the blocks only.
    image = got.image[:, 0]
    whole = image == image.round()
    differs = (image - got.target).abs() > 0.5
    assert not (differs & whole & known).any()
    assert (differs & known).float().mean() < 0.05


def test_where_the_source_has_nothing_the_patch_weighs_nothing():
    source = torch.ones((2, 1, 24, 24))
    got = changed(Batch(source[:, None], source.to(torch.uint8), source), OFF, 32)
    gap = torch.ones((32, 32), dtype=torch.bool)
    gap[4:28, 4:28] = False
    assert (got.weights[:, :, gap] == 0).all()
    assert (got.target[:, :, gap] == IGNORE).all()
    assert (got.target[:, :, ~gap] == 1).all()


@pytest.mark.parametrize("seed", range(10))
def test_turned_and_zoomed_patches_have_no_gap(seed):
    config = AugmentConfig(scale=0.3, elastic=0)
    batch = make_batch(source_side(config, 32))
    assert (changed(batch, config, 32, seed).target != IGNORE).all()


def test_bent_patches_have_next_to_no_gap():
    config = AugmentConfig(elastic=10)
    batch = make_batch(source_side(config, 64), count=32)
    assert (changed(batch, config, 64).target == IGNORE).float().mean() < 0.001


def test_patches_turn_by_all_angles():
    config = OFF.model_copy(update={"rotate": True})
    batch = make_batch(64, count=400)
    grid = sampling_grid(batch, config, 32, torch.Generator().manual_seed(0))
    along_x = grid[:, 0, -1] - grid[:, 0, 0]
    quarters = torch.atan2(along_x[:, 1], along_x[:, 0]) // (np.pi / 2)
    counts = quarters.unique(return_counts=True)[1]
    assert len(counts) == 4
    assert counts.min() > 60


def test_elastic_displacements_have_about_the_configured_deviation_at_the_knots():
    config = OFF.model_copy(update={"elastic": 6.0})
    batch = make_batch(64, count=300)
    generator = torch.Generator().manual_seed(0)
    bent = sampling_grid(batch, config, 33, generator)
    straight = sampling_grid(batch, OFF, 33, generator)
    moved = (bent - straight) * 32  # in pixels: a source of 64 is 2 wide
    knots = moved[:, ::16, ::16]
    assert knots.std() == pytest.approx(6.0, rel=0.1)
    assert moved.mean().abs() < 1
    # Smooth: neighbouring pixels move alike.
    assert moved.diff(dim=1).abs().max() < 3


def test_all_slices_of_a_patch_move_alike():
    batch = make_batch(source_side(MOVING, 32), slices=1)
    alike = Batch(
        batch.image.repeat(1, 2, 5, 1, 1),
        batch.target.repeat(1, 5, 1, 1),
        batch.weights.repeat(1, 5, 1, 1),
    )
    got = changed(alike, MOVING, 32)
    assert got.image.shape == (4, 2, 5, 32, 32)
    assert (got.image == got.image[:, :1, :1]).all()
    assert (got.target == got.target[:, :1]).all()


def test_slices_are_flipped_with_their_target_and_weights():
    rising = torch.arange(1.0, 6.0).reshape(1, 5, 1, 1).expand(40, 5, 8, 8)
    batch = Batch(rising[:, None].clone(), rising.to(torch.uint8), rising.clone())
    got = changed(batch, OFF.model_copy(update={"flip": True}), 8)
    assert torch.equal(got.image[:, 0].round(), got.weights)
    assert torch.equal(got.target.float(), got.weights)
    first = set(got.weights[:, 0, 0, 0].tolist())
    assert first == {1.0, 5.0}, "some patches are flipped and some are not"


def test_shading_changes_the_image_and_nothing_else():
    config = OFF.model_copy(update={"brightness": 0.5, "contrast": 0.3, "noise": 0.1})
    batch = make_batch(32)
    got = changed(batch, config, 32)
    assert not torch.allclose(got.image, batch.image, atol=0.01)
    assert torch.equal(got.target, batch.target)
    assert torch.equal(got.weights, batch.weights)


def test_brightness_and_contrast_stay_within_their_bounds():
    config = OFF.model_copy(update={"brightness": 0.5, "contrast": 0.3})
    values = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 1, 2)
    image = values.expand(200, 1, 1, 2, 2).contiguous()
    known = torch.ones((200, 1, 2, 2))
    got = changed(Batch(image, known.to(torch.uint8), known), config, 2).image
    shift, gain = got[..., 0], got[..., 1] - got[..., 0]
    assert shift.abs().max() <= 0.5
    assert shift.std() == pytest.approx(0.5 / 3**0.5, rel=0.15)
    assert gain.min() >= 0.7 - 1e-6
    assert gain.max() <= 1.3 + 1e-6
