"""The preview shows what training will see, and refuses what training would."""

from __future__ import annotations

import pytest
import torch

from napari_unet.errors import InputError
from napari_unet.train.batches import Batches
from napari_unet.train.preview import preview
from napari_unet.train.trainer import Trainer


def test_the_preview_holds_the_patches_of_the_first_steps_in_order(blobs, small):
    images, config = [blobs()], small(batch_size=2, seed=5)
    seen = preview(images, config, count=5)
    batches = Batches(images, config, torch.device("cpu"))
    for name in ("image", "target", "weight_map"):
        drawn = torch.cat([getattr(batches.draw(step), name) for step in range(3)])
        assert torch.equal(getattr(seen, name), drawn[:5])


def test_the_network_is_given_what_the_preview_shows(blobs, small):
    images, config = [blobs()], small(batch_size=2, steps=1)
    run = Trainer(images, config)
    given = []
    run.network.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    list(run.run())
    assert torch.equal(given[0], preview(images, config, count=2).image[:, :, 0])


def test_another_seed_shows_other_patches(blobs, small):
    first, other = (preview([blobs()], small(), seed=seed) for seed in (0, 1))
    assert len(first.image) == 4
    assert torch.equal(first.image, preview([blobs()], small()).image)
    assert not torch.equal(first.image, other.image)


def test_stacks_are_shown_as_the_network_sees_them(blobs, small):
    config = small(ndim=3, patch_slices=4, misalignment=2.0)
    seen = preview([blobs((6, 64, 64))], config, count=1)
    assert seen.image.shape == (1, 1, 4, 32, 32)
    assert seen.target.shape == seen.weight_map.shape == (1, 4, 32, 32)


def test_no_patches_cannot_be_shown(blobs, small):
    with pytest.raises(InputError, match="ask for 1 or more"):
        preview([blobs()], small(), count=0)
    with pytest.raises(InputError, match="choose an image first"):
        preview([], small())
