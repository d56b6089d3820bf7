"""What runs long work: one button to run and stop, a bar, what is said of it."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QProgressBar, QPushButton

from napari_unet.errors import telling
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.job import Job, Work
from napari_unet.widgets.qt.status import Status

_STEPS = 1000


class Runner(Dock):
    """A dock, or a part of one, with a slot for work.

    Who derives from it lays out the button, the bar and the status.

    Parameters
    ----------
    run_text
        Text of the button while nothing runs.
    stop_text
        Text of the button while something runs.
    tip
        What the button does.
    lines
        Rows of text that room is kept for, to say what happens.
    hides
        Whether it takes no room while there is nothing to say.
    """

    def __init__(
        self,
        run_text: str,
        stop_text: str,
        tip: str = "",
        *,
        lines: int = 4,
        hides: bool = False,
    ) -> None:
        super().__init__()
        self.job = Job(self)
        self.job.stepped.connect(self.on_step)
        self.job.done.connect(self.on_done)
        self.job.failed.connect(self._on_failed)
        self.job.ended.connect(self._on_ended)
        self._run_text, self._stop_text, self._tip = run_text, stop_text, tip
        self.run_button = QPushButton(run_text)
        self.run_button.clicked.connect(self._on_run_clicked)
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.status = Status(lines, hides=hides)

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

    def refresh(self, *changed: Any) -> None:
        """Bring the button up to date with what is chosen."""
        if changed:
            self.status.forget()
        reason = "" if self.running else self.why_not()
        self.run_button.setText(self._stop_text if self.running else self._run_text)
        self.run_button.setEnabled(not reason)
        self.run_button.setToolTip(reason or self._tip)
        self.status.remind(reason)

    def start(self, title: str, work: Work, *, quiet: bool = False) -> None:
        """Run `work` on a thread, with the button as Stop."""
        self.bar.setValue(0)
        self.status.say(f"{title} ...")
        self.job.start(title, work, quiet=quiet)
        self.refresh()

    def show_progress(self, share: float, words: str) -> None:
        """Show the share done and some words, here and in the activity dock.

        The first row of several is their headline.
        """
        self.bar.setValue(round(share * _STEPS))
        self.status.say_all(words)
        self.job.show_progress(share)

    def _on_run_clicked(self) -> None:
        if self.running:
            self.status.say("Stopping ...")
            self.job.stop()
            return
        with telling(self.show_failure):
            self.run()

    def show_failure(self, sentence: str) -> None:
        """Show why nothing came of the work."""
        self.bar.setValue(0)
        self.status.say(sentence, level="error")

    def _on_failed(self, sentence: str) -> None:
        self.show_failure(sentence)

    def _on_ended(self) -> None:
        self.refresh()
