"""An experiment from files to its figures, by the Trainer that users get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, RunConfig
from napari_unet.data.annotation import IGNORE, to_target
from napari_unet.data.labels import check_made_on
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.experiments.resize import average_blocks, block_side, majority
from napari_unet.experiments.result import Result, fingerprints_of
from napari_unet.experiments.split import split_slices
from napari_unet.experiments.study import Experiment
from napari_unet.experiments.study_measures import measure
from napari_unet.model.checkpoint import load_model
from napari_unet.predict.predictor import Predictor
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.session import open_run
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_source import TrainingSource


class ExperimentRun:
    """One experiment on one stack, in a folder from which it goes on where it was.

    Parameters
    ----------
    experiment
        What is run.
    image, labels
        The stack, and its dense labels: what is not 0 is foreground.
    out
        Folder of the run; one that was begun with the same settings is gone on with.
    split
        As in `split_slices`; the experiment's own when left out.
    minutes
        Train for so long instead of the preset's steps.
    seed, device
        Of the run.

    Attributes
    ----------
    trainer
        Trains; loop over its `run()`, then call `finish`.

    Raises
    ------
    InputError
        When image and labels do not fit, the labels are no mask, or the folder holds
        another run.
    """

    def __init__(
        self,
        experiment: Experiment,
        image: Stack,
        labels: Stack,
        out: Path,
        *,
        split: str | None = None,
        minutes: float | None = None,
        seed: int = 0,
        device: str | None = None,
    ) -> None:
        self.experiment = experiment
        self.folder = RunFolder(out)
        self._names = Path(image.source).name, Path(labels.source).name
        if self.folder.is_taken and not self.folder.holds_run:
            raise InputError(
                f"{out} holds models of another run: choose another folder."
            )
        self._fingerprints = fingerprints_of(image, labels)
        mask = _mask(np.asarray(labels.as_zyx()))
        check_made_on(image.as_czyx().shape[1:], mask.shape)
        name = experiment.split if split is None else split
        self.split = split_slices(name, len(mask))
        self.block = block_side(mask.shape, experiment.side)
        small = majority(mask, self.block).astype(np.uint8)
        source = TrainingSource(
            replace(average_blocks(image, self.block), source=self._names[0]),
            small,
            AnnotationKind.CLASSES,
            regions=self.split.regions,
        )
        side = max(small.shape[1:])
        config = _settings(experiment.settings, side, minutes, seed, device)
        resume = self.folder.holds_run
        self._run = open_run([source], config, folder=out, resume=resume)
        self.trainer = self._run.trainer
        (self.image,) = self.trainer.images

    @property
    def words(self) -> tuple[str, ...]:
        """What is about to be trained, line by line."""
        preset, height, width = self.experiment, *self.image.image.shape[2:]
        sizes = f"{height} x {width}"
        if self.block > 1:
            sizes += f", each pixel the mean of {self.block} x {self.block}"
        return (
            f"experiment {preset.number}, {preset.name}: {preset.parameters:,} "
            f"parameters, on {self.trainer.device.words}",
            f"{self._names[0]}: {len(self.image.train)} slices to train on, "
            f"{len(self.image.validation)} held out ({self.split.name}), {sizes}",
            *self._run.notes,
        )

    def finish(self) -> Result:
        """Measure the last network on training and on validation data, and save it."""
        trainer, budget = self.trainer, self.experiment.settings.train.steps
        result = Result(
            experiment=self.experiment.number,
            image=self._names[0],
            labels=self._names[1],
            fingerprints=self._fingerprints,
            slices=int(self.image.target.annotated_slices.size),
            size=self.image.target.classes.shape[1:],
            block=self.block,
            split=self.split.name,
            train=self.split.train,
            validation=self.split.validation,
            measured=self._measure(),
            parameters=trainer.network.num_parameters + _statistics(trainer),
            steps=trainer.step,
            epochs=round(trainer.step / trainer.steps_per_epoch, 2),
            minutes=round(trainer.elapsed / 60, 2),
            full=trainer.step >= (budget or 0),
            seed=trainer.config.train.seed,
            device=trainer.device.words,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        result.save(self.folder.path)
        return result

    def _measure(self) -> dict[str, float]:
        """Return all figures, those of the held-out slices with "val_" in front."""
        image, model = self.image, load_model(self.folder.last)
        predictor = Predictor(model, device=self.trainer.device)
        found = predictor.empty(image.image.shape[1:], keep=True)
        for tile in predictor.normalised_tiles(image.image):
            found.add(tile)
        foreground = np.asarray(found.probabilities)[1]
        train, validation = image.train, image.validation
        fitted = measure(foreground[train], image.target.classes[train])
        unseen = measure(foreground[validation], image.truth)
        return {**fitted, **{f"val_{name}": value for name, value in unseen.items()}}


def _mask(labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Read labels as foreground and background, which is all the study knows."""
    target = to_target(labels)
    if target.kind is AnnotationKind.SCRIBBLES:
        raise InputError(
            "The labels read as scribbles, and the experiments score every pixel: "
            "give a mask, 0 for background and one other value for foreground."
        )
    if target.num_classes > 2:
        raise InputError(
            f"The labels have {target.num_classes} classes, the experiments know "
            "foreground and background: give a mask, 0 and one other value."
        )
    # Slices that hold nothing at all are not annotated, which `Result.slices` tells.
    ignored = (target.classes == IGNORE) & (labels != 0)
    if ignored.any():
        raise InputError(
            f"The labels hold {labels[ignored][0]} on {np.count_nonzero(ignored):,} "
            "pixels, which reads as not annotated, and the experiments score every "
            "pixel: give a mask, 0 for background and one other value for foreground."
        )
    return np.asarray(target.classes == 1)


def _settings(
    settings: RunConfig,
    side: int,
    minutes: float | None,
    seed: int,
    device: str | None,
) -> RunConfig:
    """Return the settings of the preset, fitted to image, time and machine."""
    train = settings.train
    # Whole images, also where they are smaller than those of the study.
    checked = train.changed(
        "command line",
        patch_size=max(16, min(train.patch_size, side)),
        seed=seed,
        device=device or train.device,
        **({} if minutes is None else {"minutes": minutes}),
    )
    return settings.model_copy(update={"train": checked})


def _statistics(trainer: Trainer) -> int:
    """Count running means and variances, which the study has among the parameters."""
    return sum(
        tensor.numel()
        for name, tensor in trainer.network.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )
