"""The weight map is the paper's equation 2, fast."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.config import AnnotationKind, WeightMapConfig
from napari_unet.data.annotation import IGNORE, Target, to_target
from napari_unet.data.weight_map import background_gain, class_weights, weight_map

# Nothing here rests on the defaults, which follow what trains best.
FLAT = WeightMapConfig(w0=0, balance=True)
PLAIN = {"sigma": 5, "balance": False}


def two_smallest(objects, sampling):
    """Distances to all objects, sorted; infinite where there are fewer than two."""
    values = np.setdiff1d(np.unique(objects), [0])
    away = [ndimage.distance_transform_edt(objects != v, sampling) for v in values]
    nowhere = np.full(objects.shape, np.inf)
    return np.sort([*away, nowhere, nowhere], axis=0)[:2]


def brute_force(objects, config, sampling):
    """Equation 2's border term on the background."""
    near, second = two_smallest(objects, sampling)
    border = config.w0 * np.exp(-((near + second) ** 2) / (2 * config.sigma**2))
    return border * (objects == 0)


def fiji(objects, sampling):
    """The plugin's weights, from its constants."""
    near, second = two_smallest(objects, sampling)
    rim = 0.9 * np.exp(-(near**2) / (2 * 10**2))
    border = 50 * np.exp(-((near + second) ** 2) / (2 * 6**2))
    return np.where(objects > 0, 1, 0.1 + rim + border)


