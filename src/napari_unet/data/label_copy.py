"""Annotations on their way into the journal: a copy made in portions, then written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import write_text
from napari_unet.data.journal import Journal, JournalEntry, write_labels
from napari_unet.data.painted_slices import PaintedSlices

IN_RUN = "annotations.tif"
"""Name of the annotations that a run was started with, in its folder."""
_PORTION = 2**20


@dataclass(eq=False)
class LabelCopy:
    """Annotations that are being copied, and what is to become of them.

    Attributes
    ----------
    owner
        Whose labels they are.
    source
        The labels, of any kind of array; they may be changed before the copy is whole.
    name, place
        As `Journal.write` takes them.
    journal
        Where the copy is kept.
    run_folder
        Of a run that starts with them, which gets a copy too; or None.
    """

    owner: object
    source: Any
    name: str
    place: dict[str, Any]
    journal: Journal
    run_folder: Path | None = None

    def __post_init__(self) -> None:
        self.failure: Exception | None = None
        self.labels: NDArray[Any] | PaintedSlices = np.empty(0, np.uint8)
        self._portions = self._fill()

    def go_on(self, seconds: float) -> bool:
        """Copy portions for some time, and return whether that has come to an end."""
        end = time.perf_counter() + seconds
        try:
            for _ in self._portions:
                if time.perf_counter() > end:
                    return False
        except Exception as error:  # noqa: BLE001 (a file that is gone, a full memory)
            # Of what is copied so far, the memory may be needed.
            self.failure, self.labels = error, np.empty(0, np.uint8)
        return True

    def write(self) -> JournalEntry | None:
        """Write to the journal, and beside the run; None for a layer never painted."""
        if self.failure is not None:
            raise self.failure
        if self.run_folder is not None:
            self._write_beside(self.run_folder / IN_RUN)
        if not self.labels.any() and self.journal.newest(self.name) is None:
            return None
        return self.journal.write(self.labels, self.name, self.place)

    def _write_beside(self, path: Path) -> None:
        labels = self.labels
        if isinstance(labels, PaintedSlices):
            shape, (slices, labels) = labels.shape, labels.in_file()
            held = {"slices": slices, "shape": shape}
            write_text(path.with_suffix(".json"), json.dumps(held))
        write_labels(path, labels, self.place)

    def _fill(self) -> Iterator[None]:
        if isinstance(self.source, PaintedSlices):
            self.labels = PaintedSlices(self.source.shape, self.source.dtype)
            for z in self.source.slices:
                self.labels[int(z)] = self.source[int(z)]
                yield
            return
        # Zeros take no memory before they are written over.
        self.labels = np.zeros(self.source.shape, self.source.dtype)
        for portion in _portions(self.labels.shape, self.labels.itemsize):
            values = np.asarray(self.source[portion])
            if values.any():
                self.labels[portion] = values
            yield


def _portions(shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[Any, ...]]:
    """Yield indices that cover an array in rows of its slices."""
    rows = max(1, _PORTION // max(1, shape[-1] * itemsize))
    for index in np.ndindex(shape[:-2]):
        for start in range(0, shape[-2], rows):
            yield (*index, slice(start, start + rows))
