"""A curve against the threshold, a mask that follows, a model that keeps the choice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import PostprocessConfig, UNetConfig
from napari_unet.data.annotation import connected_objects
from napari_unet.data.fingerprint import fingerprint
from napari_unet.model.card import ModelCard, read_card
from napari_unet.model.checkpoint import Model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.model.seen import seen
from napari_unet.predict.made_by import MadeBy
from napari_unet.samples import em_stack
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.threshold import threshold_steps
from napari_unet.widgets.layers.eye import Eye
from napari_unet.widgets.layers.maps import add_slice, make_maps
from napari_unet.widgets.layers.marks import PREDICTED, made_by, remember
from napari_unet.widgets.scores.subject import Subject
from napari_unet.widgets.scores.threshold_box import ThresholdBox

pytestmark = pytest.mark.one_binding

SHAPE = (6, 64, 72)


class Scene:
    """A prediction with its probabilities in a real viewer, and the part."""

    def __init__(self, viewer: Any, box: ThresholdBox, folder: Path) -> None:
        self.viewer, self.box = viewer, box
        stack, objects = em_stack(SHAPE, seed=2)
        self.truth = (objects > 0).astype(np.uint8)
        noise = np.random.default_rng(0).normal(0, 0.2, SHAPE)
        self.likely = np.clip(0.3 + 0.4 * self.truth + noise, 0, 1).astype(np.float32)
        self.model = folder / "model.safetensors"
        self.image = fingerprint(stack.as_czyx())
        self.layer_of = viewer.add_image(stack.data, name="em")
        self.save(seen(self.image, range(4), range(4, 6)))

    def save(self, *data: dict[str, str]) -> None:
        torch.manual_seed(0)
        config = UNetConfig(base_channels=2, depth=1)
        card = ModelCard(network=config, data=data)
        save_model(self.model, Model(UNet(config), card))

    def predict(self, slices=range(6), finish: PostprocessConfig | None = None) -> Any:
        finish = finish or PostprocessConfig()
        mask = (self.likely > 0.5).astype(np.uint16)
        if finish.objects != "no":
            mask = connected_objects(mask > 0).astype(np.uint16)
        self.layer = self.viewer.add_labels(mask, name="prediction")
        self.layer.metadata[PREDICTED] = list(slices)
        (made,) = make_maps(self.viewer, self.layer_of, self.model, 1, SHAPE)
        made.data[:] = self.likely
        for z in slices:
            add_slice(made, z)
        whole = MadeBy(self.model, "em", None, finish, self.image, tuple(slices))
        remember(self.layer, whole)
        self.viewer.dims.set_current_step(0, 5)
        return self.layer

    def score(self) -> Comparison:
        read = compare(self.layer.data, self.truth)
        self.box.show_scores(read, self.layer)
        return read


@pytest.fixture
def scene(viewer: Any, qtbot: Any, tmp_path: Path) -> Scene:
    box = ThresholdBox(viewer)
    qtbot.addWidget(box)
    box.resize(380, 400)
    box.show()
    return Scene(viewer, box, tmp_path)


@pytest.fixture
def settle(qtbot: Any, scene: Scene) -> Callable[[], None]:
    """Wait until nothing is drawn or made any more."""

    def wait() -> None:
        box = scene.box
        qtbot.waitUntil(
            lambda: not box.running and not box._settled.isActive(), timeout=60_000
        )

    return wait


def test_without_scores_or_probabilities_it_says_what_to_do(
    scene: Scene, viewer: Any
) -> None:
    box, asked = scene.box, []
    assert "No scores yet: score a prediction" in box.about.text()
    scene.predict()
    viewer.layers.remove("probability")
    scene.score()
    assert "Probabilities too" in box.about.text()
    assert box.predict_button.isHidden()
    box.predict = asked.append
    box.refresh()
    box.predict_button.click()
    assert asked == [scene.model]


def test_the_curve_is_that_of_the_held_out_slices(
    scene: Scene, settle: Callable[[], None]
) -> None:
    scene.predict()
    read = scene.score()
    settle()
    *_, expected = threshold_steps(scene.likely, read, slices=[4, 5])
    np.testing.assert_allclose(scene.box.curve.iou, expected.iou, atol=1e-3)
    np.testing.assert_allclose(scene.box.curve.v_rand, expected.v_rand, atol=1e-2)
    assert "Slices 4 to 5: held out in training." in scene.box.about.text()


def test_the_mask_follows_at_once_and_is_one_step_of_undo(
    scene: Scene, settle: Callable[[], None], viewer: Any
) -> None:
    layer = scene.predict()
    before, threshold_before = layer.data.copy(), made_by(layer).threshold
    scene.score()
    settle()
    for threshold in (0.55, 0.62, 0.7):
        scene.box._on_handle(threshold)
        np.testing.assert_array_equal(layer.data[5], scene.likely[5] > threshold)
        np.testing.assert_array_equal(layer.data[:5], before[:5])
    scene.box._on_released(0.7)
    settle()
    np.testing.assert_array_equal(layer.data, scene.likely > 0.7)
    assert made_by(layer).threshold == pytest.approx(0.7)
    assert "pixels changed" in scene.box.words.text()
    viewer.layers.selection.active = viewer.add_labels(before.copy(), name="other")
    scene.box.words.action_button.click()
    np.testing.assert_array_equal(layer.data, before)
    assert made_by(layer).threshold == threshold_before
    assert scene.box.value.value() == (threshold_before or 0.5)
    layer.redo()
    np.testing.assert_array_equal(layer.data, scene.likely > 0.7)


def test_undo_and_redo_of_the_layer_take_the_threshold_along(
    scene: Scene, settle: Callable[[], None], qtbot: Any
) -> None:
    layer = scene.predict()
    scene.score()
    settle()
    scene.box._on_released(0.7)
    settle()
    for step, threshold in ((layer.undo, 0.5), (layer.redo, 0.7)):
        with qtbot.waitSignal(scene.box.changed) as told:
            step()
            # What is scored at once is told by what it is, too.
            subject = Subject.of(scene.viewer, layer, layer, scene.layer_of)
            assert (subject.made_by.threshold or 0.5) == threshold
        assert told.args == [threshold]
        assert scene.box.value.value() == threshold
        assert (made_by(layer).threshold or 0.5) == threshold


def test_the_best_threshold_is_a_click_away(
    scene: Scene, settle: Callable[[], None]
) -> None:
    layer = scene.predict()
    scene.score()
    settle()
    emitted: list[float] = []
    scene.box.changed.connect(emitted.append)
    scene.box.value.setValue(0.8)
    settle()
    scene.box.best["iou"].click()
    settle()
    best = scene.box.curve.best("iou")
    assert emitted == [pytest.approx(0.8), pytest.approx(best)]
    np.testing.assert_array_equal(layer.data, scene.likely > np.float32(best))


def test_a_mask_that_is_hidden_is_shown_once_its_threshold_moves(
    scene: Scene, settle: Callable[[], None], viewer: Any
) -> None:
    layer = scene.predict()
    scene.score()
    settle()
    Eye.of(viewer).show("em")
    viewer.dims.set_current_step(0, 2)
    scene.box.value.setValue(0.7)
    settle()
    assert layer.visible
    np.testing.assert_array_equal(layer.data, scene.likely > np.float32(0.7))


@pytest.mark.one_binding
def test_numbered_objects_are_numbered_anew(
    scene: Scene, settle: Callable[[], None]
) -> None:
    layer = scene.predict(finish=PostprocessConfig(objects="connected", min_size=0))
    scene.score()
    settle()
    scene.box.value.setValue(0.6)
    settle()
    expected = connected_objects(scene.likely > np.float32(0.6))
    np.testing.assert_array_equal(layer.data, expected)


@pytest.mark.one_binding
def test_slices_without_probabilities_stay_as_they_are(
    scene: Scene, settle: Callable[[], None]
) -> None:
    layer = scene.predict(slices=(3, 5))
    before = layer.data.copy()
    scene.score()
    settle()
    scene.box.value.setValue(0.7)
    settle()
    for z in range(6):
        expected = scene.likely[z] > 0.7 if z in (3, 5) else before[z]
        np.testing.assert_array_equal(layer.data[z], expected)


@pytest.mark.one_binding
def test_corrections_by_hand_are_never_lost(
    scene: Scene, settle: Callable[[], None]
) -> None:
    layer = scene.predict()
    scene.score()
    settle()
    layer.data_setitem(tuple(np.array([one]) for one in (5, 3, 3)), 2)
    corrected = layer.data.copy()
    scene.box.value.setValue(0.7)
    settle()
    np.testing.assert_array_equal(layer.data, corrected)
    assert "corrected by hand" in scene.box.words.text()


def test_what_is_only_shown_goes_with_other_scores(
    scene: Scene, settle: Callable[[], None]
) -> None:
    layer = scene.predict()
    before = layer.data.copy()
    scene.score()
    settle()
    scene.box._on_handle(0.8)
    scene.box.show_scores(None, None)
    np.testing.assert_array_equal(layer.data, before)


@pytest.mark.one_binding
def test_strokes_on_what_is_only_shown_outlive_other_scores(
    scene: Scene, settle: Callable[[], None], viewer: Any
) -> None:
    layer = scene.predict()
    before = layer.data.copy()
    scene.score()
    settle()
    viewer.dims.set_current_step(0, 4)
    scene.box._on_handle(0.8)
    viewer.dims.set_current_step(0, 5)
    scene.box._on_released(0.8)
    layer.data_setitem(tuple(np.array([one]) for one in (5, 3, 3)), 2)
    painted = layer.data[5].copy()
    scene.box.show_scores(None, None)
    settle()
    assert layer.data[5, 3, 3] == 2
    np.testing.assert_array_equal(layer.data[5], painted)
    np.testing.assert_array_equal(layer.data[4], before[4])


def test_a_mask_that_comes_too_late_leaves_the_layer_alone(
    scene: Scene, settle: Callable[[], None]
) -> None:
    layer = scene.predict()
    before = layer.data.copy()
    scene.score()
    settle()
    scene.box._on_released(0.8)
    scene.box.show_scores(None, None)
    settle()
    np.testing.assert_array_equal(layer.data, before)
    assert made_by(layer).threshold is None


@pytest.mark.one_binding
def test_a_choice_on_held_out_slices_is_kept_in_the_model(
    scene: Scene, settle: Callable[[], None]
) -> None:
    scene.predict()
    scene.score()
    settle()
    scene.box.value.setValue(0.615)
    settle()
    assert scene.box.keep_button.isEnabled()
    scene.box.keep_button.click()
    assert read_card(scene.model).threshold == 0.615
    assert "predicts above 0.615 from now on" in scene.box.words.text()


OLD = {"name": "em.tif", "sha256": "00ff"}


@pytest.mark.parametrize(
    ("slices", "older", "reason"),
    [
        ((0, 1), False, "trained on slices 0 to 1"),
        ((0, 1), True, "does not tell which slices"),
        ((4, 5), True, "does not tell which slices"),
    ],
)
@pytest.mark.one_binding
def test_a_choice_on_other_slices_is_refused_with_the_reason(
    scene: Scene, settle: Callable[[], None], slices: Any, older: bool, reason: str
) -> None:
    if older:
        scene.save(OLD)
    scene.predict(slices=slices)
    scene.score()
    settle()
    assert not scene.box.keep_button.isEnabled()
    assert reason in scene.box.keep_button.toolTip()
    scene.box.keep()
    assert read_card(scene.model).threshold is None


@pytest.mark.one_binding
def test_slices_kept_for_a_test_are_refused(
    scene: Scene, settle: Callable[[], None]
) -> None:
    scene.save(seen(scene.image, range(2), []))
    scene.predict(slices=(4, 5))
    scene.score()
    settle()
    assert "Not held out in training: slices 4 to 5" in scene.box.keep_button.toolTip()


def test_a_curve_outlives_scores_of_another_mask(
    scene: Scene, settle: Callable[[], None]
) -> None:
    scene.predict()
    scene.score()
    settle()
    curve = scene.box.curve
    scene.box.value.setValue(0.6)
    settle()
    scene.score()
    assert scene.box.curve is curve
    scene.truth[5] = 0
    scene.score()
    assert scene.box.curve is None
    settle()
    assert scene.box.curve.slices == (4,)


@pytest.mark.one_binding
def test_a_network_trained_here_tells_its_held_out_slice(
    quick: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    quick.train.run_button.click()
    qtbot.waitUntil(lambda: quick.train.curves.num_points[0] > 3, timeout=60_000)
    quick.train.run_button.click()
    finish(quick.train)
    workspace = quick.predict.workspace
    model = workspace.model
    quick.predict.predict_stack(model, probabilities=True)
    finish(quick.predict)
    box = ThresholdBox(viewer)
    qtbot.addWidget(box)
    box.show()
    layer, truth = workspace.prediction, workspace.truth
    box.show_scores(compare(layer.data, np.asarray(truth.data)), layer)
    assert box.slices == (4,)
    assert box.why_not_keep() == ""
    box.value.setValue(0.6)
    box.keep()
    assert "Threshold: 0.6 (of the model)" in quick.predict.threshold.text()
    qtbot.waitUntil(
        lambda: not box.running and not box._settled.isActive(), timeout=60_000
    )
