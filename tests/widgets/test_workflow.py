"""The whole loop through the docks' own buttons, in a real napari window."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtWidgets import QApplication

from napari_unet.config import AnnotationKind, RunConfig, WeightMapConfig
from napari_unet.model.checkpoint import load_model
from napari_unet.score.measures import SHOWN
from napari_unet.score.scoring import score_labels

PLUGIN = "napari-unet-em"


@pytest.mark.parametrize(
    "name", ["U-Net workflow", "Load", "Weights", "Train", "Predict", "Scores"]
)
def test_every_widget_of_the_manifest_opens(viewer: Any, name: str) -> None:
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    assert widget.isVisible() or widget.parent() is not None


def test_every_command_of_the_manifest_exists() -> None:
    from npe2 import PluginManifest
    from npe2.manifest.utils import import_python_name

    manifest = PluginManifest.from_distribution(PLUGIN)
    offered = manifest.contributions
    commands = offered.commands or []
    parts = (offered.widgets, offered.readers, offered.writers, offered.sample_data)
    reached = {one.command for part in parts for one in part or ()}
    assert {command.id for command in commands} == reached
    for command in commands:
        assert callable(import_python_name(command.python_name))


def test_the_sample_opens_with_annotations_and_truth(viewer: Any) -> None:
    viewer.open_sample(PLUGIN, "synthetic-em")
    kinds = [type(layer) for layer in viewer.layers]
    assert kinds.count(Labels) == 2
    assert str(viewer.layers[0].units[-1]) == "nanometer"


def test_loading_makes_layers_that_lie_on_each_other(loaded: Any, viewer: Any) -> None:
    image, annotations, truth = viewer.layers
    assert isinstance(image, Image)
    assert isinstance(annotations, Labels)
    for layer in (annotations, truth):
        np.testing.assert_allclose(layer.scale, image.scale)
        assert layer.units == image.units
        assert layer.data.shape == image.data.shape
    np.testing.assert_allclose(image.scale, (50, 4, 4))
    assert "classes, 5 of 6 slices" in loaded.load.status.text()
    assert "50 x 4 x 4 nm" in loaded.load.status.text()


def test_the_whole_loop_through_the_buttons(
    quick: Any, viewer: Any, files: Any, finish: Any, qtbot: Any, tmp_path: Any
) -> None:
    quick.weights.labels.setValue(viewer.layers["annotations"])
    quick.weights.run_button.click()
    finish(quick.weights)
    assert viewer.layers["weight map"].data.shape == files.cells.shape

    quick.train.amount.setValue(5)
    quick.train.run_button.click()
    qtbot.waitUntil(lambda: quick.train.curves.num_points[0] > 300, timeout=240_000)
    quick.train.run_button.click()
    assert quick.train.status.text() == "Stopping ..."
    finish(quick.train)
    model = load_model(quick.train.workspace.model)
    assert model.card.scores["iou"] > 0.8

    quick.predict.extent.setCurrentText("whole stack")
    quick.predict.probabilities.setChecked(True)
    quick.predict.run_button.click()
    finish(quick.predict)
    prediction = viewer.layers["prediction"]
    np.testing.assert_allclose(prediction.scale, viewer.layers["em"].scale)
    assert prediction.units == viewer.layers["em"].units
    # Cells fill the image: they come apart without anything being set.
    assert model.card.finish.objects == "watershed"
    probability = viewer.layers["probability"].data
    outside = (prediction.data == 0) & (probability > 0.5)
    assert not prediction.data[probability <= 0.5].any()
    assert outside.mean() < 0.02, "the lines between them"
    assert prediction.data.max() > 6

    assert quick.scores.prediction.value() is not None
    quick.scores.run_button.click()
    finish(quick.scores)
    expected = score_labels(prediction.data, files.cells, AnnotationKind.CLASSES)
    table = quick.scores.table
    assert [row.slice for row in table.rows()] == list(range(6))
    for row, one in enumerate(expected.slices):
        cell = table.model().index(row, 1 + SHOWN.index("v_rand"))
        assert cell.data() == f"{one.values()['v_rand']:.3f}"
    iou = f"{expected.values()['iou']:.3f}"
    assert quick.scores.totals.numbers[0].text() == iou
    quick.scores.save(str(tmp_path / "scores.csv"))
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["slice"] for row in rows] == [*"012345", "all"]
    assert float(rows[-1]["iou"]) == pytest.approx(expected.values()["iou"], abs=1e-6)
    # The model tells which slices it has learnt from.
    assert {row["trained_on"] for row in rows[:-1]} == {"yes", "no"}
    quick.scores.save_report(str(tmp_path / "scores.html"))
    finish(quick.scores)
    page = (tmp_path / "scores.html").read_text(encoding="utf-8")
    assert "Training" in page
    assert f"{expected.values()['v_rand']:.4f}" in page

    table.clicked.emit(table.model().index(4, 0))
    assert viewer.dims.current_step[0] == 4


def test_docks_of_one_viewer_share_what_is_chosen(loaded: Any, viewer: Any) -> None:
    _, train = viewer.window.add_plugin_dock_widget(PLUGIN, "Train")
    assert train.image.value() is not None
    assert train.workspace is loaded.load.workspace
    assert train.annotations.value().name == "annotations"


def test_two_viewers_share_nothing(make_napari_viewer_proxy: Any) -> None:
    first, second = make_napari_viewer_proxy(), make_napari_viewer_proxy()
    _, one = first.window.add_plugin_dock_widget(PLUGIN, "Train")
    _, other = second.window.add_plugin_dock_widget(PLUGIN, "Train")
    assert one.workspace is not other.workspace


# ------------------------------------------------ tabs that nobody has looked at yet


def made(dock: Any) -> set[str]:
    """Return the names of the tabs that are there."""
    tabs = ("load", "train", "predict", "scores")
    return {name for name in tabs if name in vars(dock)}


def test_a_tab_is_made_when_it_is_first_looked_at_and_stays_in_its_place(
    dock: Any,
) -> None:
    assert made(dock) == {"load"}
    titles = [dock.tabs.tabText(index) for index in range(dock.tabs.count())]
    assert titles == ["Load", "Train", "Predict", "Scores"]
    for index in (2, 1):
        dock.tabs.setCurrentIndex(index)
        assert dock.tabs.currentIndex() == index
    assert made(dock) == {"load", "train", "predict"}
    assert dock.tabs.currentWidget() is dock.train
    scores = dock.scores
    assert dock.tabs.indexOf(scores) == 3
    assert dock.tabs.currentWidget() is dock.train
    assert [dock.tabs.tabText(index) for index in range(dock.tabs.count())] == titles


def test_annotations_are_kept_from_the_first_stroke_on(
    dock: Any, viewer: Any, project: Any, written: Any
) -> None:
    image = viewer.add_image(np.zeros((3, 64, 80)), name="em")
    layer = viewer.add_labels(np.zeros((3, 64, 80), np.uint8), name="mine")
    QApplication.processEvents()
    assert made(dock) == {"load"}
    assert project.workspace.image == image
    assert project.workspace.annotations == layer
    layer.paint((1, 20, 30), 2)
    assert (written() == layer.data).all()
    assert dock.train.image.value() == image
    assert dock.train.annotations.value() == layer


def test_a_tab_knows_what_happened_before_it_was_made(
    loaded: Any, viewer: Any, files: Any, tmp_path: Any
) -> None:
    predicted = viewer.add_labels(files.cells.copy(), name="predicted")
    workspace = loaded.load.workspace
    workspace.prediction = predicted
    workspace.weight_map = WeightMapConfig(w0=7)
    workspace.kind = AnnotationKind.CLASSES
    assert made(loaded) == {"load"}
    assert loaded.scores.prediction.value() == predicted
    assert loaded.scores.truth.value() == workspace.truth
    assert loaded.weights.value().w0 == 7
    assert loaded.train.settings().weight_map.w0 == 7
    assert loaded.train.kind.value() is AnnotationKind.CLASSES
    assert loaded.predict.image.value() == workspace.image


def test_settings_of_a_project_that_was_opened_reach_a_tab_made_later(
    dock: Any, project: Any
) -> None:
    settings = RunConfig.read({"train": {"steps": 77, "minutes": None}}, "a test")
    project.state.settings = settings
    project.workspace.weight_map = WeightMapConfig(w0=8)
    assert made(dock) == {"load"}
    assert dock.train.amount.value() == 77
    assert dock.train.amount_of.currentText() == "steps"
    assert dock.train.settings().weight_map.w0 == 8


def test_keys_work_before_their_docks_are_made(
    dock: Any, viewer: Any, monkeypatch: Any
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("napari_unet.widgets.choose.keys.show_info", shown.append)
    press = viewer.__wrapped__.window._qt_viewer._key_map_handler.press_key
    press("J")
    assert "score a prediction" in shown[-1]
    assert made(dock) == {"load", "scores"}
    press("N")
    assert "load one first" in shown[-1]
    assert made(dock) == {"load", "scores", "train"}
    viewer.window.remove_dock_widget(dock)
