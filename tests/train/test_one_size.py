"""Training images of different pixel sizes are told, and brought to one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Coverage, Region, Role
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.predict.segment import segment
from napari_unet.train.one_size import PixelSize, nearest
from napari_unet.train.session import open_run
from napari_unet.train.training_source import TrainingSource

KIND = AnnotationKind.CLASSES


def blocks(size: float, unit: str, shape: tuple[int, ...] = (4, 64, 64)) -> Stack:
    """Bright squares of 32 x 32 nm, 64 nm apart, on slices 50 nm apart."""
    nm = size * {"nm": 1, "um": 1000}[unit]
    y, x = (np.indices(shape[1:]) + 0.5) * nm
    cells = (y % 64 < 32) & (x % 64 < 32)
    noise = np.random.default_rng(0).normal(0, 5, shape)
    values = (60 + 120 * cells + noise).astype(np.uint8)
    thickness = 50.0 if unit == "nm" else 0.05
    return Stack(values, "ZYX", (thickness, size, size), unit, f"{size} {unit}")


def cells_of(stack: Stack) -> np.ndarray:
    return (np.asarray(stack.data) > 120).astype(np.uint8)


def source(stack: Stack, **options) -> TrainingSource:
    return TrainingSource(stack, cells_of(stack), KIND, **options)


FINE, COARSE = blocks(4, "nm"), blocks(0.008, "um", (4, 32, 32))


def rescaled(small, *sources, ndim: int = 2):
    return open_run(list(sources), small(ndim=ndim, rescale=True))


def test_different_pixel_sizes_are_told_and_nothing_is_changed(small):
    run = open_run([source(FINE), source(COARSE)], small())
    assert run.trainer.images[1].image.shape == (1, 4, 32, 32)
    (note,) = [note for note in run.notes if "its pixels are" in note]
    assert note == (
        "0.008 um: its pixels are 0.008 um, those of the first image 4 nm: rescale to "
        "the first image to make them one"
    )


def test_a_tenth_and_what_is_unknown_count_as_the_same(small):
    near = blocks(4.3, "nm")
    unknown = replace(COARSE, unit="pixel", pixel_size=(1.0, 1.0, 1.0))
    run = rescaled(small, source(FINE), source(near), source(unknown))
    shapes = [image.image.shape[2:] for image in run.trainer.images]
    assert shapes == [(64, 64), (64, 64), (32, 32)]
    assert not any("its pixels are" in note for note in run.notes)


@pytest.mark.parametrize(
    ("first", "second"), [(FINE, COARSE), (COARSE, FINE)], ids=["grows", "shrinks"]
)
def test_image_and_annotations_get_the_size_of_the_first(small, first, second):
    run = rescaled(small, source(first), source(second))
    one, other = run.trainer.images
    assert other.image.shape == one.image.shape
    assert other.pixel_size == pytest.approx(one.pixel_size)
    assert other.unit == one.unit
    # What is seen in both images is the same, and so are its annotations.
    np.testing.assert_array_equal(other.target.classes, one.target.classes)
    assert np.corrcoef(np.ravel(other.image), np.ravel(one.image))[0, 1] > 0.95
    assert other.weight_map.shape == other.roles.shape == one.roles.shape
    assert any("rescaled to these" in note for note in run.notes)


def test_a_network_learns_from_both_and_its_model_has_the_size_of_the_first(small):
    run = rescaled(small, source(FINE), source(COARSE))
    steps = list(run.trainer.run())
    assert all(np.isfinite(step.loss) for step in steps)
    model = run.trainer.model()
    assert model.card.pixel_size == (50, 4, 4)
    assert model.card.unit == "nm"
    assert segment(model, FINE).labels.shape == FINE.shape


def test_regions_and_slices_stay_where_they_were_drawn(small):
    box = ((-0.5, -0.5), (-0.5, 15.5), (31.5, 15.5), (31.5, -0.5))
    region = Region(role=Role.VALIDATION, slices="3", polygon=box)
    run = rescaled(small, source(FINE), source(COARSE, regions=(region,), train="0:3"))
    roles = run.trainer.images[1].roles
    held = roles == roles[3, 0, 0]
    assert held[3, :, :32].all()
    assert not held[3, :, 32:].any()
    assert not held[:3].any()


def test_a_network_of_three_dimensions_gets_slices_of_the_same_distance(small):
    thick = blocks(4, "nm")
    thick = replace(thick, pixel_size=(100.0, 4.0, 4.0))
    run = rescaled(
        small,
        source(blocks(4, "nm", (8, 64, 64))),
        source(thick, train="0:3", validation="3:4"),
        ndim=3,
    )
    image = run.trainer.images[1]
    assert image.image.shape == (1, 8, 64, 64)
    assert image.pixel_size == (50, 4, 4)
    assert image.validation.tolist() == [6, 7]
    # The model says of which slices it learnt in the image as it is.
    entry = run.trainer.model().card.data[1]
    assert (entry["train"], entry["validation"]) == ("0:3", "3")


def test_the_image_that_was_read_is_known_again(small):
    plain = open_run([source(FINE), source(COARSE)], small()).trainer.images[1]
    run = rescaled(small, source(FINE), source(COARSE))
    assert run.trainer.images[1].image_fingerprint == plain.image_fingerprint


def test_a_pixel_size_that_cannot_be_right_is_refused(small):
    wrong = replace(COARSE, unit="mm")
    with pytest.raises(InputError, match="times those of the first image"):
        rescaled(small, source(FINE), source(wrong))


def test_labels_are_never_mixed():
    labels = np.arange(2 * 3 * 5).reshape(2, 3, 5) * 1000
    sparse = SparseSlices.of(labels)
    assert set(np.unique(nearest(sparse, (3, 7, 4)))) <= set(labels.ravel())
    np.testing.assert_array_equal(nearest(sparse, (2, 3, 5)), labels)
    doubled = np.asarray(nearest(sparse, (2, 6, 10)))
    np.testing.assert_array_equal(doubled[:, ::2, ::2], labels)
    np.testing.assert_array_equal(doubled[:, 1::2, 1::2], labels)


def test_flat_networks_ask_nothing_of_slices():
    thin, thick = PixelSize((50, 4, 4), "nm"), PixelSize((100, 4, 4), "nm")
    assert thin.growth(thick, 2) is None
    assert thin.growth(thick, 3) == (2, 1, 1)


def test_slices_that_are_complete_stay_so(small):
    thick = replace(FINE, pixel_size=(100.0, 4.0, 4.0))
    labels = cells_of(thick)
    labels[1] = 0
    empty = TrainingSource(
        thick, labels, KIND, train=":", coverage=Coverage(complete="1")
    )
    first = source(blocks(4, "nm", (8, 64, 64)))
    roles = rescaled(small, first, empty, ndim=3).trainer.images[1]
    assert roles.image.shape[1] == 8
    assert roles.target.annotated_slices.tolist() == [*range(8)]


def test_a_slice_that_is_annotated_is_not_lost_beside_others(small):
    thin = replace(blocks(4, "nm", (9, 64, 64)), pixel_size=(25.0, 4.0, 4.0))
    labels = cells_of(thin)
    labels[[1, 2, 3, 5, 6, 7]] = 0
    last = TrainingSource(thin, labels, KIND, train="0:5", validation="8")
    image = rescaled(small, source(FINE), last, ndim=3).trainer.images[1]
    assert image.image.shape[1] == 4
    assert image.train.tolist() == image.roles.slices.tolist()[:2] == [0, 2]
    assert image.validation.tolist() == [3]


def test_thin_strokes_are_not_lost_between_the_pixels(small):
    fine = blocks(1, "nm", (1, 256, 256))
    labels = np.zeros(fine.shape, np.uint8)
    labels[:, 8], labels[:, 9], labels[:, 12] = 1, 1, 2
    strokes = TrainingSource(fine, labels, AnnotationKind.SCRIBBLES, train=":")
    image = rescaled(small, source(FINE), strokes).trainer.images[1]
    assert (image.target.classes[0][2] == 0).all()
    assert (image.target.classes[0][3] == 1).all()
    assert image.target.counts[:2].tolist() == [64, 64]
