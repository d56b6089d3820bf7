"""Patches lie around annotated pixels, and hold nothing that must not be learnt."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE, Target
from napari_unet.data.regions import TRAIN
from napari_unet.train.patches import PatchSampler
from napari_unet.train.training_image import TrainingImage


def make_image(weights: np.ndarray, *, train=None, validation=(), values=None):
    """An image whose every pixel has its own value, its place."""
    weights = weights.astype(np.float32)
    places = np.arange(weights.size, dtype=np.float32).reshape(weights.shape)
    classes = np.where(weights > 0, np.uint8(1), np.uint8(IGNORE))
    train = range(len(weights)) if train is None else train
    return TrainingImage(
        name="places",
        image=(places if values is None else values)[None],
        target=Target(classes, np.zeros(weights.shape, np.int32), 2),
        weight_map=weights,
        roles=np.full(weights.shape, TRAIN, np.uint8),
        train=np.array(train, np.intp),
        validation=np.array(validation, np.intp),
        kind=AnnotationKind.CLASSES,
    )


def draw(images, count, patch, source=None, seed=0):
    sampler = PatchSampler(images)
    rng = np.random.default_rng(seed)
    return sampler.draw(rng, count, patch=patch, source=source or patch)


def test_the_same_random_state_draws_the_same_patches():
    image = make_image(np.ones((3, 40, 40)))
    first, again = (draw([image], 5, (1, 16), seed=3).image for _ in range(2))
    assert (first == again).all()
    assert (first != draw([image], 5, (1, 16), seed=4).image).any()


def test_every_annotated_training_pixel_is_about_as_likely():
    rng = np.random.default_rng(0)
    weights = rng.random((3, 8, 8)) < [[[0.1]], [[0.5]], [[0.9]]]
    count = 60 * np.count_nonzero(weights)
    # Patches of one pixel show which pixel was drawn.
    drawn = draw([make_image(weights * 7)], count, (1, 1)).image.flatten().int()
    counts = np.bincount(drawn, minlength=weights.size).reshape(weights.shape)
    assert (counts[~weights] == 0).all()
    # Chi-square: its mean is the degrees of freedom, 60 each.
    chi_square = ((counts[weights] - 60) ** 2 / 60).sum() / np.count_nonzero(weights)
    assert chi_square == pytest.approx(1, abs=0.5)


def test_images_are_drawn_by_their_annotated_pixels():
    small, large = np.zeros((1, 10, 10)), np.ones((1, 30, 10))
    small[0, :, 0] = 1
    images = [make_image(small, values=small * 0), make_image(large, values=large)]
    share = draw(images, 2000, (1, 1)).image.mean()
    assert share == pytest.approx(300 / 310, abs=0.02)


def test_a_rare_class_is_not_starved():
    weights = np.ones((2, 60, 60))
    image = make_image(weights)
    image.target.classes[1, 30, 7] = 0
    drawn = draw([image], 2000, (1, 1)).target.flatten()
    # Half of an even share: a quarter over a quarter and the other class's whole.
    share = (drawn == 0).double().mean().item()
    assert share == pytest.approx(0.25 / 1.25, abs=0.04)


def test_classes_that_are_about_even_are_drawn_as_often_as_they_occur():
    image = make_image(np.ones((1, 40, 40)))
    image.target.classes[0, :, :12] = 0
    drawn = draw([image], 3000, (1, 1)).target.flatten()
    assert (drawn == 0).double().mean().item() == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("patch", [(1, 16), (3, 16)])
@pytest.mark.parametrize("at", [(0, 0), (0, 39), (20, 3), (39, 39)])
def test_a_single_annotated_pixel_is_always_inside_the_patch(patch, at):
    weights = np.zeros((5, 40, 40))
    weights[2][at] = 1
    batch = draw([make_image(weights)], 10, patch, (patch[0], 30))
    inner = batch.weight_map[..., 7:23, 7:23]
    assert (inner.flatten(1).sum(1) == 1).all()


def test_patches_do_not_hang_over_an_image_that_holds_them():
    batch = draw([make_image(np.ones((4, 20, 30)))], 200, (3, 16))
    assert (batch.weight_map == 1).all()
    values = batch.image[:, 0]
    assert (values.diff(dim=3) == 1).all()
    assert (values.diff(dim=2) == 30).all()
    assert (values.diff(dim=1) == 600).all()


def test_beyond_the_image_it_is_mirrored_and_weighs_nothing():
    image = make_image(np.ones((2, 12, 12)))
    batch = draw([image], 6, (1, 20), (1, 24))
    for patch, weights, target in zip(
        batch.image[:, 0, 0], batch.weight_map[:, 0], batch.target[:, 0], strict=True
    ):
        z = int(patch.min()) // 144
        mirrored = np.pad(image.image[0, z], 6, mode="reflect")
        np.testing.assert_array_equal(patch, mirrored)
        inside = np.pad(np.ones((12, 12), bool), 6)
        np.testing.assert_array_equal(weights > 0, inside)
        np.testing.assert_array_equal(target != IGNORE, inside)


def test_thin_volumes_are_mirrored_in_depth_too():
    batch = draw([make_image(np.ones((3, 16, 16)))], 4, (6, 16))
    assert batch.image.shape == (4, 1, 6, 16, 16)
    assert (batch.weight_map.amax((2, 3)).sum(1) == 3).all()


def test_held_out_slices_never_carry_weight():
    weights = np.ones((6, 20, 20))
    image = make_image(weights, train=[0, 1, 4], validation=[2, 3, 5])
    batch = draw([image], 100, (4, 16))
    slices = (batch.image[:, 0] // 400).long()
    validation = (slices == 2) | (slices == 3) | (slices == 5)
    assert validation.any(), "they are seen, as neighbours"
    assert (batch.weight_map[validation] == 0).all()
    assert (batch.target[validation] == IGNORE).all()
    assert (batch.weight_map[~validation] == 1).all()


def test_pixels_without_weight_are_ignored():
    weights = np.zeros((1, 20, 20))
    weights[0, 5:9, 5:9] = 2.5
    batch = draw([make_image(weights)], 3, (1, 16))
    assert ((batch.target == IGNORE) == (batch.weight_map == 0)).all()


def test_patches_keep_channels_and_types():
    image = make_image(np.ones((1, 20, 20)))
    two = np.concatenate([image.image, -image.image])
    batch = draw([make_image(np.ones((1, 20, 20)), values=two[:, 0])], 2, (1, 16))
    assert batch.image.shape == (2, 1, 1, 16, 16)
    assert batch.image.dtype.is_floating_point
    assert str(batch.target.dtype) == "torch.uint8"
