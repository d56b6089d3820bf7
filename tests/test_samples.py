"""Synthetic EM is repeatable, labelled exactly, and hard where real EM is hard."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_unet.errors import InputError
from napari_unet.samples import em_sample, em_stack

_HASH = """
import hashlib
from napari_unet.samples import em_stack
stack, labels = em_stack((2, 96, 120), seed=5)
print(hashlib.sha256(stack.data.tobytes() + labels.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def sample():
    stack, labels = em_stack((6, 256, 256), seed=3)
    return stack.data, labels


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    answer = subprocess.run(
        [sys.executable, "-c", _HASH], check=True, capture_output=True, text=True
    )
    stack, labels = em_stack((2, 96, 120), seed=5)
    here = hashlib.sha256(stack.data.tobytes() + labels.tobytes()).hexdigest()
    assert answer.stdout.strip() == here


def test_another_seed_gives_another_stack():
    (one, one_labels), (other, other_labels) = (
        em_stack((2, 64, 64), seed=seed) for seed in (0, 1)
    )
    assert not np.array_equal(one.data, other.data)
    assert not np.array_equal(one_labels, other_labels)


@pytest.mark.parametrize(
    "shape", [(16, 16), (64, 64), (1, 16, 40), (2, 64, 64), (3, 100, 257), (200, 90)]
)
@pytest.mark.parametrize("seed", [0, 7])
def test_any_size_gives_image_and_labels_of_that_shape(shape, seed):
    stack, labels = em_stack(shape, seed)
    assert stack.data.shape == labels.shape == shape
    assert stack.data.dtype == np.uint8
    assert labels.dtype == np.int32
    assert labels.min() >= 0
    assert labels.max() >= 1


def test_a_stack_knows_its_axes_pixel_size_and_source():
    volume, _ = em_stack((2, 32, 48), seed=9)
    image, _ = em_stack((32, 48), seed=9)
    assert (volume.axes, volume.pixel_size) == ("ZYX", (50.0, 4.0, 4.0))
    assert (image.axes, image.pixel_size) == ("YX", (4.0, 4.0))
    assert volume.unit == image.unit == "nm"
    assert volume.source == image.source == "synthetic EM, seed 9"


@pytest.mark.parametrize(
    "shape", [(), (64,), (1, 2, 64, 64), (15, 64), (3, 64, 15), (0, 64, 64)]
)
def test_a_shape_that_is_no_stack_is_refused_with_its_reason(shape):
    with pytest.raises(InputError, match=r"has to be \(Y, X\) or \(Z, Y, X\)"):
        em_stack(shape)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed -1 is negative"):
        em_stack((32, 32), seed=-1)


def test_cells_are_numbered_without_gaps(sample):
    _, labels = sample
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_cells_go_on_in_the_next_section_under_the_same_number(sample):
    _, labels = sample
    for here, after in pairwise(labels):
        kept = (here == after) & (here > 0)
        assert kept.sum() > 0.7 * (here > 0).sum()
        lives_on = np.intersect1d(here[here > 0], after)
        assert len(lives_on) > 0.85 * len(np.unique(here[here > 0]))


def test_sections_differ_as_much_as_50_nm_of_tissue_do(sample):
    _, labels = sample
    for here, after in pairwise(labels):
        stays = ((here == 0) & (after == 0)).sum() / (here == 0).sum()
        assert 0.2 < stays < 0.8


def test_membranes_part_any_two_cells(sample):
    _, labels = sample
    for axis in (1, 2):
        one, other = (
            np.moveaxis(labels, axis, 0)[cut] for cut in (np.s_[1:], np.s_[:-1])
        )
        assert not ((one != other) & (one > 0) & (other > 0)).any()


def test_a_cell_is_mostly_one_piece_in_a_section(sample):
    _, labels = sample
    largest = total = 0
    for section in labels:
        for cell in np.unique(section[section > 0]):
            pieces, _ = ndimage.label(section == cell)
            areas = np.bincount(pieces.ravel())[1:]
            largest += areas.max()
            total += areas.sum()
    assert largest > 0.95 * total


def test_cells_fill_as_much_of_a_section_as_in_real_tissue(sample):
    _, labels = sample
    assert 0.7 < (labels > 0).mean() < 0.85


def test_cell_sizes_spread_widely(sample):
    _, labels = sample
    areas = np.bincount(labels[0].ravel())[1:]
    small, large = np.percentile(areas[areas > 0], [10, 90])
    assert large > 8 * small


def test_membranes_are_darker_than_cells_in_every_section(sample):
    image, labels = sample
    for grey, cells in zip(image, labels > 0, strict=True):
        assert grey[~cells].mean() < grey[cells].mean() - 20


def test_a_threshold_does_not_find_the_membranes(sample):
    image, labels = sample
    dark, membrane = image <= threshold_otsu(image), labels == 0
    assert (dark & membrane).sum() < 0.6 * (dark | membrane).sum()


def test_brightness_varies_from_section_to_section(sample):
    image, _ = sample
    assert np.ptp(image.mean(axis=(1, 2))) > 5


def test_grey_values_are_not_clipped(sample):
    image, _ = sample
    assert ((image == 0) | (image == 255)).mean() < 0.01


def test_the_sample_opens_as_image_annotations_and_truth():
    (image, looks, kind), (classes, _, classes_kind), (truth, _, truth_kind) = (
        layers := em_sample()
    )
    names = [arguments["name"] for _, arguments, _ in layers]
    assert names == [
        "synthetic EM",
        "annotations",
        "synthetic EM truth",
    ]
    assert (kind, classes_kind, truth_kind) == ("image", "labels", "labels")
    assert image.shape == classes.shape == truth.shape == (12, 256, 256)
    assert looks["scale"] == (50.0, 4.0, 4.0)
    assert looks["units"] == ("nm", "nm", "nm")
    assert looks["axis_labels"] == ("z", "y", "x")
    assert np.array_equal(classes[:9], truth[:9] > 0)
    assert not classes[9:].any()
    assert truth.any(axis=(1, 2)).all()
