"""Stacks give the engine its view of them, and slices to whoever asks for some."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.data.stack import Stack, parse_slices
from napari_unet.errors import InputError


def stack(shape, axes):
    size = (1.0,) * len(set(axes) & set("ZYX"))
    return Stack(np.zeros(shape, "u1"), axes, size, "pixel", "test")


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((20, 30), "YX", (1, 1, 20, 30)),
        ((5, 20, 30), "ZYX", (1, 5, 20, 30)),
        ((5, 20, 30), "TYX", (1, 5, 20, 30)),
        ((2, 20, 30), "CYX", (2, 1, 20, 30)),
        ((5, 2, 20, 30), "ZCYX", (2, 5, 20, 30)),
        ((20, 30, 3), "YXS", (3, 1, 20, 30)),
        ((5, 20, 30, 3), "ZYXS", (3, 5, 20, 30)),
    ],
)
def test_the_engine_gets_channels_slices_rows_columns(shape, axes, expected):
    given = stack(shape, axes)
    view = given.as_czyx()
    assert view.shape == expected
    assert np.shares_memory(view, given.data)
    assert (given.num_channels, given.num_slices) == expected[:2]


def test_time_points_of_slices_ask_for_a_choice():
    with pytest.raises(InputError, match="2 time points of 5 slices: choose one time"):
        stack((2, 5, 20, 30), "TZYX").as_czyx()


def test_colour_is_no_form_of_labels():
    assert stack((5, 20, 30), "TYX").as_zyx().shape == (5, 20, 30)
    with pytest.raises(
        InputError, match="export the labels as an image of one channel"
    ):
        stack((20, 30, 3), "YXS").as_zyx()


@pytest.mark.parametrize(
    ("shape", "axes", "sizes", "words"),
    [
        ((5, 20, 30), "YX", (1.0, 1.0), "do not fit 3 dimensions"),
        ((20, 30), "YY", (1.0,), "do not fit 2 dimensions"),
        ((20, 30), "YX", (1.0,), "1 pixel sizes do not fit"),
    ],
)
def test_a_stack_that_contradicts_itself_is_refused(shape, axes, sizes, words):
    with pytest.raises(InputError, match=words):
        Stack(np.zeros(shape), axes, sizes, "nm", "test")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24:30", slice(24, 30, 1)),
        (" 24 : 30 ", slice(24, 30, 1)),
        (":", slice(0, 30, 1)),
        ("-6:", slice(24, 30, 1)),
        ("::5", slice(0, 30, 5)),
        ("7", slice(7, 8, 1)),
        ("-1", slice(29, 30, 1)),
        (slice(3, None), slice(3, 30, 1)),
    ],
)
def test_slices_are_written_as_in_python(text, expected):
    assert parse_slices(text, 30) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("24:40", r"slices 24:40 asked for, the stack has 30 \(0 to 29\)"),
        ("30", r"slices 30 asked for, the stack has 30 \(0 to 29\)"),
        ("-31", "slices -31 asked for"),
        (slice(24, 40), "slices 24:40:"),
        ("5:5", "slices 5:5 are none"),
        ("9:3", "slices 9:3 are none"),
        ("", "cannot be read"),
        ("a:b", "cannot be read"),
        ("::-1", "cannot be read"),
        ("::0", "cannot be read"),
        ("1:2:3:4", "cannot be read"),
        ("2 4:6", "cannot be read"),
        ("- 1:3", "cannot be read"),
    ],
)
def test_a_selection_that_cannot_be_met_says_why(text, words):
    with pytest.raises(InputError, match=words):
        parse_slices(text, 30)


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_slices_are_taken_along_the_axis_that_is_there(axes):
    given = stack((30, 20, 30), axes)
    assert given.slices("24:").shape == (6, 20, 30)
    assert given.slices("24:").scale == given.scale
    assert given.slices(None) is given
    with pytest.raises(InputError, match="test: slices 24:40 asked for"):
        given.slices("24:40")


def test_a_single_plane_has_slice_0_only():
    assert stack((20, 30), "YX").slices("0").shape == (20, 30)
    with pytest.raises(InputError, match=r"the stack has 1 \(0 to 0\)"):
        stack((20, 30), "YX").slices("1")


def test_every_other_slice_lies_twice_as_far_from_the_next():
    given = Stack(np.zeros((9, 4, 4), "u1"), "ZYX", (50.0, 4.0, 4.0), "nm", "test")
    assert given.slices("1::2").pixel_size == (100.0, 4.0, 4.0)
    assert given.slices("2:5").pixel_size == (50.0, 4.0, 4.0)
    series = Stack(np.zeros((9, 4, 4), "u1"), "TYX", (4.0, 4.0), "nm", "test")
    assert series.slices("::3").pixel_size == (4.0, 4.0)
