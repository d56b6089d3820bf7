"""Every step has its batch, whenever and however often it is asked for."""

from __future__ import annotations

import pytest
import torch

from napari_unet.train.batches import Batches

CPU = torch.device("cpu")


def test_a_step_has_the_same_batch_whatever_was_drawn_before(blobs, small):
    images, config = [blobs()], small(seed=3)
    batches = Batches(images, config, CPU)
    drawn = [batches.draw(step) for step in range(4)]
    again = Batches(images, config, CPU).draw(2)
    for name in ("image", "target", "weight_map"):
        assert torch.equal(getattr(again, name), getattr(drawn[2], name))
    assert not torch.equal(drawn[2].image, drawn[3].image)


def test_another_seed_gives_other_batches(blobs, small):
    images = [blobs()]
    first, other = (Batches(images, small(seed=s), CPU).draw(0) for s in (0, 1))
    assert not torch.equal(first.image, other.image)


def test_drawing_leaves_torch_s_own_random_numbers_alone(blobs, small):
    batches = Batches([blobs()], small(dropout=0.5), CPU)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    batches.draw(0)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_is_seeded_by_the_step(blobs, small):
    batches = Batches([blobs()], small(dropout=0.5), CPU)
    drops = []
    for step in (0, 1, 0):
        batches.seed_dropout(step)
        drops.append(torch.rand(5))
    assert torch.equal(drops[0], drops[2])
    assert not torch.equal(drops[0], drops[1])


@pytest.mark.parametrize("ndim", [2, 3])
def test_batches_have_the_shape_that_the_network_wants(blobs, small, ndim):
    config = small(ndim=ndim, patch_size=30, patch_slices=3, batch_size=3)
    batches = Batches([blobs((6, 64, 64))], config, CPU)
    batch = batches.draw(0)
    slices, side = batches.patch
    assert batch.image.shape == (3, 1, slices, side, side)
    assert batch.target.shape == batch.weight_map.shape == (3, slices, side, side)
    assert batches.answered == (slices, side)
    assert slices == (1 if ndim == 2 else 4)
    assert side == 32


def test_valid_convolutions_answer_for_less_than_they_see(blobs, small):
    batches = Batches([blobs()], small(padding="valid", patch_size=60), CPU)
    assert batches.answered[1] < batches.patch[1]


@pytest.mark.parametrize(("padding", "answered"), [("same", 25), ("valid", 5)])
def test_slices_are_left_as_they_are_where_no_level_joins_them(
    blobs, small, padding, answered
):
    options = {"padding": padding, "patch_size": 60, "patch_slices": 25}
    batches = Batches([blobs()], small(ndim=3, flat_levels=2, **options), CPU)
    assert batches.patch[0] == 25
    assert batches.answered[0] == answered
