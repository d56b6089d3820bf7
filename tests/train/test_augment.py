"""Augmented patches: what may change, and what must stay together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.config import AugmentConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.train.augmentation import (
    augment,
    padding_within,
    sampling_points,
    source_side,
)
from napari_unet.train.patches import Batch

OFF = AugmentConfig(
    flip=False, rotate=False, scale=0, elastic=0, brightness=0, contrast=0, noise=0
)
MOVING = AugmentConfig(scale=0.2, elastic=4, brightness=0, contrast=0, noise=0)

EVERYTHING = AugmentConfig(shear=0.1, shift=4, misalignment=2, gamma=0.3, blur=1)


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


def places(
    config: AugmentConfig, side: int, *, count: int, generator: torch.Generator
) -> torch.Tensor:
    """Where pixels come from, x and y from the middle of a source of 64 pixels."""
    points = sampling_points(make_batch(64, count=count), config, side, generator)
    return points[:, 0].permute(0, 2, 3, 1) - 32


def test_the_same_seed_gives_the_same_batch_and_another_seed_another():
    batch = make_batch(source_side(AugmentConfig(), 32))
    first, again = (changed(batch, AugmentConfig(), 32, seed=7) for _ in range(2))
    other = changed(batch, AugmentConfig(), 32, seed=8)
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.target, again.target)
    assert torch.equal(first.weight_map, again.weight_map)
    assert not torch.equal(first.image, other.image)


def test_on_an_apple_gpu_patches_are_padded_as_it_can_and_come_out_the_same(
    monkeypatch,
):
    batch = make_batch(source_side(MOVING, 32))
    expected = changed(batch, MOVING, 32)
    padding = padding_within(torch.device("mps"))
    assert padding != padding_within(torch.device("cpu"))
    plain = torch.nn.functional.grid_sample
    monkeypatch.setattr(
        torch.nn.functional,
        "grid_sample",
        lambda planes, grid, mode, _, **options: plain(
            planes, grid, mode, padding, **options
        ),
    )
    found = changed(batch, MOVING, 32)
    torch.testing.assert_close(found.image, expected.image, rtol=0, atol=1e-4)


def test_with_everything_off_the_patch_is_the_centre_of_the_source():
    batch = make_batch(48, channels=2)
    same = changed(batch, OFF, 48)
    centre = changed(batch, OFF, 32)
    torch.testing.assert_close(same.image, batch.image, rtol=0, atol=1e-5)
    assert torch.equal(same.target, batch.target)
    assert torch.equal(same.weight_map, batch.weight_map)
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
    got = changed(Batch(batch.image, target, batch.weight_map), MOVING, 32, seed)
    assert set(got.target.unique().tolist()) <= {1, 2, 3, 4, IGNORE}
    assert set(got.weight_map.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize("seed", range(5))
def test_one_grid_moves_image_target_and_weights_together(seed):
    got = changed(make_batch(source_side(MOVING, 48)), MOVING, 48, seed)
    known = got.target != IGNORE
    assert torch.equal(got.target[known].float(), got.weight_map[known])
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
    assert (got.weight_map[:, :, gap] == 0).all()
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
    generator = torch.Generator().manual_seed(0)
    grid = places(config, 32, count=400, generator=generator)
    along_x = grid[:, 0, -1] - grid[:, 0, 0]
    quarters = torch.atan2(along_x[:, 1], along_x[:, 0]) // (np.pi / 2)
    counts = quarters.unique(return_counts=True)[1]
    assert len(counts) == 4
    assert counts.min() > 60


def test_elastic_displacements_have_about_the_configured_deviation_at_the_knots():
    config = OFF.model_copy(update={"elastic": 6.0})
    generator = torch.Generator().manual_seed(0)
    bent = places(config, 33, count=300, generator=generator)
    moved = bent - places(OFF, 33, count=300, generator=generator)
    knots = moved[:, ::16, ::16]
    assert knots.std() == pytest.approx(6.0, rel=0.1)
    assert moved.mean().abs() < 1
    # Smooth: neighbouring pixels move alike.
    assert moved.diff(dim=1).abs().max() < 3


@pytest.mark.parametrize(("share", "folded"), [(1 / 8, 0.0), (1 / 4, 0.01)])
def test_a_fine_grid_folds_as_little_as_the_documentation_says(share, folded):
    side, points = 128, 8
    elastic = share * (side - 1) / (points - 1)
    config = OFF.model_copy(update={"elastic": elastic, "elastic_grid": points})
    generator = torch.Generator().manual_seed(0)
    bent = places(config, side, count=50, generator=generator)
    right, down = bent[:, :-1].diff(dim=2), bent[:, :, :-1].diff(dim=1)
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    assert (area <= 0).double().mean().item() == pytest.approx(folded, abs=0.004)


def test_all_slices_of_a_patch_move_alike():
    batch = make_batch(source_side(MOVING, 32), slices=1)
    alike = Batch(
        batch.image.repeat(1, 2, 5, 1, 1),
        batch.target.repeat(1, 5, 1, 1),
        batch.weight_map.repeat(1, 5, 1, 1),
    )
    got = changed(alike, MOVING, 32)
    assert got.image.shape == (4, 2, 5, 32, 32)
    assert (got.image == got.image[:, :1, :1]).all()
    assert (got.target == got.target[:, :1]).all()


def test_slices_are_flipped_with_their_target_and_weights():
    rising = torch.arange(1.0, 6.0).reshape(1, 5, 1, 1).expand(40, 5, 8, 8)
    batch = Batch(rising[:, None].clone(), rising.to(torch.uint8), rising.clone())
    got = changed(batch, OFF.model_copy(update={"flip": True}), 8)
    assert torch.equal(got.image[:, 0].round(), got.weight_map)
    assert torch.equal(got.target.float(), got.weight_map)
    first = set(got.weight_map[:, 0, 0, 0].tolist())
    assert first == {1.0, 5.0}, "some patches are flipped and some are not"


def test_unmoved_and_mirrored_patches_keep_every_value_to_the_last_bit():
    rising = torch.arange(2.0 * 6 * 6).reshape(2, 1, 6, 6) / 7
    batch = Batch(rising[:, None], (rising * 7).round().to(torch.uint8), rising)
    whole = changed(batch, OFF, 4)
    assert torch.equal(whole.image[:, 0], rising[..., 1:5, 1:5])
    flip = OFF.model_copy(update={"flip": True})
    seen = set()
    for seed in range(20):
        got = changed(batch, flip, 6, seed)
        assert torch.equal(got.image[:, 0], got.weight_map)
        assert torch.equal(got.target, (got.weight_map * 7).round().to(torch.uint8))
        mirrors = [(), (-1,), (-2,), (-1, -2)]
        (how,) = [
            m for m in mirrors if torch.equal(got.weight_map[0], rising[0].flip(m))
        ]
        seen.add(how)
    assert len(seen) == 4, "unmirrored, and mirrored along either and both axes"


def test_beyond_the_source_the_image_is_mirrored():
    ramp = torch.arange(8.0).expand(1, 1, 1, 8, 8)
    known = torch.ones((1, 1, 8, 8))
    got = changed(Batch(ramp, known.to(torch.uint8), known), OFF, 12)
    row = [1, 0, *range(8), 7, 6]
    torch.testing.assert_close(got.image[0, 0, 0, 6], torch.tensor(row).float())


def corners(config: AugmentConfig, side=33, count=200) -> torch.Tensor:
    """Where the corners and the centre come from, in pixels."""
    generator = torch.Generator().manual_seed(0)
    grid = places(config, side, count=count, generator=generator)
    half = side // 2
    return grid[:, [0, 0, -1, -1, half], [0, -1, 0, -1, half]]


@pytest.mark.parametrize("rotate", [False, True])
def test_zoom_stays_within_its_bounds(rotate):
    points = corners(OFF.model_copy(update={"scale": 0.2, "rotate": rotate}))
    zoom = points[:, :4].norm(dim=-1) / (16 * 2**0.5)
    assert 0.8 <= zoom.min() < 0.82
    assert 1.18 < zoom.max() <= 1.2 + 1e-5
    torch.testing.assert_close(zoom[:, :1].expand(-1, 4), zoom, rtol=0, atol=1e-5)
    assert points[:, 4].abs().max() < 1e-5


def test_shear_slants_columns_and_keeps_rows_level():
    points = corners(OFF.model_copy(update={"shear": 0.3}))
    left, right, below = points[:, 0], points[:, 1], points[:, 2]
    torch.testing.assert_close(right[:, 1], left[:, 1], rtol=0, atol=1e-4)
    slant = (below - left)[:, 0] / 32
    assert slant.abs().max() <= 0.3 + 1e-5
    assert slant.min() < -0.25
    assert slant.max() > 0.25


def test_shift_moves_whole_patches_along_both_axes():
    config = OFF.model_copy(update={"shift": 5.0})
    moved = corners(config) - corners(OFF)
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), rtol=0, atol=1e-4)
    assert moved.abs().max() <= 5 + 1e-4
    assert (moved[:, 0].amax(0) > 4).all()
    assert (moved[:, 0].amin(0) < -4).all()
    assert np.corrcoef(moved[:, 0].T)[0, 1] == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_source_holds_patches_however_they_are_sheared_and_shifted(seed, rotate):
    options = {"rotate": rotate, "scale": 0.2, "shear": 0.4, "shift": 6.0}
    config = OFF.model_copy(update={**options, "misalignment": 3.0})
    batch = make_batch(source_side(config, 32), count=20, slices=3)
    assert (changed(batch, config, 32, seed).target != IGNORE).all()


@pytest.mark.parametrize("points", [2, 3, 8])
def test_displacements_are_bicubic_between_the_points_of_the_grid(points):
    config = OFF.model_copy(update={"elastic": 4.0, "elastic_grid": points})
    generator = torch.Generator().manual_seed(0)
    bent = places(config, 29, count=2, generator=generator)
    moved = bent - places(OFF, 29, count=2, generator=generator)
    # The first numbers drawn are the zoom's, the next ones the displacements.
    again = torch.Generator().manual_seed(0)
    torch.rand(2, generator=again)
    coarse = 4 * torch.randn((2, 2, points, points), generator=again)
    expected = torch.nn.functional.interpolate(
        coarse, size=(29, 29), mode="bicubic", align_corners=True
    )
    torch.testing.assert_close(moved, expected.permute(0, 2, 3, 1), rtol=0, atol=1e-4)


MISALIGNED = OFF.model_copy(update={"misalignment": 4.0})


def test_misaligned_slices_move_each_by_themselves_and_with_their_labels():
    side = source_side(MISALIGNED, 32)
    alike = make_batch(side, count=3)
    batch = Batch(
        alike.image.repeat(1, 2, 6, 1, 1),
        alike.target.repeat(1, 6, 1, 1),
        alike.weight_map.repeat(1, 6, 1, 1),
    )
    got = changed(batch, MISALIGNED, 32)
    assert got.image.shape == (3, 2, 6, 32, 32)
    assert torch.equal(got.target.float(), got.weight_map)
    assert torch.equal(got.image[:, 0], got.image[:, 1])
    assert set(got.target.unique().tolist()) <= {1, 2, 3, 4}
    assert ((got.image[:, 0] - got.target).abs() > 0.5).float().mean() < 0.05
    for one in got.target:
        assert len({plane.numpy().tobytes() for plane in one}) > 3


def test_misaligned_slices_are_shifted_by_no_more_than_the_setting():
    across = torch.arange(64.0).expand(20, 2, 5, 64, 64).clone()
    across[:, 1] = across[:, 0].transpose(2, 3)
    known = torch.ones((20, 5, 64, 64))
    got = changed(Batch(across, known.to(torch.uint8), known), MISALIGNED, 32).image
    straight = across[..., 16:48, 16:48]
    slips = (got - straight).flatten(3)
    assert slips.std(dim=3).max() < 1e-3, "a slice moves as a whole"
    slips = slips.mean(3)
    assert slips.abs().max() <= 4 + 1e-3
    assert (slips.amax((0, 2)) > 3).all()
    assert slips.std(dim=2).min() > 0.1, "and the slices of a patch differently"


def test_a_single_slice_has_no_neighbour_to_be_misaligned_with():
    batch = make_batch(source_side(MISALIGNED, 32))
    got, straight = changed(batch, MISALIGNED, 32), changed(batch, OFF, 32)
    assert torch.equal(got.image, straight.image)


@pytest.mark.parametrize("slices", [1, 4])
def test_nothing_of_what_is_given_is_changed(slices):
    batch = make_batch(48, slices=slices)
    kept = [t.clone() for t in (batch.image, batch.target, batch.weight_map)]
    for config in (EVERYTHING, OFF, OFF.model_copy(update={"flip": True})):
        changed(batch, config, 32)
    for before, now in zip(
        kept, (batch.image, batch.target, batch.weight_map), strict=True
    ):
        assert torch.equal(before, now)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")
@pytest.mark.parametrize("slices", [1, 4])
def test_a_gpu_gives_the_same_batch_as_the_cpu(slices):
    batch = make_batch(source_side(EVERYTHING, 64), slices=slices)
    here = changed(batch, EVERYTHING, 64)
    there = changed(batch.to(torch.device("cuda")), EVERYTHING, 64)
    there = there.to(torch.device("cpu"))
    torch.testing.assert_close(there.image, here.image, rtol=0, atol=1e-3)
    assert torch.equal(there.target, here.target)
    assert torch.equal(there.weight_map, here.weight_map)


def test_displacements_up_to_an_eighth_of_the_grid_fold_nothing():
    config = OFF.model_copy(update={"elastic": 4.0, "elastic_grid": 8})
    generator = torch.Generator().manual_seed(0)
    grid = places(config, 256, count=20, generator=generator)
    along_x, along_y = grid.diff(dim=2)[:, :-1], grid.diff(dim=1)[:, :, :-1]
    area = along_x[..., 0] * along_y[..., 1] - along_x[..., 1] * along_y[..., 0]
    assert (area > 0).all()
