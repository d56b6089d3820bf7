"""A model on images of another pixel size: warned of, and rescaled where asked."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
import torch
from torch import nn

from napari_unet.config import PostprocessConfig, PredictConfig, UNetConfig
from napari_unet.data.normalize import Normalization
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.pixel_size import difference, factors, warning
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.rescale import RescaledPredictor, predictor_for, resize
from napari_unet.predict.segment import segment


def card(size=(50.0, 4.0, 4.0), unit="nm", ndim=2, **options):
    network = UNetConfig(base_channels=2, depth=1, ndim=ndim)
    return ModelCard(network=network, pixel_size=size, unit=unit, **options)


def image(size=(50.0, 4.0, 4.0), unit="nm", shape=(2, 24, 20)):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, shape, np.uint8)
    return Stack(values, "ZYX", size, unit, "image")


def of(stack):
    return stack.zyx_size, stack.unit


def model(**options):
    """A model whose network tells dark from bright, pixel by pixel."""
    described = card(**options)
    network = UNet(described.network)

    class Bright(nn.Module):
        config = described.network

        def forward(self, x):
            return torch.cat([-4 * x, 4 * x], 1)

    network.forward = Bright().forward
    return Model(network, described)


def blocks(shape, seed=0):
    """Rectangles of 0 and 100, several pixels wide."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 2, (shape[0], shape[1] // 6, shape[2] // 6))
    return np.uint8(100) * small.repeat(6, 1).repeat(6, 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "unit"),
    [
        ((50, 4, 4), "nm"),
        ((0.05, 0.004, 0.004), "um"),
        ((0.05, 0.004, 0.004), "µm"),
        ((50e-6, 4e-6, 4e-6), "mm"),
        ((50, 4.3, 3.7), "nm"),
        ((10, 4, 4), "nm"),
        ((1, 1, 1), "pixel"),
        ((1, 8, 8), "parsec"),
    ],
)
def test_sizes_that_agree_or_are_not_known_need_no_warning(size, unit):
    assert factors(card(), *of(image(size, unit))) is None
    assert warning(card(), *of(image(size, unit))) == ""


def test_a_model_of_unknown_pixel_size_never_warns():
    assert factors(card((1, 1, 1), "pixel"), *of(image())) is None


def test_another_pixel_size_is_said_with_both_sizes():
    assert warning(card(), *of(image((0.05, 0.008, 0.008), "um"))) == (
        "The model was trained on pixels of 4 nm, this image has 0.008 um: the mask "
        "will be poor; rescale to the model's pixel size."
    )
    assert factors(card(), *of(image((30, 8, 8)))) == (1, 2, 2)


def test_the_distance_of_slices_counts_for_networks_with_three_dimensions():
    thin = image((25, 4, 4))
    assert factors(card(), *of(thin)) is None
    assert factors(card(ndim=3), *of(thin)) == (0.5, 1, 1)
    words = difference(card(ndim=3), *of(thin))
    assert "50 x 4 x 4 nm, this image has 25 x 4 x 4 nm" in words


def test_a_network_is_shown_an_image_as_large_as_its_own():
    seen = []
    answers = model()
    plain = answers.network.forward
    answers.network.forward = lambda x: (seen.append(tuple(x.shape)), plain(x))[1]
    stack = image((50, 8, 6), shape=(3, 30, 40))
    predictor_for(answers, stack, PredictConfig(rescale=True)).predict(stack.as_czyx())
    assert seen == [(1, 1, 60, 60)] * 3


@pytest.mark.parametrize(("ndim", "per"), [(2, "slice"), (2, "image"), (3, "slice")])
@pytest.mark.parametrize("size", [(50, 8, 8), (50, 2, 2), (100, 3, 5)])
def test_a_rescaled_prediction_lies_on_the_image(ndim, per, size):
    values = blocks((4, 48, 60))
    stack = Stack(values, "ZYX", size, "nm", "image")
    answers = model(ndim=ndim, normalization=Normalization(per=per))
    predictor = predictor_for(answers, stack, PredictConfig(rescale=True))
    assert isinstance(predictor, RescaledPredictor)
    found = predictor.predict(stack.as_czyx(), keep=True)
    assert found.probabilities.shape == (2, *values.shape)
    np.testing.assert_allclose(found.probabilities.sum(0), 1, atol=1e-5)
    # All but corners and borders of the blocks comes back where it was.
    assert (found.labels == (values > 0)).mean() > 0.95


