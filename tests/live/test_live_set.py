"""What is painted slice by slice is read as the stack that it is a part of."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Coverage, WeightMapConfig
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import sparse_target
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.live.live_set import LiveSet

SIDE = 24
KIND = AnnotationKind.CLASSES


def new_set(depth=4, **options):
    image = np.random.default_rng(0).integers(0, 255, (depth, SIDE, SIDE), np.uint8)
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", "em")
    options.setdefault("kind", KIND)
    return LiveSet(stack, weight_map=WeightMapConfig(), **options)


def plane(*values):
    """Dense labels with a bar of each value."""
    labels = np.zeros((SIDE, SIDE), np.uint16)
    for n, value in enumerate(values):
        labels[2:20, 5 * n + 1 : 5 * n + 4] = value
    return labels


def classes(live):
    return live.image.target.classes[:]


@pytest.mark.parametrize(
    "slices",
    [
        ((2,), (1, 2), (3,), (1,)),
        ((2,), (2,), (), (2,)),
        ((1,), (255,), (1, 255), (65535,)),
        ((7,), (), (1,), (255,)),
    ],
)
@pytest.mark.parametrize("order", [*permutations(range(4))][::5])
def test_slices_of_classes_are_read_as_a_timed_training_reads_the_stack(slices, order):
    stack = np.stack([plane(*values) for values in slices])
    coverage = Coverage(ignore="none")
    live = new_set(coverage=coverage)
    for z in order:
        try:
            live.update(z, stack[z])
        except InputError:
            assert 255 in slices[z]
    refused = sorted(live.left_out)
    stack[refused] = 0
    timed = sparse_target(SparseSlices.of(stack), KIND, coverage=coverage)
    np.testing.assert_array_equal(classes(live), timed.classes[:])
    assert live.num_classes == timed.num_classes
    assert live.image.train.tolist() == timed.annotated_slices.tolist()
    assert refused == ([3] if slices[0] == (7,) else [])


def test_a_new_class_alone_on_a_slice_is_that_class():
    live = new_set()
    live.update(0, plane(1, 2))
    live.update(1, plane(3))
    assert np.unique(classes(live)[1]).tolist() == [0, 3]
    assert live.touched == {1}


def test_a_stroke_of_another_class_tells_how_all_slices_are_read():
    live = new_set()
    live.update(0, plane(2))
    assert np.unique(classes(live)[0]).tolist() == [0, 1], "a mask so far"
    live.update(1, plane(1, 2), slice(0, 20))
    assert np.unique(classes(live)[0]).tolist() == [0, 2]
    assert live.touched == {0, 1}
    painted = plane(2)
    painted[20:, 10:] = 2
    live.update(0, painted, slice(20, 24))
    np.testing.assert_array_equal(classes(live)[0], painted)


def test_a_mask_comes_back_when_the_class_that_spoke_against_it_is_erased():
    live = new_set()
    live.update(0, plane(255))
    live.update(1, plane(1))
    assert live.image.train.tolist() == [0, 1]
    live.update(1, plane(1, 2))
    assert live.left_out[0].startswith("Slice 0: Labels hold the value 255")
    assert live.image.train.tolist() == [1]
    live.update(1, plane(1))
    assert not live.left_out
    assert live.image.train.tolist() == [0, 1]
    assert classes(live)[0].max() == 1


def test_a_slice_whose_labels_have_another_shape_now_is_learnt_from_no_more():
    live = new_set(kind=AnnotationKind.SCRIBBLES)
    live.update(0, plane(1, 2))
    with pytest.raises(InputError, match="the image is 24 x 24"):
        live.update(0, plane(1, 2)[1:])
    assert live.image.train.size == 0
    assert not live.image.weight_map[0].any()
    live.update(0, plane(1, 2))
    assert live.image.train.tolist() == [0]
    assert not live.left_out
