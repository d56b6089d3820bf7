"""The list of errors: from scores to each error, and from an error to annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import Qt

from napari_unet.config import AnnotationKind
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.errors.error_kinds import ErrorKind
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.scores.error_list import ErrorList, ignored_in
from napari_unet.widgets.scores.error_view import ERRORS_LAYER, MARK_LAYER, PIXELS_LAYER

SHAPE = (4, 100, 120)
CLASSES = AnnotationKind.CLASSES
PLACE = {"scale": (50, 4, 4), "translate": (0, 100, 0), "units": ("nm",) * 3}


def cells() -> np.ndarray:
    """Twelve cells a slice, in three rows of four."""
    truth = np.zeros(SHAPE, np.uint8)
    for row in range(3):
        for column in range(4):
            rows = slice(4 + 31 * row, 30 + 31 * row + row)
            truth[:, rows, 4 + 28 * column : 30 + 28 * column] = 1
    return truth


def damaged() -> np.ndarray:
    """Every slice has two cells merged, one split, and some missed."""
    predicted = cells()
    predicted[:, 15, 30:32] = 1
    predicted[:, 31:64, 14] = 0
    predicted[:, 66:100, 60:] = 0
    predicted[2, 80:95, 70:90] = 1
    return predicted


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer without a window, which most of what follows does not need."""
    return ViewerModel()


@pytest.fixture
def layers(viewer: Any) -> tuple[Labels, Labels]:
    prediction = viewer.add_labels(damaged(), name="prediction", **PLACE)
    truth = viewer.add_labels(cells(), name="truth", **PLACE)
    return prediction, truth


@pytest.fixture
def part(viewer: Any, layers: Any, qtbot: Any) -> ErrorList:
    made = ErrorList(viewer)
    qtbot.addWidget(made)
    made.setVisible(True)
    return made


@pytest.fixture
def score(part: ErrorList, layers: Any, qtbot: Any) -> Callable[..., None]:
    """Hand scores to the list, and wait for the end of its search."""

    def run(predicted: np.ndarray | None = None) -> None:
        prediction, truth = layers
        predicted = np.array(prediction.data) if predicted is None else predicted
        compared = compare(predicted, np.array(truth.data), CLASSES)
        part.show_scores(compared, prediction, truth)
        qtbot.waitUntil(
            lambda: not part.running and part.errors is not None, timeout=30_000
        )

    return run


def cell(part: ErrorList, row: int, column: int) -> Any:
    return part.table.model().index(row, column)


def texts(part: ErrorList, column: int) -> list[str]:
    rows = range(part.table.model().rowCount())
    return [cell(part, row, column).data() for row in rows]


# --------------------------------------------------------------------- the list


def test_without_scores_it_says_what_is_missing(part: ErrorList) -> None:
    assert "No scores yet: score a prediction" in part.words.text()
    assert not part.next_button.isEnabled()
    assert "No scores yet: score a prediction" in part.go(1)
    assert part.table.isHidden()


def test_a_right_prediction_has_no_errors_and_that_is_said(
    part: ErrorList, score: Any
) -> None:
    score(cells())
    assert part.words.text().startswith("No errors: all cells were found")
    assert not part.show_buttons[ERRORS_LAYER].isEnabled()
    assert part.show_buttons[PIXELS_LAYER].isEnabled()


def test_errors_are_listed_by_size_in_words_and_can_be_sorted(
    part: ErrorList, score: Any
) -> None:
    score()
    sizes = [int(text.replace(",", "")) for text in texts(part, 2)]
    assert sizes == sorted(sizes, reverse=True)
    assert {"two cells merged", "cell split", "missed"} <= set(texts(part, 0))
    right = cell(part, 0, 2).data(Qt.ItemDataRole.TextAlignmentRole)
    assert right & Qt.AlignmentFlag.AlignRight
    part.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    slices = [int(text) for text in texts(part, 1)]
    assert slices == sorted(slices)


def test_one_kind_can_be_listed_alone(part: ErrorList, score: Any) -> None:
    score()
    index = part.kinds.findText("cell split (4)")
    part.kinds.setCurrentIndex(index)
    assert set(texts(part, 0)) == {"cell split"}
    part.next_button.click()
    assert part.place.text() == "1 of 4"
    part.kinds.setCurrentIndex(0)
    assert part.table.count() == len(part.errors.errors)


