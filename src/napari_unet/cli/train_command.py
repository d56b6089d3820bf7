"""Training from files: the settings of a run and the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from napari_unet.cli.options import check_formula, override
from napari_unet.cli.show import follow, say, stop_on_interrupt
from napari_unet.config import AnnotationKind, ImageConfig, Preset, Role, RunConfig
from napari_unet.data.read import read_stack
from napari_unet.data.regions import read_regions
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.train.auto import choose
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.start import take_network
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import (
    TrainingImage,
    hold_out_images,
    prepare_image,
)
from napari_unet.words import clock

T = TypeVar("T")

_FILES = ("image", "labels")


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line."""

    images: Sequence[str]
    labels: Sequence[str]
    kinds: Sequence[AnnotationKind]
    train: Sequence[str]
    validate: Sequence[str]
    regions: Sequence[Path]
    settings: dict[str, dict[str, Any]]
    out: Path | None
    preset: Preset | None
    config: Path | None
    resume: Path | None
    fine_tune: Path | None


def run_training(request: Request) -> None:
    """Train as asked, showing progress, and say where the model lies."""
    folder = RunFolder(_folder(request))
    start = _start(request)
    config = _settings(request, folder, start)
    if request.resume is None:
        _check_free(folder)
    images = [load_image(one, config) for one in config.images]
    if not any(_is_divided(one) for one in config.images):
        images = hold_out_images(images)
    for image in images:
        for note in image.notes:
            say(f"{Path(image.name).name}: {note}")
    if request.preset is Preset.AUTO:
        config, why = choose(config, images, start)
        say(why)
    trainer = Trainer(
        images,
        config,
        folder=folder,
        start=start,
        resume=request.resume is not None,
    )
    if trainer.is_over:
        say(
            f"the run in {folder.path} is finished after {trainer.step} steps: start "
            f"a new one from {folder.last} with --fine-tune to train on"
        )
        return
    train_and_report(trainer, folder)


def train_and_report(trainer: Trainer, folder: RunFolder) -> None:
    """Run a trainer in the terminal and tell where its models lie."""
    network = trainer.config.network
    for note in trainer.notes:
        say(note)
    say(
        f"training a {network.ndim}D U-Net, base {network.base_channels} "
        f"({trainer.network.num_parameters:,} parameters) on {trainer.device.words}"
    )
    with stop_on_interrupt() as stop:
        follow(trainer.run(stop))
    say(f"trained {trainer.step} steps in {clock(trainer.elapsed)}")
    if trainer.config.train.steps is None and trainer.repeat_steps is not None:
        say(
            f"--steps {trainer.repeat_steps} --seed {trainer.config.train.seed} gives "
            "exactly this network again on this machine"
        )
    if trainer.best is None:
        say(f"wrote {folder.last}")
        return
    say(f"best validation IoU {trainer.best:.4f} at step {trainer.best_step}")
    say(f"wrote {folder.best}")


def load_image(one: ImageConfig, config: RunConfig) -> TrainingImage:
    """Read an image with its annotations and say what was assumed of the files."""
    stack, labels = read_stack(one.image), read_stack(one.labels)
    for part in (stack, labels):
        for note in part.notes:
            say(f"{part.source}: {note}")
    try:
        return prepare_image(
            stack,
            np.asarray(labels.as_zyx()),
            kind=one.kind,
            train=one.train,
            validate=one.validate_,
            regions=one.regions,
            network=config.network,
            weights=config.weights,
        )
    except InputError as error:
        raise InputError(f"{one.image} with {one.labels}: {error}") from error


def _is_divided(one: ImageConfig) -> bool:
    """Say whether the user chose what of an image trains or validates."""
    chosen = {region.role for region in one.regions} & {Role.TRAIN, Role.VALIDATE}
    return bool(one.train or one.validate_ or chosen)


def _start(request: Request) -> Model | None:
    """Read the model to fine-tune, where there is one."""
    if request.fine_tune is None:
        return None
    if any(value is not None for value in request.settings["network"].values()):
        raise InputError(
            "--fine-tune takes the network of the model: leave out --base-channels "
            "and --ndim."
        )
    return load_model(request.fine_tune)


def _folder(request: Request) -> Path:
    if request.resume is not None:
        _check_alone(request)
        return request.resume
    if request.out is None:
        raise InputError("Say where the run is to be kept: --out RUN.")
    return request.out


def _check_free(folder: RunFolder) -> None:
    """Refuse a folder whose models would be lost, and tell how to build on them."""
    if not folder.is_taken:
        return
    advice = f"start from its model by --fine-tune {folder.last}"
    if folder.holds_run:
        advice = f"go on with it by --resume {folder.path}"
    raise InputError(
        f"{folder.path} holds a run already: choose another --out, or {advice}."
    )


