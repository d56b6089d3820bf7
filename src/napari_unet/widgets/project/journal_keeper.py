"""Labels on their way into a journal, without holding up the brush."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.data.journal import Journal, JournalEntry
from napari_unet.data.label_copy import LabelCopy
from napari_unet.errors import sentence_of
from napari_unet.widgets.layers.axes import finest
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.looks import place_of

if TYPE_CHECKING:
    from napari.layers import Labels

INTERVAL = 30.0
"""Seconds between two entries of the journal."""
# A copy is made in portions that take this long, between two moves of a brush.
_PORTION_SECONDS = 0.003
Submit = Callable[..., Future[Any] | None]


class JournalKeeper(QObject):
    """Writes the labels of a layer every half minute, and when asked to.

    Copies are made on the main thread, a few milliseconds at a time; all else happens
    on a thread. A layer that is removed or exchanged is written once more.

    Parameters
    ----------
    journal
        Where they are kept; may be exchanged at any time.
    submit
        Runs a function on the thread of the writer.
    what
        What is kept, as a sentence on a failure begins.
    place
        Returns what is kept of a layer beside its labels.

    Attributes
    ----------
    held
        Whether nothing is written by itself for the moment.
    last
        The newest entry of the layer that is kept, or None.
    failing
        Whether the last write did not succeed.

    Signals
    -------
    written(JournalEntry)
        The labels are on the disk.
    failed(str)
        One sentence on why they are not; told once, until a write succeeds.
    """

    written = Signal(object)
    failed = Signal(str)
    _ended = Signal(object, object)

    def __init__(
        self,
        journal: Journal,
        submit: Submit,
        what: str = "Annotations are",
        place: Callable[[Labels], dict[str, Any]] = place_of,
    ) -> None:
        super().__init__()
        self.journal = journal
        self.last: JournalEntry | None = None
        self.held = False
        self._submit, self._what, self._place = submit, what, place
        self._layer: Labels | None = None
        self._changed = False
        self.failing = False
        self._told = False
        self._copies: list[LabelCopy] = []
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer)
        self._portions = QTimer(self)
        self._portions.setSingleShot(True)
        self._portions.timeout.connect(self._copy_on)
        self._ended.connect(self._on_ended)
        self.interval = INTERVAL

    @property
    def interval(self) -> float:
        """Seconds between two entries."""
        return float(self._timer.interval() / 1000)

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._timer.start(round(1000 * seconds))

    def now(self, run_folder: Path | None = None) -> None:
        """Write what is painted now; with a run folder, a copy into that too.

        While it is `held`, it is written once it no longer is.
        """
        if self.held:
            self._changed = True
        else:
            self._copy(run_folder)

    def opened(self, entry: JournalEntry) -> None:
        """Take the labels for kept: they were read from the journal just now."""
        self.last = entry
        self._changed = False

    def finish(self) -> None:
        """Hand everything that is not written yet to the writer, and stop."""
        if self._changed:
            self._copy()
        while self._copies:
            self._take(self._copies.pop(0), float("inf"))

    def close(self) -> None:
        """Let go of timers and layer."""
        self._timer.stop()
        self._portions.stop()
        self._listen(None)

    def follow(self, layer: Labels | None) -> None:
        """Keep another layer from now on, and that of before once more."""
        if self._changed:
            self._copy()
        self._listen(layer)
        self._changed = layer is not None
        if layer is not None:
            self.last = None

    def _listen(self, layer: Labels | None) -> None:
        for one, act in ((self._layer, "disconnect"), (layer, "connect")):
            if one is not None:
                # Rather looked at in vain than not kept; names of classes are features.
                for signal in (LabelChanges.of(one).drawn, one.events.features):
                    getattr(signal, act)(self._on_change)
        self._layer = layer

    def _on_change(self, _event: Any = None) -> None:
        self._changed = True

    def _on_timer(self) -> None:
        if self._changed and not self._copies and not self.held:
            self.now()

    def _copy(self, run_folder: Path | None = None) -> None:
        layer = self._layer
        if layer is None:
            return
        self._changed = False
        what = layer, finest(layer), layer.name, self._place(layer)
        self._copies.append(LabelCopy(*what, self.journal, run_folder))
        if len(self._copies) == 1:
            self._copy_on()

    def _copy_on(self) -> None:
        if self._copies and self._take(self._copies[0], _PORTION_SECONDS):
            self._copies.pop(0)
        if self._copies:
            self._portions.start(0)

    def _take(self, copy: LabelCopy, seconds: float) -> bool:
        """Copy for some time; whole or failed, it goes to the writer, which tells."""
        ended = copy.go_on(seconds)
        if ended:
            self._submit(self._write, copy)
        return ended

    def _write(self, copy: LabelCopy) -> None:
        """Write a copy; on the thread of the writer."""
        result: JournalEntry | str | None
        try:
            result = copy.write()
        except Exception as error:  # noqa: BLE001 (all of them are told)
            result = f"{self._what} not kept: {sentence_of(error)}"
        # Set here, for at the end no event loop carries the news any more.
        self.failing = isinstance(result, str)
        if isinstance(result, JournalEntry) and self._concerns(copy):
            self.last = result
        self._ended.emit(copy, result)

    def _concerns(self, copy: LabelCopy) -> bool:
        current = self._layer is None or copy.owner is self._layer
        return current and copy.journal is self.journal

    def _on_ended(self, copy: LabelCopy, result: JournalEntry | str | None) -> None:
        if isinstance(result, str):
            # It is tried again with the next entry, in silence.
            self._changed = True
            if not self._told:
                self._told = True
                self.failed.emit(result)
            return
        self._told = False
        if result is not None and self._concerns(copy):
            self.written.emit(result)
