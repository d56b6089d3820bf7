"""Tiles are chosen to fit the memory, and a full one changes nothing but the time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.errors import OutOfMemoryError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.device import Device
from napari_unet.model.footprint import footprint_of
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.memory import choose
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.tiles import plan_axes

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Small(Device):
    """A device of which a given number of bytes is free."""

    free: int = 0

    def free_memory(self) -> int:
        return self.free


class Crowded(UNet):
    """A network whose device holds only so many pixels; "cpu:0" stands for a GPU."""

    def __init__(self, config, pixels, cpu_pixels=None, error=torch.OutOfMemoryError):
        super().__init__(config)
        self.pixels, self.cpu_pixels, self.error = pixels, cpu_pixels, error
        self.refused = 0
        self.where = CPU

    def to(self, device, **options):
        self.where = device
        return super().to(device, **options)

    def forward(self, images):
        limit = self.cpu_pixels if self.where == CPU else self.pixels
        if limit is not None and images.numel() > limit:
            self.refused += 1
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        return super().forward(images)


def crowded(pixels, cpu_pixels=None, ndim=2, padding="same", **options):
    torch.manual_seed(1)
    config = UNetConfig(base_channels=2, depth=2, ndim=ndim, padding=padding)
    network = Crowded(config, pixels, cpu_pixels, **options)
    return Model(network, ModelCard(network=config))


def image(shape=(1, 6, 150, 170)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def predict(model, config, given, device="cpu:0"):
    predictor = Predictor(model, config, Device(torch.device(device)))
    prediction = predictor.empty(given.shape[1:], keep=True)
    messages, shares = [], []
    for tile in predictor.tiles(given):
        prediction.add(tile)
        messages.extend(tile.message.splitlines())
        shares.append(tile.done / tile.total)
    assert shares[-1] == 1
    return prediction.probabilities, messages


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")


SMALLER = ["step now 2", "step now 1", "tiles now of"]


@cache
def roomy(ndim, padding):
    """Return an image, and what is predicted of it where there is room."""
    volume = (1, 16, 100, 120) if padding == "same" else (1, 16, 48, 56)
    given = image(volume if ndim == 3 else (1, 6, 150, 170))
    config = PredictConfig(batch_size=2)
    expected, silence = predict(crowded(None, None, ndim, padding), config, given)
    assert not silence
    return given, expected


@pytest.mark.parametrize(
    ("ndim", "padding", "batch", "pixels", "words"),
    [
        (2, "same", 4, 2 * 220 * 220, ["per step now 2"]),
        (2, "valid", 4, 2 * 220 * 220, ["per step now 2"]),
        (2, "same", 4, 150 * 150, SMALLER),
        (2, "valid", 4, 150 * 150, SMALLER),
        (3, "same", 2, 16 * 90 * 100, ["step now 1", "tiles now of"]),
        (3, "valid", 2, 20 * 120 * 120, ["step now 1", "tiles now of"]),
        (2, "same", 2, 100, ["step now 1", "tiles now of", "the CPU goes on"]),
        (2, "valid", 2, 100, ["step now 1", "tiles now of", "the CPU goes on"]),
    ],
)
def test_a_full_memory_lowers_batch_then_tile_then_the_cpu_takes_over(
    ndim, padding, batch, pixels, words
):
    given, expected = roomy(ndim, padding)
    model = crowded(pixels, None, ndim, padding)
    predicted, messages = predict(model, PredictConfig(batch_size=batch), given)
    np.testing.assert_allclose(predicted, expected, atol=1e-4)
    found = [next(w for w in words if w in message) for message in messages]
    assert list(dict.fromkeys(found)) == words
    # Whoever trains this network goes on where it was.
    assert model.network.where == torch.device("cpu:0")


def test_tiles_that_are_done_stay_when_later_ones_have_to_be_smaller():
    model = crowded(None)
    predictor = Predictor(model, PredictConfig(), Device(torch.device("cpu:0")))
    tiles = predictor.tiles(image())
    done = [next(tiles), next(tiles)]
    model.network.pixels = 150 * 150
    done.extend(tiles)
    covered = np.zeros((6, 150, 170), int)
    for tile in done:
        covered[tile.core] += 1
    np.testing.assert_array_equal(covered, 1)
    assert done[0].total == 6
    assert done[-1].done == done[-1].total > 6
    assert done[2].message.startswith("The memory of CPU")


def test_when_not_even_the_cpu_holds_a_tile_one_sentence_says_so():
    model = crowded(100, 100)
    with pytest.raises(OutOfMemoryError, match=r"smallest tile.*smaller network"):
        predict(model, PredictConfig(), image())


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_a_full_memory_is_told_in_several_ways(error):
    given, expected = roomy(2, "same")
    model = crowded(150 * 150, error=error)
    predicted, messages = predict(model, PredictConfig(batch_size=2), given)
    np.testing.assert_allclose(predicted, expected, atol=1e-4)
    assert "step now 1" in messages[0]


def test_other_errors_are_not_taken_for_a_full_memory():
    model = crowded(100, error=ValueError)
    with pytest.raises(ValueError, match="allocate"):
        predict(model, PredictConfig(), image())
    assert model.network.refused == 1


@pytest.mark.parametrize(("ndim", "depth"), [(2, 4), (3, 3), (3, 4)])
@pytest.mark.parametrize("gigabytes", [0.4, 2, 16])
def test_the_tile_is_chosen_to_fit_the_free_memory(ndim, depth, gigabytes):
    network = footprint_of(UNetConfig(ndim=ndim, depth=depth))
    device = Small(CPU, ndim, free=int(gigabytes * 10**9))
    chosen = choose((100, 4096, 3000), network, PredictConfig(), device)
    smallest = chosen.halved() is None
    assert smallest or chosen.bytes_of_tile <= 0.5 * device.free
    if gigabytes == 16:
        assert not smallest


def test_a_slice_that_fits_is_one_tile_and_one_that_does_not_is_cut():
    roomy = Small(CPU, 2, free=64 * 10**9)
    for side, tiles in ((500, 1), (2048, 1), (4096, 2), (10_000, 5)):
        chosen = choose(
            (1, side, side), footprint_of(UNetConfig()), PredictConfig(), roomy
        )
        axes = plan_axes((1, side, side), footprint_of(UNetConfig()), chosen.config)
        assert len(axes[-1]) == tiles


def test_what_the_user_chose_is_taken_as_it_is():
    wanted = PredictConfig(tile_size=3000, batch_size=7)
    config = choose(
        (9, 4096, 4096), footprint_of(UNetConfig()), wanted, Small(CPU, 2, free=10**6)
    ).config
    assert (config.tile_size, config.batch_size) == (3000, 7)


def test_a_gpu_gets_as_many_slices_at_once_as_fit_and_a_cpu_one():
    gpu = Small(torch.device("mps"), 2, free=4 * 10**8)
    batches = [
        choose(
            (30, side, side), footprint_of(UNetConfig()), PredictConfig(), gpu
        ).batch_size
        for side in (64, 256, 512)
    ]
    assert batches[0] == 16
    assert batches[0] > batches[1] > batches[2] >= 1
    roomy = Small(CPU, 2, free=10**12)
    assert (
        choose(
            (30, 64, 64), footprint_of(UNetConfig()), PredictConfig(), roomy
        ).batch_size
        == 1
    )


@pytest.mark.parametrize(
    ("base", "shape", "ndim", "gigabytes"),
    [
        (16, (1, 512, 512), 2, 0.138),
        (64, (1, 512, 512), 2, 0.399),
        (16, (1, 2160, 2160), 2, 1.216),
        (64, (1, 1200, 1200), 2, 1.55),
        (16, (32, 128, 128), 3, 0.22),
        (64, (32, 128, 128), 3, 0.646),
    ],
)
def test_what_is_reckoned_for_tiles_is_what_was_measured_and_a_little_more(
    base, shape, ndim, gigabytes
):
    network = footprint_of(UNetConfig(ndim=ndim, base_channels=base))
    wanted = PredictConfig(tile_size=4096, tile_slices=32, batch_size=1)
    taken = choose(shape, network, wanted, Device(CPU, ndim)).bytes_taken
    assert 1 <= taken / (gigabytes * 1e9) < 1.3
