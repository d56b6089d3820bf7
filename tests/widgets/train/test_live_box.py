"""Live training in a real window: paint, see, pause, stop, undo."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet import coach
from napari_unet.config import AnnotationKind, Coverage
from napari_unet.errors import InputError
from napari_unet.live.events import Idle
from napari_unet.live.loop import LiveLoop
from napari_unet.model.checkpoint import load_model
from napari_unet.widgets.choose.keys import toggle_preview
from napari_unet.widgets.layers.annotations import name_classes
from napari_unet.widgets.layers.eye import EM, RESULT
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.qt.job import once

pytestmark = pytest.mark.one_binding


@pytest.fixture
def live(dock: Any, viewer: Any, files: Any) -> Any:
    """The Train dock with an image and an empty layer of scribbles; a tiny network."""
    from napari_unet.widgets.layers.arrays import placed_as

    place = placed_as(files.stack, 3)
    viewer.add_image(files.stack.data, name="em", **place)
    empty = np.zeros(files.stack.data.shape, np.uint8)
    viewer.add_labels(empty, name="annotations", **place)
    train = dock.train
    train.start_from.setValue(8)
    train.kind.setValue(AnnotationKind.SCRIBBLES)
    update = {"live_patch_size": 64, "batch_size": 2}
    form = train.forms["train"]
    form.setValue(form.value().model_copy(update=update))
    form = train.forms["network"]
    form.setValue(form.value().model_copy(update={"depth": 2}))
    yield train
    train.job.stop()


def paint(viewer: Any, files: Any, z: int) -> None:
    """Annotate a slice densely, through the layer's own undo history."""
    layer = viewer.layers["annotations"]
    index = np.nonzero(np.ones(files.cells[z].shape, bool))
    values = (files.cells[z] + 1)[index].astype(np.uint8)
    layer.data_setitem((np.full(index[0].size, z), *index), values)


def preview(viewer: Any) -> Any:
    return next((one for one in viewer.layers if one.name == "preview"), None)


def wait_for_preview(viewer: Any, qtbot: Any, z: int) -> None:
    qtbot.waitUntil(
        lambda: preview(viewer) is not None and preview(viewer).data[z].any(),
        timeout=60_000,
    )


def stop(train: Any, finish: Any) -> None:
    train.run_button.click()
    finish(train)


