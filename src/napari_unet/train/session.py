"""A training run put together: sources and settings in, a trainer and its notes out.

Loads no torch before a run is opened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.config import AnnotationKind, Coverage, Region, RunConfig
from napari_unet.data.one_import import imported
from napari_unet.data.read import as_stack
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError, memory_told
from napari_unet.model.started import Started
from napari_unet.train.progress import Progress, TrainStep, bundled
from napari_unet.train.training_source import TrainingSource

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_unet.model.checkpoint import Model
    from napari_unet.predict.onlooker import Onlooker, Preview
    from napari_unet.train.one_size import PixelSize
    from napari_unet.train.trainer import Trainer
    from napari_unet.train.training_image import TrainingImage

_SHOW_SECONDS = 0.1


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A run that is ready to train.

    Attributes
    ----------
    trainer
        Trains; loop over its `run()`.
    notes
        Words to the user on what was understood or decided.
    """

    trainer: Trainer
    notes: tuple[str, ...]

    @property
    def config(self) -> RunConfig:
        """All settings, fitted to the data."""
        return self.trainer.config


def open_run(
    sources: Sequence[TrainingSource],
    config: RunConfig,
    *,
    folder: Path | None = None,
    start: str | Path | Model | None = None,
    resume: bool = False,
    auto: bool = False,
) -> OpenRun:
    """Put a training run together: read, prepare and divide images, make a trainer.

    Parameters
    ----------
    sources
        The training set.
    config
        All settings.
    folder
        Where the run is kept; nothing is written when left out.
    start
        What to start from, as `load_start` takes it; that of `config` when left out.
    resume
        Go on with the run in `folder` exactly where it was saved.
    auto
        Choose the sizes of network, patches and batch for the data and the device.

    Raises
    ------
    InputError
        When the images cannot be used, or do not fit each other or the settings.
    """
    from napari_unet.model.card import read_card
    from napari_unet.train.auto import choose
    from napari_unet.train.distributed import ranks
    from napari_unet.train.run_folder import RunFolder
    from napari_unet.train.set_meaning import settle_meanings
    from napari_unet.train.start import take_start
    from napari_unet.train.trainer import Trainer
    from napari_unet.train.training_image import choose_validation_images, doubts_of_set

    # What goes on has the weights of its own folder.
    config, old = (config, None) if resume else take_start(config, start)
    kept = None if folder is None else RunFolder(folder)
    if ranks().first and kept is not None and kept.path.exists():
        with kept.alone():
            pass  # better told now than when everything is prepared
    # What goes on from a model sees images as the model did.
    card = None if old is None else old.card
    if resume and kept is not None:
        written = (path for path in (kept.last, kept.best) if path.exists())
        card = next(map(read_card, written), None)
    normalization = None if card is None else card.normalization
    images: list[TrainingImage] = []
    notes: list[str] = []
    opened = [source.open() for source in sources]
    known = None if card is None else card.network.num_classes
    for one, meaning in zip(opened, settle_meanings(opened, known or 2), strict=True):
        like = _size_of(images, config)
        images.append(one.prepare(config, normalization, like, meaning))
        notes += one.notes
    if not any(source.is_divided for source in sources):
        images = choose_validation_images(images)
    images = doubts_of_set(images)
    for source, image in zip(sources, images, strict=True):
        notes += [_of_image(source, image, len(images)) + note for note in image.notes]
    config = _kept(config, images)
    if auto:
        config, why = ranks().same(choose(config, images, old))
        notes.append(why)
    trainer = Trainer(images, config, folder=kept, start=old, resume=resume)
    return OpenRun(trainer, (*notes, *trainer.notes))


def train_sources(
    stop: threading.Event,
    *,
    sources: Sequence[TrainingSource],
    config: RunConfig,
    folder: Path,
    start: Path | None = None,
    auto: bool = False,
    onlooker: Onlooker | None = None,
) -> Generator[Started | Progress | Preview, None, Path | None]:
    """Train, yielding what there is to show about ten times a second.

    Parameters
    ----------
    stop
        Ends the run after the step in hand once it is set.
    sources, config, folder, start, auto
        As `open_run` takes them.
    onlooker
        Who looks at the first image, and is shown what the network makes of it.

    Returns
    -------
    Path of the best model, or of the newest where none was scored; None when the
    run was stopped before its first step.
    """
    # Loaded here, on the thread, when work starts and not before.
    imported("torch")
    from napari_unet.train.previews import Previews

    run = open_run(sources, config, folder=folder, start=start, auto=auto)
    trainer, kept = run.trainer, run.trainer.folder
    if stop.is_set() or kept is None:
        return None
    yield Started(trainer.device.words, run.notes, trainer.device.memory_words)
    steps: Iterator[TrainStep | Preview] = trainer.run(stop)
    if onlooker is not None:
        steps = Previews(trainer, onlooker).among(steps)
    yield from bundled(steps, _SHOW_SECONDS)
    if trainer.step == 0:
        return None
    return kept.best if kept.best.exists() else kept.last


