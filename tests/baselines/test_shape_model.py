"""A shape model on ellipses whose place, size and proportions vary."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.baselines import segment_stack
from napari_unet.baselines.planes import plane_of
from napari_unet.baselines.shape_model import ShapeModel
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError
from napari_unet.score.pixels.overlap import overlap


def ellipse(y: float, x: float, high: float, wide: float) -> np.ndarray:
    rows, columns = np.indices((72, 80))
    return ((rows - y) / high) ** 2 + ((columns - x) / wide) ** 2 < 1


@pytest.fixture(scope="module")
def stack():
    """Seven annotated ellipses, then a dark one with a bite and a slice without any."""
    long = np.linspace(0.75, 1.25, 7)
    shapes = [ellipse(34 + n, 42 - n, 20 * a, 20 / a) for n, a in enumerate(long)]
    shapes += [ellipse(38, 38, 17, 23), np.zeros((72, 80), bool)]
    truth = np.array(shapes, np.uint8)
    image = np.where(truth, 0.2, 0.8)
    image[7, 20:38, 36:44] = 0.8
    image += np.random.default_rng(0).normal(0, 0.05, image.shape)
    classes = truth.copy()
    classes[7:] = IGNORE
    return image, truth, classes


def test_a_shape_is_found_whole_where_a_part_of_it_looks_like_the_background(stack):
    image, truth, classes = stack
    found = segment_stack("shape-model", image, classes, slices=[7])
    bitten = segment_stack("graph-cut", image, classes, slices=[7])
    assert overlap(found, truth[7:8], 2).iou > 0.93
    assert overlap(bitten, truth[7:8], 2).iou < 0.9


def test_no_small_change_makes_a_shape_fit_better(stack):
    image, truth, _ = stack
    noise = np.random.default_rng(1).normal(0, 0.25, image.shape)
    noisy = [plane_of(image + noise, z) for z in range(9)]
    model = ShapeModel(BaselineConfig())
    list(model.learn(zip(noisy[:7], truth[:7], strict=True), 7))
    for plane in noisy[:8]:
        fit = model._fit(plane)
        odds = np.clip(model.appearance.odds(smooth(plane, 2.0)), -3, 3)
        changes = np.vstack([np.eye(len(fit.x)), -np.eye(len(fit.x))]) / 50
        near = np.clip(fit.x + changes, -3, 3)
        best = min(model._misfit(one, odds.astype(float)) for one in near)
        assert best > fit.fun - 1e-3


def test_no_shape_is_found_where_no_grey_value_speaks_for_it(stack):
    image, _, classes = stack
    assert not segment_stack("shape-model", image, classes, slices=[8]).any()


def test_one_shape_is_a_model_without_modes(stack):
    image, truth, classes = stack
    one = classes.copy()
    one[:3] = one[4:] = IGNORE
    found = segment_stack("shape-model", image, one, slices=[4])
    assert overlap(found, truth[4:5], 2).iou > 0.85


def test_slices_annotated_in_part_teach_no_shape(stack):
    image, _, classes = stack
    part = classes.copy()
    part[:, 0, 0] = IGNORE
    with pytest.raises(InputError, match="needs whole shapes: annotate every pixel"):
        segment_stack("shape-model", image, part)
