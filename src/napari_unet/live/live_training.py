"""Live training on copies of layers: what a worker thread runs, no Qt in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.config import AnnotationKind, Role, RunConfig
from napari_unet.data.regions import Region, role_map
from napari_unet.live.events import Idle, Kept, Learnt, LiveStep, Preview
from napari_unet.model.started import Started

if TYPE_CHECKING:
    from napari_unet.data.stack import Stack
    from napari_unet.live.requests import LiveRequests

# Every change makes Qt compose the whole window anew, canvas included, which takes
# time from the brush where no graphics card helps.
_SHOW_SECONDS = 0.3


@dataclass(frozen=True, eq=False)
class LiveSource:
    """What a network learns from live, and how.

    Attributes
    ----------
    stack, kind
        A copy of the image, and what its annotations mean.
    config, folder
        All settings, and where the model is kept.
    start
        A model file to go on from, or None for a new network.
    validation, regions
        Slices that are scored, as start:stop, and what was drawn.
    class_names
        Background first, where they are known.
    """

    stack: Stack
    kind: AnnotationKind
    config: RunConfig
    folder: Path
    start: Path | None = None
    validation: str | None = None
    regions: Sequence[Region] = ()
    class_names: Sequence[str] = ()


def train_live(
    source: LiveSource, requests: LiveRequests, stop: threading.Event
) -> Generator[Started | Learnt | Preview | Idle | Kept, None, Path | None]:
    """Train until `stop` is set; return the path of the model, if one was made."""
    # torch is loaded here, on the thread, when work starts and not before.
    from napari_unet.live.loop import LiveLoop
    from napari_unet.model.checkpoint import load_model
    from napari_unet.train.run_folder import RunFolder
    from napari_unet.train.start import take_network

    model = None if source.start is None else load_model(source.start)
    config = source.config if model is None else take_network(source.config, model)
    regions = list(source.regions)
    if source.validation is not None:
        regions.append(Region(role=Role.VALIDATION, slices=source.validation))
    _, depth, height, width = source.stack.as_czyx().shape
    run = RunFolder(source.folder)
    loop = LiveLoop(
        source.stack,
        source.kind,
        config,
        start=model,
        folder=run,
        roles=role_map(regions, (depth, height, width)) if regions else None,
        class_names=source.class_names,
        requests=requests,
    )
    yield Started(loop.device_words, loop.notes, loop.memory_words)
    # Bundled, so that a fast GPU does not flood the window with steps.
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
    return run.last if run.last.exists() else None
