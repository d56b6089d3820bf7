"""Live training as a worker's generator: arrays in, previews and steps out, no Qt."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.config import AnnotationKind, RunConfig
from napari_unet.data.stack import Stack
from napari_unet.model.started import Started

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.data.regions import Region
    from napari_unet.live.loop import Idle, Kept, LiveLoop, LiveStep, Preview
    from napari_unet.model.checkpoint import Model

# Every change makes Qt compose the whole window anew, canvas included, which takes
# time from the brush where no graphics card helps.
_SHOW_SECONDS = 0.3


@dataclass(frozen=True)
class Learnt:
    """Steps since the last time: seconds, loss and score of each, and the newest."""

    points: tuple[tuple[float, float, float | None], ...]
    last: LiveStep


@dataclass(eq=False)
class LiveWork:
    """Live training on a copy of an image, for a worker thread.

    Attributes
    ----------
    stack, labels
        The image, and (Z, Y, X) annotations as they are at the start.
    kind
        What the annotations mean.
    held_out, regions
        Slices that are scored, as start:stop, and what was drawn.
    config
        All settings.
    folder
        Where the model is kept.
    start
        A model file to go on from, or None for a new network.
    class_names
        Background first, where they are known.
    """

    stack: Stack
    labels: NDArray[np.generic]
    kind: AnnotationKind
    held_out: str | None
    regions: Sequence[Region]
    config: RunConfig
    folder: Path
    start: Path | None
    class_names: Sequence[str] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._loop: LiveLoop | None = None
        self._paused = False
        self._painted = {
            int(z): self.labels[z] for z in np.flatnonzero(self.labels.any(axis=(1, 2)))
        }
        self._view: tuple[int | None, tuple[slice, slice] | None, bool] | None = None

    def update(self, z: int, labels: NDArray[np.generic]) -> None:
        """Tell what is painted on slice `z` now; from any thread, at any time."""
        with self._lock:
            if self._loop is None:
                self._painted[z] = labels
            else:
                self._loop.update(z, labels)

    def look_at(
        self,
        z: int | None,
        region: tuple[slice, slice] | None = None,
        *,
        probabilities: bool = False,
    ) -> None:
        """Ask for previews of a part of slice `z`; None ends them."""
        with self._lock:
            self._view = (z, region, probabilities)
            if self._loop is not None:
                self._loop.look_at(z, region, probabilities=probabilities)

    @property
    def num_updates(self) -> int:
        """Updates of annotations that the loop was told of so far."""
        return 0 if self._loop is None else self._loop.num_updates

    def pause(self, paused: bool) -> None:
        """Hold the training, or let it go on."""
        with self._lock:
            self._paused = paused
            if self._loop is not None:
                (self._loop.pause if paused else self._loop.go_on)()

    def keep(self) -> None:
        """Ask for a model file of the network as it is."""
        with self._lock:
            if self._loop is not None:
                self._loop.keep()

    def model(self) -> Model | None:
        """Return a copy of the network as it is, or None before there is one."""
        return None if self._loop is None else self._loop.model()

    def run(
        self, stop: threading.Event
    ) -> Generator[Started | Learnt | Preview | Idle | Kept, None, Path | None]:
        """Train until `stop` is set; return the path of the model, if one was made."""
        # torch is loaded here, on the thread, when work starts and not before.
        from napari_unet.live.loop import LiveLoop
        from napari_unet.model.checkpoint import load_model
        from napari_unet.train.run_folder import RunFolder
        from napari_unet.train.start import take_network

        start = None if self.start is None else load_model(self.start)
        config = self.config if start is None else take_network(self.config, start)
        folder = RunFolder(self.folder)
        loop = LiveLoop(
            self.stack,
            self.kind,
            config,
            start=start,
            folder=folder,
            roles=self._roles(),
            class_names=self.class_names,
        )
        yield Started(loop.device_words, loop.notes, loop.memory_words)
        self._hand_over(loop)
        yield from _bundled(loop, stop)
        return folder.last if folder.last.exists() else None

    def _roles(self) -> NDArray[np.uint8] | None:
        from napari_unet.data.regions import Region, role_map

        regions = list(self.regions)
        if self.held_out is not None:
            regions.append(Region(role="validate", slices=self.held_out))
        return role_map(regions, self.labels.shape) if regions else None

    def _hand_over(self, loop: LiveLoop) -> None:
        """Tell the loop everything that was asked for before it was there."""
        with self._lock:
            for z, labels in self._painted.items():
                loop.update(z, labels)
            if self._view is not None:
                at, region, probabilities = self._view
                loop.look_at(at, region, probabilities=probabilities)
            if self._paused:
                loop.pause()
            self._painted = {}
            self._loop = loop


def _bundled(
    loop: LiveLoop, stop: threading.Event
) -> Generator[Learnt | Preview | Idle | Kept, None, None]:
    """Bundle steps, so that a fast GPU does not flood the window."""
    from napari_unet.live.loop import LiveStep

    points: list[tuple[float, float, float | None]] = []
    shown = 0.0
    for item in loop.run(stop):
        if not isinstance(item, LiveStep):
            yield item
            continue
        points.append((item.seconds, item.loss, item.validation))
        if time.monotonic() - shown > _SHOW_SECONDS or item.message:
            shown = time.monotonic()
            yield Learnt(tuple(points), item)
            points = []
