"""Normalisation takes out brightness and contrast, by slice or for the image."""

from __future__ import annotations

import tracemalloc

import dask.array as da
import numpy as np
import pytest

from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError

BY_SLICE, BY_IMAGE = Normalization(per="slice"), Normalization(per="image")
BOTH = pytest.mark.parametrize("normalise", [BY_SLICE, BY_IMAGE], ids=["slice", "all"])


def image(dtype="u2", shape=(2, 3, 30, 40)):
    values = np.random.default_rng(0).integers(0, 200, shape)
    # Serial sections differ in brightness.
    return (values // (1 + np.arange(shape[1])[:, None, None])).astype(dtype)


def test_every_slice_and_channel_gets_mean_0_and_deviation_1():
    told = BY_SLICE(image())
    np.testing.assert_allclose(told.mean((2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(told.std((2, 3)), 1, atol=1e-5)
    assert told.dtype == np.float32


def test_by_image_slices_keep_their_differences():
    told = BY_IMAGE(image())
    np.testing.assert_allclose(told.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(told.std((1, 2, 3)), 1, atol=1e-5)
    assert told[0, 0].mean() > told[0, 1].mean() > told[0, 2].mean()


def test_a_slice_looks_the_same_alone_and_in_its_stack():
    stack = image()
    np.testing.assert_array_equal(BY_SLICE(stack)[:, 1:2], BY_SLICE(stack[:, 1:2]))


@BOTH
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f2", "f4", "f8", ">u2"])
def test_the_type_of_the_image_does_not_matter(normalise, dtype):
    np.testing.assert_allclose(
        normalise(image(dtype)), normalise(image("i8")), atol=1e-5
    )


@BOTH
def test_brightness_and_contrast_do_not_matter(normalise):
    stack = image("f4")
    np.testing.assert_allclose(
        normalise(3 * stack + 70), normalise(stack), rtol=1e-4, atol=1e-4
    )


@BOTH
@pytest.mark.parametrize("value", [0, 0.1, 255, 1e6])
def test_a_constant_image_becomes_0(normalise, value):
    np.testing.assert_array_equal(normalise(np.full((1, 2, 9, 9), value, "f4")), 0)


@BOTH
def test_lazy_arrays_give_what_arrays_in_memory_give(normalise):
    stack = image()
    lazy = da.from_array(stack, chunks=(1, 1, 16, 16))
    np.testing.assert_array_equal(normalise(lazy), normalise(stack))


@BOTH
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


@BOTH
def test_reading_lazily_takes_the_memory_of_a_slice(normalise):
    stack = np.zeros((1, 60, 100, 100), np.uint8)
    tracemalloc.start()
    normalise.lazily(stack)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * stack[:, 0].size


@BOTH
def test_the_image_itself_is_left_alone(normalise):
    stack = image("f4")
    before = stack.copy()
    normalise(stack)
    np.testing.assert_array_equal(stack, before)


@BOTH
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
