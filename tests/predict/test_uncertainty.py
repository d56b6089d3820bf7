"""How unsure a network is, slice by slice, from what it says of turned images."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
import torch

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.uncertainty import TURNS, uncertainty


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Compute in float32 everywhere, so that results can be compared."""
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")


def model(per="slice", **settings):
    config = UNetConfig(**{"base_channels": 3, "depth": 2, "norm": "none", **settings})
    torch.manual_seed(1)
    card = ModelCard(network=config, normalization=Normalization(per=per))
    return Model(UNet(config), card)


def predictor(tile_size=None, **settings):
    config = PredictConfig(tile_size=tile_size, device="cpu")
    return Predictor(model(**settings), config)


def image(shape=(1, 5, 40, 52), seed=0):
    return np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)


def entropy(p):
    return -(p * np.log(p)).sum(0) / np.log(len(p))


def by_hand(given, picture, turns):
    """Predict the whole image in each of the turns, and compare as in the docstring."""
    normalised = given.model.card.normalization(picture)
    answers = []
    for mirrored, quarters in TURNS[:turns]:
        seen = np.flip(normalised, -1) if mirrored else normalised
        seen = np.rot90(seen, quarters, (-2, -1))
        found = np.empty((given.num_classes, *seen.shape[1:]), np.float32)
        for tile in given.normalised_tiles(seen):
            found[(slice(None), *tile.core)] = tile.probabilities
        found = np.rot90(found, -quarters, (-2, -1))
        answers.append(np.flip(found, -1) if mirrored else found)
    total = entropy(np.mean(answers, axis=0))
    return total, total - np.mean([entropy(one) for one in answers], axis=0)


def together(given, picture, **options):
    found = np.full((2, *picture.shape[1:]), np.nan)
    for one in uncertainty(given, picture, **options):
        found[:, one.z] = one.entropy, one.disagreement
    return found


@pytest.mark.parametrize("per", ["slice", "image"])
@pytest.mark.parametrize("turns", [2, 4, 8])
def test_it_is_the_formula(turns, per):
    given, picture = predictor(per=per, num_classes=3), image()
    wanted = by_hand(given, picture, turns)
    np.testing.assert_allclose(together(given, picture, turns=turns), wanted, atol=1e-5)


@pytest.mark.parametrize("slices", [3, 21])
def test_volumes_are_seen_in_their_surroundings(slices):
    given = predictor(ndim=3, base_channels=2)
    picture = image((1, slices, 20, 24))
    wanted = by_hand(given, picture, 2)
    np.testing.assert_allclose(together(given, picture), wanted, atol=1e-5)


def test_volumes_of_deep_networks_are_whole():
    given = predictor(ndim=3, base_channels=2, depth=5, flat_levels=0)
    picture = image((1, 40, 32, 32))
    found = together(given, picture)
    np.testing.assert_allclose(found, by_hand(given, picture, 2), atol=1e-5)


@pytest.mark.parametrize("ndim", [2, 3])
def test_tiles_do_not_show(ndim):
    picture = image((1, 2, 70, 90))
    whole = together(predictor(ndim=ndim), picture)
    np.testing.assert_allclose(
        together(predictor(16, ndim=ndim), picture), whole, atol=1e-4
    )


def test_both_measures_lie_between_0_and_1():
    found = together(predictor(), image(), turns=8)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-6
    assert (found[1] <= found[0]).all()
    assert found[1].max() > 0


def test_turns_agree_on_what_looks_the_same_from_all_sides():
    given = predictor(depth=1)
    even = np.ones((1, 1, 40, 40), np.float32)
    assert together(given, even)[1, 0, 10:30, 10:30].max() < 1e-6
    assert together(given, image((1, 1, 40, 40)))[1, 0, 10:30, 10:30].max() > 1e-4


def test_the_first_slices_are_spread_over_the_stack():
    found = [one.z for one in uncertainty(predictor(), image((1, 12, 16, 16)))]
    assert sorted(found) == list(range(12))
    assert found[:4] == [0, 8, 4, 2]
    counts = [one.done for one in uncertainty(predictor(), image((1, 3, 16, 16)))]
    assert counts == [1, 2, 3]


def test_it_ends_soon_once_stopped():
    stopped = Event()
    found = uncertainty(predictor(16), image(), stop=stopped)
    next(found)
    stopped.set()
    assert list(found) == []


def test_turns_do_not_change_the_image():
    picture = image()
    before = picture.copy()
    together(predictor(), picture)
    np.testing.assert_array_equal(picture, before)


def test_what_does_not_fit_the_model_is_told():
    with pytest.raises(InputError, match="2 channel"):
        next(uncertainty(predictor(), image((2, 1, 16, 16))))
    for turns in (1, 9):
        with pytest.raises(InputError, match="2 to 8"):
            next(uncertainty(predictor(), image(), turns=turns))
    averaging = Predictor(model(), PredictConfig(average=True, device="cpu"))
    with pytest.raises(InputError, match="without averaging"):
        next(uncertainty(averaging, image()))