@memory_told()
def train_unet(  # noqa: PLR0913 (every option is one argument)
    image: ArrayLike | Stack | str | Path,
    labels: ArrayLike | Stack | str | Path,
    *,
    kind: AnnotationKind | None = None,
    train: str | None = None,
    validation: str | None = None,
    regions: Sequence[Region] = (),
    class_names: Sequence[str] = (),
    coverage: Coverage | None = None,
    trust: bool = False,
    config: RunConfig | None = None,
    folder: str | Path | None = None,
    start: str | Path | Model | None = None,
    on_step: Callable[[TrainStep], object] | None = None,
    **settings: Any,
) -> Model:
    """Train a network on an image with annotations, and return its best model.

    Parameters
    ----------
    image, labels
        (Y, X), (Z, Y, X) or (C, Z, Y, X) arrays, stacks, or files or folders.
    kind, train, validation, regions, class_names, coverage, trust
        As a `TrainingSource` has them.
    config
        All settings; the defaults when left out.
    folder
        Where the run is kept; nothing is written when left out.
    start
        What to start from: "noise" for a new network, a starter network such as
        "em-membranes", a model or its file. That of `config` when left out.
    on_step
        Is called with every step.
    settings
        Fields of `TrainConfig` to change, such as ``minutes=10`` or ``seed=1``.

    Returns
    -------
    Model
        The one that scored best on the slices held out, or else the newest.

    Raises
    ------
    InputError
        When image, annotations or settings cannot be used, or the folder holds a run.

    Examples
    --------
    >>> model = train_unet("em.tif", "cells.tif", minutes=4)  # doctest: +SKIP
    >>> save_model("cells.safetensors", model)  # doctest: +SKIP
    """
    from napari_unet.train.run_folder import RunFolder
    from napari_unet.train.start import take_start

    if folder is not None and RunFolder(folder).is_taken:
        raise InputError(f"{folder} holds a run already: choose another folder.")
    config, old = take_start(config or RunConfig(), start)
    changed = config.train.changed("train_unet", **settings)  # over what it brings
    source = TrainingSource(
        Path(image) if isinstance(image, str | Path) else as_stack(image),
        _labels(labels),
        kind=kind,
        train=train,
        validation=validation,
        regions=tuple(regions),
        class_names=tuple(class_names),
        coverage=coverage or Coverage(),
        trust=trust,
    )
    run = open_run(
        [source],
        config.model_copy(update={"train": changed}),
        folder=None if folder is None else Path(folder),
        start=start if old is None else old,  # read once
    )
    for step in run.trainer.run():
        if on_step is not None:
            on_step(step)
    return run.trainer.model()


def _kept(config: RunConfig, images: Sequence[TrainingImage]) -> RunConfig:
    """Keep the values to ignore that were guessed, for when the run goes on."""
    pairs = zip(config.images, images, strict=False)
    kept = (a.model_copy(update={"ignore": b.coverage.ignore}) for a, b in pairs)
    return config.model_copy(update={"images": tuple(kept)})


def _labels(labels: ArrayLike | Stack | str | Path) -> NDArray[np.generic] | Path:
    if isinstance(labels, str | Path):
        return Path(labels)
    return np.asarray(as_stack(labels, "annotations").as_zyx())


def _size_of(images: Sequence[TrainingImage], config: RunConfig) -> PixelSize | None:
    """Return the pixel size that further images are compared with."""
    from napari_unet.train.one_size import PixelSize

    if not images:
        return None
    z, y, x = images[0].pixel_size
    return PixelSize((z, y, x), images[0].unit, config.train.rescale)


def _of_image(source: TrainingSource, image: TrainingImage, count: int) -> str:
    """Return the name of an image to put before a note, where it says which."""
    if isinstance(source.image, Path):
        return f"{source.image.name}: "
    return f"{image.name}: " if count > 1 else ""
