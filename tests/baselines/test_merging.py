"""Regions that grow, are split and merged, on slices whose regions are known."""

from __future__ import annotations

import tracemalloc

import numpy as np

from napari_unet.baselines.merging import merge, quadtree


def test_a_square_is_quartered_only_where_it_is_uneven():
    plane = np.zeros((8, 8), np.float32)
    plane[0, 7] = 1
    squares = quadtree(plane, 0.5)
    sizes = np.bincount(squares.ravel())[1:]
    # Three quarters, three quarters of the fourth, and the pixels of what is left.
    assert sorted(sizes) == [1] * 4 + [4] * 3 + [16] * 3
    for square in range(1, squares.max() + 1):
        assert np.ptp(plane[squares == square]) <= 0.5


def test_a_slice_of_any_shape_is_covered_by_squares():
    plane = np.random.default_rng(0).random((5, 11)).astype(np.float32)
    squares = quadtree(plane, 0.0)
    assert squares.shape == plane.shape
    assert len(np.unique(squares)) == plane.size
    assert (quadtree(plane, 1.0) == 1).all()


def test_a_long_slice_takes_no_more_memory_than_a_square_one():
    peaks = []
    for shape in ((8, 2048), (128, 128)):
        plane = np.random.default_rng(0).random(shape).astype(np.float32)
        tracemalloc.start()
        squares = quadtree(plane, 0.25)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert squares.shape == shape
    assert peaks[0] < 2 * peaks[1]


def test_neighbours_merge_until_all_are_unlike():
    greys = np.array([[0.0, 0.02, 0.5, 0.52, 0.54, 0.9, 0.01]], np.float32)
    regions = np.arange(1, 8)[None]
    merged = merge(greys, regions, 0.1)[0]
    assert len(np.unique(merged)) == 4
    assert merged[0] == merged[1]
    assert merged[2] == merged[3] == merged[4]
    # As dark as the first ones, but no neighbour of them.
    assert merged[6] != merged[0]


def test_the_most_alike_merge_first():
    # The middle one is nearer to the right; the mean of both is too far from the left.
    greys = np.array([[0.0, 0.09, 0.15]], np.float32)
    assert merge(greys, np.array([[1, 2, 3]]), 0.1)[0].tolist() == [1, 2, 2]
