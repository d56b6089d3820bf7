"""What a dock says of its work: a headline, a line, and what is folded below them."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontMetricsF, QResizeEvent, QShowEvent
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_unet.errors import telling
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column, tool

Level = Literal["info", "warning", "error"]
Action = tuple[str, Callable[[], object]]

# Tints, and not colours of the words: those of both themes stay readable on them.
_LOOKS: dict[Level, str] = {
    "info": "border-left: 3px solid transparent",
    "warning": "border-left: 3px solid #f0a500; background: rgba(240, 165, 0, 60)",
    "error": "border-left: 3px solid #e5484d; background: rgba(229, 72, 77, 70)",
}
_MARGINS = (5, 2, 2, 2)
_PADDING = 4
"""Pixels that a label of napari's style takes above and below its words."""
_EXTRA = 6
"""Pixels by which a row with buttons is higher than one of words."""
_POLICY = QSizePolicy.Policy


def undo_action(
    undo: Callable[[], object] | None, say: Callable[[str], object]
) -> Action | None:
    """Return the button that takes back what a message tells of, and says so.

    `undo` raises a `NapariUNetError` where that is not possible any more; without it,
    there is no button.
    """
    if undo is None:
        return None

    def act() -> None:
        with telling(say):
            undo()
            say("Taken back.")

    return "Undo", act


class Status(QWidget):
    """One headline and one line, in room that is kept while there is nothing to say.

    What does not fit is cut at the end of a row, and unfolds by a button. Nothing
    around it moves, whatever is said, unless it is unfolded.

    Parameters
    ----------
    lines
        Rows of text that room is kept for, the headline among them.
    hides
        Whether it takes no room at all while there is nothing to say.
    """

    def __init__(self, lines: int = 4, *, hides: bool = False) -> None:
        super().__init__()
        self._reason = ""
        self._hides = hides
        self._lines = lines
        self._act: Callable[[], object] | None = None
        self.level: Level = "info"
        self.headline = QElidingLabel()
        font = self.headline.font()
        font.setBold(True)
        self.headline.setFont(font)
        self.headline.setSizePolicy(_POLICY.Ignored, _POLICY.Fixed)
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.line.setSizePolicy(_POLICY.Ignored, _POLICY.Ignored)
        for words in (self.headline, self.line):
            words.setTextFormat(Qt.TextFormat.PlainText)
        self.action_button = button("", self._on_action)
        self.more_button = tool("▾", self._on_more, "Show all of it.")
        self.details = WrappedLabel(hides=True)
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self._more = ""
        self._block = QFrame()
        self._block.setObjectName("status")
        self._grid = grid = QGridLayout(self._block)
        grid.setContentsMargins(*_MARGINS)
        grid.setSpacing(0)
        grid.setColumnStretch(0, 1)
        for column, part in enumerate(
            (self.headline, self.action_button, self.more_button)
        ):
            grid.addWidget(part, 0, column)
        grid.addWidget(self.line, 1, 0, 1, 3)
        in_column(self, self._block, self.details)
        self.setSizePolicy(_POLICY.Ignored, _POLICY.Minimum)
        self._paint()
        self.say("")

    def say(
        self,
        headline: str,
        line: str = "",
        level: Level = "info",
        details: str = "",
        action: Action | None = None,
    ) -> None:
        """Say something instead of what was said before.

        Parameters
        ----------
        headline
            A few words; a sentence without a line below it may take all rows.
        line
            What follows from it, or what to do.
        level
            Warnings are amber, errors red.
        details
            What is read by whoever unfolds it.
        action
            Title of a button beside the headline, and what it does; it goes with
            what is said.
        """
        self._words = tuple(part for part in (headline, line, details) if part)
        if not line:
            headline, line = "", headline
        self.headline.setText(headline)
        self.headline.setToolTip(headline)
        self.line.setText(line)
        title, self._act = action or ("", None)
        self.action_button.setText(title)
        self.action_button.setVisible(bool(title))
        self._more = details
        self.details.setText("")
        if level != self.level:
            self.level = level
            self._paint()
        if self._hides:
            self.setVisible(bool(self._words))
        self._fit()

    def say_all(self, words: str) -> None:
        """Say words whose first row is the headline, and the next ones the line."""
        headline, _, line = words.partition("\n")
        self.say(headline, line)

    def text(self) -> str:
        """Return all that is said, the parts on rows of their own."""
        return "\n".join(self._words)

    def remind(self, reason: str) -> None:
        """Say a reason in place of nothing or of the last; a result stays."""
        if self.text() in ("", self._reason):
            self.say(reason)
        self._reason = reason

    def forget(self) -> None:
        """Take back an error, once what it speaks of has changed."""
        if self.level == "error":
            self.say("")

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Keep room for rows of the font that napari's theme gives."""
        super().showEvent(event)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Offer what no longer fits, or take the offer back."""
        super().resizeEvent(event)
        self._fit()

    def _on_more(self) -> None:
        shown = bool(self.details.text())
        hidden = [self.line.text()] if self._is_cut() else []
        words = "\n".join([*hidden, *filter(None, [self._more])])
        self.details.setText("" if shown else words)
        self.more_button.setText("▾" if shown else "▴")

    def _on_action(self) -> None:
        if self._act is not None:
            self._act()

    def _is_cut(self) -> bool:
        """Whether the line has more rows than there is room for."""
        return self.line.heightForWidth(self.line.width()) > self.line.height()

    def _fit(self) -> None:
        """Keep the room, and offer what is cut."""
        row = ceil(QFontMetricsF(self.line.font()).lineSpacing())
        height = self._lines * row + _EXTRA + _PADDING
        topped = bool(self.headline.text())
        topped = topped or bool(self.action_button.text())
        self._block.setFixedHeight(height + _MARGINS[1] + _MARGINS[3])
        for part in (self.headline, self.action_button, self.more_button):
            part.setFixedHeight(row + _EXTRA)
        self.headline.setVisible(topped)
        self.line.setFixedHeight((self._lines - topped) * row + _PADDING)
        if topped:
            self._grid.addWidget(self.line, 1, 0, 1, 3)
        else:
            self._grid.addWidget(self.line, 0, 0, 2, 2)
        self._grid.activate()
        cut = self._is_cut()
        self.more_button.setVisible(cut or bool(self._more))
        self.more_button.setText("▴" if self.details.text() else "▾")
        self.line.setToolTip(self.line.text() if cut else "")

    def _paint(self) -> None:
        self._block.setStyleSheet(f"QFrame#status {{{_LOOKS[self.level]}}}")
