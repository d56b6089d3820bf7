"""The whole work in one dock: load, train, predict, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QSignalBlocker, QSize
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_unet.coach import Action
from napari_unet.errors import telling
from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.choose.eye_box import EyeBox
from napari_unet.widgets.choose.keys import ERRORS, LateKeys, go, toggle_live
from napari_unet.widgets.choose.shared_layers import SharedLayers
from napari_unet.widgets.coach_line import CoachLine
from napari_unet.widgets.layers.annotations import take_brush
from napari_unet.widgets.load.file_drop import FileDrop
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.file_dialogs import open_image
from napari_unet.widgets.qt.panel import WIDTH
from napari_unet.widgets.qt.parts import in_column, present

if TYPE_CHECKING:
    import napari

    from napari_unet.widgets.load.dock import LoadWidget
    from napari_unet.widgets.predict.dock import PredictWidget
    from napari_unet.widgets.scores.dock import ScoresWidget
    from napari_unet.widgets.train.dock import TrainWidget
    from napari_unet.widgets.weights.dock import WeightsWidget

_TABS = ("load", "train", "predict", "scores")
_Tab = TypeVar("_Tab", bound=QWidget)


class WorkflowWidget(Dock):
    """Four docks as tabs, in the order of the work, and what is seen over the image.

    Each is made when it is first looked at, or asked for by its name; its keys work
    before, and so do the project and the choice of the first layers.

    Parameters
    ----------
    napari_viewer
        The viewer that is worked in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        OpenProject.of(napari_viewer).stay_with(self)
        self._shared = SharedLayers(napari_viewer, self)
        self._training_keys = LateKeys(self, napari_viewer, lambda: self.train)
        self._error_keys = LateKeys(
            self, napari_viewer, lambda: self.scores.errors, ERRORS
        )
        self.tabs = QTabWidget()
        for name in _TABS:
            self.tabs.addTab(QWidget(), name.capitalize())
        self.coach = CoachLine(napari_viewer)
        self.coach.wanted.connect(self._act)
        self.eye = EyeBox(napari_viewer)
        in_column(self, self.coach, self.eye, self.tabs)
        FileDrop(self, self._open)
        self.tabs.currentChanged.connect(self._on_tab)
        self._on_tab(0)

    @cached_property
    def load(self) -> LoadWidget:
        """The dock that opens files."""
        from napari_unet.widgets.load.dock import LoadWidget

        return self._put(LoadWidget(self._viewer), "load")

    @property
    def weights(self) -> WeightsWidget:
        """The dock that shows the weight map, which is opened beside this one."""
        name = ("napari-unet-em", "Weights")
        _, dock = self._viewer.window.add_plugin_dock_widget(*name, tabify=True)
        shown: WeightsWidget = dock
        return shown

    @cached_property
    def train(self) -> TrainWidget:
        """The dock that trains."""
        from napari_unet.widgets.train.dock import TrainWidget

        made = TrainWidget(self._viewer, self._shared)
        made.predict_stack = self._predict_stack
        self._training_keys.end()
        return self._put(made, "train")

    @cached_property
    def predict(self) -> PredictWidget:
        """The dock that predicts."""
        from napari_unet.widgets.predict.dock import PredictWidget

        return self._put(PredictWidget(self._viewer), "predict")

    @cached_property
    def scores(self) -> ScoresWidget:
        """The dock that scores."""
        from napari_unet.widgets.scores.dock import ScoresWidget

        made = ScoresWidget(self._viewer)
        made.threshold.predict = partial(self._predict_stack, probabilities=True)
        self._error_keys.end()
        return self._put(made, "scores")

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's own spelling)
        """Return the width at which every tab reads well."""
        return QSize(WIDTH, super().sizeHint().height())

    def _put(self, dock: _Tab, name: str) -> _Tab:
        """Put a dock in place of the empty page, without showing any other tab."""
        index, shown = _TABS.index(name), self.tabs.currentIndex()
        empty = self.tabs.widget(index)
        with QSignalBlocker(self.tabs):
            self.tabs.insertTab(index, dock, name.capitalize())
            if index == shown:
                self.tabs.setCurrentIndex(index)
            self.tabs.removeTab(index + 1)
        present(empty).deleteLater()
        return dock

    def _on_tab(self, index: int) -> None:
        getattr(self, _TABS[index])

    def _open(self, files: Sequence[Path]) -> None:
        """Open files; what the coach asks for, where their names do not tell."""
        is_truth = self.coach.advice.action is Action.TRUTH
        self.load.open_files(files, plain="truth" if is_truth else "image")

    def _act(self, action: Action) -> None:
        """Do what the coach offers."""
        acts: dict[Action, Callable[[], str | None]] = {
            Action.CONTINUE: self.load.project.resume,
            Action.OPEN: partial(open_image, self, "Open an image", self._open_one),
            Action.TRUTH: partial(open_image, self, "Open the truth", self._open_one),
            Action.SAMPLE: self.load.open_sample,
            Action.BRUSH: self._take_brush,
            Action.LIVE: self._start_live,
            Action.PREDICT: self._predict,
            Action.SCORE: self._score,
            Action.ERROR: self._next_error,
            Action.STOP: Workspace.of(self._viewer).stop_wanted.emit,
        }
        if reason := acts[action]():
            show_info(reason)

    def _open_one(self, file: Path) -> None:
        self._open([file])

    def _take_brush(self) -> None:
        workspace, label = Workspace.of(self._viewer), self.coach.advice.label
        self.tabs.setCurrentWidget(self.train)
        with telling(show_error):
            layer = workspace.annotations
            if layer is None:
                layer = begin_annotations(self._viewer, present(workspace.image))
            take_brush(self._viewer, layer, label)

    def _start_live(self) -> str:
        self.tabs.setCurrentWidget(self.train)
        return toggle_live(self.train)

    def _predict(self) -> None:
        if "train" in vars(self) and self.train.live.running:
            self.train.live.stackWanted.emit()
        else:
            self._predict_stack(present(Workspace.of(self._viewer).model))

    def _score(self) -> str:
        self.tabs.setCurrentWidget(self.scores)
        reason = self.scores.why_not()
        if not reason:
            self.scores.run_button.click()
        return reason

    def _next_error(self) -> str:
        self.tabs.setCurrentWidget(self.scores)
        self.scores.pages.show_page("Errors")
        return go(self.scores.errors, 1)

    def _predict_stack(self, model: Path, *, probabilities: bool = False) -> None:
        self.tabs.setCurrentIndex(_TABS.index("predict"))
        self.predict.predict_stack(model, probabilities=probabilities)
