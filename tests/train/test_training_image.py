"""Images and annotations become a training set, or one sentence says why not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Region, UNetConfig, WeightMapConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.data.normalize import Normalization
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.model.geometry import receptive_field
from napari_unet.train.training_image import (
    choose_validation_images,
    doubts_of_set,
    prepare_image,
)
from napari_unet.train.training_source import TrainingSource


def make_stack(data, axes="ZYX", source="cells.tif") -> Stack:
    sizes = (50.0, 4.0, 4.0)[-sum(letter in "ZYX" for letter in axes) :]
    return Stack(np.asarray(data), axes, sizes, "nm", source)


def make_pair(slices: int, side: int = 16):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (slices, side, side)).astype(np.uint8)
    labels = np.zeros((slices, side, side), np.uint8)
    labels[:, 3:9, 3:9] = 1
    return make_stack(image), labels


def prepare(slices=3, **options):
    stack, labels = make_pair(slices)
    return prepare_image(stack, labels, **options)


def test_annotations_of_another_shape_are_refused_in_one_sentence():
    stack, labels = make_pair(3)
    with pytest.raises(InputError, match="2 x 16 x 16 and the image is 3 x 16 x 16"):
        prepare_image(stack, labels[:2])


def test_a_kind_may_be_given_by_its_name():
    stack, labels = make_pair(3)
    strokes = (labels + 1).astype(np.uint8)
    strokes[:, :3] = 0
    named, meant = (
        prepare_image(stack, strokes, kind=kind)
        for kind in ("scribbles", AnnotationKind.SCRIBBLES)
    )
    assert named.kind is AnnotationKind.SCRIBBLES
    assert named.train_pixels == meant.train_pixels < strokes.size
    source = TrainingSource(stack, strokes, kind="scribbles")
    assert source.kind is AnnotationKind.SCRIBBLES
    with pytest.raises(InputError, match="no kind 'strokes' of annotations: give scri"):
        prepare_image(stack, strokes, kind="strokes")


def test_annotations_without_a_label_are_refused():
    stack, labels = make_pair(3)
    with pytest.raises(InputError, match="paint at least one"):
        prepare_image(stack, labels * 0)


def test_the_image_is_normalised_and_keeps_what_is_known_of_it():
    image = prepare()
    assert image.image.shape == (1, 3, 16, 16)
    values = np.asarray(image.image)
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0, abs=1e-3)
    assert values.std() == pytest.approx(1, abs=1e-3)
    assert image.name == "cells.tif"
    assert image.pixel_size == (50.0, 4.0, 4.0)
    assert image.unit == "nm"


def test_normalisation_can_be_chosen():
    stack, labels = make_pair(3)
    stack.data[0] //= 8
    image = prepare_image(stack, labels, normalization=Normalization(per="image"))
    assert image.image[0, 0].std() < 0.5 * image.image[0, 1].std()


@pytest.mark.parametrize("axes", ["ZYXS", "CZYX"])
def test_every_colour_or_channel_becomes_an_input_of_the_network(axes):
    channels = axes.replace("S", "C").index("C")
    data = np.random.default_rng(0).integers(0, 256, (3, 8, 8)).astype(np.uint8)
    data = np.stack([data, data // 2, data // 3], axis=channels)
    labels = np.ones((3, 8, 8), np.uint8)
    assert prepare_image(make_stack(data, axes), labels).image.shape == (3, 3, 8, 8)


def test_a_single_picture_is_a_stack_of_one_slice():
    data = np.random.default_rng(0).random((8, 8))
    image = prepare_image(make_stack(data, "YX"), np.ones((1, 8, 8), np.uint8))
    assert image.image.shape == (1, 1, 8, 8)
    assert image.train.tolist() == [0]


@pytest.mark.parametrize(
    ("slices", "validation"),
    [(4, []), (5, [4]), (9, [8]), (10, [8, 9]), (30, [*range(24, 30)])],
)
def test_the_last_fifth_of_the_annotated_slices_is_held_out(slices, validation):
    image = prepare(slices)
    assert image.validation.tolist() == validation
    assert image.train.tolist() == [z for z in range(slices) if z not in validation]


def test_only_annotated_slices_count_for_the_hold_out():
    stack, labels = make_pair(12)
    labels[1::2] = 0
    image = prepare_image(stack, labels)
    assert image.validation.tolist() == [10]
    assert image.train.tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("slices", "words"),
    [
        (5, "slice 4 is held out"),
        (10, "slices 8 to 9 are held out"),
    ],
)
def test_a_note_says_what_is_held_out(slices, words):
    assert any(words in note for note in prepare(slices).notes)


def test_slices_to_train_on_and_to_hold_out_can_be_chosen():
    image = prepare(10, train="0:4", validation="7:9")
    assert image.train.tolist() == [0, 1, 2, 3]
    assert image.validation.tolist() == [7, 8]


def test_what_is_held_out_is_never_trained_on_even_if_asked_for():
    image = prepare(10, train="0:8", validation="6:")
    assert image.train.tolist() == [0, 1, 2, 3, 4, 5]
    assert image.validation.tolist() == [6, 7, 8, 9]


def test_choosing_what_to_train_on_holds_nothing_out():
    image = prepare(10, train="0:8")
    assert image.train.tolist() == [*range(8)]
    assert image.validation.size == 0


@pytest.mark.parametrize(
    ("slices", "words"),
    [
        ({"train": "0:3", "validation": "0:5"}, "left to train on"),
        ({"validation": ":"}, "left to train on"),
        ({"validation": "3:9"}, "has 6"),
        ({"train": "one"}, "cannot be read"),
    ],
)
def test_a_choice_that_leaves_nothing_is_refused(slices, words):
    with pytest.raises(InputError, match=words):
        prepare(6, **slices)


def test_slices_without_annotations_cannot_be_held_out():
    stack, labels = make_pair(6)
    labels[4:] = 0
    with pytest.raises(InputError, match="none of them is annotated"):
        prepare_image(stack, labels, validation="4:6")


def test_the_kind_is_guessed_and_the_guess_is_told():
    image = prepare()
    assert image.kind is AnnotationKind.CLASSES
    assert any("classes" in note for note in image.notes)


def test_a_kind_that_is_given_is_not_doubted():
    stack, labels = make_pair(3)
    labels[:, 10:, 10:] = 2
    image = prepare_image(stack, labels, kind=AnnotationKind.SCRIBBLES)
    assert image.kind is AnnotationKind.SCRIBBLES
    assert (image.weight_map[labels == 0] == 0).all()
    assert image.train_pixels == np.count_nonzero(labels)


def test_weights_follow_their_settings():
    stack, labels = make_pair(3)
    labels[:, 3:9, 11:15] = 1
    flat = prepare_image(stack, labels, weight_map=WeightMapConfig(w0=0, balance=False))
    steep = prepare_image(
        stack, labels, weight_map=WeightMapConfig(w0=10, balance=False)
    )
    assert np.unique(flat.weight_map).tolist() == [1.0]
    gap = (slice(None), slice(3, 9), slice(9, 11))
    assert (steep.weight_map[gap] > 5).all()


def test_objects_part_in_depth_for_networks_of_three_dimensions():
    stack, _ = make_pair(4)
    labels = np.zeros((4, 16, 16), np.uint8)
    labels[:2, 2:12, 2:12], labels[2:, 2:12, 2:12] = 1, 2
    kind = AnnotationKind.OBJECTS
    flat = prepare_image(stack, labels, kind=kind)
    deep = prepare_image(stack, labels, kind=kind, network=UNetConfig(ndim=3))
    assert (flat.target.classes[:, 5, 5] == 1).all()
    assert (deep.target.classes[:, 5, 5] == 0).sum() == 1


@pytest.mark.parametrize(("ndim", "told"), [(2, False), (3, True)])
def test_voxels_of_unknown_size_are_taken_for_cubes_with_a_word(ndim, told):
    stack, labels = make_pair(3)
    unknown = replace(stack, pixel_size=(1.0, 1.0, 1.0), unit="pixel")
    network = UNetConfig(ndim=ndim, base_channels=2, depth=1)
    notes = prepare_image(unknown, labels, network=network).notes
    words = "the pixel size is unknown: slices count as far apart as pixels"
    assert (words in notes) == told


@pytest.mark.parametrize("ndim", [2, 3])
def test_three_dimensions_ask_how_far_apart_slices_are(ndim):
    stack, labels = make_pair(3)
    unknown = replace(stack, pixel_size=(1.0, 4.0, 4.0), unknown_axes="Z")
    network = UNetConfig(ndim=ndim, base_channels=2, depth=1)
    if ndim == 2:
        assert prepare_image(unknown, labels, network=network).unit == "nm"
        return
    with pytest.raises(InputError, match="how far apart its slices are"):
        prepare_image(unknown, labels, network=network)


def test_slices_without_annotations_are_no_training_data():
    stack, labels = make_pair(4)
    labels[2] = 0
    image = prepare_image(stack, labels)
    assert (image.target.classes[2] == IGNORE).all()
    assert (image.weight_map[2] == 0).all()
    assert image.train.tolist() == [0, 1, 3]


def test_the_fingerprint_tells_data_apart():
    stack, labels = make_pair(3)
    first = prepare_image(stack, labels).fingerprint
    assert prepare_image(stack, labels).fingerprint == first
    labels[0, 0, 0] = 1
    assert prepare_image(stack, labels).fingerprint != first


# ---------------------------------------------------------------------------- regions


def box(role, top, left, bottom, right, slices=None) -> Region:
    corners = ((top, left), (top, right), (bottom, right), (bottom, left))
    return Region(role=role, slices=slices, polygon=corners)


def test_only_pixels_for_training_weigh_anything():
    regions = [box("train", 0, 0, 15, 7, "0:2"), box("ignore", 0, 0, 3, 7)]
    image = prepare(4, regions=regions)
    expected = np.zeros((4, 16, 16), bool)
    expected[:2, 4:, :8] = True
    assert np.array_equal(np.asarray(image.weight_map) > 0, expected)
    assert image.train.tolist() == [0, 1]
    assert image.train_pixels == expected.sum()
    assert image.regions == tuple(regions)


def test_a_slice_may_train_and_validate_to_the_pixel():
    image = prepare(3, regions=[box("validation", 0, 10, 15, 15, "1")])
    assert image.train.tolist() == [0, 1, 2]
    assert image.validation.tolist() == [1]
    assert image.truth.shape == (1, 16, 16)
    assert (image.truth[0, :, :10] == IGNORE).all()
    assert np.array_equal(image.truth[0, :, 10:], image.target.classes[1, :, 10:])
    assert np.array_equal(image.weight_map[1] > 0, image.truth[0] == IGNORE)


def test_regions_and_slices_add_up():
    image = prepare(10, regions=[box("validation", 0, 0, 4, 4, "2")], validation="8:")
    assert image.validation.tolist() == [2, 8, 9]
    assert (image.truth[1:] != IGNORE).all()


def test_test_and_ignored_pixels_neither_train_nor_score():
    regions = [Region(role="test", slices="9"), Region(role="ignore", slices="8")]
    image = prepare(10, regions=regions)
    assert image.validation.tolist() == [7]
    assert image.train.tolist() == [*range(7)]


def test_the_only_class_of_the_training_pixels_is_told():
    image = prepare(3, regions=[box("train", 4, 4, 7, 7)])
    assert any("only one class" in note for note in image.notes)


def test_the_only_class_of_an_image_is_not_that_of_a_set_with_others():
    one = prepare(3, regions=[box("train", 4, 4, 7, 7)])
    both = prepare(3)
    notes = [note for image in doubts_of_set([one, both]) for note in image.notes]
    assert not any("only one class" in note for note in notes)
    assert doubts_of_set([one, one]) == [one, one]


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([box("train", 0, 0, 3, 3, "3"), box("ignore", 0, 0, 3, 3)], "left to train"),
        ([box("validation", 0, 0, 3, 3, "5")], "regions hold no annotated pixel"),
        ([box("test", 0, 0, 9, 9, "8")], "has 6"),
    ],
)
def test_regions_that_leave_nothing_are_refused(regions, words):
    stack, labels = make_pair(6)
    labels[5] = 0
    with pytest.raises(InputError, match=words):
        prepare_image(stack, labels, regions=regions)


def leak_of(**options) -> list[str]:
    image = prepare(**options)
    return [note for note in image.notes if "lie within" in note]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_validation_pixels_within_half_the_field_of_view_of_training_are_told(depth):
    network = UNetConfig(depth=depth)
    regions = [box("validation", 0, 8, 15, 15)]
    (note,) = leak_of(slices=1, regions=regions, network=network)
    farthest = math.ceil(receptive_field(network) / 2) - 1
    assert note.startswith(f"all 128 validation pixels lie within {farthest} pixels of")


def test_a_gap_as_wide_as_half_the_field_of_view_ends_the_leak():
    stack, labels = make_pair(1, side=64)
    train, network = box("train", 0, 0, 63, 20), UNetConfig(depth=1)
    for left, noted in ((28, "64 of"), (29, None)):
        regions = [train, box("validation", 0, left, 63, 63)]
        notes = prepare_image(stack, labels, regions=regions, network=network).notes
        leaks = [note for note in notes if "lie within 8 pixels" in note]
        assert [note[:5] for note in leaks] == ([noted] if noted else [])


@pytest.mark.parametrize(
    ("ndim", "words"), [(2, "256 of 512"), (3, "all 512")], ids=["2D", "3D"]
)
def test_slices_beside_trained_slices_leak(ndim, words):
    network = UNetConfig(ndim=ndim, depth=1)
    (note,) = leak_of(slices=10, network=network)
    assert note.startswith(words), note
    assert "1 slice of" in note if ndim == 2 else "8 slices of" in note
    assert not leak_of(slices=9, network=UNetConfig(), train="0:7", validation="8")


def test_of_single_images_only_those_that_are_held_out_say_so():
    images = choose_validation_images([prepare(1) for _ in range(5)])
    noted = [any("held out" in note for note in image.notes) for image in images]
    assert noted == [False, False, False, False, True]
    guessed = [any("annotations are" in n for n in image.notes) for image in images]
    assert all(guessed)


def test_an_image_held_out_as_a_whole_keeps_what_is_ignored():
    images = [prepare(1, regions=[box("ignore", 0, 0, 15, 7)]) for _ in range(5)]
    *_, last = choose_validation_images(images)
    assert last.train.size == 0
    assert last.validation.tolist() == [0]
    assert not last.weight_map.slices.size
    assert (last.truth[0, :, :8] == IGNORE).all()
    assert (last.truth[0, :, 8:] != IGNORE).all()
