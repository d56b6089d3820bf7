"""What all docks have in common: rows, one button to run and stop, a line of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_unet.errors import NapariUNetError
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.job import Job, Work
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import WrappedLabel, in_column

if TYPE_CHECKING:
    from napari.components import ViewerModel

WIDTH = 380
"""Width that a dock asks for, in pixels."""
_STEPS = 1000


class Panel(Dock):
    """A dock: a form on top, then a button, a bar and a line that says what happens.

    Parameters
    ----------
    viewer
        The viewer whose layers are worked on.
    run_text
        Text of the button while nothing runs.
    stop_text
        Text of the button while something runs.
    """

    def __init__(self, viewer: ViewerModel, run_text: str, stop_text: str) -> None:
        super().__init__()
        self.viewer = viewer
        self.workspace = Workspace.of(viewer)
        self.job = Job(self)
        self.job.stepped.connect(self.on_step)
        self.job.done.connect(self.on_done)
        self.job.failed.connect(self._on_failed)
        self.job.ended.connect(self._on_ended)
        self._run_text, self._stop_text = run_text, stop_text
        content = QWidget()
        self.box = QVBoxLayout(content)
        area = QScrollArea()
        # A low window scrolls the dock, instead of being pushed off the screen.
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        in_column(self, area)
        self.form = QFormLayout()
        self.form.setFieldGrowthPolicy(
            QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow
        )
        self.box.addLayout(self.form)
        self.run_button = QPushButton(run_text)
        self.run_button.clicked.connect(self._on_run_clicked)
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.status = WrappedLabel(grows=True)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's own spelling)
        """Return the width at which everything reads well, to leave room for images."""
        return QSize(WIDTH, super().sizeHint().height())

    def listen(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal of psygnal or napari for as long as this dock exists."""
        Subscriptions(self, slot, signal)

    def finish_layout(self, *below: QWidget) -> None:
        """Put button, bar and words under the form, and `below` under these."""
        for widget in (self.run_button, self.bar, self.status, *below):
            self.box.addWidget(widget)
        self.box.addStretch(1)
        self.refresh()

    def add_row(self, label: str, widget: QWidget, tooltip: str = "") -> None:
        """Add a row to the form."""
        title = QLabel(label)
        for part in (title, widget):
            # What a widget says of itself is not taken from it.
            part.setToolTip(tooltip or widget.toolTip())
        self.form.addRow(title, widget)

    def why_not(self) -> str:
        """Return why the work cannot start now, or "" when it can."""
        return ""

    def run(self) -> None:
        """Start the work; called when the button is pressed and nothing runs."""
        raise NotImplementedError

    def on_step(self, item: Any) -> None:
        """Show an item that the work yielded."""

    def on_done(self, result: Any) -> None:
        """Show the result of the work."""

    @property
    def running(self) -> bool:
        """Whether work is under way."""
        return self.job.running

    def refresh(self, *_changed: Any) -> None:
        """Bring the button up to date with what is chosen."""
        reason = "" if self.running else self.why_not()
        self.run_button.setText(self._stop_text if self.running else self._run_text)
        self.run_button.setEnabled(not reason)
        self.run_button.setToolTip(reason)
        self.status.remind(reason)

    def start(self, title: str, work: Work, *, quiet: bool = False) -> None:
        """Run `work` on a thread, with the button as Stop."""
        self.bar.setValue(0)
        self.status.setText(f"{title} ...")
        self.job.start(title, work, quiet=quiet)
        self.refresh()

    def show_progress(self, share: float, words: str) -> None:
        """Show the share done and some words, here and in the activity dock."""
        self.bar.setValue(round(share * _STEPS))
        self.status.setText(words)
        self.job.show_progress(share)

    def _on_run_clicked(self) -> None:
        if self.running:
            self.status.setText("Stopping ...")
            self.job.stop()
            return
        try:
            self.run()
        except NapariUNetError as error:
            self.status.setText(str(error))

    def _on_failed(self, sentence: str) -> None:
        self._failure = sentence

    _failure = ""

    def _on_ended(self) -> None:
        self.refresh()
        if self._failure:
            self.bar.setValue(0)
            self.status.setText(self._failure)
            self._failure = ""
