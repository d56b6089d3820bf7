"""A map that follows strokes equals the one made anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config import AnnotationKind, Coverage, WeightMapConfig
from napari_unet.data.annotation import to_target
from napari_unet.data.weight_map import weight_map
from napari_unet.errors import InputError
from napari_unet.live.live_weight_map import LiveWeightMap

SHAPE = (70, 90)
CONFIGS = [
    WeightMapConfig(w0=10, sigma=1.5, balance=False),
    WeightMapConfig(w0=10, sigma=3, balance=True),
    WeightMapConfig(w0=0, balance=True),
    WeightMapConfig(formula="fiji"),
]


def anew(labels, kind, config):
    return weight_map(to_target(labels[None], kind), config)[0]


def slice_of_blobs(rng, values):
    labels = np.zeros(SHAPE, np.uint8)
    for _ in range(30):
        stroke(rng, labels, values)
    labels[0, :2] = 1, 2
    return labels


def stroke(rng, labels, values):
    """Paint or erase a short line with a square brush; return its box."""
    y, x = (int(rng.integers(0, side)) for side in SHAPE)
    height, width = rng.choice([1, 2, 5, 12], 2)
    box = slice(y, y + height), slice(x, x + width)
    labels[box] = rng.choice(values)
    return box


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(list(AnnotationKind)),
    config=st.sampled_from(CONFIGS),
    with_box=st.booleans(),
)
def test_after_every_stroke_the_map_equals_the_one_made_anew(
    seed, kind, config, with_box
):
    rng = np.random.default_rng(seed)
    values = [0, 0, 1, 2, 3] if kind is not AnnotationKind.OBJECTS else range(9)
    labels = slice_of_blobs(rng, values)
    live = LiveWeightMap(labels, kind, config)
    for _ in range(8):
        shown = live.values.copy()
        box = stroke(rng, labels, values)
        made = live.update(labels, box if with_box else None)
        np.testing.assert_allclose(
            live.values, anew(labels, kind, config), rtol=1e-5, atol=1e-5 * 50
        )
        for part in made:
            shown[part] = live.values[part]
        np.testing.assert_array_equal(shown, live.values, "changed where not told")


def two_bars(gap=4):
    labels = np.zeros((200, 200), np.uint8)
    labels[20:180, 100 - gap : 100], labels[20:180, 104 : 104 + gap] = 1, 1
    return labels


def test_a_bridge_takes_the_line_away_along_the_whole_of_both_objects():
    labels, config = two_bars(), WeightMapConfig(w0=10, sigma=3)
    live = LiveWeightMap(labels, AnnotationKind.CLASSES, config)
    assert live.values[170, 102] > 3
    labels[25, 100:104] = 1
    live.update(labels)
    assert live.values[170, 102] == 1, "one object has no line"
    labels[25, 101] = 0
    live.update(labels)
    np.testing.assert_allclose(
        live.values, anew(labels, AnnotationKind.CLASSES, config), atol=1e-4
    )


def test_a_dot_changes_its_neighbourhood_only():
    rng = np.random.default_rng(0)
    labels = np.kron(rng.random((30, 30)) < 0.3, np.ones((20, 20))).astype(np.uint8)
    live = LiveWeightMap(labels, AnnotationKind.CLASSES, WeightMapConfig(sigma=5))
    y, x = np.argwhere(labels == 0)[300]
    labels[y, x] = 1
    area = sum(
        (rows.stop - rows.start) * (columns.stop - columns.start)
        for rows, columns in live.update(labels)
    )
    assert 0 < area < labels.size / 10


def test_nothing_painted_makes_nothing_anew():
    labels = two_bars()
    live = LiveWeightMap(labels, AnnotationKind.CLASSES)
    assert live.update(labels) == []


@pytest.mark.parametrize("kind", list(AnnotationKind))
def test_an_emptied_slice_is_said(kind):
    labels = two_bars()
    live = LiveWeightMap(labels, kind)
    with pytest.raises(InputError, match="no labels"):
        live.update(np.zeros_like(labels))


def test_a_value_that_changes_how_others_are_read_counts_everywhere():
    labels = two_bars() * 2  # one value: read as class 1 until there is another
    config = WeightMapConfig(balance=True)
    live = LiveWeightMap(labels, AnnotationKind.CLASSES, config)
    labels[5:9, 5:9] = 3
    live.update(labels)
    np.testing.assert_allclose(
        live.values, anew(labels, AnnotationKind.CLASSES, config), rtol=1e-5
    )


@pytest.mark.parametrize("kind", [AnnotationKind.CLASSES, AnnotationKind.SCRIBBLES])
def test_a_value_that_does_not_fit_the_kind_is_said(kind):
    labels = two_bars().astype(np.uint16)
    live = LiveWeightMap(labels, kind)
    labels[3, 3] = 300
    with pytest.raises(InputError, match="300"):
        live.update(labels)


def test_ids_of_64_bits_stay_apart():
    labels = two_bars().astype(np.int64) * 2**40
    labels[:, 102:] *= 3
    config = WeightMapConfig(w0=10, sigma=3)
    live = LiveWeightMap(labels, AnnotationKind.OBJECTS, config)
    labels[50:60, 150:160] = 7
    live.update(labels)
    np.testing.assert_allclose(
        live.values, anew(labels, AnnotationKind.OBJECTS, config), atol=1e-4
    )


def test_labels_that_no_longer_fit_into_their_type_are_taken_whole():
    labels = slice_of_blobs(np.random.default_rng(0), range(9))
    live = LiveWeightMap(labels, AnnotationKind.OBJECTS, CONFIGS[0])
    wider = labels.astype(np.uint16)
    wider[20:30, 20:30], wider[20:30, 30:40] = 256, 512
    live.update(wider)
    expected = anew(wider, AnnotationKind.OBJECTS, CONFIGS[0])
    np.testing.assert_allclose(live.values, expected, atol=1e-5)


@pytest.mark.parametrize("kind", list(AnnotationKind))
@pytest.mark.parametrize("ignore", [255, -1])
def test_what_is_ignored_weighs_nothing_while_it_is_painted(kind, ignore):
    rng, config = np.random.default_rng(1), CONFIGS[1]
    labels = slice_of_blobs(rng, [0, 1, 2]).astype(np.int16)
    coverage = Coverage(ignore=ignore)
    live = LiveWeightMap(labels, kind, config, coverage=coverage)
    for _ in range(20):
        live.update(labels, stroke(rng, labels, [0, 1, 2, ignore, ignore]))
        target = to_target(labels[None], kind, coverage=coverage)
        np.testing.assert_array_equal(live.classes, target.classes[0])
        expected = weight_map(target, config)[0]
        np.testing.assert_allclose(live.values, expected, rtol=1e-5, atol=5e-4)
        assert not live.values[labels == ignore].any()


@pytest.mark.parametrize("kind", list(AnnotationKind))
def test_a_complete_slice_is_background_until_it_is_painted(kind):
    labels, config = np.zeros(SHAPE, np.uint8), CONFIGS[1]
    coverage = Coverage(ignore="none", complete="all")
    live = LiveWeightMap(labels, kind, config, coverage=coverage)
    assert (live.classes == 0).all()
    for value in (2, 0):
        labels[5:9, 5:9] = value
        live.update(labels)
        target = to_target(labels[None], kind, coverage=coverage)
        np.testing.assert_array_equal(live.classes, target.classes[0])
        np.testing.assert_allclose(live.values, weight_map(target, config)[0])
