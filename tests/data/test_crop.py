"""Crops that reach over the border see the image mirrored there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data.crop import crop_mirrored, inside, mirrored


@settings(deadline=None)
@given(start=st.integers(-40, 40), size=st.integers(1, 60), length=st.integers(1, 12))
def test_mirrored_indices_walk_to_and_fro_without_repeating_the_border(
    start, size, length
):
    indices = mirrored(start, size, length)
    assert indices.shape == (size,)
    assert ((indices >= 0) & (indices < length)).all()
    if length > 1:
        assert (np.abs(np.diff(indices)) == 1).all()
    within = inside(start, size, length)
    np.testing.assert_array_equal(
        indices[within], np.arange(max(0, start), min(length, start + size))
    )


def test_mirroring_equals_numpys_reflection():
    np.testing.assert_array_equal(
        mirrored(-7, 20, 5), np.pad(np.arange(5), (7, 8), mode="reflect")
    )


@pytest.mark.parametrize("shape", [(9, 11), (2, 9, 11), (3, 2, 9, 11)])
def test_a_crop_equals_the_padded_image(shape):
    image = np.random.default_rng(0).random(shape)
    axes = min(3, len(shape))
    starts, sizes = (-1, -5, 4)[-axes:], (4, 20, 30)[-axes:]
    widths = [(0, 0)] * (len(shape) - axes) + [(40, 40)] * axes
    box = tuple(slice(40 + a, 40 + a + n) for a, n in zip(starts, sizes, strict=True))
    expected = np.pad(image, widths, mode="reflect")[(..., *box)]
    np.testing.assert_array_equal(crop_mirrored(image, starts, sizes), expected)


def test_a_crop_inside_the_image_is_a_view():
    image = np.arange(60).reshape(1, 6, 10)
    crop = crop_mirrored(image, (0, 1, 2), (1, 3, 4))
    np.testing.assert_array_equal(crop, image[:, 1:4, 2:6])
    assert np.shares_memory(crop, image)


@settings(deadline=None)
@given(start=st.integers(-30, 30), size=st.integers(0, 30), length=st.integers(1, 20))
def test_inside_names_the_pixels_of_the_crop_that_exist(start, size, length):
    pixels = np.arange(start, start + size)
    exist = pixels[(pixels >= 0) & (pixels < length)]
    np.testing.assert_array_equal(pixels[inside(start, size, length)], exist)
