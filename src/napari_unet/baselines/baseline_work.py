"""A baseline as a worker's generator: arrays in, slices out, no Qt."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.baselines import BaselineStep, find_baseline, segment
from napari_unet.baselines.planes import annotated_slices
from napari_unet.config import AnnotationKind, BaselineConfig
from napari_unet.data.annotation import guess_kind, to_target
from napari_unet.data.stack import Stack

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class BaselineMask:
    """What a baseline made: a (Z, Y, X) uint8 mask.

    Attributes
    ----------
    mask
        1 is foreground.
    slices
        Indices of the slices that were segmented; after a stop not all of them.
    learnt_from
        Indices of the slices whose annotations it learnt from.
    """

    mask: NDArray[np.uint8]
    slices: tuple[int, ...]
    learnt_from: tuple[int, ...] = ()


@dataclass(eq=False)
class BaselineWork:
    """A baseline applied to copies of layers, for a worker thread.

    Attributes
    ----------
    name
        Of the baseline.
    stack, labels
        The image, and (Z, Y, X) annotations of it where there are any.
    kind
        What the annotations mean; None for a guess.
    config
        Settings.
    """

    name: str
    stack: Stack
    labels: NDArray[np.generic] | None = None
    kind: AnnotationKind | None = None
    config: BaselineConfig = field(default_factory=BaselineConfig)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End after the step in work, and keep the slices that are done."""
        self._stopped.set()

    def run(self) -> Generator[BaselineStep, None, BaselineMask]:
        """Segment one slice after the other."""
        image, classes = self.stack.as_czyx(), self._classes()
        mask, done = np.zeros(image.shape[1:], np.uint8), []
        steps = segment(
            self.name, image, classes, config=self.config, stopped=self._stopped
        )
        for step in steps:
            if step.z is not None and step.mask is not None:
                mask[step.z] = step.mask
                done.append(step.z)
            yield step
        lessons: list[int] = []
        if classes is not None and find_baseline(self.name).learns:
            lessons = annotated_slices(classes)
        return BaselineMask(mask, tuple(done), tuple(lessons))

    def _classes(self) -> NDArray[np.uint8] | None:
        if self.labels is None or not self.labels.any():
            return None
        kind = guess_kind(self.labels).kind if self.kind is None else self.kind
        return to_target(self.labels, kind).classes
