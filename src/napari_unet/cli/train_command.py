"""`napari-unet train`: the settings of a run from files and options, and the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from napari_unet.cli.options import Given, check_formula, flags, with_settings
from napari_unet.config import NETWORKS, ImageConfig, Preset, RunConfig
from napari_unet.config.networks import other_network
from napari_unet.config.train import BUDGETS, TrainConfig
from napari_unet.data.addresses import is_address, location
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.model.checkpoint import Model
    from napari_unet.train.session import OpenRun

T = TypeVar("T")

_PARTS = ("network", "weight_map", "train")
_OF_IMAGES = (
    *("kind", "ignore", "complete", "axes", "info_bar", "level", "pixel_size", "unit"),
    *("train", "validation"),
)
_SOURCE = "command line"


@with_settings(
    *("images.image", "images.labels", "images.kind"),
    *("images.ignore", "images.complete", "images.trust_labels"),
    *("images.axes", "images.info_bar", "images.level"),
    *("images.pixel_size", "images.unit"),
    *("images.train", "images.validation", "regions", "preset"),
    *("train.minutes", "train.epochs", "train.steps"),
    *("network", "network.base_channels", "network.ndim", "run.encoder_weights"),
    *("weight_map.formula", "weight_map.w0", "weight_map.sigma", "weight_map.balance"),
    *("train.loss", "train.optimizer", "train.learning_rate", "train.schedule"),
    *("train.clip", "train.batch_size", "train.patch_size", "train.device"),
    *("train.rescale", "train.seed", "config", "resume", "run.start"),
    *("train.frozen_levels", "train.old_rate"),
)
def train(
    given: Given,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; made if missing.")
    ] = None,
    regions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Boxes, polygons or slices to train on, hold out, keep for a test or "
            "ignore: a YAML or JSON file, saved in the Train dock or written by hand.",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help=f"Which network learns: {', '.join(NETWORKS)} \\[default: unet]. The "
            "others are those that a U-Net is compared with.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="Settings to start from: fast (default) reaches a good mask soonest; "
            "thorough takes an hour for a larger network; paper is the U-Net of 2015; "
            "auto chooses the size of network, patches and batch for the data, the "
            "device and the minutes. Every other option changes them; not together "
            "with --config.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Settings as YAML, such as the run.yaml of another run. What it "
            "leaves out keeps its default; options win over it."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a run that was stopped: go on with it, with its own "
            "images and settings."
        ),
    ] = None,
) -> None:
    """Train a network on one or several images with annotations.

    Give --image and --labels once for each image; without --labels they are those that
    lie in an OME-Zarr. --kind, --ignore, --complete,
    --axes, --info-bar, --pixel-size, --unit, --train, --validation and --regions hold
    for all images when given once, or belong to the images in their order.
    Ctrl+C, or a cluster's SIGTERM, ends the run in good order, with a usable model.
    """
    start = None
    if resume is not None:
        own: dict[str, Any] = {"regions": regions, "out": out, "network": network}
        own |= {"preset": preset, "config": config}
        settings = _resumed(resume, given, own)
    else:
        base = _base(preset, config, given)
        start = _start(base, given, network)
        base = _with_network(base, network)
        settings = _settings(base, start, given, regions or [])
    plain = not any((network, preset, config, resume, given["network"], given["run"]))
    with _with_others(settings.train):
        # In a function of its own: its networks are gone when the processes part.
        _learn(
            settings,
            start,
            folder=resume or _free(out),
            resume=resume is not None,
            auto=preset is Preset.AUTO,
            plain=plain,
        )


def _learn(
    settings: RunConfig,
    start: Model | None,
    *,
    folder: Path,
    resume: bool,
    auto: bool,
    plain: bool,
) -> None:
    """Train; where nothing but images is given, offer a starter."""
    from napari_unet.train.session import open_run
    from napari_unet.train.training_source import source_of

    run = open_run(
        [source_of(one) for one in settings.images],
        settings,
        folder=folder,
        start=start,
        resume=resume,
        auto=auto,
    )
    if plain:
        _offer_starter(run)
    train_and_report(run)


@contextmanager
def _with_others(config: TrainConfig) -> Iterator[None]:
    """Train with the processes that `torchrun` started; only the first one speaks."""
    from napari_unet.cli.show import hush
    from napari_unet.train.distributed import joined

    with joined(config.device, config.batch_size) as ranks:
        if not ranks.first:
            hush()
        yield


def _offer_starter(run: OpenRun) -> None:
    """Say that there is a network to start from, where the first image looks so."""
    from napari_unet.cli.show import say
    from napari_unet.predict.em_look import first_looks_like_em
    from napari_unet.starters import STARTERS

    image = run.trainer.images[0].image
    if image.shape[0] == 1 and first_looks_like_em(image):
        say(
            f"this looks like EM: --start {STARTERS[0].name} begins with a network "
            "that knows cells and membranes"
        )


def train_and_report(run: OpenRun) -> None:
    """Train in the terminal, and print where the models lie."""
    from napari_unet.cli.show import follow, say
    from napari_unet.cli.signals import stop_on_signals
    from napari_unet.words import clock

    trainer, network = run.trainer, run.config.network
    folder = trainer.folder
    for note in run.notes:
        say(note)
    if trainer.is_over:
        if folder is not None:
            say(
                f"the run in {folder.path} is finished after {trainer.step} steps: "
                f"start a new one by --start {folder.last} to train on"
            )
        return
    say(
        f"training a {network.ndim}D {network.title}, base {network.base_channels} "
        f"({trainer.network.num_parameters:,} parameters) on {trainer.device.words}"
    )
    with stop_on_signals() as stop:
        follow(trainer.run(stop))
    say(f"trained {trainer.step} steps in {clock(trainer.elapsed)}")
    if run.config.train.steps is None and trainer.repeat_steps is not None:
        say(
            f"--steps {trainer.repeat_steps} --seed {run.config.train.seed} gives "
            "exactly this network again on this machine"
        )
    if trainer.best is not None:
        say(f"best validation IoU {trainer.best:.4f} at step {trainer.best_step}")
    say(f"predictions become {trainer.chosen.reason}")
    if folder is not None:
        say(f"wrote {folder.last if trainer.best is None else folder.best}")


def _resumed(folder: Path, given: Given, own: dict[str, Any]) -> RunConfig:
    """Return the settings of a run to go on with; only its device may be another."""
    from napari_unet.train.run_folder import RunFolder

    named = [name for name, value in own.items() if value not in (None, [])]
    fields = [name for part in given.values() for name in part if name != "device"]
    if named or fields:
        raise InputError(
            "--resume goes on with the images and settings of the run: leave out "
            f"{flags([*fields, *named])}, or begin a new run from its model by --start."
        )
    file = RunFolder(folder).settings
    if not file.is_file():
        raise InputError(f"{folder} holds no run: there is no run.yaml in it.")
    config = RunConfig.from_yaml(file)
    train = config.train.changed(_SOURCE, **given["train"])
    return config.model_copy(update={"train": train, "images": _some(config.images)})


def _start(config: RunConfig, given: Given, network: str | None) -> Model | None:
    """Read the model to start from, where there is one."""
    from napari_unet.train.start import load_start

    start = load_start(given["run"].get("start", config.start))
    own = network or given["network"] or given["run"].get("encoder_weights")
    if start is not None and own:
        raise InputError(
            "--start takes the network of the model: leave out --network, "
            "--base-channels, --ndim and --encoder-weights."
        )
    return start


def _free(out: Path | None) -> Path:
    """Refuse a folder whose models would be lost, and say how to build on them."""
    from napari_unet.train.run_folder import RunFolder

    if out is None:
        raise InputError("Say where the run is to be kept: --out RUN.")
    folder = RunFolder(out)
    if folder.is_taken:
        advice = f"start from its model by --start {folder.last}"
        if folder.holds_run:
            advice = f"go on with it by --resume {out}"
        raise InputError(
            f"{out} holds a run already: choose another --out, or {advice}."
        )
    return out


def _base(preset: Preset | None, file: Path | None, given: Given) -> RunConfig:
    """Return the settings over which the options are put."""
    if preset is not None and file is not None:
        raise InputError("Give --preset or --config: both say where settings start.")
    if file is not None:
        return RunConfig.from_yaml(file)
    if preset is Preset.AUTO:
        chosen = ("base_channels", "patch_size", "batch_size")
        wrong = [n for n in chosen if n in {**given["network"], **given["train"]}]
        if wrong:
            raise InputError(
                f"--preset auto chooses {flags(wrong)}: leave it out, or take another "
                "preset."
            )
    return (preset or Preset.FAST).settings(given["network"].get("ndim", 2))


def _with_network(config: RunConfig, name: str | None) -> RunConfig:
    """Put the network that is named into the settings."""
    if name is None:
        return config
    return config.changed("--network", network=other_network(name, config.network))


def _settings(
    config: RunConfig, start: Model | None, given: Given, regions: Sequence[Path]
) -> RunConfig:
    """Put the options over the settings."""
    from napari_unet.train.start import take_network, with_start

    check_formula(given["weight_map"])
    budgets = [name for name in reversed(BUDGETS) if name in given["train"]]
    if len(budgets) > 1:
        raise InputError(f"Give only one of {flags(budgets)}.")
    if start is not None:
        # It decides on patches and border weight, which options then change.
        config = with_start(config, given["run"].get("start"))
        config = take_network(config, start)
    changed: dict[str, Any] = {
        part: getattr(config, part).changed(_SOURCE, **given[part]) for part in _PARTS
    }
    images = _some(_images(given["images"], regions, config.images))
    changed |= given["run"] | {"images": images}
    return config.model_copy(update=changed)


def _images(
    given: dict[str, Any], regions: Sequence[Path], known: tuple[ImageConfig, ...]
) -> tuple[ImageConfig, ...]:
    """Put files, kinds, slices and regions that are given over those that were set."""
    from napari_unet.data.regions import read_regions

    pairs = _pairs(given.get("image", []), given.get("labels", []))
    images = [ImageConfig(image=image, labels=labels) for image, labels in pairs]
    images = images or list(known)
    columns = {
        **{name: given.get(name, []) for name in _OF_IMAGES},
        "trust_labels": [True] if given.get("trust_labels") else [],
        "regions": [read_regions(path) for path in regions],
    }
    spread = {n: _spread(values, len(images), n) for n, values in columns.items()}
    changed = []
    for index, one in enumerate(images):
        paths = {n: _in_full(getattr(one, n)) for n in ("image", "labels")}
        own = {n: row[index] for n, row in spread.items() if row[index] is not None}
        changed.append(one.changed(_SOURCE, **paths, **own))
    return tuple(changed)


def _pairs(images: Sequence[str], labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return the images with their labels, which may lie in them.

    Raises
    ------
    InputError
        When they are not as many, or an image has no labels in it.
    """
    from napari_unet.data.ome_zarr import labels_in

    if images and not labels:
        labels = [labels_in(image) for image in images]
        alone = [one for one, own in zip(images, labels, strict=True) if one == own]
        if alone:
            raise InputError(
                f"{alone[0]} holds no labels: give their file or folder by --labels."
            )
    if len(images) != len(labels):
        raise InputError(
            f"{len(images)} --image and {len(labels)} --labels were given: every image "
            "needs its labels."
        )
    return zip(images, labels, strict=True)


def _in_full(path: str) -> str:
    """Return a path by which `run.yaml` finds it from any folder."""
    return location(path) if is_address(path) else str(Path(path).absolute())


def _some(images: tuple[ImageConfig, ...]) -> tuple[ImageConfig, ...]:
    if not images:
        raise InputError("Give at least one --image with its --labels.")
    return images


def _spread(values: Sequence[T], count: int, name: str) -> list[T | None]:
    """Give every image its value: one for all, or one for each."""
    if len(values) <= 1:
        return [values[0] if values else None] * count
    if len(values) != count:
        raise InputError(
            f"{flags([name])} was given {len(values)} times for {count} images: give "
            "it once, or once for each image."
        )
    return list(values)