def random_objects(rng, shape, count):
    """Boxes of any size with ids that leave holes; some overlap, some may vanish."""
    objects = np.zeros(shape, np.int32)
    for value in rng.choice(np.arange(1, 5 * count + 1), count, replace=False):
        first = [int(rng.integers(0, side)) for side in shape]
        size = [int(rng.integers(1, max(2, side // 3))) for side in shape]
        box = tuple(slice(a, a + b) for a, b in zip(first, size, strict=True))
        objects[box] = value
    return objects


def target_of(objects, num_classes=2):
    return Target((objects > 0).astype(np.uint8), objects, num_classes)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 12),
    w0=st.floats(0.1, 1000),
    sigma=st.floats(0.3, 12),
    shape=st.sampled_from([(50, 60), (1, 80), (12, 20, 24)]),
    stretch=st.sampled_from([1.0, 2.5, 12.0]),
)
def test_the_border_term_equals_the_formula(seed, count, w0, sigma, shape, stretch):
    config = WeightMapConfig(w0=w0, sigma=sigma)
    objects = random_objects(np.random.default_rng(seed), shape, count)
    sampling = (stretch, *[1.0] * (len(shape) - 1))
    np.testing.assert_allclose(
        background_gain(objects, objects == 0, config, sampling),
        brute_force(objects, config, sampling),
        rtol=1e-4,
        atol=1e-5 * w0,
    )


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("pixel_size", [(1, 1, 1), (50, 4, 4), (30.0, 6.0, 3.0)])
def test_the_whole_map_adds_balance_and_border_on_the_background(ndim, pixel_size):
    rng = np.random.default_rng(4)
    objects = random_objects(rng, (4, 40, 44), 14)
    config = WeightMapConfig(w0=10, sigma=6, balance=True)
    target = target_of(objects)
    weights = weight_map(target, config, ndim=ndim, pixel_size=pixel_size)
    used = pixel_size[3 - ndim :]
    sampling = [size / min(used) for size in used]
    parts = objects if ndim == 2 else [objects]
    border = [brute_force(part, config, sampling) for part in parts]
    balance = class_weights(target, config)[target.classes]
    expected = balance + np.reshape(border, objects.shape)
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-5 * config.w0)
    assert weights.dtype == np.float32


@pytest.mark.parametrize("background", [True, False])
def test_ids_as_large_as_32_bits_allow_cost_nothing_and_change_nothing(background):
    objects = random_objects(np.random.default_rng(1), (40, 40), 6)
    if not background:
        objects = objects[objects.any(axis=1)] + 1
    huge = np.where(objects > 0, 2**31 - 1 - objects, 0).astype(np.int32)
    config = WeightMapConfig(w0=10, sigma=5)
    empty = objects == 0
    np.testing.assert_array_equal(
        background_gain(huge, empty, config, (1, 1)),
        background_gain(objects, empty, config, (1, 1)),
    )


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_objects_have_no_border(count):
    objects = np.zeros((1, 20, 20), np.int32)
    objects[0, 5:8, 5:8] = count
    weights = weight_map(target_of(objects), WeightMapConfig(w0=100, **PLAIN))
    np.testing.assert_array_equal(weights, 1)


def test_a_gap_of_one_pixel_weighs_as_much_as_the_formula_says():
    objects = np.zeros((1, 9, 21), np.int32)
    objects[0, :, :10], objects[0, :, 11:] = 1, 2
    weights = weight_map(target_of(objects), WeightMapConfig(w0=10, **PLAIN))
    np.testing.assert_allclose(weights[0, :, 10], 1 + 10 * np.exp(-4 / 50), rtol=1e-6)


def test_the_border_is_on_the_background_only():
    objects = random_objects(np.random.default_rng(2), (1, 50, 50), 12)
    config = WeightMapConfig(w0=50, **PLAIN)
    weights = weight_map(target_of(objects), config)
    assert (weights[objects > 0] == 1).all()
    assert weights[objects == 0].max() > 10


@pytest.mark.parametrize("w0", [0, 1e-9])
def test_a_border_of_no_weight_costs_nothing_and_changes_nothing(w0):
    objects = random_objects(np.random.default_rng(2), (1, 50, 50), 12)
    weights = weight_map(target_of(objects), WeightMapConfig(w0=w0, **PLAIN))
    np.testing.assert_allclose(weights, 1, atol=1e-6)


def test_objects_of_other_slices_do_not_count_in_2d():
    objects = np.zeros((2, 20, 20), np.int32)
    objects[0, 5:8, 5:8], objects[1, 5:8, 10:13] = 1, 2
    target, config = target_of(objects), WeightMapConfig(w0=10, **PLAIN)
    np.testing.assert_array_equal(weight_map(target, config, ndim=2), 1)
    assert weight_map(target, config, ndim=3).max() > 2


# ---------------------------------------------------------------------------- fiji


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 12),
    shape=st.sampled_from([(1, 60, 80), (12, 20, 24)]),
    stretch=st.sampled_from([1.0, 2.5]),
)
def test_the_fiji_formula_gives_the_plugin_s_weights(seed, count, shape, stretch):
    objects = random_objects(np.random.default_rng(seed), shape, count)
    config = WeightMapConfig(formula="fiji", w0=3, sigma=1, balance=True)
    size = (stretch, 1, 1)
    weights = weight_map(target_of(objects), config, ndim=3, pixel_size=size)
    np.testing.assert_allclose(weights, fiji(objects, size), rtol=1e-5, atol=1e-5 * 50)


def test_the_fiji_formula_leaves_out_what_is_not_annotated():
    scribbles = np.zeros((1, 20, 20), np.uint8)
    scribbles[0, 4, 5:9], scribbles[0, 8, 5:9], scribbles[0, 6] = 2, 3, 1
    target = to_target(scribbles, AnnotationKind.SCRIBBLES)
    weights = weight_map(target, WeightMapConfig(formula="fiji"))
    np.testing.assert_array_equal(weights > 0, scribbles > 0)
    assert (weights[scribbles > 1] == 1).all()


# -------------------------------------------------------------------------- memory


@pytest.mark.parametrize("shape", [(256, 256), (32, 48, 64)])
def test_memory_does_not_depend_on_the_number_of_objects(shape):
    peaks = []
    for step in (32, 4):
        objects = np.zeros(shape, np.int32)
        centres = objects[tuple(slice(2, None, step) for _ in shape)]
        centres[...] = np.arange(1, centres.size + 1).reshape(centres.shape)
        tracemalloc.start()
        background_gain(objects, objects == 0, WeightMapConfig(), (1.0,) * len(shape))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