def test_tiles_tell_how_far_the_work_is_and_cover_every_pixel_once():
    stack = image((50, 8, 8), shape=(3, 40, 48))
    config = PredictConfig(rescale=True, tile_size=32)
    covered = np.zeros(stack.shape, int)
    numbers = []
    for tile in predictor_for(model(), stack, config).tiles(stack.as_czyx()):
        covered[tile.core] += 1
        assert tile.labels.shape == covered[tile.core].shape
        numbers.append((tile.done, tile.total))
    assert (covered == 1).all()
    assert len(numbers) > 3
    assert numbers == [(n + 1, len(numbers)) for n in range(len(numbers))]


def test_a_stop_ends_after_the_tile_in_work():
    stack = image((50, 8, 8), shape=(3, 40, 48))
    predictor = predictor_for(model(), stack, PredictConfig(rescale=True))
    stop = Event()
    tiles = predictor.tiles(stack.as_czyx(), stop)
    assert next(tiles).done == 1
    stop.set()
    assert list(tiles) == []


def test_lazy_images_are_read_slice_by_slice():
    da = pytest.importorskip("dask.array")
    values = blocks((3, 24, 24))
    stack = Stack(values, "ZYX", (50, 8, 8), "nm", "image")
    lazy = Stack(da.from_array(values, (1, 24, 24)), "ZYX", (50, 8, 8), "nm", "lazy")
    config = PredictConfig(rescale=True)
    one, other = (
        predictor_for(model(), each, config).predict(each.as_czyx())
        for each in (stack, lazy)
    )
    np.testing.assert_array_equal(one.labels, other.labels)


def test_without_the_wish_or_the_need_nothing_is_rescaled():
    for config, size in ((PredictConfig(), 8), (PredictConfig(rescale=True), 4)):
        predictor = predictor_for(model(), image((50, size, size)), config)
        assert type(predictor) is Predictor


def test_a_size_that_cannot_be_right_is_refused():
    with pytest.raises(InputError, match=r"1 x 250 x 250 times.*right\?"):
        predictor_for(model(), image((50, 1000, 1000)), PredictConfig(rescale=True))


def test_fine_noise_does_not_survive_shrinking():
    noise = np.random.default_rng(0).normal(size=(1, 4, 120, 120))
    assert resize(noise, (4, 30, 30)).std() < 0.35
    assert resize(noise, (1, 120, 120)).std() < 0.65


def test_growing_and_shrinking_keeps_what_changes_slowly():
    y, x = np.mgrid[:48, :60] / 10
    smooth = np.stack([np.sin(y) * np.cos(x)] * 3)[None]
    back = resize(resize(smooth, (3, 96, 120)), (3, 48, 60))
    np.testing.assert_allclose(back, smooth, atol=0.03)


@pytest.mark.parametrize("rescale", [True, False])
def test_a_3d_model_asks_how_far_apart_slices_are(rescale):
    unknown = Stack(
        np.zeros((2, 8, 8), np.uint8), "ZYX", (1, 4, 4), "nm", "a", unknown_axes="Z"
    )
    config = PredictConfig(rescale=rescale)
    with pytest.raises(InputError, match="how far apart its slices are"):
        predictor_for(model(ndim=3), unknown, config)
    predictor_for(model(ndim=2), unknown, config)


@pytest.mark.parametrize(("size", "least"), [(8, 10), (4, 40), (16, 2)])
def test_the_smallest_object_is_as_large_as_in_what_the_model_learnt_from(size, least):
    kept = PostprocessConfig(objects="connected", min_size=10)
    knows = model(size=(50, 8, 8), finish=kept)
    stack = image((50, size, size), shape=(1, 48, 48))
    assert segment(knows, stack, PredictConfig(rescale=True)).finish.min_size == least
    assert segment(knows, stack).finish.min_size == 10
    own = PostprocessConfig(min_size=7)
    asked = segment(knows, stack, PredictConfig(rescale=True), own)
    assert asked.finish.min_size == 7
