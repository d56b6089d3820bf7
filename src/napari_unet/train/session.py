"""Training as a worker's generator: arrays in, a model file out, no Qt in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.config import AnnotationKind, Region, Role, RunConfig
from napari_unet.data.stack import Stack
from napari_unet.model.started import Started

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.train.trainer import Trainer, TrainStep
    from napari_unet.train.training_image import TrainingImage

_SHOW_SECONDS = 0.1


@dataclass(frozen=True)
class Progress:
    """Steps since the last time: seconds, loss and score of each, and the newest."""

    points: tuple[tuple[float, float, float | None], ...]
    last: TrainStep


@dataclass(frozen=True, eq=False)
class ImageSource:
    """An image of a training set, copied or still to be read.

    Attributes
    ----------
    take
        Gives the image and (Z, Y, X) annotations, on any thread.
    kind
        What the annotations mean; None is a guess.
    train, validate
        Slices, as `prepare_image` takes them.
    regions
        What was drawn on the image.
    """

    take: Callable[[], tuple[Stack, NDArray[np.generic]]]
    kind: AnnotationKind | None = None
    train: str | None = None
    validate: str | None = None
    regions: tuple[Region, ...] = ()

    @property
    def is_divided(self) -> bool:
        """Whether the user chose what of the image trains or validates."""
        drawn = {region.role for region in self.regions} & {Role.TRAIN, Role.VALIDATE}
        return bool(self.train or self.validate or drawn)

    def prepare(self, config: RunConfig) -> TrainingImage:
        """Normalise the image, and read and weigh its annotations."""
        from napari_unet.train.training_image import prepare_image

        stack, labels = self.take()
        return prepare_image(
            stack,
            labels,
            kind=self.kind,
            train=self.train,
            validate=self.validate,
            regions=self.regions,
            network=config.network,
            weights=config.weights,
        )


@dataclass(eq=False)
class TrainingWork:
    """A training run on copies of layers, for a worker thread.

    Attributes
    ----------
    sources
        The training set.
    config
        All settings.
    folder
        Where the run is kept.
    start
        A model file to fine-tune, or None for a new network.
    auto
        Choose the sizes of network, patches and batch for the data and the device.
    """

    sources: Sequence[ImageSource]
    config: RunConfig
    folder: Path
    start: Path | None
    auto: bool = False

    def run(
        self, stop: threading.Event
    ) -> Generator[Started | Progress, None, Path | None]:
        """Train, yielding what there is to show about ten times a second.

        Returns
        -------
        Path of the best model, or of the newest where none was scored; None when the
        run was stopped before its first step.
        """
        # torch is loaded here, on the thread, when work starts and not before.
        from napari_unet.model.checkpoint import load_model
        from napari_unet.train.auto import choose
        from napari_unet.train.run_folder import RunFolder
        from napari_unet.train.start import take_network
        from napari_unet.train.trainer import Trainer
        from napari_unet.train.training_image import hold_out_images

        start = None if self.start is None else load_model(self.start)
        config = self.config if start is None else take_network(self.config, start)
        images = [source.prepare(config) for source in self.sources]
        if not any(source.is_divided for source in self.sources):
            images = hold_out_images(images)
        folder = RunFolder(self.folder)
        if stop.is_set():
            return None
        notes = [
            _named(image, images) + note for image in images for note in image.notes
        ]
        why: tuple[str, ...] = ()
        if self.auto:
            config, reason = choose(config, images, start)
            why = (reason,)
        trainer = Trainer(images, config, folder=folder, start=start)
        device = trainer.device
        notes = [*notes, *why, *trainer.notes]
        yield Started(device.words, tuple(notes), device.memory_words)
        yield from _bundled(trainer, stop)
        if trainer.step == 0:
            return None
        return folder.best if folder.best.exists() else folder.last


def _named(image: TrainingImage, images: Sequence[TrainingImage]) -> str:
    """Return the name of an image to put before a note, where there are several."""
    return f"{image.name}: " if len(images) > 1 else ""


def _bundled(
    trainer: Trainer, stop: threading.Event
) -> Generator[Progress, None, None]:
    """Bundle steps, so that a fast GPU does not flood the window."""
    points: list[tuple[float, float, float | None]] = []
    shown = 0.0
    step = None
    for step in trainer.run(stop):
        points.append((step.seconds, step.loss, step.validation))
        if time.monotonic() - shown > _SHOW_SECONDS:
            shown = time.monotonic()
            yield Progress(tuple(points), step)
            points = []
    if points and step is not None:
        yield Progress(tuple(points), step)
