"""The three scores of the stack that are read first, large."""

from __future__ import annotations

import html
from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_unet.score.headline import EXPECTED, Headline
from napari_unet.score.measures import figure
from napari_unet.widgets.qt.parts import WrappedLabel, in_column, in_row

_LARGE = "font-size: 20pt"
_CENTRE = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
_NOTHING = "–"


class ScoreTotals(QWidget):
    """Three figures with what they answer, and how far they can be trusted.

    Their room is kept while there are none.

    Attributes
    ----------
    numbers
        From left to right; under the mouse each tells its term and interval.
    changes
        Says that the layers are not those that were scored.
    brief
        Says how far the scores flatter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers = tuple(map(_Number, EXPECTED))
        self.changes = WrappedLabel(hides=True)
        self.brief = WrappedLabel(hides=True)
        row = in_row(*self.numbers, stretch=(1,) * len(EXPECTED))
        in_column(self, row, self.changes, self.brief)

    def show_changes(self, words: str) -> None:
        """Write under them that the layers are not those scored; "" where they are."""
        self.changes.setText(f"<b>{html.escape(words)}</b>" if words else "")

    def show_scores(self, shown: Sequence[Headline], trust: str = "") -> None:
        """Show other scores; () takes them away.

        Parameters
        ----------
        shown
            Those that are read first.
        trust
            How far all scores flatter, in a sentence.
        """
        for place, number in enumerate(self.numbers):
            number.show_headline(shown[place] if shown else None)
        self.brief.setText(trust)


class _Number(QWidget):
    """A large figure, and under it what it answers."""

    def __init__(self, expected: str) -> None:
        super().__init__()
        self._expected = expected
        self.figure, self.words = QLabel(_NOTHING), WrappedLabel(expected, lines=2)
        self.figure.setStyleSheet(_LARGE)
        for label in (self.figure, self.words):
            label.setAlignment(_CENTRE)
        policy = QSizePolicy.Policy
        self.figure.setSizePolicy(policy.Preferred, policy.Fixed)
        in_column(self, self.figure, self.words).setSpacing(0)

    def text(self) -> str:
        """Return the figure."""
        return self.figure.text()

    def show_headline(self, shown: Headline | None) -> None:
        """Show another score, or none."""
        self.figure.setText(_NOTHING if shown is None else figure(shown.value))
        self.words.setText(self._expected if shown is None else shown.words)
        tip = "" if shown is None else f"<p>{html.escape(shown.tip)}</p>"
        self.setToolTip(tip)
