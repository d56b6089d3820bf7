"""What all docks have in common: rows, and below them what runs the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.job import Work
from napari_unet.widgets.qt.listen import Subscriptions, when_gone
from napari_unet.widgets.qt.parts import in_column, in_row
from napari_unet.widgets.qt.runner import Runner

if TYPE_CHECKING:
    from napari.components import ViewerModel

WIDTH = 380
"""Width that a dock asks for, in pixels."""


class Panel(Runner):
    """A dock: a form on top, then a button, a bar and what is said of the work.

    Parameters
    ----------
    viewer
        The viewer whose layers are worked on.
    run_text
        Text of the button while nothing runs.
    stop_text
        Text of the button while something runs.
    lines
        Rows of text that room is kept for, to say what happens.
    """

    does = ""
    """What it does while it runs, as `Workspace.busy` says it; "" tells nobody."""
    _told = ""

    def __init__(
        self, viewer: ViewerModel, run_text: str, stop_text: str, *, lines: int = 4
    ) -> None:
        super().__init__(run_text, stop_text, lines=lines)
        self.viewer = viewer
        self.workspace = Workspace.of(viewer)
        when_gone(self, self._tell_end)
        self.listen(self.workspace.stop_wanted, self._on_stop_wanted)
        content = QWidget()
        self.box = QVBoxLayout(content)
        area = QScrollArea()
        # A low window scrolls the dock, instead of being pushed off the screen.
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        # Always there: what unfolds or is said makes nothing narrower.
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        in_column(self, area)
        self.form = growing_form()
        self.box.addLayout(self.form)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's own spelling)
        """Return the width at which everything reads well, to leave room for images."""
        return QSize(WIDTH, super().sizeHint().height())

    def listen(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of psygnal or napari for as long as this dock exists."""
        Subscriptions(self, slot, signal)

    def start(self, title: str, work: Work, *, quiet: bool = False) -> None:
        """Run `work` on a thread, and let the other docks know."""
        super().start(title, work, quiet=quiet)
        self._told = self.does
        if self._told:
            self.workspace.begin(self._told)

    def _on_stop_wanted(self) -> None:
        if self._told and self._told == self.workspace.busy:
            self.run_button.click()

    def _on_ended(self) -> None:
        self._tell_end()
        super()._on_ended()

    def _tell_end(self) -> None:
        if self._told:
            self.workspace.end(self._told)
        self._told = ""

    def finish_layout(self, *below: QWidget, row: tuple[QWidget, ...] = ()) -> None:
        """Put button, bar and words under the form, and `below` under these.

        `row` are the buttons side by side; that which runs the work, where left out.
        """
        self.box.addLayout(in_row(*(row or (self.run_button,)), stretch=(2, 1, 1)))
        for widget in (self.bar, self.status, *below):
            self.box.addWidget(widget)
        self.box.addStretch(1)
        self.refresh()

    def add_row(
        self,
        label: str,
        widget: QWidget,
        tooltip: str = "",
        *,
        form: QFormLayout | None = None,
    ) -> None:
        """Add a row to the form of the dock, or to another one within it."""
        title = QLabel(label)
        for part in (title, widget):
            # What a widget says of itself is not taken from it.
            part.setToolTip(tooltip or widget.toolTip())
        # An empty form counts as false.
        (self.form if form is None else form).addRow(title, widget)


def growing_form() -> QFormLayout:
    """Return a form whose fields take the width that there is."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
