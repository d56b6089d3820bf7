"""The table of a training set follows layers and files, and says what is in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_unet.config import AnnotationKind, RunConfig
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.train.pairs import Part, count_annotations
from napari_unet.widgets.layers.arrays import add_or_update, placed_like
from napari_unet.widgets.layers.marks import ERRORS, PREDICTED
from napari_unet.widgets.train.images_table import ImagesTable
from napari_unet.widgets.train.layer_pairs import Place

pytestmark = pytest.mark.one_binding

SHAPE = (5, 40, 50)


def add(viewer, name, shape=SHAPE, **place):
    """Add an image and its annotations, and return both layers."""
    image = viewer.add_image(np.random.default_rng(0).random(shape), name=name, **place)
    painted = np.zeros(shape, np.uint8)
    painted[..., :10, :10] = 1
    labels = viewer.add_labels(painted, name=f"{name} cells", **placed_like(image))
    return image, labels


@pytest.fixture
def images(viewer: Any, qtbot: Any) -> Any:
    table = ImagesTable(viewer)
    viewer.window.add_dock_widget(table, name="Images")
    return table


def settle(images, qtbot):
    qtbot.waitUntil(lambda: not images.busy, timeout=20_000)


def text(images, row, column):
    return str(images.table.model().index(row, column).data())


def names(images):
    rows = range(images.table.count())
    return [text(images, row, 1).splitlines()[0] for row in rows]


def role(images, row):
    return images.table.indexWidget(images.table.model().index(row, 3))


def tick(images, row, used=True):
    state = Qt.CheckState.Checked if used else Qt.CheckState.Unchecked
    cell = images.table.model().index(row, 0)
    images.table.model().setData(cell, state, Qt.ItemDataRole.CheckStateRole)


@pytest.mark.one_binding
def test_at_first_only_the_image_chosen_in_the_dock_is_used(images, viewer, qtbot):
    add(viewer, "first")
    second = add(viewer, "second")
    images.follow(Place(*second, AnnotationKind.CLASSES))
    settle(images, qtbot)
    assert names(images) == ["second", "first"]
    (pair,) = images.value()
    assert (pair.image, pair.labels) == second
    assert (pair.name, pair.part, pair.kind) == ("second", "automatic", "classes")


def test_images_are_included_and_left_out_without_closing_them(images, viewer, qtbot):
    first, second = add(viewer, "first"), add(viewer, "second", (5, 30, 30))
    images.follow(Place(*first))
    with qtbot.waitSignal(images.valueChanged):
        tick(images, 1)
    assert [pair.image for pair in images.value()] == [first[0], second[0]]
    tick(images, 0, used=False)
    assert [pair.image for pair in images.value()] == [second[0]]
    assert len(viewer.layers) == 4


def test_what_was_ticked_stays_when_layers_come_and_go(images, viewer, qtbot):
    first, second = add(viewer, "first"), add(viewer, "second", (5, 30, 30))
    images.follow(Place(*first))
    tick(images, 1)
    role(images, 1).setCurrentText("validation")
    third = add(viewer, "third", (2, 9, 9))
    second[0].name = "renamed"
    assert names(images) == ["first", "renamed", "third"]
    assert [pair.image for pair in images.value()] == [first[0], second[0]]
    assert images.value()[1].part is Part.VALIDATION
    viewer.layers.remove(second[1])
    assert names(images) == ["first", "third"]
    images.follow(Place(*third))
    assert [pair.name for pair in images.value()] == ["third"]


def test_size_and_pixels_of_each_class_are_shown(images, viewer, qtbot):
    pair = add(viewer, "first")
    images.follow(Place(*pair))
    settle(images, qtbot)
    assert text(images, 0, 1) == "first\n5 x 40 x 50"
    assert text(images, 0, 2) == "9.5k / 500"
    cell = images.table.model().index(0, 2)
    told = cell.data(Qt.ItemDataRole.ToolTipRole)
    assert told == "background: 9,500 pixels\nclass 1: 500 pixels"
    images.follow(Place(*pair, AnnotationKind.SCRIBBLES))
    settle(images, qtbot)
    assert text(images, 0, 2) == "500 / 0"


def test_the_pixels_follow_what_is_painted(images, viewer, qtbot):
    pair = add(viewer, "first")
    images.follow(Place(*pair, AnnotationKind.SCRIBBLES))
    settle(images, qtbot)
    pair[1].data_setitem((np.array([1]), np.array([30]), np.array([30])), 2)
    settle(images, qtbot)
    assert text(images, 0, 2) == "500 / 1"
    pair[1].undo()
    qtbot.waitUntil(lambda: images.busy, timeout=30_000)
    settle(images, qtbot)
    assert text(images, 0, 2) == "500 / 0"


@pytest.mark.one_binding
def test_annotations_go_with_the_image_they_lie_on(images, viewer, qtbot):
    add(viewer, "here", scale=(1, 2, 2))
    add(viewer, "there", scale=(1, 2, 2), translate=(0, 500, 0))
    viewer.add_labels(np.ones((3, 3), np.uint8), name="on nothing")
    assert sorted(pair_names(images)) == [
        ("here", "here cells"),
        ("there", "there cells"),
    ]


def pair_names(images):
    return [(row.pair.image.name, row.pair.labels.name) for row in images._rows]


@pytest.mark.one_binding
def test_of_images_in_one_place_the_name_or_the_dock_decides(images, viewer):
    raw = add(viewer, "raw")
    denoised = add(viewer, "denoised")
    assert sorted(pair_names(images)) == [
        ("denoised", "denoised cells"),
        ("raw", "raw cells"),
    ]
    images.follow(Place(raw[0], denoised[1]))
    assert pair_names(images)[0] == ("raw", "denoised cells")
    assert names(images) == ["raw: denoised cells", "raw: raw cells"]


@pytest.mark.one_binding
def test_predictions_and_ground_truth_are_not_trained_on(images, viewer):
    image, _ = add(viewer, "first")
    done = np.ones(SHAPE, np.uint8)
    viewer.add_labels(
        done, name="predicted", metadata={PREDICTED: [0]}, **placed_like(image)
    )
    viewer.add_labels(
        done, name="errors", metadata={ERRORS: "errors"}, **placed_like(image)
    )
    truth = viewer.add_labels(done, name="truth", **placed_like(image))
    images._workspace.truth = truth
    images.follow(Place(image, None))
    assert names(images) == ["first"]


def test_files_are_listed_beside_layers_and_read_when_needed(
    images, viewer, files, qtbot
):
    images.add_files(files.image, files.annotations)
    settle(images, qtbot)
    assert names(images) == ["em"]
    assert text(images, 0, 1) == "em\n6 x 96 x 112"
    assert "/" in text(images, 0, 2)
    (pair,) = images.value()
    prepared, _ = pair.source().prepare(RunConfig())
    assert prepared.image.shape == (1, 6, 96, 112)
    add(viewer, "layer")
    assert names(images) == ["layer", "em"]


def test_files_can_be_taken_off_the_list_and_layers_cannot(
    images, viewer, files, qtbot
):
    add(viewer, "layer")
    images.add_files(files.image, files.annotations)
    settle(images, qtbot)
    images.table.selectRow(0)
    assert not images.remove_button.isEnabled()
    images.table.selectRow(1)
    images.remove_button.click()
    assert names(images) == ["layer"]


def test_files_that_are_no_pair_are_refused_in_a_sentence(
    images, files, qtbot, tmp_path
):
    images.add_files(files.image, tmp_path / "none.tif")
    settle(images, qtbot)
    assert "does not exist" in images.status.text()
    assert images.value() == []


@pytest.mark.parametrize(
    ("part", "trained", "held"),
    [("automatic", 4, 1), ("train", 5, 0), ("validation", 0, 5)],
)
@pytest.mark.one_binding
def test_the_role_of_an_image_decides_what_is_held_out(
    images, viewer, part, trained, held
):
    images.follow(Place(*add(viewer, "first")))
    box = role(images, 0)
    assert isinstance(box, QComboBox)
    box.setCurrentText(part)
    (pair,) = images.value()
    image, _ = pair.source().prepare(RunConfig())
    assert (image.train.size, image.validation.size) == (trained, held)


@pytest.mark.one_binding
def test_what_was_taken_stays_when_the_layer_is_painted_on(images, viewer):
    image, annotations = add(viewer, "first")
    images.follow(Place(image, annotations))
    taken = images.value()[0].source()
    annotations.data[:] = 0
    assert np.any(taken.labels)
    # Nobody paints the image: there is none beside that of the layer.
    assert np.shares_memory(taken.image.data, image.data)


def test_without_annotations_there_is_nothing_to_count():
    assert count_annotations(np.zeros((2, 3, 3), np.uint8), None).pixels == ()


def test_a_table_that_is_closed_hears_of_nothing_any_more(images, viewer, qtbot):
    _, labels = add(viewer, "first")
    settle(images, qtbot)
    gone = []
    images.destroyed.connect(lambda: gone.append(True))
    images.deleteLater()
    qtbot.waitUntil(lambda: bool(gone), timeout=30_000)
    labels.data_setitem((np.array([1]), np.array([30]), np.array([30])), 2)
    labels.name = "other"
    viewer.layers.clear()


@pytest.mark.one_binding
def test_pixels_of_another_size_are_told_before_training(
    images, viewer, qtbot, tmp_path
):
    fine = {"scale": (50, 4, 4), "units": ("nm",) * 3}
    first = add(viewer, "first", **fine)
    add(viewer, "same", scale=(0.05, 0.004, 0.004), units=("um",) * 3)
    add(viewer, "coarse", scale=(0.05, 0.008, 0.008), units=("um",) * 3)
    images.follow(Place(*first))
    tick(images, names(images).index("same"))
    assert images.sizes.text() == ""
    tick(images, names(images).index("coarse"))
    assert images.sizes.text().splitlines() == [
        "coarse: its pixels are 0.008 um, those of the first image 4 nm.",
        '"Rescale to the first image", under More, makes them one.',
    ]
    tick(images, names(images).index("coarse"), used=False)
    assert images.sizes.text() == ""
    values = np.ones(SHAPE, np.uint8)
    stack = Stack(values, "ZYX", (50.0, 16.0, 16.0), "nm", "file")
    paths = tmp_path / "file.tif", tmp_path / "cells.tif"
    for path in paths:
        write_stack(path, values, like=stack)
    images.add_files(*paths)
    settle(images, qtbot)
    assert "file: its pixels are" in images.sizes.text()


def test_annotations_are_not_paired_with_what_was_made_of_an_image(
    viewer: Any, images: Any
) -> None:
    image, _ = add(viewer, "em")
    for what in ("probability", "mitochondria probability"):
        add_or_update(viewer, Image, image.data, what, image, **placed_like(image))
    viewer.add_labels(np.ones(SHAPE, np.uint8), name="mitochondria")
    assert {row.pair.image.name for row in images._rows} == {"em"}
    assert len(images._rows) == 2
