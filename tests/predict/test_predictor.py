"""A stack is predicted tile by tile, and tiling never shows in the result."""

from __future__ import annotations

from threading import Event

import dask.array as da
import numpy as np
import pytest
import torch
from torch import nn

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.losses import probabilities
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.predictor import Predictor
from napari_unet.samples import em_stack

WHOLE = PredictConfig(tile_size=4096, tile_slices=4096, device="cpu")
TILED = PredictConfig(tile_size=32, tile_slices=4, device="cpu")


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Compute in float32 everywhere, so that results can be compared."""
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")


def model(**settings):
    settings = {"base_channels": 3, "depth": 2, "norm": "none", **settings}
    config = UNetConfig(**settings)
    torch.manual_seed(1)
    network = UNet(config)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            # As after training: every channel has another mean and deviation.
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.normal_(layer.weight, 1, 0.2)
            nn.init.normal_(layer.bias)
    return Model(network, ModelCard(network=config))


def image(shape=(1, 2, 90, 75)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def identity(**settings):
    """A network whose single logit is its input, pixel by pixel."""
    given = model(base_channels=2, depth=1, num_classes=1, **settings)
    network = given.network
    middle = (1,) * network.config.ndim
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        # ReLU lets nothing negative pass: one channel each for x and -x.
        first, second = (m for m in network.encoder[0] if hasattr(m, "kernel_size"))
        first.weight[(0, 0, *middle)], first.weight[(1, 0, *middle)] = 1, -1
        layers = [m for m in network.decoder[0] if hasattr(m, "kernel_size")]
        for layer in (second, *layers):
            for channel in (0, 1):
                layer.weight[(channel, channel, *middle)] = 1
        network.head.weight[0, 0], network.head.weight[0, 1] = 1, -1
    return given


# --------------------------------------------------------------- tiles do not show


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("depth", "tile"), [(1, 16), (2, 16), (2, 40), (3, 24), (4, 32), (4, 64)]
)
def test_tiles_give_what_the_whole_slice_gives(norm, padding, depth, tile):
    given = model(norm=norm, padding=padding, depth=depth)
    # Wide enough for tiles that have neighbours on both sides.
    wide = image((1, 1, 150, 330) if depth == 4 else (1, 2, 90, 175))
    whole = Predictor(given, WHOLE).predict(wide, keep=True)
    config = PredictConfig(tile_size=tile, device="cpu")
    predictor = Predictor(given, config)
    tiles, tiled = (
        list(predictor.tiles(wide)),
        predictor.empty(wide.shape[1:], keep=True),
    )
    for one in tiles:
        tiled.add(one)
    assert len(tiles) > len(wide[0])
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, atol=1e-4)
    assert whole.probabilities.std() > 0.01


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("depth", [1, 2])
def test_tiles_give_what_the_whole_volume_gives(norm, padding, depth):
    given = model(ndim=3, norm=norm, padding=padding, depth=depth, base_channels=2)
    volume = image((1, 60, 16, 66))
    whole = Predictor(given, WHOLE).predict(volume, keep=True)
    config = PredictConfig(tile_size=16, tile_slices=12, device="cpu")
    tiled = Predictor(given, config).predict(volume, keep=True)
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_a_box_is_predicted_as_the_whole_is(padding, ndim):
    network = model(depth=2, padding=padding, ndim=ndim)
    picture = image((1, 6, 90, 75))
    whole = Predictor(network).predict(picture, keep=True).probabilities
    picture = network.card.normalization(picture)
    box = (slice(3, 5), slice(33, 70), slice(30, 75))
    tiles = [*Predictor(network).normalised_tiles(picture, box)]
    seen = np.zeros(picture.shape[1:], bool)
    for tile in tiles:
        wanted = whole[(slice(None), *tile.core)]
        np.testing.assert_allclose(tile.probabilities, wanted, atol=1e-5)
        seen[tile.core] = True
    assert seen[box].all()
    seen[box] = False
    assert not seen.any(), "nothing beyond the box is given"


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    "shape", [{"flat_levels": 1}, {"upsampling": "linear"}, {"flat_levels": 2}]
)
def test_tiles_do_not_show_in_networks_of_other_shapes_either(padding, shape):
    given = model(ndim=3, norm="batch", padding=padding, base_channels=2, **shape)
    volume = image((1, 40, 16, 70))
    whole = Predictor(given, WHOLE).predict(volume, keep=True)
    config = PredictConfig(tile_size=20, tile_slices=6, device="cpu")
    tiled = Predictor(given, config).predict(volume, keep=True)
    np.testing.assert_allclose(tiled.probabilities, whole.probabilities, atol=1e-4)


def test_without_padding_the_whole_slice_is_the_bare_network():
    given = model(norm="batch")
    aligned = image((1, 1, 64, 48))
    predicted = Predictor(given, WHOLE).predict(aligned, keep=True)
    normal = torch.from_numpy(Normalization()(aligned)[:, 0])
    with torch.no_grad():
        expected = probabilities(given.network.eval()(normal[None]))[0]
    np.testing.assert_allclose(predicted.probabilities[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("config", [WHOLE, TILED])
def test_a_stitched_identity_network_returns_its_input(padding, ndim, config):
    volume = image((1, 5, 71, 50))
    predictor = Predictor(identity(padding=padding, ndim=ndim), config)
    predicted = predictor.predict(volume, keep=True)
    expected = 1 / (1 + np.exp(-Normalization()(volume)[0]))
    np.testing.assert_allclose(predicted.probabilities[1], expected, atol=1e-5)
    np.testing.assert_array_equal(predicted.labels, expected > 0.5)


def test_a_slice_is_predicted_alike_alone_and_in_its_stack():
    predictor = Predictor(model(norm="batch"), TILED)
    stack = image((1, 3, 50, 50))
    alone = predictor.predict(stack[:, 1:2]).labels
    np.testing.assert_array_equal(predictor.predict(stack).labels[1:2], alone)


def test_the_batch_size_changes_nothing():
    config = TILED.model_copy(update={"batch_size": 5})
    one, five = (
        Predictor(model(norm="batch"), c).predict(image(), keep=True)
        for c in (TILED, config)
    )
    np.testing.assert_allclose(five.probabilities, one.probabilities, atol=1e-5)


# ------------------------------------------------------------------ what comes back


@pytest.mark.parametrize("num_classes", [1, 2, 4])
def test_probabilities_sum_to_1_and_labels_are_the_most_probable(num_classes):
    predictor = Predictor(model(num_classes=num_classes), TILED)
    predicted = predictor.predict(image(), keep=True)
    assert predicted.probabilities.shape == (max(2, num_classes), 2, 90, 75)
    assert predicted.probabilities.dtype == np.float32
    np.testing.assert_allclose(predicted.probabilities.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(predicted.labels, predicted.probabilities.argmax(0))
    assert predicted.labels.dtype == np.uint8


def test_probabilities_are_kept_only_where_they_are_wanted():
    assert Predictor(model(), TILED).predict(image()).probabilities is None


def test_tiles_count_up_and_fill_their_cores():
    tiles = list(Predictor(model(), TILED).tiles(image()))
    assert [tile.done for tile in tiles] == list(range(1, len(tiles) + 1))
    assert {tile.total for tile in tiles} == {len(tiles)}
    for tile in tiles:
        shape = tuple(part.stop - part.start for part in tile.core)
        assert tile.probabilities.shape == (2, *shape)
        assert tile.labels.shape == shape


@pytest.mark.parametrize("norm", ["none", "batch", "instance", "group"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 2, 5, 7), (1, 1, 17, 300)])
def test_images_of_any_size_are_predicted(norm, padding, shape):
    predicted = Predictor(model(norm=norm, padding=padding), TILED).predict(
        image(shape)
    )
    assert predicted.labels.shape == shape[1:]


def test_a_synthetic_stack_of_bytes_is_predicted():
    stack, _ = em_stack((2, 48, 64))
    predicted = Predictor(model(), TILED).predict(stack.data[None])
    assert predicted.labels.shape == (2, 48, 64)


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_lazy_stack_is_predicted_like_one_in_memory(ndim):
    stack = image((1, 9, 90, 75))
    lazy = da.from_array(stack, chunks=(1, 1, 32, 32))
    whole, read = (Predictor(model(ndim=ndim), TILED).predict(s) for s in (stack, lazy))
    np.testing.assert_array_equal(whole.labels, read.labels)


def test_several_channels_are_seen():
    predictor = Predictor(model(in_channels=3), TILED)
    one = image((3, 1, 32, 32))
    other = one.copy()
    other[2] = other[2, :, ::-1]
    predicted = [predictor.predict(i, keep=True).probabilities for i in (one, other)]
    assert np.abs(predicted[0] - predicted[1]).max() > 1e-3


def test_probabilities_of_16_bits_are_the_same_but_for_rounding():
    half = TILED.model_copy(update={"probabilities": "float16"})
    given = model(norm="batch")
    predicted = Predictor(given, half).predict(image(), keep=True)
    expected = Predictor(given, TILED).predict(image(), keep=True)
    assert predicted.probabilities.dtype == np.float16
    np.testing.assert_allclose(
        predicted.probabilities, expected.probabilities, atol=5e-4
    )
    assert (predicted.labels == expected.labels).mean() > 0.99


@pytest.mark.parametrize(("own", "expected"), [(None, 0.42), (0.3, 0.3)])
def test_the_threshold_of_the_model_counts_unless_another_is_given(own, expected):
    given = model(num_classes=2)
    given = Model(given.network, given.card.model_copy(update={"threshold": 0.42}))
    config = TILED.model_copy(update={"threshold": own})
    predicted = Predictor(given, config).predict(image(), keep=True)
    likely = 1 - predicted.probabilities[0]
    np.testing.assert_array_equal(predicted.labels, likely > np.float32(expected))


@pytest.mark.parametrize("num_classes", [1, 2, 4])
@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_threshold_decides_what_is_foreground(num_classes, share):
    given = model(num_classes=num_classes)
    predicted = Predictor(given, TILED).predict(image(), keep=True)
    background, *others = predicted.probabilities
    threshold = float(np.quantile(1 - background, share))
    config = TILED.model_copy(update={"threshold": threshold})
    expected = (1 - background > threshold) * (1 + np.argmax(others, axis=0))
    np.testing.assert_array_equal(
        Predictor(given, config).predict(image()).labels, expected
    )
    assert (expected > 0).mean() == pytest.approx(1 - share, abs=0.01)


# ---------------------------------------------------------- flips and rotations


AVERAGED = TILED.model_copy(update={"average": True})


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_the_average_over_flips_and_rotations_turns_with_the_image(padding, ndim):
    predictor = Predictor(model(norm="batch", padding=padding, ndim=ndim), AVERAGED)
    square = image((1, 4, 40, 40))
    expected = predictor.predict(square, keep=True).probabilities
    for turn in (np.rot90, lambda a, axes: np.flip(a, axes[0])):
        turned = np.ascontiguousarray(turn(square, axes=(2, 3)))
        predicted = predictor.predict(turned, keep=True).probabilities
        np.testing.assert_allclose(predicted, turn(expected, axes=(2, 3)), atol=1e-5)
    alone = Predictor(predictor.model, TILED).predict(square, keep=True).probabilities
    assert np.abs(alone - expected).max() > 1e-3


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_tiles_do_not_show_in_the_average_either(padding):
    given = model(norm="batch", padding=padding)
    whole = WHOLE.model_copy(update={"average": True})
    predicted = [
        Predictor(given, config).predict(image((1, 1, 90, 175)), keep=True)
        for config in (AVERAGED, whole)
    ]
    np.testing.assert_allclose(*(one.probabilities for one in predicted), atol=1e-4)


def test_what_treats_all_directions_alike_is_not_changed_by_averaging():
    given, volume = identity(), image((1, 2, 40, 72))
    plain, mean = (
        Predictor(given, config).predict(volume, keep=True).probabilities
        for config in (TILED, AVERAGED)
    )
    np.testing.assert_allclose(mean, plain, atol=1e-6)


# --------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("channels", "shape", "words"),
    [
        (1, (3, 2, 32, 32), r"has 3 channel\(s\).*trained on 1"),
        (2, (1, 2, 32, 32), r"has 1 channel\(s\).*trained on 2"),
        (1, (2, 32, 32), "give channels"),
    ],
)
def test_an_image_that_does_not_fit_the_model_is_refused(channels, shape, words):
    predictor = Predictor(model(in_channels=channels), TILED)
    with pytest.raises(InputError, match=words):
        predictor.tiles(np.zeros(shape))  # before the first tile is asked for
    with pytest.raises(InputError):
        predictor.predict(np.zeros(shape))


def test_a_device_that_is_not_there_is_refused_beforehand():
    with pytest.raises(InputError, match="no device 'warp'"):
        Predictor(model(), PredictConfig(device="warp"))


# ----------------------------------------------------------------- running, stopping


def state():
    return (
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.is_grad_enabled(),
    )


@pytest.mark.parametrize("precision", ["float32", "fastest"])
def test_nothing_of_torch_s_state_leaks_between_tiles(monkeypatch, precision):
    monkeypatch.setenv("NAPARI_UNET_PRECISION", precision)
    clean = (False, False, True)
    assert state() == clean
    tiles = Predictor(model(), TILED).tiles(image())
    assert state() == clean
    for tile in tiles:
        assert state() == clean
        if tile.done == 3:
            break
    tiles.close()
    assert state() == clean


def test_stop_ends_after_the_tile_in_work():
    seen, stop = [], Event()
    for tile in Predictor(model(), TILED).tiles(image(), stop):
        seen.append(tile.done)
        if tile.done == 2:
            stop.set()
    assert seen == [1, 2]
    assert tile.total > 2


def test_a_stop_while_the_image_is_read_holds_too():
    stop = Event()

    class Slow(np.ndarray):
        def __getitem__(self, key):
            stop.set()
            return np.asarray(self)[key]

    assert list(Predictor(model(), TILED).tiles(image().view(Slow), stop)) == []


def test_after_a_stop_the_next_prediction_is_whole():
    predictor = Predictor(model(), TILED)
    whole = predictor.predict(image()).labels
    stop = Event()
    next(predictor.tiles(image(), stop))
    stop.set()
    np.testing.assert_array_equal(predictor.predict(image()).labels, whole)


def test_predicting_leaves_the_weights_as_they_are():
    given = model(norm="batch")
    before = {k: v.clone() for k, v in given.network.state_dict().items()}
    Predictor(given, TILED).predict(image())
    after = given.network.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_two_predictions_at_once_do_not_mix():
    predictor = Predictor(model(), TILED)
    one, other = image(), image()[:, :, ::-1]
    expected = [predictor.predict(i).labels for i in (one, other)]
    predicted = [np.zeros_like(e) for e in expected]
    for pair in zip(predictor.tiles(one), predictor.tiles(other), strict=True):
        for labels, tile in zip(predicted, pair, strict=True):
            labels[tile.core] = tile.labels
    np.testing.assert_array_equal(predicted, expected)