def test_sorting_keeps_what_is_chosen(part: ErrorList, score: Any) -> None:
    score()
    for _ in range(3):
        part.next_button.click()
    chosen = part.error
    part.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert part.error == chosen


def test_scores_that_go_take_the_list_and_its_layers_away(
    part: ErrorList, score: Any, viewer: Any, qtbot: Any
) -> None:
    score()
    part.next_button.click()
    qtbot.waitUntil(lambda: ERRORS_LAYER in viewer.layers)
    names = [layer.name for layer in viewer.layers]
    assert names.index(ERRORS_LAYER) < names.index(MARK_LAYER)
    part.show_scores(None)
    left = {"prediction", "truth"}
    qtbot.waitUntil(lambda: {layer.name for layer in viewer.layers} == left)
    assert part.table.isHidden()


# ------------------------------------------------------------------- the viewer


def test_ten_errors_are_gone_to_one_after_the_other_and_a_piece_is_sent(
    make_napari_viewer_proxy: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    prediction = viewer.add_labels(damaged(), name="prediction", **PLACE)
    truth = viewer.add_labels(cells(), name="truth", **PLACE)
    part = ErrorList(viewer)
    viewer.window.add_dock_widget(part, name="Errors")
    part.show_scores(compare(damaged(), cells(), CLASSES), prediction, truth)
    qtbot.waitUntil(
        lambda: part.errors is not None and not part.running, timeout=30_000
    )
    active = viewer.layers.selection.active
    errors = part.errors.errors
    assert len(errors) >= 10
    press = viewer.__wrapped__.window._qt_viewer._key_map_handler.press_key
    for step, error in enumerate(errors[:10], start=1):
        press("J")
        assert part.place.text() == f"{step} of {len(errors)}"
        world = prediction.data_to_world(error.centre)
        assert viewer.dims.current_step[0] == error.slice
        assert viewer.scene.camera.center[-2:] == pytest.approx(world[-2:])
        seen = np.array(viewer.canvas.size) / viewer.scene.camera.zoom / 4
        assert (seen > 48).all()
        assert seen.min() < 250
        corners, sides = np.moveaxis(viewer.layers[MARK_LAYER].data, 1, 0)
        np.testing.assert_allclose((corners + sides / 2).mean(axis=0), error.centre)
        assert viewer.dims.range[0].start == 0
    assert viewer.layers.selection.active == active
    press("Shift-J")
    assert part.error == errors[8]
    painted = annotate(viewer, AnnotationKind.SCRIBBLES)
    part.send.truth_button.click()
    z, here = errors[8].slice, part.errors.objects == errors[8].number
    np.testing.assert_array_equal(painted.data[z][here[z]], cells()[z][here[z]] + 1)
    painted.undo()
    assert not painted.data.any()


def test_the_way_goes_round_the_ends_of_the_list(part: ErrorList, score: Any) -> None:
    score()
    part.previous_button.click()
    assert part.error == part.errors.errors[-1]
    part.next_button.click()
    assert part.error == part.errors.errors[0]


def test_a_click_on_a_row_goes_there(part: ErrorList, score: Any, viewer: Any) -> None:
    score()
    part.table.clicked.emit(cell(part, 5, 0))
    assert part.error == part.errors.errors[5]
    assert viewer.dims.current_step[0] == part.error.slice


@pytest.mark.one_binding
def test_its_layers_have_the_units_of_the_others_from_the_first(
    viewer: Any, part: ErrorList, score: Any, qtbot: Any
) -> None:
    score()
    units = {}
    viewer.layers.events.inserted.connect(
        lambda event: units.update({event.value.name: event.value.units})
    )
    part.next_button.click()
    part.show_buttons[PIXELS_LAYER].click()
    qtbot.waitUntil(lambda: len(units) == 3)
    assert set(units.values()) == {viewer.layers[0].units}


@pytest.mark.one_binding
def test_the_layer_names_what_is_wrong_and_how_large_it_is(
    part: ErrorList, score: Any, viewer: Any, layers: Any
) -> None:
    score()
    part.show_buttons[ERRORS_LAYER].click()
    layer = viewer.layers[ERRORS_LAYER]
    np.testing.assert_array_equal(layer.data, part.errors.objects)
    np.testing.assert_array_equal(layer.scale, layers[0].scale)
    np.testing.assert_array_equal(layer.translate, layers[0].translate)
    error = part.errors.errors[0]
    row = layer.features[layer.features["index"] == 1].iloc[0]
    assert (row["error"], row["pixels"]) == ("missed", error.pixels)
    merge = next(one for one in part.errors.errors if one.kind is ErrorKind.MERGE)
    assert (layer.get_color(merge.number) != layer.get_color(1)).any()
    assert part.show_buttons[ERRORS_LAYER].text() == "Hide errors"
    part.show_buttons[ERRORS_LAYER].click()
    assert not layer.visible
    assert part.show_buttons[ERRORS_LAYER].text() == "Show errors"


@pytest.mark.one_binding
def test_layers_are_refreshed_in_place_and_those_of_the_user_are_left_alone(
    part: ErrorList, score: Any, viewer: Any
) -> None:
    hers = viewer.add_labels(np.ones(SHAPE, int), name=ERRORS_LAYER, **PLACE)
    score()
    for button in part.show_buttons.values():
        button.click()
    ours = part.view.layer(ERRORS_LAYER)
    assert ours != hers
    count = len(viewer.layers)
    ours.visible = False
    score(cells())
    assert len(viewer.layers) == count
    assert not part.view.layer(ERRORS_LAYER).data.any()
    assert not ours.visible
    assert set(np.unique(viewer.layers[PIXELS_LAYER].data)) == {0, 1}
    assert hers.data.all()


@pytest.mark.one_binding
def test_what_is_shown_can_never_be_painted_on(
    part: ErrorList, score: Any, viewer: Any
) -> None:
    score()
    for button in part.show_buttons.values():
        button.click()
    for predicted in (damaged(), damaged()[:, ::-1].copy()):
        score(predicted)
        part.go(1)
        for name in (ERRORS_LAYER, PIXELS_LAYER):
            assert not viewer.layers[name].editable, name


@pytest.mark.one_binding
def test_a_prediction_that_was_removed_is_not_gone_to(
    part: ErrorList, score: Any, viewer: Any
) -> None:
    score()
    viewer.layers.remove("prediction")
    assert "score again" in part.go(1)
    assert not part.next_button.isEnabled()


@pytest.mark.one_binding
def test_a_picture_without_slices_will_do(
    part: ErrorList, viewer: Any, qtbot: Any
) -> None:
    predicted = viewer.add_labels(damaged()[0])
    compared = compare(damaged()[:1], cells()[:1], CLASSES)
    part.show_scores(compared, predicted, None)
    qtbot.waitUntil(
        lambda: part.errors is not None and not part.running, timeout=30_000
    )
    part.next_button.click()
    qtbot.waitUntil(lambda: part.view.layer(ERRORS_LAYER) is not None)
    assert part.view.layer(ERRORS_LAYER).ndim == 2
    assert viewer.scene.camera.center[-2:] == pytest.approx(part.error.centre[1:])


# ----------------------------------------------------------------- corrections


def annotate(viewer: Any, kind: AnnotationKind) -> Labels:
    layer = viewer.add_labels(np.zeros(SHAPE, np.uint8), name="painted", **PLACE)
    workspace = Workspace.of(viewer)
    workspace.annotations, workspace.kind = layer, kind
    return layer


def choose(part: ErrorList, kind: ErrorKind) -> Any:
    kinds = [error.kind for error in part.table.rows()]
    part._go_to(kinds.index(kind))
    return part.error


@pytest.mark.one_binding
def test_truth_and_prediction_are_sent_to_scribbles_and_undone(
    part: ErrorList, score: Any, viewer: Any
) -> None:
    score()
    painted = annotate(viewer, AnnotationKind.SCRIBBLES)
    error = choose(part, ErrorKind.MERGE)
    part.send.truth_button.click()
    z, y, x = error.centre
    here = painted.data[z] > 0
    assert here[part.errors.objects[z] == error.number].all()
    # The membrane that the network has not seen.
    assert painted.data[z, y, x] == cells()[z, y, x] + 1
    assert (painted.data[z][here] == cells()[z][here] + 1).all()
    assert (painted.data[z, :, 30:32][here[:, 30:32]] == 1).all()
    assert not np.delete(painted.data, z, axis=0).any()
    assert f"{here.sum():,} pixels sent as scribbles" in part.words.text()
    assert viewer.layers.selection.active == painted
    # The button takes back what it speaks of, whichever layer is in hand by then.
    viewer.layers.selection.active = viewer.layers[0]
    part.words.action_button.click()
    assert not painted.data.any()
    assert part.words.text() == "Taken back."
    part.send.prediction_button.click()
    assert painted.data[z, 15, 30] == 2


@pytest.mark.one_binding
def test_sent_to_objects_a_cell_comes_whole(
    part: ErrorList, score: Any, viewer: Any
) -> None:
    score()
    painted = annotate(viewer, AnnotationKind.OBJECTS)
    error = choose(part, ErrorKind.SPLIT)
    z = error.slice
    part.send.truth_button.click()
    assert set(np.unique(painted.data[z, 35:62, 4:30])) == {1}
    painted.undo()
    part.send.prediction_button.click()
    assert len(np.unique(painted.data[z])) == 3


@pytest.mark.one_binding
def test_what_was_invented_is_taken_out_of_the_annotations(
    part: ErrorList, score: Any, viewer: Any, layers: Any
) -> None:
    layers[0].data = cells()
    without = cells()
    without[1, 31:64, 31:59] = 0
    layers[1].data = without
    score()
    painted = annotate(viewer, AnnotationKind.CLASSES)
    painted.data[1] = 1
    error = choose(part, ErrorKind.INVENTION)
    assert error.slice == 1
    part.send.truth_button.click()
    assert not painted.data[1][part.errors.objects[1] == error.number].any()
    assert "sent as classes" in part.words.text()


def test_why_nothing_can_be_sent_is_said(
    part: ErrorList, score: Any, viewer: Any, layers: Any, qtbot: Any
) -> None:
    score()
    buttons = part.send.truth_button, part.send.prediction_button
    assert all("Go to an error first" in one.toolTip() for one in buttons)
    part.next_button.click()
    assert "make a layer with +" in buttons[0].toolTip()
    Workspace.of(viewer).annotations = layers[1]
    assert "are the ground truth" in buttons[0].toolTip()
    assert buttons[1].isEnabled()
    wrong = viewer.add_labels(np.zeros((2, 9, 9), np.uint8), **PLACE)
    Workspace.of(viewer).annotations = wrong
    assert "4 x 100 x 120" in buttons[1].toolTip()
    wrong.data = np.zeros((4, 100, 120), np.uint8)
    qtbot.waitUntil(buttons[1].isEnabled, timeout=5_000)


@pytest.mark.one_binding
def test_an_ignored_error_leaves_the_list_and_stays_away(
    part: ErrorList, score: Any, layers: Any, qtbot: Any
) -> None:
    score()
    count = part.table.count()
    assert part.ignored is None
    assert part.restore_button.isHidden()
    part.next_button.click()
    error = part.error
    with qtbot.waitSignal(part.ignoredChanged):
        part.ignore_button.click()
    assert part.table.count() == count - 1
    assert "score again" in part.words.text()
    assert np.count_nonzero(ignored_in(layers[1])) == error.pixels
    np.testing.assert_array_equal(part.ignored, ignored_in(layers[1]))
    score()
    assert part.table.count() == count - 1
    part.restore_button.click()
    qtbot.waitUntil(lambda: part.table.count() == count, timeout=30_000)
    assert part.ignored is None


def test_scores_that_come_during_a_search_are_searched_next(
    part: ErrorList, layers: Any, qtbot: Any
) -> None:
    prediction, truth = layers
    for predicted in (damaged(), cells()):
        compared: Comparison = compare(predicted, cells(), CLASSES)
        part.show_scores(compared, prediction, truth)
    qtbot.waitUntil(
        lambda: part.errors is not None and not part.running, timeout=30_000
    )
    assert part.errors.errors == ()
