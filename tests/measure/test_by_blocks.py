"""A volume measured part by part comes out as the whole does."""

from threading import Event

import numpy as np
import pytest
import scipy

from napari_unet.config import AnnotationKind
from napari_unet.errors import InputError
from napari_unet.measure.by_blocks import BlockSource, measure_by_blocks
from napari_unet.measure.measuring import measure_objects
from napari_unet.measure.numbered import number_objects
from napari_unet.steps import result_of

SIZE = (5.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def labels():
    """Objects of many sizes, one of them through all slices, with large numbers."""
    noise = np.random.default_rng(0).random((40, 50, 50))
    found, _ = scipy.ndimage.label(scipy.ndimage.gaussian_filter(noise, 2) > 0.52)
    found[:, 20:23, 20:24] = found.max() + 1
    return found.astype(np.int64) * 70_000


@pytest.fixture(scope="module")
def image(labels):
    rng = np.random.default_rng(1)
    return rng.integers(0, 255, (2, *labels.shape)).astype(np.uint8)


def by_blocks(labels, image, memory, **more):
    source = BlockSource(labels, image, lambda _ndim: SIZE, "nm", memory=memory, **more)
    return result_of(measure_by_blocks(source, Event()))


def as_a_whole(labels, image, **more):
    objects = number_objects(labels, more.get("kind"), more.get("volume"))
    distances = objects.ndim == 2
    return measure_objects(
        objects, image, pixel_size=SIZE, unit="nm", distances=distances
    )


def alike(parts, whole, but=()):
    assert list(parts.values) == list(whole.values)
    assert parts.measured == pytest.approx(whole.measured)
    for name, values in whole.values.items():
        if name not in but and values.dtype.kind != "U":
            np.testing.assert_allclose(
                parts.values[name], values, rtol=1e-7, atol=1e-6, err_msg=name
            )


@pytest.mark.parametrize("slices", [12, 40])
def test_objects_of_a_volume(labels, image, slices):
    parts = by_blocks(labels, image, slices * 50 * 50 * 26)
    alike(parts, as_a_whole(labels, image))
    assert any("part by part" in note for note in parts.notes)


def test_ids_of_64_bits_stay_apart_and_what_is_ignored_is_no_object(labels):
    high = (labels // 70_000).astype(np.uint64)
    high[labels > 0] += np.uint64(2**64 - 2000)
    parts, whole = by_blocks(high, None, 12 * 50 * 50 * 26), as_a_whole(high, None)
    alike(parts, whole)
    for found in (parts, whole):
        assert found.values["object"].tolist() == np.unique(high)[1:].tolist()
    signed = labels // 70_000
    ignored = np.where(signed == 1, -1, signed).astype(np.int16)
    without = np.where(signed == 1, 0, signed)
    alike(as_a_whole(ignored, None), as_a_whole(without, None))
    alike(by_blocks(ignored, None, 10**6), by_blocks(without, None, 10**6))


def test_an_object_that_no_memory_holds_is_added_up(labels, image):
    parts, whole = by_blocks(labels, image, 10_000), as_a_whole(labels, image)
    left_out = ("surface", "sphericity", "feret")
    alike(parts, whole, left_out)
    gone = np.isnan(parts.values["surface"])
    assert gone[-1]
    assert not gone.all()
    for name in left_out:
        kept = parts.values[name][~gone]
        np.testing.assert_allclose(kept, whole.values[name][~gone])
    assert any("too large for the memory" in note for note in parts.notes)


@pytest.mark.parametrize("kind", ["classes", "objects"])
def test_slices_one_by_one(labels, image, kind):
    few = (labels % 3).astype(np.uint8) if kind == "classes" else labels
    few = few[:6]
    more = {"kind": kind, "volume": False}
    alike(
        by_blocks(few, image[:, :6], 1, **more), as_a_whole(few, image[:, :6], **more)
    )


def test_slices_with_strokes_of_the_background_alone_hold_no_object():
    strokes = np.zeros((4, 9, 9), np.uint8)
    strokes[:3, :2], strokes[1, 4:6], strokes[3, 7] = 1, 2, 3
    more = {"kind": AnnotationKind.SCRIBBLES, "volume": False}
    found = by_blocks(strokes, None, 1, **more)
    assert found.values["slice"].tolist() == [1, 3]
    alike(found, as_a_whole(strokes, None, **more))
    with pytest.raises(InputError, match="no object"):
        by_blocks((strokes == 1).astype(np.uint8), None, 1, **more)


@pytest.mark.parametrize("low", [1, 2])
def test_255_beside_classes_is_ignored_as_in_the_memory(labels, low):
    few = np.where(labels[:6] % 3 > 0, low, 0).astype(np.uint8)
    few[1, :9, :9] = 255
    parts = by_blocks(few, None, 1)
    alike(parts, as_a_whole(few, None))
    assert set(parts.values["class"]) == {str(low)}
    assert any("255 is ignored" in note for note in parts.notes)


def test_a_class_255_stays_one_in_a_slice_that_holds_no_other():
    few = np.zeros((3, 9, 9), np.uint8)
    few[0, :2], few[0, 4:6], few[2, :3] = 1, 2, 255
    more = {"kind": AnnotationKind.CLASSES, "volume": False, "ignore": "none"}
    found = by_blocks(few, None, 1, **more)
    assert found.values["class"].tolist() == ["1", "2", "255"]


def test_pieces_of_classes_through_slices_are_refused(labels):
    with pytest.raises(InputError, match="--planes"):
        by_blocks((labels > 0).astype(np.uint8), None, 1, volume=True)
    with pytest.raises(InputError, match="no object"):
        by_blocks(np.zeros((2, 3, 3), np.uint8), None, 1)
