"""The curves of a run, as they are kept in its `history.csv`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import csv_text, unreadable, write_text
from napari_unet.errors import InputError

_COLUMNS = ("step", "loss", "validation_iou", "seconds")


@dataclass(frozen=True, eq=False)
class History:
    """What every step of a run brought.

    Attributes
    ----------
    steps
        (N,) int64.
    losses, scores
        (N,) float64; NaN where the held-out slices were not scored.
    seconds
        (N,) float64, time spent training; None in runs that did not note it.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64] | None = None

    def moments(self) -> NDArray[np.float64]:
        """Return what the curves are drawn against: seconds, or steps without them."""
        return self.steps.astype(float) if self.seconds is None else self.seconds

    def points(self) -> Iterator[tuple[float, float, float | None]]:
        """Yield moment, loss, and score or None, of every step."""
        columns = np.stack([self.moments(), self.losses, self.scores], axis=1)
        for moment, loss, score in columns.tolist():
            yield moment, loss, None if np.isnan(score) else score


def write_history(path: Path, rows: Sequence[dict[str, float | None]]) -> None:
    """Write one line a step, with the columns of the newest one.

    Raises
    ------
    OutputError
        When the file cannot be written; an older one stays whole.
    """
    # A run that is gone on with may have begun with fewer columns.
    columns = list(rows[-1]) if rows else []
    lines = ([row.get(name) for name in columns] for row in rows)
    write_text(path, csv_text([columns, *lines]) if rows else "")


def read_history(path: Path) -> History:
    """Read the curves of a run.

    Raises
    ------
    InputError
        When the file cannot be read, or is no table of a run.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            titles, *rows = list(csv.reader(file)) or [[]]
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise _damaged(path) from error
    try:
        columns = dict(zip(titles, zip(*rows, strict=True), strict=bool(rows)))
        numbers = {name: _numbers(columns.get(name, ())) for name in _COLUMNS}
    except ValueError as error:
        raise _damaged(path) from error
    steps, losses, scores, seconds = numbers.values()
    if not (steps.size == losses.size == scores.size == len(rows)):
        raise _damaged(path)
    if np.isnan(steps).any():
        raise _damaged(path)
    timed = seconds.size == steps.size and not np.isnan(seconds).any()
    return History(steps.astype(np.int64), losses, scores, seconds if timed else None)


def curve_of(model: Path) -> list[tuple[float, float, float | None]]:
    """Return minutes, loss and validation IoU of the run that a model lies in.

    None that can be read leaves nothing to draw.
    """
    try:
        history = read_history(model.parent / "history.csv")
    except InputError:
        return []
    if history.seconds is None:
        return []
    return [(seconds / 60, loss, score) for seconds, loss, score in history.points()]


def _numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([float(text) if text else np.nan for text in texts], float)


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is no table of a training run: its curves cannot be drawn. Train anew "
        "to get new ones."
    )
