"""Sizes are chosen for the data, the device and the minutes."""

from __future__ import annotations

import pytest
import torch

from napari_unet.config import RunConfig
from napari_unet.errors import OutOfMemoryError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.networks.unet import UNet
from napari_unet.train.auto import choose
from napari_unet.train.trainer import Trainer


def test_a_few_seconds_are_too_few_for_more_than_the_smallest_network(blobs, small):
    config, why = choose(small(steps=None, minutes=0.01), [blobs((2, 48, 48))])
    assert config.network.base_channels == 8
    assert "base 8" in why
    assert "base 16 needs 150 steps and would get" in why
    assert "CPU" in why


def test_more_steps_allow_a_larger_network(blobs, small):
    chosen = {
        steps: choose(small(steps=steps), [blobs((2, 32, 32))])[0].network.base_channels
        for steps in (100, 1000, 5000)
    }
    assert chosen == {100: 8, 1000: 16, 5000: 32}


@pytest.mark.parametrize(
    ("shape", "options", "patch"),
    [
        ((2, 48, 72), {}, (48, 1, 64)),
        ((2, 400, 304), {}, (256, 1, 4)),
        ((9, 40, 96), {"ndim": 3}, (40, 6, 27)),
    ],
)
def test_patches_fit_into_the_image_and_the_batch_makes_up_for_them(
    blobs, small, shape, options, patch
):
    config = small(steps=1, **options)
    images = [blobs(shape, network=config.network)]
    train = choose(config, images)[0].train
    assert (train.patch_size, train.patch_slices, train.batch_size) == patch


def test_what_is_chosen_trains(blobs, small):
    images = [blobs((2, 32, 32))]
    config, _ = choose(small(steps=1), images)
    assert [step.step for step in Trainer(images, config).run()] == [1]


def test_a_model_to_start_from_keeps_its_network(blobs, small):
    network = small(base_channels=4).network
    start = Model(UNet(network), ModelCard(network=network))
    config, why = choose(small(steps=9999), [blobs((2, 32, 32))], start)
    assert config.network.base_channels == 4
    assert "the network of the model" in why


def test_the_memory_limits_the_network(blobs, small, monkeypatch):
    forward = UNet.forward

    def full(self, image):
        if self.config.base_channels > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, image)

    monkeypatch.setattr(UNet, "forward", full)
    config, why = choose(small(steps=9999), [blobs((2, 32, 32))])
    assert config.network.base_channels == 8
    assert "base 16 does not fit into the memory" in why


def test_a_memory_that_holds_no_network_is_told(blobs, small, monkeypatch):
    def full(self, image):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(UNet, "forward", full)
    with pytest.raises(OutOfMemoryError, match="Lower the patches"):
        choose(RunConfig(), [blobs((2, 32, 32))])
