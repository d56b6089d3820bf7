"""A tiny training set that takes a tiny network a second to learn."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np
import pytest
import torch
from torch import nn

from napari_unet.config import AugmentConfig, RunConfig, TrainConfig, UNetConfig
from napari_unet.data.stack import Stack
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import TrainingImage, prepare_image


def make_stack(data: np.ndarray, axes: str = "ZYX") -> Stack:
    sizes = (50.0, 4.0, 4.0)[-sum(letter in "ZYX" for letter in axes) :]
    return Stack(data, axes, sizes, "nm", "blobs.tif")


def make_blobs(shape=(3, 64, 64), seed=0) -> tuple[np.ndarray, np.ndarray]:
    """A bright and a dark class in blocks of 8 pixels, with some noise."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 2, (shape[0], shape[1] // 8, shape[2] // 8))
    labels = blocks.repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    image = 60 + 120 * labels + rng.normal(0, 10, shape)
    return image.astype(np.uint8), labels


@pytest.fixture
def blobs() -> Callable[..., TrainingImage]:
    """Make a `TrainingImage` of blobs; options go to `prepare_image`."""

    def make(shape=(3, 64, 64), seed=0, **options) -> TrainingImage:
        image, labels = make_blobs(shape, seed)
        return prepare_image(make_stack(image), labels, **options)

    return make


@pytest.fixture
def small() -> Callable[..., RunConfig]:
    """Make the settings of a tiny run; options go to where they belong."""

    def make(**options) -> RunConfig:
        parts = {
            "network": (UNetConfig, {"base_channels": 4, "depth": 2}),
            "train": (
                TrainConfig,
                {"steps": 8, "batch_size": 2, "patch_size": 32, "device": "cpu"},
            ),
            "augment": (AugmentConfig, {"elastic": 2.0}),
        }
        made = {}
        for name, (kind, defaults) in parts.items():
            own = {k: v for k, v in options.items() if k in kind.model_fields}
            made[name] = kind(**{**defaults, **own})
        return RunConfig(**made)

    return make


@pytest.fixture
def block() -> tuple[np.ndarray, np.ndarray]:
    """An image and its labels: a bright block on all slices, with some noise."""
    shape = (5, 64, 64)
    rng = np.random.default_rng(1)
    labels = np.zeros(shape, np.uint8)
    labels[:, 10:40, 20:50] = 1
    return (90 * labels + rng.integers(0, 60, shape)).astype(np.uint8), labels


@pytest.fixture
def play() -> Callable[..., list[float]]:
    """Run a `Trainer`, all of it or up to a step, and return its losses."""

    def run(trainer: Trainer, stop_after: int | None = None) -> list[float]:
        losses, stop = [], Event()
        if stop_after == 0:
            stop.set()
        for step in trainer.run(stop):
            losses.append(step.loss)
            if step.step == stop_after:
                stop.set()
        return losses

    return run


@pytest.fixture
def assert_same_weights() -> Callable[[nn.Module, nn.Module], None]:
    """Compare two networks bit by bit."""

    def compare(first: nn.Module, second: nn.Module) -> None:
        one, other = first.state_dict(), second.state_dict()
        assert one.keys() == other.keys()
        for name, tensor in one.items():
            assert torch.equal(tensor, other[name]), name

    return compare
