"""Foreground from seeds, against cuts that are known."""

from __future__ import annotations

from itertools import product

import numpy as np

from napari_unet.baselines import seeds as rules
from napari_unet.baselines import segment_stack
from napari_unet.baselines.planes import neighbours
from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import IGNORE


def test_a_graph_cut_is_the_cheapest_of_all_cuts():
    rng = np.random.default_rng(4)
    even, odds = rng.random((3, 3)), rng.normal(0, 0.4, (3, 3))
    seeds = np.full((3, 3), -1, np.int8)
    seeds[0, 0], seeds[2, 2] = 1, 0
    found = rules.GraphCut(BaselineConfig())._cut(even, odds, seeds)
    before, after = neighbours(even.shape)
    parting = rules._alike(even.ravel()[before] - even.ravel()[after])

    def cost(cut: np.ndarray) -> float:
        free = (seeds < 0).ravel()
        wrong = np.where(cut, -odds.ravel(), odds.ravel())[free]
        return wrong[wrong > 0].sum() + parting[cut[before] != cut[after]].sum()

    cuts = [np.array((True, *cut, False)) for cut in product((False, True), repeat=7)]
    assert 0 < found.sum() < 9
    np.testing.assert_array_equal(found.ravel(), min(cuts, key=cost))


def test_a_random_walk_meets_the_nearer_seed_where_nothing_parts_them():
    even = np.full((5, 21), 0.5, np.float32)
    even[0, 0] = 0.51  # no image has but one grey value
    seeds = np.full(even.shape, -1, np.int8)
    seeds[:, 0], seeds[:, -1] = 1, 0
    found = rules.RandomWalker(BaselineConfig())._cut(even, 0 * even, seeds)
    assert found[:, :10].all()
    assert not found[:, 11:].any()


def test_seeds_of_a_slice_count_more_than_its_grey_values():
    image = np.zeros((1, 24, 24), np.float32)
    image[0, 4:20, 4:10] = image[0, 4:20, 14:20] = 1
    classes = np.full(image.shape, IGNORE, np.uint8)
    classes[0, 10:14, 6:8], classes[0, 0], classes[0, 8:16, 16:18] = 1, 0, 0
    fine = BaselineConfig(scale=0.5)
    found = {
        name: segment_stack(name, image, classes, config=fine)[0]
        for name in ("random-walker", "graph-cut")
    }
    for mask in found.values():
        np.testing.assert_array_equal(mask[classes[0] == 1], 1)
        np.testing.assert_array_equal(mask[classes[0] == 0], 0)
    # Both bars are alike, and only the left one holds seeds of the foreground.
    assert found["random-walker"][5:19, 5:9].all()
    assert not found["random-walker"][5:19, 15:19].any()
