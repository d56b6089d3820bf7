"""What live training yields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_unet.predict.onlooker import Preview
from napari_unet.train.progress import Step
from napari_unet.words import clock, counted

__all__ = ["Idle", "Kept", "LiveStep", "Preview"]


@dataclass(frozen=True, kw_only=True)
class LiveStep(Step):
    """What one step of live training did.

    Attributes
    ----------
    pixels, slices
        Annotated pixels and slices that are trained on.
    left_out
        Why a slice is not learnt from until it is painted otherwise, or "".
    """

    pixels: int
    slices: int
    left_out: str = ""

    @property
    def words(self) -> str:
        """What happens, for the user."""
        slices, pixels = counted(self.slices, "slice"), counted(self.pixels, "pixel")
        learning = f"Learning from {slices}, {pixels}"
        now = f"step {self.step}, loss {self.loss:.3f}, {clock(self.seconds)}"
        return "\n".join(filter(None, (learning, now, self.message, self.left_out)))


@dataclass(frozen=True)
class Idle:
    """No step is taken.

    Attributes
    ----------
    reason
        Why, for the user.
    rests
        Whether what is painted is learnt: steps follow when more is painted.
    """

    reason: str
    rests: bool = False


@dataclass(frozen=True)
class Kept:
    """The network as it is was written, as asked for; where it lies."""

    path: Path
