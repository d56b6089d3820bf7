"""The whole loop through the docks' own buttons, in a real napari window."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unet.config import AnnotationKind
from napari_unet.model.checkpoint import load_model
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
    commands = manifest.contributions.commands or []
    assert len(commands) == 7
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
    assert "4 x 4 x 50 nm" in loaded.load.status.text()


def test_the_whole_loop_through_the_buttons(
    quick: Any, viewer: Any, files: Any, finish: Any, qtbot: Any, tmp_path: Any
) -> None:
    quick.weights.labels.setValue(viewer.layers["annotations"])
    quick.weights.run_button.click()
    finish(quick.weights)
    assert viewer.layers["weight map"].data.shape == files.cells.shape

    quick.train.amount.setValue(5)
    quick.train.run_button.click()
    qtbot.waitUntil(lambda: quick.train.curves.seconds > 20, timeout=120_000)
    quick.train.run_button.click()
    assert quick.train.status.text() == "Stopping ..."
    finish(quick.train)
    model = load_model(quick.train.workspace.model)
    assert model.card.scores["iou"] > 0.8

    quick.predict.extent.setCurrentText("whole stack")
    quick.predict.probabilities.setChecked(True)
    quick.predict.run_button.click()
    finish(quick.predict)
    prediction = viewer.layers["em prediction"]
    np.testing.assert_allclose(prediction.scale, viewer.layers["em"].scale)
    assert prediction.units == viewer.layers["em"].units
    probability = viewer.layers["em probability"].data
    np.testing.assert_array_equal(prediction.data == 1, probability > 0.5)

    assert quick.scores.prediction.value() is not None
    quick.scores.run_button.click()
    finish(quick.scores)
    expected = score_labels(prediction.data, files.cells, AnnotationKind.CLASSES)
    table = quick.scores.table
    assert [row.slice for row in table.rows()] == list(range(6))
    for row, one in enumerate(expected.slices):
        assert table.figure(row, "v_rand") == f"{one.values()['v_rand']:.3f}"
    iou = f"IoU <b>{expected.values()['iou']:.3f}</b>"
    assert iou in quick.scores.totals.brief.text()
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
