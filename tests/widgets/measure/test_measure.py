"""Objects are measured from the window, and the table leads to them."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest

from napari_unet.measure.measuring import measure_objects
from napari_unet.measure.numbered import number_objects
from napari_unet.measure.object_measures import ObjectMeasures
from napari_unet.widgets.layers.annotations import (
    add_annotations,
    class_names,
    name_classes,
)
from napari_unet.widgets.layers.marks import INFO_BAR, PREDICTED
from napari_unet.widgets.measure.dock import MeasureWidget


@pytest.fixture
def measured(viewer: Any, qtbot: Any, finish: Any) -> MeasureWidget:
    """The dock, with three objects of two slices measured."""
    labels = np.zeros((2, 60, 80), np.uint8)
    labels[0, 5:15, 5:25], labels[1, 20:40, 30:50], labels[1, 50:56, 60:70] = 1, 2, 9
    image = np.where(labels > 0, 200, 50).astype(np.uint8)
    place = {"scale": (50, 4, 4), "units": ("nm",) * 3}
    viewer.add_image(image, name="em", **place)
    viewer.add_labels(labels, name="cells", **place)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    dock.kind.setCurrentIndex(1)
    dock.run_button.click()
    finish(dock)
    return dock


def test_the_table_shows_the_largest_first_and_leads_there(
    measured: Any, viewer: Any
) -> None:
    table = measured.table
    assert table.count() == 3
    assert measured.bar.value() == measured.bar.maximum()
    assert measured.status.text().startswith("3 objects measured")
    titles = [column.title for column in table._rows.columns]
    assert "Area\nnm²" in titles
    first = table.choose(0)
    assert measured.found.values["object"][first] == 2
    viewer.dims.set_current_step(0, 0)
    table.clicked.emit(table.model().index(0, 0))
    assert viewer.dims.current_step[0] == 1
    assert viewer.scene.camera.center[-2:] == pytest.approx((29.5 * 4, 39.5 * 4))


@pytest.mark.one_binding
def test_a_table_leads_into_its_own_layer_where_another_cannot_be_measured(
    measured: Any, viewer: Any, finish: Any
) -> None:
    empty = viewer.add_labels(np.zeros((2, 60, 80), np.uint8), name="empty")
    empty.translate = (0, 500, 500)
    measured.labels.setValue(empty)
    measured.run_button.click()
    finish(measured)
    assert "no object" in measured.status.text()
    measured.table.choose(0)
    measured.table.clicked.emit(measured.table.model().index(0, 0))
    assert viewer.scene.camera.center[-2:] == pytest.approx((29.5 * 4, 39.5 * 4))


@pytest.mark.one_binding
def test_measuring_keeps_what_the_user_knows_of_objects_and_names_of_classes(
    measured: Any, viewer: Any, finish: Any
) -> None:
    layer = viewer.layers["cells"]
    kinds = {"index": [0, 1, 2, 7], "kind": ["-", "neuron", "glia", "gone"]}
    layer.features = kinds

    def again() -> Any:
        measured.run_button.click()
        finish(measured)
        return layer.features.set_index("index")

    found = again()
    assert found["kind"].to_dict() | {9: None} == {
        **dict(zip(*kinds.values(), strict=True)),
        9: None,
    }
    assert found.loc[2, "area (nm^2)"] == 400 * 16
    assert np.isnan(found.loc[7, "area (nm^2)"])
    assert any("nearest" in name for name in found)
    layer.data_setitem(np.nonzero(np.asarray(layer.data) == 9), 0)
    measured.distances.setChecked(False)
    found = again()
    assert [*found.index] == [0, 1, 2, 7], "9 has gone"
    assert not any("nearest" in name for name in found), "what was measured before"

    name_classes(layer, ("resin", "cell"))
    again()
    assert class_names(layer) == ("resin", "cell")


def test_what_the_window_measures_is_what_the_core_does(
    measured: Any, viewer: Any, tmp_path: Any
) -> None:
    layer = viewer.layers["cells"]
    image = viewer.layers["em"].data[None]
    core = measure_objects(
        number_objects(np.asarray(layer.data), "objects"),
        image,
        pixel_size=(50, 4, 4),
        unit="nm",
    )
    measured.save(tmp_path / "cells.csv")
    assert (tmp_path / "cells.csv").read_text(encoding="utf-8") == core.as_csv()
    with (tmp_path / "cells.csv").open(encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 4


def test_the_info_bar_is_no_part_of_the_picture(
    measured: Any, viewer: Any, finish: Any
) -> None:
    viewer.layers["em"].metadata[INFO_BAR] = 12
    measured.run_button.click()
    finish(measured)
    assert measured.found.values["object"].tolist() == [1, 2]
    assert measured.found.measured == 2 * 48 * 80 * 4 * 4


def test_the_layer_knows_the_measures_of_its_objects(
    measured: Any, viewer: Any
) -> None:
    features = viewer.layers["cells"].features.set_index("index")
    assert features.loc[9, "area (nm^2)"] == 60 * 16
    assert features.loc[2, "mean grey value"] == 200


def test_each_measure_is_plotted(measured: Any) -> None:
    plotted = measured.plotted
    assert plotted.count() >= 8
    for index in range(plotted.count()):
        plotted.setCurrentIndex(index)
        heights = measured.plot.bars.opts["height"]
        name, by_slice = plotted.currentData()
        if not by_slice:
            known = np.isfinite(measured.found.values[name])
            assert heights.sum() == known.sum(), name


def test_values_that_rounding_tells_apart_are_plotted(measured: Any) -> None:
    values = np.array([128.0, 128.0, np.nextafter(128.0, 200)] * 5)
    measured.found = ObjectMeasures({"circularity": values}, "nm", 2, 1.0)
    measured.plot.show_measure(measured.found, "circularity", False)
    assert measured.plot.bars.opts["height"].sum() == len(values)


@pytest.mark.one_binding
def test_what_is_known_of_no_object_leaves_the_plot_empty(
    viewer: Any, finish: Any
) -> None:
    labels = np.zeros((2, 40, 40), np.uint8)
    labels[:, 5:15, 5:15] = 1  # no other is near
    viewer.add_labels(labels, name="cells")
    viewer.add_image(labels, name="elsewhere", scale=(1, 7, 7))
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    dock.run_button.click()
    finish(dock)
    dock.plotted.setCurrentText("Distance to nearest, slice by slice")
    assert dock.plotted.currentData() == ("nearest", True)
    assert not dock.plot.bars.opts["height"].size
    assert "elsewhere does not lie on cells" in dock.status.text()


def test_a_volume_of_unknown_depth_is_refused_in_a_sentence(
    viewer: Any, finish: Any
) -> None:
    labels = np.zeros((4, 60, 60), np.uint8)
    for number in range(1, 11):
        labels[:, 5 * number : 5 * number + 4, 5:15] = number
    viewer.add_labels(labels, scale=(1, 4, 4), units=("pixel", "nm", "nm"))
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    dock.run_button.click()
    finish(dock)
    assert dock.found is None
    assert "how far apart" in dock.status.text()


def test_pieces_of_a_class_are_measured_with_its_name(viewer: Any, finish: Any) -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[5:15, 5:25], labels[20:40, 30:50], labels[20:40, 60:70] = 1, 2, 2
    labels[50:] = 255  # is ignored
    viewer.add_labels(labels)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    dock.run_button.click()
    finish(dock)
    assert dock.found.values["class"].tolist() == ["1", "2", "2"]
    assert "3 objects" in dock.status.headline.text()
    dock.table.clicked.emit(dock.table.model().index(0, 0))


@pytest.mark.one_binding
def test_strokes_are_measured_by_the_names_of_their_brushes(
    viewer: Any, finish: Any
) -> None:
    image = viewer.add_image(np.zeros((60, 80), np.uint8))
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    layer = add_annotations(viewer, image)
    layer.data[5:15, 5:25], layer.data[20:40, 30:50] = 1, 2

    def classes(choice: int) -> list[str]:
        dock.kind.setCurrentIndex(choice)
        dock.run_button.click()
        finish(dock)
        found: list[str] = dock.found.values["class"].tolist()
        return found

    assert classes(0) == ["foreground"]
    assert classes(2) == ["background", "foreground"]


@pytest.mark.one_binding
def test_a_share_is_that_of_the_slices_that_are_predicted(
    viewer: Any, finish: Any
) -> None:
    labels = np.zeros((5, 20, 20), np.uint8)
    labels[3, :10] = 1
    viewer.add_labels(labels, name="prediction", metadata={PREDICTED: [2, 3]})
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    dock.run_button.click()
    finish(dock)
    assert dock.found.totals()[0].fraction == 0.25
    assert "2 of 5 slices are predicted" in dock.status.text()
