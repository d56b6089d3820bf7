"""Baselines: what was done before networks, on stacks whose truth is known."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from napari_unet.baselines import BASELINES, find_baseline, segment, segment_stack
from napari_unet.baselines import forest as forest_file
from napari_unet.baselines.planes import plane_of
from napari_unet.config import AnnotationKind, BaselineConfig
from napari_unet.data.annotation import IGNORE, to_target
from napari_unet.errors import InputError
from napari_unet.samples import em_stack
from napari_unet.score.objects.partition import score_slices
from napari_unet.score.pixels.overlap import overlap

CLASSICAL = [name for name, one in BASELINES.items() if not one.learns]
LEARNING = [name for name, one in BASELINES.items() if one.learns]
QUICK = BaselineConfig(trees=10)


@pytest.fixture(scope="module")
def stack():
    """Four sections, their cells, and annotations of the first two."""
    image, cells = em_stack((4, 96, 96), seed=1)
    truth = (cells > 0).astype(np.uint8)
    classes = truth.copy()
    classes[2:] = IGNORE
    return np.asarray(image.data), truth, classes


@pytest.fixture(scope="module")
def masks(stack):
    """What every baseline makes of the last two sections."""
    image, _, classes = stack
    return {
        name: segment_stack(name, image, classes, slices=[2, 3], config=QUICK)
        for name in BASELINES
    }


# Cells have no shape in common.
@pytest.mark.parametrize("name", [name for name in BASELINES if name != "shape-model"])
def test_every_baseline_is_better_than_foreground_everywhere(name, stack, masks):
    truth = stack[1][2:]
    found, everything = masks[name], np.ones_like(truth)
    assert found.dtype == np.uint8
    assert found.shape == truth.shape
    assert set(np.unique(found)) == {0, 1}
    better = score_slices(found, truth).v_rand - score_slices(everything, truth).v_rand
    assert better > 0.2
    assert overlap(found, truth, 2).accuracy > 0.6


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_seed_gives_the_same_mask(name, stack, masks):
    image, _, classes = stack
    again = segment_stack(name, image, classes, slices=[2, 3], config=QUICK)
    np.testing.assert_array_equal(again, masks[name])


def test_the_forest_learns_from_a_few_scribbles(stack):
    image, truth, _ = stack
    scribbles = np.zeros_like(truth)
    scribbles[1, 10::24] = truth[1, 10::24] + 1
    classes = to_target(scribbles, AnnotationKind.SCRIBBLES).classes
    found = segment_stack("forest", image, classes, slices=[2, 3], config=QUICK)
    threshold = segment_stack("otsu", image, classes, slices=[2, 3])
    learnt, plain = (overlap(mask, truth[2:], 2).iou for mask in (found, threshold))
    assert learnt > plain


def test_the_forest_learns_nothing_from_pixels_that_are_not_annotated(stack, masks):
    image, _, classes = stack
    changed = image.copy()
    changed[2:] = 255 - changed[2:]
    other = segment_stack("forest", changed, classes, slices=[0], config=QUICK)
    same = segment_stack("forest", image, classes, slices=[0], config=QUICK)
    np.testing.assert_array_equal(other, same)


def test_several_classes_are_one_foreground(stack):
    image, _, classes = stack
    several = np.where((classes == 1) & (np.arange(96) > 48), np.uint8(2), classes)
    found = segment_stack("forest", image, several, slices=[3], config=QUICK)
    same = segment_stack("forest", image, classes, slices=[3], config=QUICK)
    np.testing.assert_array_equal(found, same)


@pytest.mark.parametrize("name", CLASSICAL)
def test_annotations_tell_whether_the_foreground_is_dark(name, stack):
    image, _, classes = stack
    negative = 255 - image
    dark = BaselineConfig(side="dark")
    wanted = segment_stack(name, negative, slices=[2], config=dark)
    found = segment_stack(name, negative, classes, slices=[2])
    np.testing.assert_array_equal(found, wanted)
    assert (found != segment_stack(name, negative, slices=[2])).any()


def test_annotations_tell_it_too_where_the_foreground_is_on_few_of_many_slices():
    image = np.random.default_rng(0).normal(200, 5, (60, 20, 20))
    classes = np.zeros(image.shape, np.uint8)
    classes[[7, 23], 5:15, 5:15] = 1
    image -= 150 * classes
    found = segment_stack("otsu", image, classes, slices=[7])
    assert overlap(found, classes[7:8], 2).iou > 0.8


def test_without_annotations_of_both_sides_the_foreground_is_bright(stack):
    image, _, classes = stack
    one_side = np.where(classes == 1, classes, np.uint8(IGNORE))
    found = segment_stack("otsu", image, one_side)
    np.testing.assert_array_equal(found, segment_stack("otsu", image))


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_slice_of_one_grey_value_holds_no_foreground(name, value):
    image = np.full((2, 40, 50), value, np.uint8)
    for side in ("bright", "dark"):
        found = segment_stack(name, image, config=BaselineConfig(side=side))
        assert not found.any()


def test_grey_values_may_be_as_small_as_a_current():
    image = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    small = plane_of(image * np.float32(1e-13), 0)
    np.testing.assert_allclose(small, plane_of(image, 0), atol=1e-4)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_single_spot_in_an_empty_slice_does_no_harm(name):
    image = np.zeros((1, 64, 64), np.uint16)
    image[0, 30, 30] = 1
    assert segment_stack(name, image).shape == image.shape


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("scale", [2, 32])
def test_small_slices_are_segmented(name, scale):
    """With the larger scale, no contrast is left of them."""
    image = np.random.default_rng(0).random((1, 5, 3))
    found = segment_stack(name, image, config=BaselineConfig(scale=scale))
    assert found.shape == image.shape
    if scale == 32 and name not in ("local", "geodesic"):
        assert not found.any()


@pytest.mark.parametrize("name", LEARNING)
def test_what_learns_takes_slices_without_contrast_small_ones_and_few_seeds(name):
    image = np.random.default_rng(0).random((3, 5, 7))
    image[1] = 0.5
    classes = np.full(image.shape, IGNORE, np.uint8)
    classes[0] = image[0] > 0.5
    for scale in (2, 32):
        config = QUICK.model_copy(update={"scale": scale})
        found = segment_stack(name, image, classes, config=config)
        assert found.shape == image.shape
        assert not found[1].any()


@pytest.mark.parametrize("name", ["regions", "split-merge", "fuzzy"])
def test_a_bright_disc_is_found_in_noise(name):
    rows, columns = np.indices((64, 70)) - 32
    disc = (np.hypot(rows, columns) < 20)[None].astype(np.uint8)
    image = disc + np.random.default_rng(0).normal(0, 0.3, disc.shape)
    found = segment_stack(name, image)
    assert overlap(found, disc, 2).iou > 0.93


@pytest.mark.parametrize("name", ["kmeans", "fuzzy", "regions", "split-merge"])
def test_a_rare_disc_is_found_where_all_else_is_black(name):
    rows, columns = np.indices((160, 170)) - 80
    disc = (np.hypot(rows, columns) < 15)[None].astype(np.uint8)
    assert disc.mean() < 0.03
    assert overlap(segment_stack(name, 200 * disc), disc, 2).iou > 0.93


def test_each_slice_comes_as_it_is_done(stack):
    image, _, classes = stack
    steps = list(segment("otsu", image, slices=[3, 1]))
    assert [(step.done, step.total, step.z) for step in steps] == [(1, 2, 3), (2, 2, 1)]
    steps = list(segment("forest", image, classes, slices=[3], config=QUICK))
    assert [step.z for step in steps] == [None, None, None, 3]
    assert steps[-1].done == steps[-1].total == len(steps)


@pytest.mark.parametrize("name", ["otsu", "forest"])
def test_work_that_is_stopped_ends_after_the_step_under_way(name, stack):
    image, _, classes = stack
    stopped = threading.Event()
    steps = segment(name, image, classes, stop=stopped)
    next(steps)
    stopped.set()
    assert next(steps, None) is None


def test_channels_count_as_their_mean(stack):
    image, _, _ = stack
    grey = image.astype(np.float32)
    colours = np.stack([grey - 20, grey + 20])
    np.testing.assert_array_equal(
        segment_stack("otsu", colours), segment_stack("otsu", image)
    )


def test_a_slice_described_in_bands_is_described_alike(stack, monkeypatch):
    plane = plane_of(stack[0], 0)
    ((_, whole),) = forest_file.features(plane, 1.0)
    monkeypatch.setattr(forest_file, "_BAND", 30 * plane.shape[1])
    bands = list(forest_file.features(plane, 1.0))
    assert len(bands) == 4
    np.testing.assert_allclose(
        np.concatenate([found for _, found in bands]), whole, atol=1e-6
    )


def test_what_is_missing_is_said_in_one_sentence(stack):
    image, _, classes = stack
    with pytest.raises(InputError, match="no baseline magic: choose one of otsu, li"):
        find_baseline("magic")
    with pytest.raises(InputError, match="Random forest learns from annotations"):
        segment_stack("forest", image)
    with pytest.raises(InputError, match="Random forest learns from annotations"):
        segment_stack("forest", image, np.full_like(classes, IGNORE))
    cells = np.where(classes == 1, classes, np.uint8(IGNORE))
    for name in LEARNING:
        with pytest.raises(InputError, match="No background is annotated where the"):
            segment_stack(name, image, cells)
    with pytest.raises(InputError, match="2 x 96 x 96 and the image is 4 x 96"):
        segment_stack("forest", image, classes[:2])
    with pytest.raises(InputError, match="image of 2 dimensions"):
        segment_stack("otsu", image[0])
    with pytest.raises(InputError, match="1 x 96 pixels show no neighbourhood"):
        segment_stack("forest", image[:, :1], classes[:, :1])
    with pytest.raises(InputError, match="no slice 4: the image has 4 slices"):
        segment_stack("otsu", image, slices=range(3, 6))
    broken = image.astype(np.float32)
    broken[1, 5, 5] = np.nan
    with pytest.raises(InputError, match="Slice 1 of the image holds values"):
        segment_stack("otsu", broken)


def test_learning_and_filters_are_loaded_only_when_they_are_used():
    code = (
        "import sys, napari_unet.baselines\n"
        "slow = {'sklearn', 'skimage.segmentation', 'skimage.filters'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
