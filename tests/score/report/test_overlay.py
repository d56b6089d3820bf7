"""Overlays show the image, and every object in a colour of its own."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.samples import em_stack
from napari_unet.score.report.overlay import grey, side_by_side


@pytest.fixture(scope="module")
def section():
    stack, labels = em_stack((64, 80), seed=2)
    return stack.data, labels


def is_grey(pixels):
    return (pixels == pixels[..., :1]).all(axis=-1)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_labelling_gets_a_picture_of_the_image_s_size(section, count):
    image, labels = section
    picture = side_by_side(image, *[labels] * count)
    gaps = picture.shape[1] - (count + 1) * image.shape[1]
    assert picture.dtype == np.uint8
    assert picture.shape[0] == image.shape[0]
    assert picture.shape[2] == 3
    assert gaps == count * 8


def test_the_first_picture_is_the_image_in_its_full_range(section):
    image, labels = section
    picture = side_by_side(image, labels)[:, : image.shape[1]]
    assert is_grey(picture).all()
    assert (picture.min(), picture.max()) == (0, 255)
    assert np.corrcoef(picture[..., 0].ravel(), image.ravel())[0, 1] > 0.99


def test_objects_are_coloured_and_background_stays_grey(section):
    image, labels = section
    picture = side_by_side(image, labels)[:, -image.shape[1] :]
    assert is_grey(picture[labels == 0]).all()
    assert not is_grey(picture[labels > 0]).all()


def test_labels_of_nothing_leave_the_image_as_it_is(section):
    image, labels = section
    picture = side_by_side(image, np.zeros_like(labels))
    width = image.shape[1]
    np.testing.assert_allclose(
        picture[:, -width:].astype(int), picture[:, :width].astype(int), atol=1
    )


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8", "?"])
@pytest.mark.parametrize("label_dtype", ["?", "u1", "i4", "i8"])
def test_any_type_is_drawn(section, dtype, label_dtype):
    image, labels = (array.astype(float) for array in section)
    picture = side_by_side((image / 2).astype(dtype), (labels % 4).astype(label_dtype))
    assert picture.shape[2] == 3


def test_a_constant_image_is_drawn():
    picture = side_by_side(np.full((5, 5), 7), np.ones((5, 5), int))
    assert picture.shape == (5, 18, 3)


def test_grey_values_may_be_as_small_as_a_current():
    image = np.linspace(0, 1, 64).reshape(8, 8)
    np.testing.assert_allclose(grey(image * 1e-13), grey(image), atol=1e-4)
