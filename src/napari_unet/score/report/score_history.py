"""The scores of a project over time: one line a scoring, in `scores.jsonl`."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError

from napari_unet.data.files import csv_text, unreadable, unwritable, write_text
from napari_unet.data.regions import runs
from napari_unet.score.intervals import Interval

if TYPE_CHECKING:
    from napari_unet.score.scores import Scores

UNKNOWN = "?"
"""In place of the slices that a model had learnt from, where they are not known."""

# JSON has no NaN: a score that is not defined is null there.
_Score = Annotated[
    float, BeforeValidator(lambda value: math.nan if value is None else value)
]


def _iso(date: str) -> str:
    datetime.fromisoformat(date)
    return date


@dataclass(frozen=True)
class ScoreRecord:
    """One scoring of one prediction.

    Attributes
    ----------
    date
        When it was scored, as ISO 8601 with its time zone.
    image, prediction, truth
        Names of image, prediction and ground truth.
    model
        What made the prediction: the path of a model, or the name of a method.
    threshold
        Of the foreground; None for the most probable class.
    slices
        Which were scored, such as "24:30".
    trained
        Those of them that the model had learnt from: of these, scores say little.
    values
        Scores by name; NaN where one is not defined.
    intervals
        95 % intervals by name, where there are any.
    """

    date: Annotated[str, AfterValidator(_iso)]
    prediction: str
    image: str = ""
    truth: str = ""
    model: str = ""
    threshold: float | None = None
    slices: str = ""
    trained: str = ""
    values: Mapping[str, _Score] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        scores: Scores,
        prediction: str,
        image: str = "",
        model: str = "",
        threshold: float | None = None,
        truth: str = "",
    ) -> ScoreRecord:
        """Return the record of scores that were made now."""
        learnt = scores.trained_on
        return cls(
            datetime.now().astimezone().isoformat(timespec="seconds"),
            prediction,
            image,
            truth,
            model,
            threshold,
            ",".join(runs(row.slice for row in scores.slices)),
            UNKNOWN if learnt is None else ",".join(runs(learnt)),
            scores.values(),
            scores.intervals,
        )

    @property
    def flatters(self) -> bool:
        """Whether the model is known to have learnt from some of the slices."""
        return self.trained not in ("", UNKNOWN)

    @property
    def trained_words(self) -> str:
        """How far the scores flatter the model, in a sentence; "" where they do not."""
        if self.trained == UNKNOWN:
            return "It is not known which slices the model learnt from."
        if not self.flatters:
            return ""
        return (
            f"Slices {self.trained} were trained on: these scores say little of other "
            "images."
        )

    @property
    def moment(self) -> datetime:
        """When it was scored, in the time zone of this computer."""
        return datetime.fromisoformat(self.date).astimezone()


_RECORD = TypeAdapter(ScoreRecord)


class ScoreHistory:
    """The file with the scores of a project.

    Several windows may add to it at the same time. Models are named from its folder,
    so that this can be moved.

    Parameters
    ----------
    path
        Of the file; it is made with the first scoring.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def add(self, record: ScoreRecord) -> None:
        """Add a scoring at the end.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # A line that was cut off must not swallow this one.
                start = b"" if self._ends_a_line() else b"\n"
                # One write is never mixed with that of another window.
                file.write(start + _line(self._stored(record)))
        except OSError as error:
            raise unwritable(self.path, error) from error

    def read(self) -> tuple[list[ScoreRecord], int]:
        """Return all scorings, oldest first, and how many lines could not be read.

        Raises
        ------
        InputError
            When the file cannot be read.
        """
        if not self.path.exists():
            return [], 0
        found = [_record(line) for line in self._lines() if line.strip()]
        records = [self._found(record) for record in found if record is not None]
        return records, len(found) - len(records)

    def remove(self, record: ScoreRecord) -> None:
        """Take a scoring out; the file is written anew, whole or not at all.

        Raises
        ------
        InputError, OutputError
            When it cannot be read or written.
        """
        if not self.path.exists():
            return
        gone = _line(self._stored(record))
        rows = [(line, _record(line)) for line in self._lines()]
        kept = [line for line, one in rows if one is None or _line(one) != gone]
        write_text(self.path, "".join(f"{line}\n" for line in kept))

    def _stored(self, record: ScoreRecord) -> ScoreRecord:
        folder, model = self.path.parent.absolute(), Path(record.model)
        if not model.is_relative_to(folder):
            return record
        return replace(record, model=model.relative_to(folder).as_posix())

    def _found(self, record: ScoreRecord) -> ScoreRecord:
        if not record.model.endswith(".safetensors"):
            return record
        return replace(record, model=str(self.path.parent.absolute() / record.model))

    def _lines(self) -> list[str]:
        try:
            text = self.path.read_text("utf-8", errors="replace")
        except OSError as error:
            raise unreadable(self.path, error) from error
        # An editor may have taken the end of the last line away.
        *lines, last = text.split("\n")
        return [*lines, last] if last else lines

    def _ends_a_line(self) -> bool:
        with self.path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - 1))
            return file.read() in (b"", b"\n")


def to_csv(records: Sequence[ScoreRecord], names: Iterable[str]) -> str:
    """Return scorings as a table, with a column for each of the scores in `names`."""
    names = list(names)
    plain = [one.name for one in fields(ScoreRecord)][:-2]
    rows = [[*plain, *names]]
    for record in records:
        said = [getattr(record, name) for name in plain]
        scores = [_cell(record.values.get(name, math.nan)) for name in names]
        rows.append([*("" if one is None else one for one in said), *scores])
    return csv_text(rows)


def latest_of_each(records: Iterable[ScoreRecord]) -> list[ScoreRecord]:
    """Return, of scorings with the oldest first, the newest of every prediction."""
    latest = {
        (
            one.image,
            one.prediction,
            one.truth,
            one.model,
            one.threshold,
            one.slices,
        ): one
        for one in records
    }
    return list(latest.values())


def _line(record: ScoreRecord) -> bytes:
    return _RECORD.dump_json(record) + b"\n"


def _record(line: str) -> ScoreRecord | None:
    """Read a line; None where it is damaged. What newer versions add is left out."""
    try:
        return _RECORD.validate_json(line)
    except ValidationError:
        return None


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"