def test_what_is_painted_is_learnt_and_what_is_seen_is_shown(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    live.live_button.click()
    qtbot.waitUntil(lambda: "Paint background" in live.status.text(), timeout=30_000)
    assert not preview(viewer).data.any()
    viewer.layers.selection.active = viewer.layers["annotations"]
    paint(viewer, files, 2)
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    assert viewer.layers.selection.active == viewer.layers["annotations"]
    assert tuple(preview(viewer).scale) == tuple(viewer.layers["em"].scale)
    viewer.dims.set_current_step(0, 5)
    wait_for_preview(viewer, qtbot, 5)
    assert "Preview: slice 5, " in live.live.age.text()
    late, last = live.box.indexOf(live.device), live.box.indexOf(live.more)
    assert late > last, "no button moves"
    assert "1 slice, 10,752 pixels" in live.status.text()
    stop(live, finish)
    card = load_model(live.workspace.model).card
    assert card.kind is AnnotationKind.SCRIBBLES
    assert card.pixel_size == tuple(files.stack.zyx_size)
    # The next start goes on from what was learnt.
    assert live.start_from.value() == live.workspace.model


def test_the_model_of_dense_classes_is_not_named_as_their_values(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    layer = viewer.layers["annotations"]
    name_classes(layer, ("resin", "cell", "rim"))
    paint(viewer, files, 2)
    live.kind.setValue(AnnotationKind.CLASSES)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    stop(live, finish)
    card = load_model(live.workspace.model).card
    assert card.kind is AnnotationKind.CLASSES
    assert card.class_names == ("background", "class 1", "class 2")


def test_the_look_of_the_preview_stays_as_the_user_set_it(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    layer = preview(viewer)
    layer.opacity, layer.contour = 0.15, 2
    seen = live.live.updates_seen
    paint(viewer, files, 3)
    qtbot.waitUntil(lambda: live.live.updates_seen > seen, timeout=60_000)
    assert (layer.opacity, layer.contour) == (0.15, 2)
    stop(live, finish)


def test_the_box_the_eye_and_the_list_of_layers_are_one_state(
    live: Any, dock: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    qtbot.waitUntil(lambda: preview(viewer) is not None)
    box, eye, layer = live.live.preview, dock.eye.eye, preview(viewer)
    states = lambda: (box.isChecked(), eye.showing, layer.visible)  # noqa: E731
    assert states() == (True, RESULT, True)
    box.click()
    assert states() == (False, EM, False)
    dock.eye.buttons[RESULT].click()
    assert states() == (True, RESULT, True)
    layer.visible = False
    assert states() == (False, EM, False)
    toggle_preview(live)
    assert states() == (True, RESULT, True)
    # Another result takes its place: nobody sees what is predicted of the view.
    marks = {PREDICTED: [0]}
    viewer.add_labels(np.ones((6, 96, 112), np.uint8), name="other", metadata=marks)
    assert states() == (False, RESULT, False)
    box.click()
    assert states() == (True, RESULT, True)
    assert not viewer.layers["other"].visible
    stop(live, finish)
    assert not box.isEnabled()
    assert "Start a training first" in box.toolTip()


def test_undo_brings_the_model_before_back(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    stop(live, finish)
    first = live.workspace.model
    assert first is not None
    live.live_button.click()
    qtbot.waitUntil(lambda: live.curves.num_points[0] > 2, timeout=60_000)
    live.live.undo_button.click()
    finish(live)
    assert live.workspace.model == first
    assert live.start_from.value() == first
    assert not live.live.undo_button.isEnabled()


def test_a_training_that_fails_while_it_is_undone_takes_no_other_along(
    live: Any, finish: Any, tmp_path: Path
) -> None:
    def work(stop: threading.Event) -> Iterator[None]:
        yield from ()
        stop.wait(20)
        raise InputError("No space is left.")

    first, following = (tmp_path / f"{name}.safetensors" for name in ("one", "two"))
    live._begin()
    live._before = first, 8
    live.start("Training", work)
    live.undo_training()
    finish(live)
    assert "No space is left." in live.status.text()
    assert live.workspace.model == first
    assert not live.live.undo_button.isEnabled()
    live.start("Training", once(lambda: following))
    finish(live)
    assert live.workspace.model == following


def test_a_pause_holds_the_steps_but_not_the_previews(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    live.pause_button.click()
    qtbot.waitUntil(lambda: live.status.text() == "Paused", timeout=30_000)
    qtbot.wait(300)
    held = live.curves.num_points[0]
    viewer.dims.set_current_step(0, 4)
    wait_for_preview(viewer, qtbot, 4)
    assert live.curves.num_points[0] == held
    marks = {PREDICTED: [0]}
    viewer.add_labels(np.ones((6, 96, 112), np.uint8), name="other", metadata=marks)
    assert not live.live.preview.isChecked()
    live.pause_button.click()
    assert live.live.preview.isChecked()
    qtbot.waitUntil(lambda: live.curves.num_points[0] > held, timeout=30_000)
    stop(live, finish)


def test_a_network_that_rests_says_so_and_is_ready_to_be_looked_at(live: Any) -> None:
    live.workspace.learnt = 2.0
    live.on_step(Idle("Paused"))
    assert live.workspace.learnt == 2
    live.on_step(Idle("It rests.", rests=True))
    assert live.status.text() == "It rests."
    assert live.workspace.learnt == coach.LOOK_AFTER
    live.workspace.learnt = 60.0
    live.on_step(Idle("It rests.", rests=True))
    assert live.workspace.learnt == 60


def test_it_starts_once_the_image_was_looked_at_and_from_what_that_told(
    dock: Any, viewer: Any, finish: Any, qtbot: Any, monkeypatch: Any
) -> None:
    answer, train = threading.Event(), dock.train

    def look(_stack: Any) -> bool:
        return answer.wait(30)

    monkeypatch.setattr("napari_unet.widgets.choose.em_watch.looks_like_em", look)
    viewer.add_image(np.zeros((2, 64, 64), np.uint8), name="em")
    assert train.em_watch.looking
    train.live_button.click()
    train.live_button.click()
    assert not train.running
    answer.set()
    qtbot.waitUntil(lambda: train.running, timeout=30_000)
    assert "membranes" in str(train.start_from.value())
    stop(train, finish)
    assert not train.running


def test_what_could_not_start_does_not_count_as_running(live: Any, qtbot: Any) -> None:
    live.workspace.coverage = Coverage(complete="99")
    live.live_button.click()
    qtbot.waitUntil(lambda: "99" in live.status.text(), timeout=30_000)
    assert not live.live.running
    assert live.live_button.isEnabled()


@pytest.mark.parametrize("how", ["start_live", "run"])
def test_an_image_is_trained_on_in_one_dock_at_a_time(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any, how: str
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    _, other = viewer.window.add_plugin_dock_widget("napari-unet-em", "Train")
    other.start_from.setValue(8)
    with pytest.raises(InputError, match="Another dock trains on em, and shows"):
        getattr(other, how)()
    assert not other.running
    assert live.live.watching
    stop(live, finish)
    getattr(other, how)()
    assert other.live.watching
    stop(other, finish)


@pytest.mark.parametrize("name", ["preview", "preview probability"])
def test_other_data_in_a_layer_of_the_preview_end_it(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any, name: str
) -> None:
    paint(viewer, files, 2)
    live.live.probability.setChecked(True)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.layers[name].data = np.zeros((2, 8, 8), np.uint8)
    finish(live)
    assert f"{name} has other data now" in live.status.text()
    assert load_model(live.workspace.model)


@pytest.mark.parametrize("name", ["em", "annotations"])
def test_removing_a_layer_ends_in_good_order(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any, name: str
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.layers.remove(name)
    finish(live)
    assert "was removed" in live.status.text()
    assert load_model(live.workspace.model)


def test_another_shape_of_the_annotations_ends_in_good_order(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.layers["annotations"].data = np.zeros((6, 10, 10), np.uint8)
    finish(live)
    assert "another shape" in live.status.text()


def test_other_annotations_end_it_since_nobody_would_learn_from_them(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    assert not live.data.new_button.isEnabled(), "not by accident"
    others = viewer.add_labels(viewer.layers["annotations"].data + 1, name="others")
    assert live.running
    live.workspace.annotations = others
    finish(live)
    assert "annotations is not chosen to annotate any more" in live.status.text()
    assert live.annotations.value() == others
    assert live.data.new_button.isEnabled()


def test_other_data_in_the_layer_of_the_image_end_it(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    # No image that anything could be shown on.
    viewer.layers["em"].data = np.zeros((2, 2, 2, 8, 8), np.uint8)
    viewer.dims.set_current_step(0, 1)
    finish(live)
    assert "em has other data now" in live.status.text()
    assert load_model(live.workspace.model)


def test_what_was_drawn_last_is_known_after_the_end_too(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.dims.set_current_step(0, 5)
    wait_for_preview(viewer, qtbot, 5)
    stop(live, finish)
    image = viewer.layers["em"]
    drawn = live.live.drawn(image)
    assert {one.core[0].start for one in drawn} == {5}
    assert drawn[-1].probabilities.shape[1:] == drawn[-1].labels.shape
    assert not live.live.drawn(viewer.add_image(image.data, name="another"))


def test_the_preview_can_be_removed_and_asked_for_again(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.layers.remove("preview")
    assert not live.live.preview.isChecked()
    live.live.probability.setChecked(True)
    live.live.preview.setChecked(True)
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    name = "preview probability"
    qtbot.waitUntil(lambda: name in viewer.layers, timeout=30_000)
    values = viewer.layers[name].data[viewer.dims.current_step[0]]
    assert 0 < values.max() <= 1
    stop(live, finish)


def test_three_dimensions_and_renamed_layers_do_no_harm(
    live: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.dims.ndisplay = 3
    viewer.layers["em"].name = "renamed"
    held = live.curves.num_points[0]
    qtbot.waitUntil(lambda: live.curves.num_points[0] > held + 5, timeout=60_000)
    viewer.dims.ndisplay = 2
    stop(live, finish)
    assert load_model(live.workspace.model)


def test_starting_twice_in_a_hurry_starts_once(
    live: Any, viewer: Any, files: Any, finish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicked, begun = threading.Event(), []
    run = LiveLoop.run

    def slowly(loop: LiveLoop, stop: threading.Event) -> Iterator[Any]:
        begun.append(loop)
        assert clicked.wait(60)
        yield from run(loop, stop)

    monkeypatch.setattr(LiveLoop, "run", slowly)
    paint(viewer, files, 2)
    live.live_button.click()
    live.live_button.click()
    live.run_button.click()
    clicked.set()
    finish(live)
    assert len(begun) == 1
    assert live.workspace.model is None
    assert "no model was made" in live.status.text()


def test_the_whole_stack_is_predicted_with_the_network_as_it_is(
    live: Any, dock: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    paint(viewer, files, 2)
    live.live_button.click()
    qtbot.waitUntil(lambda: live.curves.num_points[0] > 20, timeout=60_000)
    live.live.stack_button.click()
    qtbot.waitUntil(lambda: dock.tabs.currentWidget() is dock.predict, timeout=30_000)
    finish(dock.predict)
    assert viewer.layers["prediction"].data.any(axis=(1, 2)).all()
    assert live.pause_button.text() == "Go on"
    stop(live, finish)


def test_a_timed_training_shows_what_it_makes_of_the_image(
    quick: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    train = quick.train
    train.run_button.click()
    z = viewer.dims.current_step[0]
    wait_for_preview(viewer, qtbot, z)
    layer = preview(viewer)
    assert layer.visible, "the eye shows it"
    assert f"Preview: slice {z}, " in train.live.age.text()
    assert not train.live.undo_button.isVisibleTo(train)
    assert not train.live.stack_button.isVisibleTo(train)
    train.live.preview.click()
    assert not layer.visible
    train.live.preview.click()
    viewer.dims.set_current_step(0, 0)
    wait_for_preview(viewer, qtbot, 0)
    stop(train, finish)
    assert not train.live.isVisibleTo(train)


def test_a_timed_training_goes_on_unseen_without_its_image(
    quick: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    train = quick.train
    train.run_button.click()
    wait_for_preview(viewer, qtbot, viewer.dims.current_step[0])
    viewer.layers.remove(train.image.value())
    count = train.curves.num_points[0]
    qtbot.waitUntil(lambda: train.curves.num_points[0] > count + 3, timeout=60_000)
    assert not train.live.watching
    stop(train, finish)
    assert load_model(train.workspace.model)


def test_another_image_than_the_one_that_is_trained_on_gets_no_preview(
    quick: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    train = quick.train
    other = viewer.add_image(train.image.value().data, name="other")
    viewer.add_labels(np.ones(other.data.shape, np.uint8), name="of other")
    train.image.setValue(other)
    train.annotations.setValue(viewer.layers["of other"])
    rows = train.data.images._rows
    for row in rows:
        row.use = row.pair.labels != viewer.layers["of other"]
    train.run_button.click()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > 3, timeout=60_000)
    assert preview(viewer) is None
    stop(train, finish)
