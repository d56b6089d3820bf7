"""The coach: one line on top of the dock that says what to do next, and its button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QLabel

from napari_unet.coach import Action, Advice, WindowState, advise
from napari_unet.widgets.layers.annotations import class_names
from napari_unet.widgets.layers.class_colors import class_color
from napari_unet.widgets.layers.marks import made_by
from napari_unet.widgets.layers.roles import Role, role_of
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_row

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

_SWATCH = 14
_MARGINS = (8, 4, 8, 4)
_ROOM = 16
_PADDING = 4
"""Pixels that a label of napari's style takes above and below its words."""
_TIPS = {
    Action.CONTINUE: "The program ended before it was closed: open the project as you "
    "left it, with what was painted since.",
    Action.OPEN: "Open an image: a file of slices.",
    Action.SAMPLE: "Open a small synthetic EM stack, with ground truth to score with.",
    Action.BRUSH: "Paint with this class on the image.",
    Action.LIVE: "Train while you paint, and show what the network makes of it.",
    Action.PREDICT: "Predict all slices with the network as it is.",
    Action.TRUTH: "Open labels that are right everywhere, to score the prediction.",
    Action.SCORE: "Compare the prediction with the ground truth.",
    Action.ERROR: "Go to the next error of the prediction.",
    Action.STOP: "End what runs, and keep what there is.",
}
_PAINTING = ("paint", "fill", "polygon")


class CoachLine(QFrame):
    """Says the next thing to do, and offers it as a button.

    Parameters
    ----------
    viewer
        The viewer that is worked in.

    Attributes
    ----------
    advice
        What is said now.
    button, instead
        What is offered, and the other way, where there is one.

    Signals
    -------
    wanted(object)
        An `Action`: its button was pressed.
    """

    wanted = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = workspace = Workspace.of(viewer)
        self._busy, self._learnt_then, self._widest = "", -1.0, 0
        self.swatch = QLabel()
        self.swatch.setFixedSize(_SWATCH, _SWATCH)
        self.sentence = WrappedLabel()
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.button = button("", lambda: self.wanted.emit(self.advice.action))
        self.instead = button("", lambda: self.wanted.emit(self.advice.instead))
        parts = (self.swatch, self.sentence, self.button, self.instead)
        row = in_row(*parts, of=self, stretch=(0, 1))
        row.setContentsMargins(*_MARGINS)
        self._timer = later(self, self.refresh)
        self._layer_events = Subscriptions(self, self._ask)
        events, layers = workspace.events, viewer.layers
        for name in ("image", "painted", "learnt", "model", "truth", "scored", "left"):
            Subscriptions(self, self._ask, events[name])
        Subscriptions(self, self._ask, events.prediction)
        Subscriptions(self, self._on_busy, events.busy)
        Subscriptions(self, self._follow, events.annotations)
        changes = (layers.events.inserted, layers.events.removed)
        Subscriptions(self, self._ask, *changes, layers.selection.events.active)
        self._follow(workspace.annotations)
        self.refresh()

    def state(self) -> WindowState:
        """Return what there is in the window."""
        workspace = self._workspace
        return WindowState(
            image=workspace.image is not None,
            classes=class_names(workspace.annotations),
            painted=workspace.painted,
            in_hand=self._in_hand(),
            busy=workspace.busy,
            learnt=workspace.learnt,
            left=workspace.left,
            model=workspace.model is not None,
            predicted=self._is_predicted(),
            truth=self._has_truth(),
            scored=workspace.scored,
        )

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's spelling)
        """Keep room for two lines always, so that nothing below moves."""
        super().showEvent(event)
        lines = 2 * self.sentence.fontMetrics().lineSpacing() + _PADDING
        self.sentence.setMinimumHeight(lines)
        words = self.button.fontMetrics()
        self._widest = max(words.horizontalAdvance(one) for one in Action) + _ROOM
        self.refresh()

    def refresh(self) -> None:
        """Say what is to be done now."""
        self.advice = advice = advise(self.state())
        self.sentence.setText(advice.sentence)
        self._show_swatch(advice)
        self.button.setText(advice.action)
        self.button.setEnabled(not advice.not_yet)
        self.button.setToolTip(advice.not_yet or _TIPS[advice.action])
        self.instead.setVisible(advice.instead is not None)
        self.button.setMinimumWidth(0 if advice.instead else self._widest)
        if advice.instead is not None:
            self.instead.setText(advice.instead)
            self.instead.setToolTip(_TIPS[advice.instead])

    def _show_swatch(self, advice: Advice) -> None:
        self.swatch.setVisible(bool(advice.label))
        if advice.label:
            color = class_color(advice.label)
            self.swatch.setStyleSheet(f"background: {color}; border-radius: 2px")

    def _ask(self, *_event: Any) -> None:
        self._timer.start()

    def _on_busy(self, busy: str) -> None:
        if self._busy == "predicting":
            self._learnt_then = self._workspace.learnt
        self._busy = busy
        self._ask()

    def _follow(self, layer: Labels | None) -> None:
        """Listen to which brush of the annotations is in the hand."""
        names = ("mode", "selected_label", "features")
        events = () if layer is None else (layer.events[name] for name in names)
        self._layer_events.replace(events)
        self._ask()

    def _in_hand(self) -> int:
        layer = self._workspace.annotations
        active = self._viewer.layers.selection.active
        if layer is None or active != layer or layer.mode not in _PAINTING:
            return 0
        return int(layer.selected_label)

    def _is_predicted(self) -> bool:
        """Return whether there is a prediction by the model as it is now."""
        workspace = self._workspace
        if workspace.prediction is None:
            return False
        if workspace.busy == "live" and workspace.learnt != self._learnt_then:
            return False
        made = made_by(workspace.prediction)
        return made is None or workspace.model in (None, made.model)

    def _has_truth(self) -> bool:
        layers = self._viewer.layers
        known = self._workspace.truth is not None
        return known or any(role_of(layer) == Role.TRUTH for layer in layers)
