"""Normalisation takes out brightness and contrast, by slice or for the image."""

from __future__ import annotations

import tracemalloc

import dask.array as da
import numpy as np
import pytest
import scipy

from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError

BY_SLICE, BY_IMAGE = Normalization(per="slice"), Normalization(per="image")
PLAIN, PLAIN_BY_IMAGE = (
    Normalization(per=p, moments="plain") for p in ("slice", "image")
)
BOTH = pytest.mark.parametrize("normalise", [BY_SLICE, BY_IMAGE], ids=["slice", "all"])
EVERY = pytest.mark.parametrize(
    "normalise",
    [BY_SLICE, BY_IMAGE, PLAIN, PLAIN_BY_IMAGE],
    ids=["slice", "all", "plain-slice", "plain-all"],
)


def image(dtype="u2", shape=(2, 3, 30, 40)):
    values = np.random.default_rng(0).integers(0, 200, shape)
    # Serial sections differ in brightness.
    return (values // (1 + np.arange(shape[1])[:, None, None])).astype(dtype)


def sections(shape=(1, 3, 120, 160)):
    """Return grey values without any fault, 8 bits."""
    noise = np.random.default_rng(1).normal(120, 30, shape)
    return noise.clip(0, 255).astype("u1")


def test_every_slice_and_channel_gets_mean_0_and_deviation_1():
    normalised = PLAIN(image())
    np.testing.assert_allclose(normalised.mean((2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std((2, 3)), 1, atol=1e-5)
    assert normalised.dtype == np.float32


def test_by_image_slices_keep_their_differences():
    normalised = PLAIN_BY_IMAGE(image())
    np.testing.assert_allclose(normalised.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std((1, 2, 3)), 1, atol=1e-5)
    assert normalised[0, 0].mean() > normalised[0, 1].mean() > normalised[0, 2].mean()


@BOTH
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_a_clean_image_hardly_differs_from_its_plain_normalisation(normalise, dtype):
    stack = sections().astype(dtype)
    plain = Normalization(per=normalise.per, moments="plain")
    np.testing.assert_allclose(normalise(stack), plain(stack), rtol=0.02, atol=0.02)


def turned(stack, degrees, order):
    """Return sections as alignment turns them, 0 where there is nothing."""
    return scipy.ndimage.rotate(stack, degrees, (3, 2), reshape=False, order=order)


@BOTH
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("degrees", [5, 20])
def test_the_filling_of_turned_sections_does_not_count(normalise, degrees, order):
    stack = turned(sections(), degrees, order)
    inside = turned(np.ones(stack.shape), degrees, 1) > 0.999
    normalised = normalise(stack)[inside]
    assert abs(normalised.mean()) < 0.05
    assert normalised.std() == pytest.approx(1, abs=0.05)
    assert abs(PLAIN(stack)[inside].mean()) > 0.1


@BOTH
@pytest.mark.parametrize("value", [0, 255, 120])
def test_half_a_slice_of_one_value_leaves_the_other_half_as_it_was(normalise, value):
    stack = sections()
    filled = stack.copy()
    filled[..., :80] = value
    normalised, expected = normalise(filled), normalise(stack[..., 80:])
    np.testing.assert_allclose(normalised[..., 80:], expected, atol=0.01)


@BOTH
def test_hot_pixels_change_nothing_around_them(normalise):
    stack = 16 * sections().astype("u2")
    hot = stack.copy()
    hot[0, :, 50, 70] = 60_000
    normalised, expected = normalise(hot), normalise(stack)
    assert normalised[0, :, 50, 70].tolist() == [10, 10, 10]
    normalised[0, :, 50, 70] = expected[0, :, 50, 70]
    np.testing.assert_allclose(normalised, expected, atol=0.01)


def test_a_lost_section_does_not_count_among_the_others():
    stack = sections()
    lost = stack.copy()
    lost[:, 1] = 0
    normalised, expected = BY_IMAGE(lost), BY_IMAGE(stack)
    np.testing.assert_allclose(normalised[:, ::2], expected[:, ::2], atol=0.02)


def test_a_saturated_background_is_no_filling():
    """Cells on black, as in fluorescence: nearly all around them is exactly 0."""
    blobs = np.random.default_rng(2).normal(0, 1, (1, 1, 200, 200))
    cells = scipy.ndimage.gaussian_filter(blobs, (0, 0, 6, 6)) * 2000
    stack = cells.clip(0, 255).astype("u1")
    stack[..., :9, :] = stack[..., -9:, :] = 0
    stack = scipy.ndimage.gaussian_filter(stack, (0, 0, 2, 2))
    assert (stack == 0).mean() > 0.3
    normalised, plain = BY_SLICE(stack), PLAIN(stack)
    np.testing.assert_allclose(normalised, plain, atol=0.1)


def test_a_drawing_in_two_values_keeps_both():
    stack = np.zeros((1, 1, 60, 60), "u1")
    stack[..., 20:40, 20:40] = 200
    np.testing.assert_array_equal(BY_SLICE(stack), PLAIN(stack))


def test_a_slice_looks_the_same_alone_and_in_its_stack():
    stack = image()
    np.testing.assert_array_equal(BY_SLICE(stack)[:, 1:2], BY_SLICE(stack[:, 1:2]))


@EVERY
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f2", "f4", "f8", ">u2"])
def test_the_type_of_the_image_does_not_matter(normalise, dtype):
    np.testing.assert_allclose(
        normalise(image(dtype)), normalise(image("i8")), atol=1e-5
    )


@EVERY
def test_brightness_and_contrast_do_not_matter(normalise):
    stack = image("f4")
    np.testing.assert_allclose(
        normalise(3 * stack + 70), normalise(stack), rtol=1e-4, atol=1e-4
    )


@EVERY
@pytest.mark.parametrize("value", [0, 0.1, 255, 1e6])
def test_a_constant_image_becomes_0(normalise, value):
    np.testing.assert_array_equal(normalise(np.full((1, 2, 9, 9), value, "f4")), 0)


@EVERY
def test_lazy_arrays_give_what_arrays_in_memory_give(normalise):
    stack = image()
    lazy = da.from_array(stack, chunks=(1, 1, 16, 16))
    np.testing.assert_array_equal(normalise(lazy), normalise(stack))


@EVERY
@pytest.mark.parametrize(
    "box",
    [np.s_[:, 1:3, 5:20, 30:40], np.s_[:, :, :, :], np.s_[:, 2:3, :1, :]],
    ids=["box", "whole", "row"],
)
def test_a_part_read_lazily_is_that_part_of_the_whole(normalise, box):
    stack = image()
    lazy = da.from_array(stack, chunks=(1, 1, 16, 16))
    for source in (stack, lazy):
        read = normalise.lazily(source)
        assert read.shape == stack.shape
        np.testing.assert_array_equal(read[box], normalise(stack)[box])


@EVERY
def test_reading_lazily_takes_the_memory_of_a_slice(normalise):
    stack = np.zeros((1, 60, 100, 100), np.uint8)
    tracemalloc.start()
    normalise.lazily(stack)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * stack[:, 0].size


@EVERY
def test_the_image_itself_is_left_alone(normalise):
    stack = image("f4")
    before = stack.copy()
    normalise(stack)
    np.testing.assert_array_equal(stack, before)


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_no_number_is_said(normalise, value):
    stack = image("f4")
    stack[0, 1, 3, 3] = value
    for read in (normalise, normalise.lazily):
        with pytest.raises(InputError, match=r"Slice 1 .* \(NaN or infinite\)"):
            read(stack)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (1, 0, 4, 4), (1, 2, 0, 4)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(InputError, match="shape"):
        BY_SLICE(np.zeros(shape))


def test_complex_numbers_are_no_grey_values():
    with pytest.raises(InputError, match="complex64, which are no grey values"):
        BY_SLICE(image().astype("c8"))


@pytest.mark.parametrize("normalise", [Normalization(), Normalization().lazily])
def test_numbers_beyond_32_bits_are_told_as_such(normalise):
    image = np.zeros((1, 2, 8, 8))
    image[0, 1, 0, 0] = -1e39
    with pytest.raises(InputError, match=r"Slice 1 .* as large as 1.0e\+39: divide"):
        normalise(image)


def test_a_slice_is_measured_once_it_is_read():
    image = np.random.default_rng(0).random((1, 5, 40, 40), np.float32)
    image[0, 3, 2, 2] = np.nan
    normalise = Normalization()
    read = normalise.where_read(image, now=[1])
    expected = normalise(image[:, :3])
    np.testing.assert_array_equal(read[:, 0:3, 4:9, :], expected[:, :, 4:9])
    with pytest.raises(InputError, match="Slice 3 of the image"):
        read[:, 2:5, 4:9, 4:9]
    with pytest.raises(InputError, match="Slice 3 of the image"):
        normalise.where_read(image, now=[3])
    with pytest.raises(InputError, match="Slice 3 of the image"):
        Normalization(per="image").where_read(image)
