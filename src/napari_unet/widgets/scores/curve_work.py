"""Scores against the threshold, on a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_unet.score.threshold import ThresholdCurve, threshold_steps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.score.comparison import Comparison


@dataclass(eq=False)
class CurveWork:
    """The curve of copies of probabilities and truth, for a worker thread.

    Attributes
    ----------
    foreground
        (Z, Y, X): probability of not being background.
    comparison
        The prediction beside its truth.
    slices
        Slices that count.
    """

    foreground: NDArray[np.float32]
    comparison: Comparison
    slices: tuple[int, ...]
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End after the threshold in work; from any thread."""
        self._stopped.set()

    def run(self) -> Generator[ThresholdCurve, None, None]:
        """Yield the curve as it fills up."""
        steps = threshold_steps(self.foreground, self.comparison, slices=self.slices)
        for curve in steps:
            yield curve
            if self._stopped.is_set():
                return
