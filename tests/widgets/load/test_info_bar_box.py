"""The Load tab takes axes, and shows and sets the info bar of an image."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_unet.predict.made_by import MadeBy
from napari_unet.steps import result_of
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.marks import MADE_FOR, remember
from napari_unet.widgets.scores.subject import Subject

pytestmark = pytest.mark.one_binding

SCAN = "[Scan]\nPixelWidth=4e-9\nPixelHeight=4e-9\n"
FEI = f"{SCAN}[Image]\nResolutionX=96\nResolutionY=58\n"
BAR = 6


@pytest.fixture
def box(dock: Any) -> Any:
    return dock.load.info_bar


@pytest.fixture
def load(dock: Any, finish: Any) -> Any:
    """Load files by the dock's own button."""

    def start(**paths: Path) -> None:
        for role, path in paths.items():
            dock.load.rows[role].setValue(path)
        dock.load.run_button.click()
        finish(dock.load)

    return start


@pytest.fixture
def sem(tmp_path: Path) -> Path:
    """A picture of a Thermo Fisher microscope with a bar of six rows."""
    path = tmp_path / "sem.tif"
    tag = (34682, "s", len(FEI), FEI.encode(), False)
    page = np.random.default_rng(0).integers(0, 255, (64, 96)).astype(np.uint8)
    tifffile.imwrite(path, page, metadata=None, extratags=[tag])
    return path


def test_the_bar_that_a_microscope_states_is_shown(
    dock: Any, box: Any, load: Any, sem: Path, viewer: Any
) -> None:
    assert not box.rows.isEnabled()
    load(image=sem)
    assert box.rows.value() == BAR
    assert "its info bar, 6 rows at the bottom" in dock.load.status.text()
    assert image_stack(viewer.layers["sem"]).info_bar == BAR


def test_the_user_sets_it_for_the_layer_that_is_chosen(
    dock: Any, box: Any, load: Any, sem: Path, viewer: Any
) -> None:
    load(image=sem)
    box.rows.setValue(0)
    sem_layer = viewer.layers["sem"]
    assert image_stack(sem_layer).info_bar == 0
    other = viewer.add_image(np.zeros((3, 40, 50)), name="other")
    dock.load.pixel_size.image.setValue(other)
    assert (box.rows.value(), box.rows.maximum()) == (0, 39)
    box.rows.setValue(9)
    assert image_stack(other).picture.shape == (3, 31, 50)
    dock.load.pixel_size.image.setValue(sem_layer)
    assert box.rows.value() == 0


def test_the_user_draws_it(viewer: Any, box: Any) -> None:
    place = {"scale": (2, 4, 4), "translate": (0, 100, 0), "units": "nm"}
    image = viewer.add_image(np.zeros((3, 40, 50)), name="image", **place)
    box.draw_button.click()
    drawn = viewer.layers["info bar"]
    assert (drawn.mode, box.draw_button.text()) == ("add_rectangle", "Take box")
    upper, lower = (
        drawn.world_to_data((100 + 4 * y, 4 * x)) for y, x in [(31.3, 2), (38, 40)]
    )
    drawn.add_rectangles([upper, lower])
    other = viewer.add_image(np.zeros((3, 20, 50)), name="other")
    box.draw_button.click()
    assert image_stack(image).info_bar == 8
    assert image_stack(other).info_bar == 0
    assert (drawn in viewer.layers, box.draw_button.text()) == (False, "Draw")
    box.draw_button.click()
    box.draw_button.click()
    assert image_stack(image).info_bar == 8


def test_its_box_is_drawn_in_the_units_of_the_viewer(viewer: Any, box: Any) -> None:
    """Where layers have several, napari's tools take those of the viewer."""
    viewer.add_image(np.zeros((3, 40, 50)), scale=(2, 4, 4), units="nm")
    viewer.add_image(np.zeros((3, 40, 50)), scale=(0.002, 0.004, 0.004), units="um")
    box.draw_button.click()
    drawn = viewer.layers[-1]
    assert drawn.mode == "add_rectangle"
    assert tuple(drawn.units) == tuple(viewer.dims.units)[-2:]
    np.testing.assert_allclose(drawn.scale, (4, 4))


