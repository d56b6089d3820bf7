"""Layers that are seen with the part of a dock that shows them, in a real window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.eye import Eye
from napari_unet.widgets.layers.marks import ERRORS, PREDICTED
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.parts import in_column

pytestmark = pytest.mark.one_binding


class TwoTabs(Dock):
    """A dock whose first tab folds a part that shows layers."""

    def __init__(self) -> None:
        super().__init__()
        self.part, self.tabs = QWidget(), QTabWidget()
        self.fold = Fold("More", self.part)
        self.tabs.addTab(self.fold, "first")
        self.tabs.addTab(QWidget(), "second")
        in_column(self, self.tabs)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any) -> Any:
    made = make_napari_viewer_proxy(show=True)
    Eye.of(made)
    return made


@pytest.fixture
def dock(viewer: Any, qtbot: Any) -> TwoTabs:
    made = TwoTabs()
    made.wrapped = viewer.window.add_dock_widget(made)
    made.fold.expand(animate=False)
    qtbot.waitUntil(made.part.isVisible, timeout=30_000)
    return made


@pytest.fixture
def seen(viewer: Any, qtbot: Any) -> Callable[..., None]:
    """Wait until these layers are seen, and no others."""

    def wait(*names: str) -> None:
        shown = lambda: [one.name for one in viewer.layers if one.visible]  # noqa: E731
        qtbot.waitUntil(lambda: shown() == [*names], timeout=30_000)

    return wait


def add(viewer: Any, name: str, **metadata: Any) -> Any:
    data = np.ones((2, 8, 8), np.uint8)
    return viewer.add_labels(data, name=name, metadata=metadata)


def test_layers_go_with_their_tab_and_their_fold_and_come_back(
    viewer: Any, dock: TwoTabs, seen: Any
) -> None:
    beside = PartLayers(dock.part, viewer)
    viewer.add_image(np.zeros((2, 8, 8)), name="em")
    box, hidden = add(viewer, "this place"), add(viewer, "hidden by hand")
    hidden.visible = False
    for layer in (box, hidden):
        beside.add(layer)
    dock.tabs.setCurrentIndex(1)
    seen("em")
    dock.tabs.setCurrentIndex(0)
    seen("em", "this place")
    dock.fold.collapse(animate=False)
    seen("em")
    dock.fold.expand(animate=False)
    seen("em", "this place")


def test_some_are_hidden_too_while_their_dock_lies_behind_another(
    viewer: Any, dock: TwoTabs, seen: Any
) -> None:
    for name, alone in (("weight map", True), ("this error", False)):
        PartLayers(dock.part, viewer, alone=alone).add(add(viewer, name))
    other = viewer.window.add_dock_widget(QWidget(), tabify=True)
    own, other = (getattr(one, "__wrapped__", one) for one in (dock.wrapped, other))
    dock.window().tabifyDockWidget(own, other)
    other.raise_()
    seen("this error")
    own.raise_()
    seen("weight map", "this error")


def test_what_comes_while_the_part_is_not_seen_waits_for_it(
    viewer: Any, dock: TwoTabs, seen: Any
) -> None:
    beside = PartLayers(dock.part, viewer)
    dock.tabs.setCurrentIndex(1)
    beside.lay(add(viewer, "weight map"))
    seen()
    dock.tabs.setCurrentIndex(0)
    seen("weight map")


def test_errors_give_way_to_the_result_that_they_are_of(
    viewer: Any, dock: TwoTabs, seen: Any
) -> None:
    beside = PartLayers(dock.part, viewer)
    add(viewer, "prediction", **{PREDICTED: [0]})
    for name in ("right and wrong", "errors"):
        beside.add(add(viewer, name, **{ERRORS: name}))
    seen("errors")
    dock.tabs.setCurrentIndex(1)
    seen("prediction")
    dock.tabs.setCurrentIndex(0)
    seen("errors")


def test_with_the_dock_they_go_but_for_what_the_user_made(
    viewer: Any, dock: TwoTabs, qtbot: Any
) -> None:
    made, drawn = (
        PartLayers(dock.part, viewer),
        PartLayers(dock.part, viewer, kept=True),
    )
    for beside, name in ((made, "this place"), (drawn, "regions")):
        beside.add(add(viewer, name))
    add(viewer, "annotations")
    wrapped = getattr(dock.wrapped, "__wrapped__", dock.wrapped)
    wrapped.title.close_button.click()
    left = ["regions", "annotations"]
    qtbot.waitUntil(lambda: [one.name for one in viewer.layers] == left, timeout=30_000)


def test_a_new_dock_shows_what_the_one_before_put_away(
    viewer: Any, dock: TwoTabs, qtbot: Any, seen: Any
) -> None:
    regions = add(viewer, "regions")
    PartLayers(dock.part, viewer, kept=True).add(regions)
    dock.tabs.setCurrentIndex(1)
    seen()
    other = QWidget()
    PartLayers(other, viewer, kept=True).add(regions)
    dock.tabs.addTab(other, "third")
    dock.tabs.setCurrentIndex(2)
    seen("regions")


def test_a_window_that_is_put_down_changes_nothing(
    viewer: Any, dock: TwoTabs, qtbot: Any
) -> None:
    layer = add(viewer, "this place")
    PartLayers(dock.part, viewer).add(layer)
    window = dock.window()
    window.showMinimized()
    qtbot.wait(100)
    assert layer.visible
    window.showNormal()
