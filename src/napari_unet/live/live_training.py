"""Live training on copies of layers: what a worker thread runs, no Qt in between."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.config import AnnotationKind, Region, Role, RunConfig
from napari_unet.data.one_import import imported
from napari_unet.data.regions import roles_on
from napari_unet.live.events import Idle, Kept, Preview
from napari_unet.model.started import Started
from napari_unet.train.progress import Progress, bundled
from napari_unet.train.training_source import TrainingSource

if TYPE_CHECKING:
    from napari_unet.live.requests import LiveRequests

# Every change makes Qt compose the whole window anew, canvas included, which takes
# time from the brush where no graphics card helps.
_SHOW_SECONDS = 0.3


def train_live(
    stop: threading.Event,
    *,
    source: TrainingSource,
    requests: LiveRequests,
    config: RunConfig,
    folder: Path,
) -> Generator[Started | Progress | Preview | Idle | Kept, None, Path | None]:
    """Train until `stop` is set.

    Parameters
    ----------
    stop
        Ends the training after the step in hand once it is set.
    source
        The image and what it is for; annotations come by `requests`, and nothing is
        held out that is not named.
    requests
        What is asked of the training while it goes on.
    config, folder
        All settings, and where the model is kept.

    Returns
    -------
    Path of the model, if one was made.
    """
    # Loaded here, on the thread, when work starts and not before.
    imported("torch")
    from napari_unet.live.first_look import first_look, name_of
    from napari_unet.live.loop import LiveLoop
    from napari_unet.model.device import choose_device
    from napari_unet.model.threads import Threads
    from napari_unet.train.run_folder import RunFolder
    from napari_unet.train.start import load_start, take_network

    stack, _, _ = source.read()
    model = load_start(config.start)
    if model is not None:
        config = take_network(config, model)
        device = choose_device(config.train.device, config.network.ndim)
        name = name_of(config.start)
        threads = Threads(device, config.train.threads)
        where = device, threads
        yield from first_look(model, stack, requests, *where, name, stop)
    if stop.is_set():
        return None
    regions = list(source.regions)
    if source.validation is not None:
        regions.append(Region(role=Role.VALIDATION, slices=source.validation))
    _, depth, height, width = stack.as_czyx().shape
    run = RunFolder(folder)
    loop = LiveLoop(
        stack,
        source.kind or AnnotationKind.SCRIBBLES,
        config,
        folder=run,
        roles=roles_on(range(depth), regions, (depth, height, width)),
        class_names=source.class_names,
        coverage=source.coverage,
        requests=requests,
    )
    yield Started(loop.device.words, loop.notes, loop.device.memory_words)
    yield from bundled(loop.run(stop), _SHOW_SECONDS)
    return run.last if run.last.exists() else None