def test_it_is_not_scored(viewer: Any, box: Any) -> None:
    image = viewer.add_image(np.zeros((1, 40, 50)), name="image")
    box.rows.setValue(10)
    truth = np.zeros((1, 40, 50), np.uint8)
    truth[:, 5:35, 5:20] = 1
    predicted = truth.copy()
    predicted[:, 30:] = 0
    layers = [viewer.add_labels(one) for one in (predicted, truth)]
    subject = Subject.of(viewer, *layers, image)
    box.rows.setValue(0)
    whole = Subject.of(viewer, *layers, image)
    results = [
        result_of(one.score(None, None, None, Event())) for one in (subject, whole)
    ]
    assert results[0].scores.values()["iou"] == 1
    assert results[1].scores.values()["iou"] < 1


@pytest.mark.parametrize("known_by", ["id", "place"])
def test_it_is_not_scored_after_the_image_was_renamed(
    viewer: Any, box: Any, known_by: str
) -> None:
    image = viewer.add_image(np.zeros((1, 40, 50)), name="em")
    box.rows.setValue(10)
    layer = viewer.add_labels(np.zeros((1, 40, 50), np.uint8), name="prediction")
    remember(layer, MadeBy(Path("a.safetensors"), "em"))
    if known_by == "id":
        layer.metadata[MADE_FOR] = "prediction", str(image.unique_id)
    image.name = "renamed"
    chosen = viewer.add_image(np.zeros((1, 40, 50)), name="em")
    if known_by == "place":
        viewer.layers.remove(chosen)
        chosen = image
    subject = Subject.of(viewer, layer, layer, chosen)
    assert (subject.image, subject.info_bar) == (image, 10)


def test_axes_are_those_that_the_user_gives(
    dock: Any, load: Any, tmp_path: Path, viewer: Any
) -> None:
    values = np.random.default_rng(0).integers(0, 2, (7, 20, 30)).astype(np.uint8)
    for name in ("em", "cells"):
        options: Any = {"imagej": True, "metadata": {"axes": "CYX"}}
        tifffile.imwrite(tmp_path / f"{name}.tif", values, **options)
    load(image=tmp_path / "em.tif")
    assert "its 7 channels are no slices" in dock.load.status.text()
    dock.load.axes.setText("zyx")
    load(image=tmp_path / "em.tif", annotations=tmp_path / "cells.tif")
    assert "channels" not in dock.load.status.text()
    stack = image_stack(dock.load.workspace.image)
    assert (stack.axes, stack.shape) == ("ZYX", (7, 20, 30))
    assert dock.load.workspace.annotations.data.shape == (7, 20, 30)
    dock.load.axes.setText("ZCYX")
    load(image=tmp_path / "em.tif")
    assert 'axes "ZCYX" do not fit' in dock.load.status.text()


def test_a_project_remembers_both(
    dock: Any,
    box: Any,
    load: Any,
    project: Any,
    open_dock: Any,
    ready: Any,
    tmp_path: Path,
) -> None:
    values = np.random.default_rng(0).integers(0, 255, (7, 20, 30)).astype(np.uint8)
    options: Any = {"imagej": True, "metadata": {"axes": "CYX"}}
    tifffile.imwrite(tmp_path / "em.tif", values, **options)
    dock.load.axes.setText("ZYX")
    load(image=tmp_path / "em.tif")
    box.rows.setValue(5)
    dock.load.project.make(tmp_path / "mine")
    project.close()
    other, opening, _ = open_dock()
    opening.open(tmp_path / "mine")
    ready(opening)
    stack = image_stack(other.layers["em"])
    assert (stack.axes, stack.info_bar) == ("ZYX", 5)
