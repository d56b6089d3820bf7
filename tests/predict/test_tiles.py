"""Tiles cover every pixel exactly once and fit the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.model.footprint import footprint_of, side_of
from napari_unet.model.geometry import grid as pooling_grid
from napari_unet.model.geometry import output_size, reach
from napari_unet.predict.tiles import from_middle, plan_axis, plan_tiles

NETWORKS = st.builds(
    UNetConfig,
    ndim=st.sampled_from([2, 3]),
    depth=st.integers(1, 5),
    padding=st.sampled_from(["same", "valid"]),
    flat_levels=st.sampled_from([None, 1, 3]),
    upsampling=st.sampled_from(["transposed", "linear"]),
)
CONFIGS = st.builds(
    PredictConfig, tile_size=st.integers(16, 400), tile_slices=st.integers(1, 64)
)
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 300), st.integers(1, 300))


@settings(max_examples=80, deadline=None)
@given(network=NETWORKS, config=CONFIGS, shape=SHAPES)
def test_tiles_cover_every_pixel_exactly_once(network, config, shape):
    covered = np.zeros(shape, np.int16)
    for tile in plan_tiles(shape, footprint_of(network), config):
        covered[tile.core] += 1
    np.testing.assert_array_equal(covered, 1)


def test_from_the_middle_the_nearest_tiles_come_first():
    network = footprint_of(UNetConfig())
    tiles = plan_tiles((1, 480, 800), network, PredictConfig(tile_size=160))
    box = [slice(0, 1), slice(0, 480), slice(0, 800)]
    ordered = from_middle(tiles, box)
    assert len(ordered) == len(tiles) > 4
    assert sorted(map(str, ordered)) == sorted(map(str, tiles))
    _, rows, columns = ordered[0].core
    assert rows.start <= 240 <= rows.stop
    assert columns.start <= 400 <= columns.stop
    _, rows, columns = ordered[-1].core
    assert 0 in (rows.start, columns.start) or (rows.stop, columns.stop) == (480, 800)


@settings(max_examples=80, deadline=None)
@given(network=NETWORKS, config=CONFIGS, shape=SHAPES)
def test_what_a_tile_keeps_is_its_core_and_its_sides_pass_the_network(
    network, config, shape
):
    for tile in plan_tiles(shape, footprint_of(network), config)[:50]:
        for axis, span in enumerate(tile.spans):
            if axis == 0 and network.ndim == 2:
                assert (span.size, span.keep) == (1, slice(0, 1))
                continue
            answered = output_size(network, span.size, axis - 3)
            assert 0 <= span.keep.start < span.keep.stop <= answered
            margin = (span.size - answered) // 2
            assert span.start + margin + span.keep.start == span.core.start
            assert span.start + margin + span.keep.stop == span.core.stop


@settings(max_examples=80, deadline=None)
@given(
    network=NETWORKS,
    length=st.integers(1, 2000),
    tile=st.integers(1, 500),
    axis=st.sampled_from([-3, -1]),
)
def test_tiles_see_their_surroundings_and_start_on_the_pooling_grid(
    network, length, tile, axis
):
    grid, far = pooling_grid(network, axis), reach(network, axis)
    spans = plan_axis(length, tile, side_of(network, axis))
    for span in spans:
        assert (span.start - spans[0].start) % grid == 0
        seen = span.start, span.start + span.size
        if network.padding == "same":
            # What lies beyond the image is only padding up to the grid.
            assert seen[0] >= 0
            assert seen[1] < length + grid
            assert seen[0] <= max(0, span.core.start - far)
            assert seen[1] >= min(length, span.core.stop + far)
        else:
            assert seen[0] <= span.core.start - far + grid
            assert seen[1] >= span.core.stop + far - grid


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_tile_as_large_as_the_image_is_the_only_one(padding):
    network = UNetConfig(padding=padding)
    assert len(plan_axis(500, 500, side_of(network))) == 1
    assert len(plan_axis(500, 4096, side_of(network))) == 1


@pytest.mark.parametrize("tile", [64, 100, 256])
def test_tiles_are_about_as_large_as_asked_where_they_have_neighbours(tile):
    network = UNetConfig()
    halo = -(-reach(network) // 16) * 16
    spans = plan_axis(4000, tile, side_of(network))
    sides = [span.core.stop - span.core.start for span in spans[1:-1]]
    assert max(sides) <= tile
    assert np.median(sides) > 0.7 * tile
    # At the border of the image a tile is shown nothing beyond, but more of it.
    assert len({span.size for span in spans}) == 1
    assert spans[0].size <= tile + 2 * halo


@pytest.mark.parametrize("tile", [64, 100, 256])
def test_valid_tiles_are_no_smaller_than_asked_and_all_alike(tile):
    spans = plan_axis(4000, tile, side_of(UNetConfig(padding="valid")))
    assert len({span.size for span in spans}) == 1
    for span in spans[:-1]:
        assert tile - 16 <= span.core.stop - span.core.start <= tile + 16


@settings(max_examples=80, deadline=None)
@given(network=NETWORKS, length=st.integers(1, 3000), tile=st.integers(16, 500))
def test_a_tile_that_is_cut_covers_its_core_once_and_is_shown_no_more(
    network, length, tile
):
    for span in plan_axis(length, 2 * tile, side_of(network))[:5]:
        covered = np.zeros(length, np.int16)
        for part in plan_axis(length, tile, side_of(network), part=span.core):
            covered[part.core] += 1
            assert part.size <= span.size
            assert part.start % 2**network.depth == span.start % 2**network.depth
        expected = np.zeros(length, np.int16)
        expected[span.core] = 1
        np.testing.assert_array_equal(covered, expected)


def test_networks_of_two_dimensions_get_single_slices():
    tiles = plan_tiles((3, 40, 40), footprint_of(UNetConfig(depth=2)), PredictConfig())
    assert [tile.core[0] for tile in tiles] == [slice(z, z + 1) for z in range(3)]
    assert {tile.sizes for tile in tiles} == {(1, 40, 40)}


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_part_without_a_pixel_has_no_tiles(padding: str) -> None:
    network = footprint_of(UNetConfig(depth=2, padding=padding))
    below = [slice(0, 1), slice(40, 40), slice(0, 40)]
    assert plan_tiles((1, 40, 40), network, PredictConfig(), below) == []
