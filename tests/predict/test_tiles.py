"""Tiles cover every pixel exactly once and fit the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.model.unet import output_size, reach
from napari_unet.predict.tiles import plan_axis, plan_tiles

NETWORKS = st.builds(
    UNetConfig,
    ndim=st.sampled_from([2, 3]),
    depth=st.integers(1, 5),
    padding=st.sampled_from(["same", "valid"]),
)
CONFIGS = st.builds(
    PredictConfig, tile_size=st.integers(16, 400), tile_slices=st.integers(1, 64)
)
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 300), st.integers(1, 300))


@settings(max_examples=80, deadline=None)
@given(network=NETWORKS, config=CONFIGS, shape=SHAPES)
def test_tiles_cover_every_pixel_exactly_once(network, config, shape):
    covered = np.zeros(shape, np.int16)
    for tile in plan_tiles(shape, network, config):
        covered[tile.core] += 1
    np.testing.assert_array_equal(covered, 1)


@settings(max_examples=80, deadline=None)
@given(network=NETWORKS, config=CONFIGS, shape=SHAPES)
def test_what_a_tile_keeps_is_its_core_and_its_sides_pass_the_network(
    network, config, shape
):
    for tile in plan_tiles(shape, network, config)[:50]:
        for axis, span in enumerate(tile.spans):
            if axis == 0 and network.ndim == 2:
                assert (span.size, span.keep) == (1, slice(0, 1))
                continue
            answered = output_size(network, span.size)
            assert 0 <= span.keep.start < span.keep.stop <= answered
            margin = (span.size - answered) // 2
            assert span.start + margin + span.keep.start == span.core.start
            assert span.start + margin + span.keep.stop == span.core.stop


@settings(max_examples=80, deadline=None)
@given(network=NETWORKS, length=st.integers(1, 2000), tile=st.integers(1, 500))
def test_tiles_see_their_surroundings_and_start_on_the_pooling_grid(
    network, length, tile
):
    grid = 2**network.depth
    spans = plan_axis(length, tile, network)
    for span in spans:
        assert (span.start - spans[0].start) % grid == 0
        seen = span.start, span.start + span.size
        if network.padding == "same":
            # What lies beyond the image is only padding up to the grid.
            assert seen[0] >= 0
            assert seen[1] < length + grid
            assert seen[0] <= max(0, span.core.start - reach(network))
            assert seen[1] >= min(length, span.core.stop + reach(network))
        else:
            assert seen[0] <= span.core.start - reach(network) + grid
            assert seen[1] >= span.core.stop + reach(network) - grid


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_tile_as_large_as_the_image_is_the_only_one(padding):
    network = UNetConfig(padding=padding)
    assert len(plan_axis(500, 500, network)) == 1
    assert len(plan_axis(500, 4096, network)) == 1


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("tile", [64, 100, 256])
def test_tiles_are_about_as_large_as_asked(padding, tile):
    spans = plan_axis(4000, tile, UNetConfig(padding=padding))
    assert all(tile - 16 <= span.core.stop - span.core.start for span in spans[:-1])
    assert all(span.core.stop - span.core.start <= tile + 16 for span in spans)


def test_networks_of_two_dimensions_get_single_slices():
    tiles = plan_tiles((3, 40, 40), UNetConfig(depth=2), PredictConfig())
    assert [tile.core[0] for tile in tiles] == [slice(z, z + 1) for z in range(3)]
    assert {tile.sizes for tile in tiles} == {(1, 40, 40)}
