"""The coarser levels of what is predicted, written by whoever predicts it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_unet.data.pyramid import shrunk, sides_of_boxes, values_for_one
from napari_unet.data.volume import write_box
from napari_unet.predict.blocks import Block, Grid, Written

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume


@dataclass(frozen=True)
class LevelWork:
    """Writes a level of a pyramid from the next finer one.

    Attributes
    ----------
    fine, coarse
        The two levels, of any axes.
    labels
        Whether they are labels, which have no means.
    """

    fine: Volume
    coarse: Volume
    labels: bool

    @property
    def grid(self) -> Grid:
        """The level in boxes of whole chunks, for each of which 64 MB are read."""
        shape = self.coarse.shape
        sides = sides_of_boxes(self.coarse, values_for_one(self.fine, self.coarse))
        return Grid(shape, sides, margin=(0,) * len(shape), step=(1,) * len(shape))

    def read(self, block: Block) -> None:
        """Read nothing yet: two boxes at a time would take twice the memory."""

    def compute(self, block: Block, read: None, stop: Event) -> NDArray[Any] | None:
        """Read a box of the finer level, and return what is to be written of it."""
        if stop.is_set():
            return None
        return shrunk(self.fine, self.coarse, block.core, labels=self.labels)

    def write(self, block: Block, made: NDArray[Any]) -> Written:
        """Write a box."""
        write_box(self.coarse, block.core, made)
        return Written()
