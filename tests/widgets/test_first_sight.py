"""What is seen of the docks before anything is unfolded: few controls, plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QWidget,
)

from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.choose.class_swatches import Swatch
from napari_unet.widgets.qt.fold import Fold

_WIDTH = 360
_MOST = 12
"""Controls of the Train tab; 31 were too many."""
_CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    Swatch,
)
_FORBIDDEN = re.compile(
    r"guess|leak|shrink|recipe|\(\d[\d.]* M\)|iou_thresh|cross_entropy", re.IGNORECASE
)
"""Words of programmers and of machine learning, and numbers of weights."""


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any) -> Any:
    """A viewer in a window that is shown."""
    return make_napari_viewer_proxy(show=True)


@pytest.fixture
def opened(loaded: Any, viewer: Any) -> Any:
    """The workflow dock as wide as it must read well, with something to paint on."""
    loaded.setFixedWidth(_WIDTH)
    begin_annotations(viewer, loaded.train.image.value())
    return loaded


def seen(part: QWidget) -> Iterator[QWidget]:
    """Yield the widgets that can be seen of a dock, whole ones and their parts."""
    for one in part.findChildren(QWidget):
        # What is folded has no height, and is not hidden.
        folded = not all(around.height() for around in (one, *parents(one)))
        if one.isVisible() and not (folded or isinstance(one, QScrollBar)):
            yield one


def controls(part: QWidget) -> list[QWidget]:
    """List what can be clicked or typed into; a swatch and a spin box are one each."""
    found = [one for one in seen(part) if isinstance(one, _CONTROLS)]
    return [one for one in found if not any(p in found for p in parents(one))]


def parents(part: QWidget) -> Iterator[QWidget]:
    while (part := part.parentWidget()) is not None:
        yield part


def texts(part: QWidget) -> Iterator[str]:
    """Yield the words that can be read in a dock."""
    for one in seen(part):
        if isinstance(one, QComboBox):
            yield one.currentText()
        elif isinstance(one, QTabBar):
            yield from (one.tabText(index) for index in range(one.count()))
        elif isinstance(one, QHeaderView) and one.model() is not None:
            sections = range(one.count())
            data = (one.model().headerData(i, one.orientation()) for i in sections)
            yield from map(str, data)
        elif isinstance(one, (QLabel, QAbstractButton)):
            yield one.text()
        elif isinstance(one, QLineEdit):
            yield one.text() or one.placeholderText()


def test_the_train_tab_shows_few_controls_at_first_sight(
    opened: Any, qtbot: Any
) -> None:
    opened.tabs.setCurrentWidget(opened.train)
    qtbot.waitUntil(opened.train.data.classes.isVisible)
    found = controls(opened.train)
    names = [type(one).__name__ for one in found]
    assert names.count("Swatch") == 2
    assert opened.train.live_button in found
    assert len(found) <= _MOST, names


def test_the_predict_tab_does_too(opened: Any, qtbot: Any) -> None:
    opened.tabs.setCurrentWidget(opened.predict)
    qtbot.waitUntil(opened.predict.run_button.isVisible)
    names = [type(one).__name__ for one in controls(opened.predict)]
    assert opened.predict.run_button in controls(opened.predict)
    assert len(names) <= _MOST, names


@pytest.mark.parametrize("tab", ["load", "train", "predict", "scores"])
def test_no_tab_speaks_like_a_program_at_first_sight(opened: Any, tab: str) -> None:
    opened.tabs.setCurrentWidget(getattr(opened, tab))
    read = list(texts(opened))
    assert len(read) > 10
    assert not [words for words in read if _FORBIDDEN.search(words)]


@pytest.mark.parametrize(
    "name", ["Weights", "Measure", "Proofread", "Reproduce a published experiment"]
)
def test_no_dock_beside_it_does(
    opened: Any, viewer: Any, qtbot: Any, name: str
) -> None:
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", name)
    qtbot.waitUntil(dock.isVisible)
    read = list(texts(dock))
    assert len(read) > 5
    assert not [words for words in read if _FORBIDDEN.search(words)]


def test_unfolded_settings_of_the_train_tab_are_in_plain_words(
    opened: Any, qtbot: Any
) -> None:
    opened.tabs.setCurrentWidget(opened.train)
    opened.train.more.expand(animate=False)
    qtbot.waitUntil(lambda: "How thoroughly" in texts(opened.train))
    content = opened.train.form.parentWidget()
    assert content.width() <= content.parentWidget().width(), "nothing is cut"
    read = list(texts(opened.train))
    assert not [words for words in read if _FORBIDDEN.search(words)]


def test_no_tab_is_cut_at_its_side_with_all_that_unfolds(
    opened: Any, qtbot: Any
) -> None:
    for index in range(opened.tabs.count()):
        opened.tabs.setCurrentIndex(index)
        tab = opened.tabs.currentWidget()
        for fold in tab.findChildren(Fold):
            fold.expand(animate=False)
        (area,) = (
            one for one in tab.findChildren(QScrollArea) if one.widgetResizable()
        )
        qtbot.wait(50)
        assert not area.horizontalScrollBar().maximum(), type(tab).__name__
