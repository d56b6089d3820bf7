"""Boxes are ranked by what is not annotated yet, and lie apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_unet.errors import InputError
from napari_unet.predict.suggest import suggest

SHAPE = (3, 20, 23)


def noise(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).random(shape)


def nothing(shape=SHAPE):
    return np.zeros(shape, bool)


def mean_outside(unsure, annotated, z, box):
    return np.where(annotated, 0, unsure)[(z, *box)].mean()


def best_by_hand(unsure, annotated, side):
    """Try every place in every slice, as the docstring says."""
    found = {}
    depth, height, width = unsure.shape
    for z, y, x in itertools.product(
        range(depth), range(height - side + 1), range(width - side + 1)
    ):
        box = (slice(y, y + side), slice(x, x + side))
        if annotated[(z, *box)].mean() <= 0.1:
            found[z, y, x] = mean_outside(unsure, annotated, z, box)
    return max(found.items(), key=lambda one: one[1])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("side", [1, 3, 7])
def test_the_first_box_is_the_best_of_all(seed, side):
    unsure = noise(seed=seed)
    annotated = noise(seed=100 + seed) < 0.05
    (best,) = suggest(unsure, annotated, box=side, count=1)
    place, score = best_by_hand(unsure, annotated, side)
    assert (best.z, best.box[0].start, best.box[1].start) == place
    assert best.score == pytest.approx(score)


def test_scores_are_the_means_over_the_boxes():
    unsure, annotated = noise(), noise(seed=1) < 0.05
    for one in suggest(unsure, annotated, box=6, count=6):
        wanted = mean_outside(unsure, annotated, one.z, one.box)
        assert one.score == pytest.approx(wanted)


def test_a_peak_is_found_where_it_lies():
    unsure = np.zeros((4, 128, 128))
    unsure[2, 40:72, 88:120] = 1
    (best, *_) = suggest(unsure, nothing(unsure.shape), box=32, count=1)
    assert (best.z, best.box) == (2, (slice(40, 72), slice(88, 120)))
    assert best.score == pytest.approx(1)


def test_what_is_annotated_is_not_suggested_again():
    unsure, annotated = noise((2, 64, 64)), nothing((2, 64, 64))
    annotated[:, :, 20:] = True
    for one in suggest(unsure, annotated, box=16, count=9):
        assert annotated[(one.z, *one.box)].mean() <= 0.1
    annotated[:] = True
    assert suggest(unsure, annotated, box=16) == []


def test_boxes_of_a_slice_hardly_overlap():
    unsure = np.zeros((1, 100, 100))
    unsure[0, 30:60, 30:60] = 1 + noise((30, 30))
    found = suggest(unsure, nothing(unsure.shape), box=20, count=9)
    assert len(found) > 2
    for one, other in itertools.combinations(found, 2):
        both = np.zeros((100, 100), int)
        both[one.box] += 1
        both[other.box] += 1
        assert (both == 2).sum() <= 0.1 * 20**2


def test_boxes_spread_over_the_slices():
    unsure = np.ones((4, 64, 64)) * np.array([8, 4, 2, 1])[:, None, None]
    unsure = unsure + 0.1 * noise(unsure.shape)
    found = suggest(unsure, nothing(unsure.shape), box=16, count=8)
    assert sorted(one.z for one in found) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_same_place_of_the_next_slice_is_worth_less():
    unsure = np.zeros((2, 64, 64))
    unsure[0, :16, :16], unsure[1, :16, :16] = 1, 0.9
    unsure[1, 40:56, 40:56] = 0.8
    first, second = suggest(unsure, nothing(unsure.shape), box=16, count=2)
    assert (first.z, first.box[0].start) == (0, 0)
    assert (second.z, second.box[0].start) == (1, 40)
    assert second.score == pytest.approx(0.8)


def test_slices_that_were_not_looked_at_are_left_out():
    unsure = np.zeros((5, 60, 60))
    unsure[3] = noise((60, 60))
    found = suggest(unsure, nothing(unsure.shape), box=16, count=4)
    assert len(found) == 4
    assert {one.z for one in found} == {3}


def test_an_image_smaller_than_the_box_is_one_box():
    unsure = noise((2, 12, 40))
    for one in suggest(unsure, nothing(unsure.shape), box=64, count=5):
        assert one.box == (slice(0, 12), slice(0, 40))


def test_a_network_that_is_sure_needs_no_box():
    assert suggest(np.zeros(SHAPE), nothing()) == []


def test_drawn_boxes_come_in_proportion_to_their_square():
    unsure = np.zeros((1, 8, 48))
    unsure[0, :, :8], unsure[0, :, 20:28] = 0.4, 0.2
    rng = np.random.default_rng(0)
    drawn = [
        suggest(unsure, nothing(unsure.shape), box=8, count=1, rng=rng)[0].box[1].start
        for _ in range(2000)
    ]
    # Around both places lie as many boxes, of halved scores too.
    first = np.mean(np.array(drawn) < 8) / np.mean(np.array(drawn) >= 8)
    places = np.arange(48 - 8 + 1)
    squares = np.array([unsure[0, :, x : x + 8].mean() ** 2 for x in places])
    assert first == pytest.approx(squares[:8].sum() / squares[8:].sum(), rel=0.15)


def test_drawn_boxes_are_ranked_lie_apart_and_come_again():
    unsure, annotated = noise((4, 60, 60)), noise((4, 60, 60), seed=1) < 0.01

    def drawn(seed):
        rng = np.random.default_rng(seed)
        return suggest(unsure, annotated, box=16, count=8, rng=rng)

    found = drawn(0)
    assert found == drawn(0) != drawn(1)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert sorted(one.z for one in found) == [0, 0, 1, 1, 2, 2, 3, 3]
    for one, other in itertools.combinations(found, 2):
        both = np.zeros(unsure.shape, int)
        both[(one.z, *one.box)] += 1
        both[(other.z, *other.box)] += 1
        assert (both == 2).sum() <= 0.1 * 16**2


def test_drawn_boxes_are_never_annotated_ones_or_sure_ones():
    unsure, annotated = noise((1, 60, 60)), nothing((1, 60, 60))
    annotated[:, :, :40] = True
    for one in suggest(
        unsure, annotated, box=16, count=20, rng=np.random.default_rng(0)
    ):
        assert annotated[(one.z, *one.box)].mean() <= 0.1
    rng = np.random.default_rng(0)
    assert suggest(np.zeros(SHAPE), nothing(), rng=rng) == []


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((2, 20, 23), {}, "2 x 20 x 23"),
        (SHAPE, {"box": 0}, "1 or more"),
        (SHAPE, {"count": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_ranked_is_told(shape, options, words):
    with pytest.raises(InputError, match=words):
        suggest(noise(), nothing(shape), **options)
