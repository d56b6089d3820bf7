"""Sizes, grid and reach on paper are those of real networks, axis by axis."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError
from napari_unet.model.geometry import (
    choose_flat_levels,
    grid,
    input_size,
    output_size,
    reach,
    receptive_field,
    valid_size,
)
from napari_unet.model.networks.unet import UNet


def on_paper(config):
    """Return a network without numbers, to be counted and measured for nothing."""
    with torch.device("meta"):
        return UNet(config)


def tiny(**settings):
    return UNetConfig(**{"base_channels": 2, "norm": "none", "depth": 1, **settings})


def side_after(network, side, axis=-1):
    """Side of what the network really answers; 0 where it cannot."""
    config = network.config
    axes = range(-config.ndim, 0)
    shape = [side if a == axis else valid_size(config, 1, a) for a in axes]
    image = torch.empty(1, config.in_channels, *shape, device="meta")
    try:
        return network(image).shape[axis]
    except RuntimeError:
        return 0


def along(config, function, *columns):
    """Ask something of every axis, with the values that belong to it."""
    axes = range(-config.ndim, 0)
    rows = zip(*columns, axes, strict=True)
    return [function(config, *row) for row in rows]


# ------------------------------------------------------------------- sizes on paper


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
@pytest.mark.parametrize(
    "shape", [{"depth": 1}, {"depth": 4}, {"depth": 2, "ndim": 3, "flat_levels": 1}]
)
def test_sizes_on_paper_are_the_sizes_of_real_answers(padding, upsampling, shape):
    config = tiny(padding=padding, upsampling=upsampling, base_channels=1, **shape)
    network = on_paper(config)
    for axis in {-config.ndim, -1}:
        sides = range(1, 20 * grid(config, axis))[-32:]
        passing = [side for side in sides if valid_size(config, side, axis) == side]
        assert len(passing) >= 2
        for side in passing:
            assert output_size(config, side, axis) == side_after(network, side, axis)
        for side in range(sides[0], passing[-1]):
            larger = next(one for one in passing if one >= side)
            assert valid_size(config, side, axis) == larger


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_side_that_does_not_fit_is_told_the_next_that_does(padding):
    # torch itself would pool an odd side by dropping its last row, without a word.
    config = tiny(padding=padding, depth=4)
    with pytest.raises(InputError, match=r"571 pixels.* does is (572|576)\."):
        output_size(config, 571)
    with pytest.raises(InputError, match=r"An input of 27 slices"):
        output_size(tiny(padding=padding, depth=3, ndim=3), 27, axis=-3)


def test_sides_too_small_for_a_valid_network_do_not_fit():
    network = on_paper(tiny(padding="valid", depth=2))
    smallest = valid_size(network.config, 1)
    assert output_size(network.config, smallest) > 0
    assert all(not side_after(network, side) for side in range(1, smallest))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("depth", [1, 2, 4, 7])
def test_the_input_size_is_the_smallest_that_answers_enough(padding, depth):
    config = tiny(padding=padding, depth=depth)
    for wanted in (1, 2, 15, 16, 17, 100, 388):
        side = input_size(config, wanted)
        assert output_size(config, side) >= wanted
        for smaller in range(max(1, side - 2**depth), side):
            fits = valid_size(config, smaller) == smaller
            assert not fits or output_size(config, smaller) < wanted


@pytest.mark.parametrize(
    ("flat", "expected"), [(None, 8), (0, 8), (1, 4), (3, 1), (7, 1)]
)
def test_flat_levels_leave_z_alone_and_the_plane_as_it_is(flat, expected):
    config = tiny(ndim=3, depth=3, flat_levels=flat)
    assert [grid(config, axis) for axis in (-3, -2, -1)] == [expected, 8, 8]
    shape = (1, 1, expected, 16, 8)
    assert on_paper(config)(torch.empty(shape, device="meta")).shape[2:] == shape[2:]


@pytest.mark.parametrize(
    ("pixel_size", "flat"),
    [
        ((1, 1, 1), 0),
        ((4, 8, 8), 0),
        ((1.4, 1, 1), 0),
        ((1.5, 1, 1), 1),
        ((30, 10, 10), 2),
        ((50, 4, 4), 4),
        ((1000, 1, 1), 4),
    ],
)
def test_slices_are_left_alone_until_voxels_are_about_cubic(pixel_size, flat):
    assert choose_flat_levels(pixel_size, depth=4) == flat


# ----------------------------------------------------------------- receptive field


def transparent(config):
    """A network in which every input that can have a say has one."""
    network, average = UNet(config).double(), nn.AvgPool2d
    if config.ndim == 3:
        average = nn.AvgPool3d
    network.pool = nn.ModuleList(average(pool.kernel_size) for pool in network.pool)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1 if parameter.ndim > 1 else 0)
    return network


def seen_by(image, answer, pixel):
    """First and last input along every axis behind one output, by its gradient."""
    (grad,) = torch.autograd.grad(answer[(0, 0, *pixel)], image, retain_graph=True)
    places = grad[0, 0].nonzero()
    low, high = places.amin(dim=0), places.amax(dim=0)
    # What is seen is a box without holes: nothing is missed between its ends.
    assert len(places) == (high - low + 1).prod()
    return low.tolist(), high.tolist()


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
@pytest.mark.parametrize(
    "shape",
    [
        {"depth": 1},
        {"depth": 3},
        {"depth": 2, "ndim": 3, "flat_levels": 1},
        {"depth": 1, "ndim": 3},
    ],
)
def test_receptive_field_and_reach_are_what_gradients_show(padding, upsampling, shape):
    config = tiny(padding=padding, upsampling=upsampling, base_channels=1, **shape)
    fields, grids = along(config, receptive_field), along(config, grid)
    sides = along(config, valid_size, [3 * field // 2 for field in fields])
    image = torch.ones(1, 1, *sides, dtype=torch.float64, requires_grad=True)
    answer = transparent(config)(image)
    outs = answer.shape[2:]
    margins = [(side - out) // 2 for side, out in zip(sides, outs, strict=True)]
    firsts = [out // 2 // step * step for out, step in zip(outs, grids, strict=True)]
    widest, farthest = [0] * config.ndim, [0] * config.ndim
    for step in range(max(grids)):
        pixel = [first + step % n for first, n in zip(firsts, grids, strict=True)]
        lows, highs = seen_by(image, answer, pixel)
        for axis, (low, high) in enumerate(zip(lows, highs, strict=True)):
            assert 0 < low <= high < sides[axis] - 1
            widest[axis] = max(widest[axis], high - low + 1)
            here = pixel[axis] + margins[axis]
            farthest[axis] = max(farthest[axis], here - low, high - here)
    assert widest == fields
    assert farthest == along(config, reach)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
@pytest.mark.parametrize(
    "shape", [{"depth": 2}, {"depth": 2, "ndim": 3, "flat_levels": 1}]
)
def test_a_part_of_the_image_is_answered_as_in_the_whole(padding, upsampling, shape):
    torch.manual_seed(0)
    config = tiny(padding=padding, upsampling=upsampling, **shape)
    network, grids = UNet(config).double(), along(config, grid)
    far = along(config, reach) if padding == "same" else [0] * config.ndim
    wanted = [2 * pixels + 2 * step for pixels, step in zip(far, grids, strict=True)]
    sides = along(config, valid_size, wanted)
    whole = [side + 2 * step for side, step in zip(sides, grids, strict=True)]
    image = torch.randn(1, 1, *whole, dtype=torch.float64)
    parts = [slice(n, n + side) for n, side in zip(grids, sides, strict=True)]
    with torch.no_grad():
        expected, cropped = network(image), network(image[(..., *parts)])
    outs = zip(far, cropped.shape[2:], strict=True)
    inner = [slice(pixels, out - pixels) for pixels, out in outs]
    same = [
        slice(n + one.start, n + one.stop) for n, one in zip(grids, inner, strict=True)
    ]
    assert cropped[(..., *inner)].numel() > 0
    torch.testing.assert_close(
        cropped[(..., *inner)], expected[(..., *same)], rtol=1e-10, atol=1e-10
    )
