"""The measures of all objects: a table, its CSV file, and what classes add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import csv_text, write_text
from napari_unet.measure.columns import COLUMNS, Column


@dataclass(frozen=True)
class ClassTotal:
    """What the objects of one class add up to.

    Attributes
    ----------
    name
        The class; "all" for all of them.
    count
        Objects.
    total
        Their areas or volumes together.
    fraction
        Share of the measured image that they fill.
    mean, median
        Of their areas or volumes.
    """

    name: str
    count: int
    total: float
    fraction: float
    mean: float
    median: float


@dataclass(frozen=True, eq=False)
class ObjectMeasures:
    """What was measured: one row for each object.

    Attributes
    ----------
    values
        Arrays of one value for each object, by names of `COLUMNS`. Grey values of an
        image with channels have a name for each, such as "mean_grey 2".
    unit
        Unit of length; "pixel" where the pixel size is unknown.
    ndim
        2 where each slice was measured by itself, 3 for a volume.
    measured
        Area or volume of the whole image, in that unit.
    notes
        Words to the user on how the labels were read.
    """

    values: Mapping[str, NDArray[Any]]
    unit: str
    ndim: int
    measured: float
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.values["object"])

    @property
    def size(self) -> str:
        """Name of the column that holds areas or volumes."""
        return "area" if self.ndim == 2 else "volume"

    def column(self, name: str) -> Column:
        """Return what a column is."""
        return COLUMNS[name.split(maxsplit=1)[0]]

    def title(self, name: str) -> str:
        """Return the title of a column, such as "mean grey value of channel 1"."""
        channel = name.partition(" ")[2]
        title = self.column(name).title
        return f"{title} of channel {channel}" if channel else title

    def header(self, name: str) -> str:
        """Return the title of a column with its unit, such as "area (nm^2)"."""
        unit = self.column(name).unit_in(self.unit)
        return f"{self.title(name)} ({unit})" if unit else self.title(name)

    def totals(self) -> tuple[ClassTotal, ...]:
        """Return what each class adds up to, and all where there are several."""
        sizes = self.values[self.size]
        classes = self.values.get("class")
        if classes is None:
            return (self._total("all", sizes),)
        names = list(dict.fromkeys(sorted(classes.tolist(), key=str)))
        rows = [self._total(str(name), sizes[classes == name]) for name in names]
        return (*rows, self._total("all", sizes)) if len(rows) > 1 else tuple(rows)

    def numbered_from(
        self, first: int, step: int = 1, depth: float = 0.0
    ) -> ObjectMeasures:
        """Return the same as every `step`th slice of a stack, from `first` on.

        Parameters
        ----------
        first, step
            Which slices of the stack were measured.
        depth
            How far its slices are apart, by which middles move along Z.
        """
        moved = dict(self.values)
        if "slice" in moved:
            moved["slice"] = first + step * moved["slice"]
        if "z" in moved:
            moved["z"] = moved["z"] + first * depth
        return replace(self, values=moved)

    def cells(self) -> list[list[object]]:
        """Return the columns as they are written: seven digits, "" for what is not."""
        return [_cells(values) for values in self.values.values()]

    def as_csv(self) -> str:
        """Return the table as CSV text; its first line has the titles with units."""
        rows = zip(*self.cells(), strict=True)
        return csv_text([[self.header(name) for name in self.values], *rows])

    def save_csv(self, path: str | Path) -> None:
        """Write the table as a CSV file.

        Raises
        ------
        OutputError
            When the operating system refuses.
        """
        write_text(path, self.as_csv())

    def _total(self, name: str, sizes: NDArray[np.float64]) -> ClassTotal:
        total = float(sizes.sum())
        mean, median = (
            (float(sizes.mean()), float(np.median(sizes)))
            if sizes.size
            else (np.nan,) * 2
        )
        return ClassTotal(name, len(sizes), total, total / self.measured, mean, median)


def _cells(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind != "f":
        return [int(v) if values.dtype.kind == "b" else v for v in values.tolist()]
    return [f"{value:.7g}" if np.isfinite(value) else "" for value in values]
