"""Labels that look like none, and files that do not go together, are questioned."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scipy
import tifffile
from PIL import Image
from skimage.transform import resize

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import guess_kind
from napari_unet.data.doubts import check_looks, check_names, doubt_kind, doubt_look
from napari_unet.data.read import as_stack, read_stack
from napari_unet.errors import DoubtfulLabelsError
from napari_unet.measure.numbered import number_objects
from napari_unet.samples import em_stack


@pytest.fixture(scope="module")
def em():
    """An image, and the numbers of its cells."""
    return em_stack((3, 128, 128))


def as_jpeg(mask: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "JPEG", quality=90)
    return np.array(Image.open(file))


def scaled(mask: np.ndarray) -> np.ndarray:
    return resize(mask, (128, 128), preserve_range=True).astype(np.uint8)


BLURS = {
    "JPEG": as_jpeg,
    "smoothed": lambda mask: scipy.ndimage.gaussian_filter(mask, 1),
    "scaled": lambda mask: scaled(mask[::2, ::2]),
}


@pytest.mark.parametrize("blur", BLURS.values(), ids=list(BLURS))
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_mask_that_was_blurred_is_questioned_with_a_remedy(em, blur, dtype):
    image, cells = em
    mask = np.uint8(255) * (cells > 0)
    check_looks(image, mask)
    blurred = np.stack([blur(plane) for plane in mask]).astype(dtype)
    with pytest.raises(DoubtfulLabelsError, match=r"JPEG.*threshold.*--trust-labels"):
        check_looks(image, blurred)


def test_what_is_measured_or_scored_is_told_where_it_looks_like_an_image(em):
    image, cells = em
    for labels in (cells, np.uint8(255) * (cells > 0), cells > 0):
        assert doubt_look(labels, "labels") == ""
    told = "labels: looks like an image; every grey value is taken for a label"
    assert doubt_look(np.asarray(image.data), "labels") == told
    assert told in number_objects(np.asarray(image.data)).notes


def test_image_and_labels_that_are_swapped_are_questioned(em):
    image, cells = em
    for labels in (cells, np.uint8(255) * (cells > 0)):
        with pytest.raises(DoubtfulLabelsError, match=r"swapped.*exchange them"):
            check_looks(as_stack(labels), image.data)


def test_the_image_as_its_own_labels_is_questioned(em):
    image, _ = em
    with pytest.raises(DoubtfulLabelsError, match="the image itself"):
        check_looks(image, image.data)
    with pytest.raises(DoubtfulLabelsError, match="as an image does"):
        check_looks(image, image.data[:, ::-1])


def test_labels_are_not_questioned_whatever_they_are_of(em):
    image, cells = em
    rng = np.random.default_rng(0)
    dots = (rng.random(cells.shape) < 0.01).astype(np.uint8)
    single = np.cumsum(dots).reshape(dots.shape) * dots
    for labels in (cells, cells > 0, dots, single, cells.astype(np.float32)):
        check_looks(image, labels)
    check_looks(image, np.zeros_like(cells))


def test_no_real_labels_are_questioned(real_data):
    pairs = [
        ("isbi2012-train-volume.tif", "isbi2012-train-labels.tif"),
        ("lung-ct-images.tif", "lung-ct-masks.tif"),
        ("medulla-raw.tif", "medulla-bodies.tif"),
    ]
    nuclei = sorted((real_data / "dsb2018-nuclei" / "images").iterdir())
    for one in nuclei:
        pairs.append((str(one), str(one.parents[1] / "labels" / f"{one.stem}.tif")))
    for image, labels in pairs:
        painted = np.asarray(read_stack(real_data / labels).as_zyx())
        check_looks(read_stack(real_data / image), painted)
    check_names(nuclei[0].parent, nuclei[0].parents[1] / "labels")


# ------------------------------------------------------------------- names of files


def folders(tmp_path, images, labels):
    for folder, names in (("em", images), ("cells", labels)):
        (tmp_path / folder).mkdir()
        for name in names:
            tifffile.imwrite(tmp_path / folder / name, np.zeros((4, 4), np.uint8))
    return tmp_path / "em", tmp_path / "cells"


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (["a.tif", "b.tif"], ["a.tif", "b.tif"]),
        (["a.tif", "b.tif"], ["a_mask.tif", "b_mask.tif"]),
        (["em_a.tif", "em_b.tif"], ["seg_a.tif", "seg_b.tif"]),
        (["z008.tif", "z010.tif"], ["cells8.tif", "cells10.tif"]),
        (["2024-01-05_z1.tif", "2024-01-05_z2.tif"], ["mask_1.tif", "mask_2.tif"]),
        (["only.tif"], ["other.tif"]),
        (["truth_1.tif", "truth_2.tif"], ["label_1.tif", "label_2.tif"]),
    ],
)
def test_names_that_go_together_are_not_questioned(tmp_path, images, labels):
    check_names(*folders(tmp_path, images, labels))


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (
            ["z1.tif", "z2.tif", "z3.tif"],
            ["z2.tif", "z3.tif", "z4.tif"],
            r"z1\.tif would be learnt with z2\.tif.*--trust-labels",
        ),
        (["a.tif", "b.tif"], ["x.tif", "y.tif"], "do not match"),
        (["raw.tif", "image.tif"], ["gt.tif", "mask.tif"], "do not match"),
        (
            ["z1.tif", "z2.tif", "z3.tif"],
            ["m1.tif", "m3.tif"],
            r"3 files and .* 2, of which none belongs to z2\.tif: add or remove",
        ),
        (["a.tif", "a_mask.tif"], ["a.tif", "b.tif"], r"hold masks .* a_mask\.tif"),
    ],
)
def test_names_that_do_not_go_together_are_questioned(tmp_path, images, labels, words):
    with pytest.raises(DoubtfulLabelsError, match=words):
        check_names(*folders(tmp_path, images, labels))


def test_masks_among_slices_are_told_when_they_are_read(tmp_path):
    images, labels = folders(tmp_path, ["a.tif", "a_mask.tif"], ["1.tif", "2.tif"])
    (note,) = read_stack(images).notes
    assert "a_mask.tif" in note
    assert read_stack(labels).notes == ()


STROKES, WHOLE = AnnotationKind.SCRIBBLES, AnnotationKind.CLASSES
OBJECTS = AnnotationKind.OBJECTS
PAINTED = {
    "strokes": lambda cells: np.where(cells % 7 == 1, 1 + cells % 2, 0),
    "mask": lambda cells: cells > 0,
    "classes": lambda cells: np.where(cells > 0, 1 + cells % 2, 0),
    "objects": lambda cells: cells,
}


@pytest.mark.parametrize(
    ("painted", "kind", "words"),
    [
        ("strokes", STROKES, ""),
        ("strokes", WHOLE, "looks like strokes"),
        ("strokes", None, ""),
        ("mask", STROKES, "looks like whole slices"),
        ("mask", WHOLE, ""),
        ("mask", OBJECTS, "one object"),
        ("mask", None, ""),
        ("classes", WHOLE, ""),
        ("classes", STROKES, "looks like whole slices"),
        ("objects", OBJECTS, ""),
        ("objects", WHOLE, "every number is a class"),
        ("objects", STROKES, "looks like whole slices"),
        ("objects", None, ""),
    ],
)
def test_a_kind_that_does_not_fit_what_was_painted_is_questioned(
    em, painted, kind, words
):
    labels = PAINTED[painted](em[1]).astype(np.uint16)
    doubt = doubt_kind(kind, guess_kind(labels))
    assert words in doubt
    assert bool(doubt) == bool(words)


def test_half_a_slice_may_be_either(em):
    labels = np.zeros((1, 64, 64), np.uint8)
    labels[0, :16], labels[0, 16:32] = 1, 2
    guess = guess_kind(labels)
    assert "or did you not look at it?" in doubt_kind(None, guess)
    assert not doubt_kind(STROKES, None)


def test_background_of_our_brushes_is_no_class_of_its_own(em):
    labels = 1 + (em[1] > 0).astype(np.uint8)
    guess = guess_kind(labels)
    brushes = {"named": True, "background": True}
    assert not doubt_kind(STROKES, guess, **brushes)
    assert "a class of its own" in doubt_kind(WHOLE, guess, **brushes)
    assert not doubt_kind(WHOLE, guess, named=True)