def _check_alone(request: Request) -> None:
    """Refuse what `--resume` would ignore, or what would make another run of it."""
    given: dict[str, Any] = {
        "image": request.images,
        "labels": request.labels,
        "kind": request.kinds,
        "train": request.train,
        "validate": request.validate,
        "regions": request.regions,
        "out": request.out,
        "preset": request.preset,
        "config": request.config,
        "fine-tune": request.fine_tune,
    }
    for part in request.settings.values():
        given.update(part)
    given.pop("device")
    absent: tuple[Any, ...] = (None, [])
    wrong = [f"--{n.replace('_', '-')}" for n, v in given.items() if v not in absent]
    if wrong:
        raise InputError(
            "--resume goes on with the images and settings of the run: leave out "
            f"{' and '.join(wrong)}, or start a new run with --fine-tune."
        )


def _settings(request: Request, folder: RunFolder, start: Model | None) -> RunConfig:
    """Read the settings file, if any, and put the options over it."""
    _check_preset(request)
    check_formula(request.settings["weights"])
    ndim = request.settings["network"]["ndim"] or 2
    config = (request.preset or Preset.FAST).settings(ndim)
    if request.resume is not None:
        if not folder.settings.is_file():
            raise InputError(f"{folder.path} holds no run: there is no run.yaml in it.")
        config = RunConfig.from_yaml(folder.settings)
    elif request.config is not None:
        config = RunConfig.from_yaml(request.config)
    if start is not None:
        config = take_network(config, start)
    parts = {
        name: override(getattr(config, name), **given)
        for name, given in request.settings.items()
    }
    if request.resume is None:
        parts["train"] = _one_budget(parts["train"], request.settings["train"])
    given = _images(request) or config.images
    images = tuple(_placed(one) for one in _changed(given, request))
    if not images:
        raise InputError("Give at least one --image with its --labels.")
    return config.model_copy(update={**parts, "images": images})


def _check_preset(request: Request) -> None:
    if request.preset is not None and request.config is not None:
        raise InputError("Give --preset or --config: both say where settings start.")
    if request.preset is Preset.AUTO:
        given = {**request.settings["network"], **request.settings["train"]}
        wrong = [
            f"--{name.replace('_', '-')}"
            for name in ("base_channels", "patch_size", "batch_size")
            if given[name] is not None
        ]
        if wrong:
            raise InputError(
                f"--preset auto chooses {' and '.join(wrong)}: leave it out, or take "
                "another preset."
            )


def _one_budget(train: Any, given: dict[str, Any]) -> Any:
    """Let the budget that was given on the command line win over that of the file."""
    named = [n for n in ("steps", "epochs", "minutes") if given.get(n) is not None]
    if len(named) > 1:
        raise InputError(f"Give only one of --{' and --'.join(named)}.")
    if not named:
        return train
    others = {n: None for n in ("steps", "epochs", "minutes") if n != named[0]}
    return train.model_copy(update=others)


def _images(request: Request) -> tuple[ImageConfig, ...]:
    count = len(request.images)
    if count != len(request.labels):
        raise InputError(
            f"{count} --image and {len(request.labels)} --labels were given: every "
            "image needs its labels."
        )
    pairs = zip(request.images, request.labels, strict=True)
    return tuple(ImageConfig(image=image, labels=labels) for image, labels in pairs)


def _changed(
    images: tuple[ImageConfig, ...], request: Request
) -> tuple[ImageConfig, ...]:
    """Put kinds, slices and regions of the command line over those that were set."""
    regions = [read_regions(path) for path in request.regions]
    columns: dict[str, list[Any]] = {
        "kind": _spread(request.kinds, len(images), "--kind"),
        "train": _spread(request.train, len(images), "--train"),
        "validate_": _spread(request.validate, len(images), "--validate"),
        "regions": _spread(regions, len(images), "--regions"),
    }
    rows = [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]
    return tuple(
        one.model_copy(update={n: v for n, v in row.items() if v is not None})
        for one, row in zip(images, rows, strict=True)
    )


def _placed(one: ImageConfig) -> ImageConfig:
    """Name files in full, so that `run.yaml` can be used from any folder."""
    paths = {name: str(Path(getattr(one, name)).absolute()) for name in _FILES}
    return one.model_copy(update=paths)


def _spread(values: Sequence[T], count: int, name: str) -> list[T | None]:
    """Give every image its value: one for all, or one for each."""
    if len(values) <= 1:
        return [values[0] if values else None] * count
    if len(values) != count:
        raise InputError(
            f"{name} was given {len(values)} times for {count} images: give it once, "
            "or once for each image."
        )
    return list(values)