# ------------------------------------------------------------------------- balance


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    present=st.sets(st.integers(0, 4), min_size=1),
    ignored=st.floats(0, 0.9),
)
def test_the_balance_has_mean_1_and_gives_every_class_the_same_weight(
    seed, present, ignored
):
    rng = np.random.default_rng(seed)
    classes = rng.choice(sorted(present), (2, 15, 15), p=None).astype(np.uint8)
    classes[rng.random(classes.shape) < ignored] = IGNORE
    target = Target(classes, np.zeros(classes.shape, np.int32), 5)
    weights = weight_map(target, FLAT)
    assert weights[target.annotated].mean(dtype=float) == pytest.approx(1, rel=1e-5)
    totals = [weights[classes == n].sum(dtype=float) for n in range(5)]
    wanted = [t for n, t in enumerate(totals) if (classes == n).any()]
    np.testing.assert_allclose(wanted, wanted[0], rtol=1e-4)


def test_without_balance_every_annotated_pixel_weighs_1():
    classes = np.array([[[0, 1, 1, IGNORE]]], np.uint8)
    target = Target(classes, np.zeros((1, 1, 4), np.int32), 2)
    weights = weight_map(target, WeightMapConfig(w0=0, **PLAIN))
    np.testing.assert_array_equal(weights, [[[1, 1, 1, 0]]])


def test_a_balance_from_elsewhere_is_used_as_given():
    target = Target(np.array([[[0, 1]]], np.uint8), np.zeros((1, 1, 2), np.int32), 2)
    weights = weight_map(target, FLAT, balance=np.array([0.25, 4.0]))
    np.testing.assert_array_equal(weights, [[[0.25, 4]]])


@pytest.mark.parametrize("ndim", [2, 3])
def test_ignored_pixels_weigh_nothing_even_between_objects(ndim):
    scribbles = np.zeros((2, 20, 20), np.uint8)
    scribbles[0, 5, 5:9], scribbles[0, 9, 5:9], scribbles[0, 7] = 2, 2, 1
    target = to_target(scribbles, AnnotationKind.SCRIBBLES, ndim=ndim)
    weights = weight_map(target, WeightMapConfig(w0=10, **PLAIN), ndim=ndim)
    np.testing.assert_array_equal(weights > 0, scribbles > 0)
    assert weights[0, 7, 6] > weights[0, 7, 19]


def test_a_target_without_annotations_weighs_nothing():
    target = Target(
        np.full((2, 5, 5), IGNORE, np.uint8), np.zeros((2, 5, 5), np.int32), 2
    )
    assert not weight_map(target).any()


# ----------------------------------------------------------------------- real data


@pytest.mark.real_data
def test_the_map_of_real_cells_equals_the_formula(real_data):
    labels = tifffile.imread(real_data / "isbi2012-train-labels.tif", key=0)
    target = to_target(labels[None, :160, :160], AnnotationKind.CLASSES)
    config = WeightMapConfig(w0=10, sigma=5, balance=True)
    border = weight_map(target, config) - weight_map(target, FLAT)
    expected = brute_force(target.objects[0], config, (1, 1))
    np.testing.assert_allclose(border[0], expected, rtol=0, atol=1e-5 * config.w0)
    assert expected.max() > 4


@pytest.mark.real_data
@pytest.mark.parametrize("formula", ["paper", "fiji"])
def test_the_map_of_a_volume_of_neurons_equals_the_formula(real_data, formula):
    bodies = tifffile.imread(real_data / "medulla-bodies.tif")[60:72, -96:, -96:]
    target = to_target(bodies, AnnotationKind.OBJECTS, ndim=3)
    config = WeightMapConfig(formula=formula, w0=10, sigma=5)
    if formula == "fiji":
        expected, height = fiji(target.objects, (1, 1, 1)), 50
    else:
        expected, height = 1 + brute_force(target.objects, config, (1, 1, 1)), 10
    weights = weight_map(target, config, ndim=3)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-5 * height)
    assert len(np.unique(target.objects)) > 15
