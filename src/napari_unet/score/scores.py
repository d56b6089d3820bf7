"""Scores of a stack, slice by slice and overall, as numbers, JSON and CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import csv_text, write_text
from napari_unet.score import intervals
from napari_unet.score.intervals import DrawnVolume, Interval
from napari_unet.score.means import mean
from napari_unet.score.measures import MEASURES, OBJECTS, PIXELS
from napari_unet.score.objects.instances import Instances
from napari_unet.score.objects.partition import Partition
from napari_unet.score.pixels.overlap import Overlap

COLUMNS = tuple(MEASURES)
"""Names of the scores, in the order in which they are shown."""
_THINNED = tuple(name for name in OBJECTS if name.startswith("v_"))
_BOOTSTRAPS_OF_A_VOLUME = 200


@dataclass(frozen=True, eq=False)
class SliceScores:
    """Scores of one slice.

    Attributes
    ----------
    slice
        Its number.
    overlap
        Counts of its pixels by class.
    partition, thinned
        Counts of its objects, as they were predicted and with thinned borders.
    hidden
        Counts of the objects where nothing is annotated; None where all is.
    borders
        Warping error and surface distances, by name.
    trained_on
        Whether the network learnt from this slice; None where that is not known.
    """

    slice: int
    overlap: Overlap
    partition: Partition
    thinned: Partition
    hidden: Partition | None
    borders: dict[str, float]
    trained_on: bool | None = False

    def values(self) -> dict[str, float]:
        """Return the scores by name; NaN where a score is not defined."""
        return {
            **_named(self.overlap, PIXELS),
            **_of_objects(self.partition, self.thinned),
            **self.borders,
        }


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a stack: one row for each slice with truth, and the whole.

    Pixels are added up over the slices, so that large slices count more and an empty
    slice does not count as perfect. Scores of objects are the mean of the slices that
    have them, as the ISBI 2012 challenge counted, or those of the volume where objects
    go on through the slices. Scores of borders are the mean of the slices, weighted by
    their pixels for the warping error.

    Attributes
    ----------
    slices
        One row for each slice that has ground truth.
    volume
        Whether objects go on through the slices.
    notes
        Words to the user on how the values were read.
    soft
        Scores of the probabilities, where there are any, by name.
    """

    slices: tuple[SliceScores, ...]
    volume: bool = False
    notes: tuple[str, ...] = ()
    soft: dict[str, float] = field(default_factory=dict)

    @cached_property
    def overall(self) -> Overlap:
        """Counts of the pixels of all slices added up."""
        return reduce(add, (row.overlap for row in self.slices))

    @cached_property
    def instances(self) -> Instances:
        """Objects that were found, missed and made up, of all slices or the volume."""
        if self._joined is not None:
            hidden = [row.hidden for row in self.slices if row.hidden is not None]
            beyond = Partition.joined(hidden) if hidden else None
            return Instances.of(self._joined[0], beyond)
        return reduce(
            add, (Instances.of(row.partition, row.hidden) for row in self.slices)
        )

    @property
    def trained_on(self) -> tuple[int, ...] | None:
        """Numbers of the slices that the network learnt from; None where unknown."""
        if any(row.trained_on is None for row in self.slices):
            return None
        return tuple(row.slice for row in self.slices if row.trained_on)

    @property
    def trained_words(self) -> str:
        """How far the scores flatter the network, in a sentence; "" where they do not.

        Tables mark the slices with a star.
        """
        if self.trained_on is None:
            return "It is not known which slices the network learnt from."
        if not self.trained_on:
            return ""
        return (
            f"The network learnt from {len(self.trained_on)} of the "
            f"{len(self.slices)} slices (marked *): their scores say little of other "
            "images."
        )

    def numbered(self, numbers: Sequence[int]) -> Scores:
        """Return the same scores of slices that are called by other numbers.

        Parameters
        ----------
        numbers
            One for each slice, at the place that is its number up to now.
        """
        rows = (replace(row, slice=numbers[row.slice]) for row in self.slices)
        return replace(self, slices=tuple(rows))

    def values(self) -> dict[str, float]:
        """Return the overall scores by name; NaN where a score is not defined."""
        return dict(self._values)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Bootstrap 95 % intervals over the slices, of each score that has one."""
        if len(self.slices) < 2:
            return {}
        drawn = intervals.resamples(len(self.slices))
        found = self._intervals_of_pixels(drawn)
        means = [name for name in COLUMNS if name not in PIXELS]
        if self.volume:
            found |= self._intervals_of_volume()
            means = [name for name in means if name not in OBJECTS]
        for name in means:
            weights = self._pixels if name == "warping_error" else None
            column = self._columns[name]
            found[name] = intervals.interval_of_mean(column, drawn, weights)
        known = {name: one for name, one in found.items() if one is not None}
        return {name: known[name] for name in COLUMNS if name in known}

    def to_dict(self) -> dict[str, Any]:
        """Return `overall` and `slices` as JSON types; undefined scores are None."""
        overall, trained_on = self.values(), self.trained_on
        return {
            "overall": {
                **_finite(overall),
                "iou_per_class": _list(self.overall.iou_per_class),
                "dice_per_class": _list(self.overall.dice_per_class),
                "without_thinning": _finite(self._without_thinning()),
                "pixels": self.overall.pixels,
                "objects": "volume" if self.volume else "slices",
                "intervals": {
                    name: [round(low, 6), round(high, 6)]
                    for name, (low, high) in self.intervals.items()
                },
                "instances": {
                    threshold: _finite(found)
                    for threshold, found in self.instances.values().items()
                },
                **({"soft": _finite(self.soft)} if self.soft else {}),
                "trained_on": None if trained_on is None else list(trained_on),
            },
            "slices": [
                {
                    "slice": row.slice,
                    **_finite(row.values()),
                    "without_thinning": _finite(_named(row.partition, _THINNED)),
                    "pixels": row.overlap.pixels,
                    "trained_on": row.trained_on,
                }
                for row in self.slices
            ],
            "notes": list(self.notes),
        }

    def cells(self) -> list[object]:
        """Return the scores of the whole as a line of a table, in `COLUMNS`."""
        return [*_cells(self.values())]

    def to_csv(self) -> str:
        """Return one line for each slice and a last one, "all", for the whole."""
        learnt, seen = {True: "yes", False: "no", None: ""}, self.trained_on
        rows = [
            [row.slice, *_cells(row.values()), learnt[row.trained_on]]
            for row in self.slices
        ]
        share = "" if seen is None else f"{len(seen)} of {len(self.slices)}"
        whole = ["all", *self.cells(), share]
        return csv_text([["slice", *COLUMNS, "trained_on"], *rows, whole])

    def save(self, path: str | Path, *, as_csv: bool | None = None) -> None:
        """Write CSV or JSON.

        Parameters
        ----------
        path
            File to write.
        as_csv
            Whether CSV is written, or JSON; when left out, CSV where `path` ends in
            .csv.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        if as_csv is None:
            as_csv = Path(path).suffix.lower() == ".csv"
        text = self.to_csv() if as_csv else json.dumps(self.to_dict(), indent=2)
        write_text(path, text)

    @cached_property
    def _values(self) -> dict[str, float]:
        values = {name: mean(column) for name, column in self._columns.items()}
        values |= _named(self.overall, PIXELS)
        values["warping_error"] = mean(self._columns["warping_error"], self._pixels)
        if self._joined is not None:
            values |= _of_objects(*self._joined)
        return values

    @cached_property
    def _joined(self) -> tuple[Partition, Partition] | None:
        """Objects of the volume, as predicted and thinned, where there are such."""
        if not self.volume:
            return None
        return (
            Partition.joined([row.partition for row in self.slices]),
            Partition.joined([row.thinned for row in self.slices]),
        )

    @cached_property
    def _pixels(self) -> NDArray[np.float64]:
        return np.array([row.overlap.pixels for row in self.slices], float)

    @cached_property
    def _columns(self) -> dict[str, NDArray[np.float64]]:
        rows = [row.values() for row in self.slices]
        return {name: np.array([row[name] for row in rows]) for name in COLUMNS}

    def _without_thinning(self) -> dict[str, float]:
        if self._joined is not None:
            return _named(self._joined[0], _THINNED)
        rows = [_named(row.partition, _THINNED) for row in self.slices]
        return {n: mean(np.array([row[n] for row in rows])) for n in _THINNED}

    def _intervals_of_pixels(
        self, drawn: NDArray[np.int64]
    ) -> dict[str, Interval | None]:
        confusions = np.stack([row.overlap.confusion for row in self.slices])
        each = Overlap(np.tensordot(drawn, confusions, 1)).each
        return {name: intervals.interval(each[name]) for name in PIXELS}

    def _intervals_of_volume(self) -> dict[str, Interval | None]:
        """Draw slices of the volume, whose objects keep their numbers."""
        plain = DrawnVolume([row.partition for row in self.slices])
        thinned = DrawnVolume([row.thinned for row in self.slices])
        found = [
            _of_objects(plain.drawn(counts), thinned.drawn(counts))
            for counts in intervals.resamples(len(self.slices), _BOOTSTRAPS_OF_A_VOLUME)
        ]
        return {
            name: intervals.interval(np.array([one[name] for one in found]))
            for name in OBJECTS
        }


def _of_objects(partition: Partition, thinned: Partition) -> dict[str, float]:
    """Return the scores of objects; only the challenge's own take thinned borders."""
    return {
        name: float(getattr(thinned if name in _THINNED else partition, name))
        for name in OBJECTS
    }


def _named(source: Overlap | Partition, names: Sequence[str]) -> dict[str, float]:
    return {name: float(getattr(source, name)) for name in names}


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {n: None if math.isnan(v) else round(v, 6) for n, v in values.items()}


def _list(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(v) else round(float(v), 6) for v in values]


def _cells(values: dict[str, float]) -> list[str]:
    return ["" if math.isnan(v) else f"{v:.6f}" for v in values.values()]
