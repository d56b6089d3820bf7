"""One result at a time over the image."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet.widgets.layers.eye import EM, ERRORS, RESULT, Eye
from napari_unet.widgets.layers.marks import ERRORS as SHOWS_ERRORS
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.roles import Role, set_role


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def add(viewer: ViewerModel, name: str, key: str = PREDICTED) -> Labels:
    data = np.ones((2, 8, 8), np.uint8)
    return viewer.add_labels(data, name=name, metadata={key: [0]})


def seen(viewer: ViewerModel) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def test_the_newest_result_is_seen_alone(viewer: ViewerModel) -> None:
    eye = Eye.of(viewer)
    preview = add(viewer, "preview")
    add(viewer, "prediction")
    assert (seen(viewer), eye.showing) == (["prediction"], RESULT)
    eye.bring(preview)
    assert seen(viewer) == ["preview"]


def test_every_view_shows_its_own_layer(viewer: ViewerModel) -> None:
    eye = Eye.of(viewer)
    viewer.add_image(np.zeros((2, 8, 8)), name="em")
    annotations = viewer.add_labels(np.zeros((2, 8, 8), int), name="annotations")
    add(viewer, "prediction")
    add(viewer, "errors", SHOWS_ERRORS)
    assert seen(viewer) == ["em", "annotations", "errors"]
    eye.show(EM)
    assert seen(viewer) == ["em", "annotations"]
    annotations.visible = False
    eye.show(RESULT)
    assert seen(viewer) == ["em", "prediction"]


def test_a_click_in_the_list_of_layers_counts_as_one_on_the_eye(
    viewer: ViewerModel,
) -> None:
    eye = Eye.of(viewer)
    prediction, errors = add(viewer, "prediction"), add(viewer, "errors", SHOWS_ERRORS)
    prediction.visible = True
    assert (seen(viewer), eye.showing) == (["prediction"], RESULT)
    prediction.visible = False
    assert (seen(viewer), eye.showing) == ([], EM)
    errors.visible = True
    assert eye.showing == ERRORS


def test_truth_goes_with_the_result_alone_and_paint_is_never_over_errors(
    viewer: ViewerModel,
) -> None:
    eye = Eye.of(viewer)
    for name in ("truth", "annotations"):
        layer = viewer.add_labels(np.zeros((2, 8, 8), int), name=name)
        set_role(layer, Role(name))
    add(viewer, "prediction")
    add(viewer, "errors", SHOWS_ERRORS)
    assert seen(viewer) == ["errors"]
    eye.show(EM)
    assert seen(viewer) == ["annotations"]
    eye.show(RESULT)
    assert seen(viewer) == ["truth", "annotations", "prediction"]


def test_what_was_hidden_by_hand_stays_hidden(viewer: ViewerModel) -> None:
    eye = Eye.of(viewer)
    truth = viewer.add_labels(np.zeros((2, 8, 8), int), name="truth")
    add(viewer, "prediction")
    truth.visible = False
    for view in (EM, RESULT):
        eye.show(view)
    assert seen(viewer) == ["prediction"]
    truth.visible = True
    for view in (EM, RESULT):
        eye.show(view)
    assert seen(viewer) == ["truth", "prediction"]


def test_a_result_that_comes_hidden_is_not_the_newest(viewer: ViewerModel) -> None:
    eye = Eye.of(viewer)
    add(viewer, "prediction")
    data, marks = np.ones((2, 8, 8)), {PREDICTED: [0]}
    viewer.add_image(data, name="probability", metadata=marks, visible=False)
    for view in (EM, RESULT):
        eye.show(view)
    assert seen(viewer) == ["prediction"]


def test_what_is_put_back_gives_way_to_what_was_seen_before(
    viewer: ViewerModel,
) -> None:
    eye = Eye.of(viewer)
    prediction, probability = add(viewer, "prediction"), add(viewer, "probability")
    errors = add(viewer, "errors", SHOWS_ERRORS)
    eye.put_back([errors])
    assert (seen(viewer), eye.showing) == (["probability"], RESULT)
    eye.put_back([probability])
    assert (seen(viewer), eye.showing) == (["prediction"], RESULT)
    eye.put_back([prediction, probability])
    assert (seen(viewer), eye.showing) == ([], EM)


def test_what_is_removed_gives_its_place_back(viewer: ViewerModel) -> None:
    eye = Eye.of(viewer)
    add(viewer, "preview")
    prediction, errors = add(viewer, "prediction"), add(viewer, "errors", SHOWS_ERRORS)
    viewer.layers.remove(errors)
    assert (seen(viewer), eye.showing) == (["prediction"], RESULT)
    viewer.layers.remove(prediction)
    assert seen(viewer) == ["preview"]


def test_the_next_view_is_one_that_has_something_to_show(viewer: ViewerModel) -> None:
    eye, heard = Eye.of(viewer), []
    eye.next()
    assert eye.showing == EM
    eye.changed.connect(lambda: heard.append(eye.showing))
    add(viewer, "prediction")
    eye.next()
    eye.next()
    assert heard == [RESULT, EM, RESULT]


def test_an_eye_that_opens_later_knows_the_layers_that_are_there(
    viewer: ViewerModel,
) -> None:
    add(viewer, "preview")
    add(viewer, "prediction")
    Eye.of(viewer).show(RESULT)
    assert seen(viewer) == ["prediction"]


def test_only_views_are_shown(viewer: ViewerModel) -> None:
    with pytest.raises(ValueError, match="none of em, result, errors"):
        Eye.of(viewer).show("truth")
