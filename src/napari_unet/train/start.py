"""Where a run starts: settings fitted to the data, and what must stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_unet.config import NetworkConfig, Preset, Region, Role, RunConfig
from napari_unet.config.run import NOISE
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.model.geometry import choose_flat_levels
from napari_unet.model.losses import ONE_OUTPUT
from napari_unet.predict.pixel_size import difference
from napari_unet.starters import starter_at
from napari_unet.starters.model_file import model_file
from napari_unet.train.training_image import TrainingImage


def load_start(start: str | Path | Model) -> Model | None:
    """Read what a run starts from.

    Parameters
    ----------
    start
        "noise" for a new network, the name of a starter network, a model or its file.

    Raises
    ------
    ModelFileError
        When there is neither a file nor a starter network of that name, or as
        `load_model`.
    """
    if isinstance(start, Model):
        return start
    return None if start == NOISE else load_model(model_file(start))


def with_start(config: RunConfig, start: str | Path | Model | None) -> RunConfig:
    """Note in the settings what a run starts from, so that others can repeat it.

    A file is named in full, a starter network by its name; a model in memory cannot be
    named, and None leaves what is noted. A starter network brings its border weight,
    where none was set.
    """
    given = config.start if start is None or isinstance(start, Model) else start
    if given == NOISE:
        return config.model_copy(update={"start": NOISE})
    path = model_file(given)
    starter = starter_at(path)
    if starter is None:
        return config.model_copy(update={"start": str(path.absolute())})
    config = _with_border_weight(config, starter.border_weight)
    return config.model_copy(update={"start": starter.name})


def take_start(
    config: RunConfig, start: str | Path | Model | None
) -> tuple[RunConfig, Model | None]:
    """Return the settings with what a run starts from, and its model, if it has one.

    `start` is what `load_start` takes, or None for that of `config`. Settings that are
    to hold whatever the model brings are changed afterwards.
    """
    config = with_start(config, start)
    old = load_start(config.start if start is None else start)
    return (config if old is None else take_network(config, old)), old


def fit_config(
    config: RunConfig,
    images: Sequence[TrainingImage],
    start: Model | None = None,
    *,
    resume: bool = False,
) -> RunConfig:
    """Give the network the channels, classes and flat levels of the images.

    With a model to `start` from, its shape replaces the network settings. A run to
    `resume` may have started from one.

    Raises
    ------
    InputError
        When there is no image, the images differ in channels, the loss does not fit
        the number of classes, or levels are frozen that no old model has.
    """
    if not images:
        raise InputError("There is no image to train on: choose an image first.")
    channels = {image.image.shape[0] for image in images}
    if len(channels) > 1:
        raise InputError(
            f"The images have different numbers of channels ({sorted(channels)}): "
            "train on images of one kind."
        )
    _check_normalization(images, start)
    if start is not None:
        config = take_network(config, start)
        network = config.network
    else:
        network = _shape(config.network, images[0])
    old = resume or start is not None
    fitted = network.model_copy(
        update={
            "in_channels": channels.pop(),
            "num_classes": _outputs(network, config.train.loss, images, old=old),
        }
    )
    known = old or config.encoder_weights is not None
    _check_frozen(config.train.frozen_levels, fitted, old=known)
    return config.model_copy(update={"network": fitted})


def check_roles(images: Sequence[TrainingImage]) -> None:
    """Check that there is something to train on.

    Raises
    ------
    InputError
        When all images are held out.
    """
    if images and not any(image.train.size for image in images):
        raise InputError("All images are held out: leave at least one to train on.")


def tell_pixel_size(
    start: Model | None, images: Sequence[TrainingImage]
) -> tuple[str, ...]:
    """Return a note where an old model learnt from pixels of another size."""
    if start is None:
        return ()
    z, y, x = images[0].pixel_size
    words = difference(start.card, (z, y, x), images[0].unit)
    sentence = f"{words}: the network learns the new size, which takes longer"
    return (sentence,) if words else ()


def take_network(config: RunConfig, start: Model) -> RunConfig:
    """Give `config` the network of a model to fine-tune.

    Where that has other dimensions, patches get sizes that suit them. Gaps go on having
    the border weight that the model learnt with, where none was set.
    """
    network, train = start.network.config, config.train
    if network.ndim != config.network.ndim:
        fitting = Preset.FAST.settings(network.ndim).train
        sizes = ("patch_size", "patch_slices", "batch_size")
        train = train.model_copy(update={n: getattr(fitting, n) for n in sizes})
    config = _with_border_weight(config, start.card.weight_map.w0)
    return config.model_copy(update={"network": network, "train": train})


def _with_border_weight(config: RunConfig, w0: float) -> RunConfig:
    """Put a border weight into settings that say nothing of it."""
    if "w0" in config.weight_map.model_fields_set:
        return config
    weights = config.weight_map.model_copy(update={"w0": w0})
    return config.model_copy(update={"weight_map": weights})


def origin(config: RunConfig, images: Sequence[TrainingImage]) -> dict[str, Any]:
    """Return what has to stay the same for a run to go on exactly, as plain values.

    Names are those of earlier versions, whose runs can be gone on with.
    """
    settings = config.model_dump(
        mode="json", exclude={"images", "start", "encoder_weights"}
    )
    settings["weights"] = settings.pop("weight_map")
    for free in ("device", "save_seconds", "threads"):
        del settings["train"][free]
    roles = [
        [image.fingerprint, str(image.kind), image.train.tolist()] for image in images
    ]
    validation = [image.validation.tolist() for image in images]
    return {
        "settings": settings,
        "images or annotations": roles,
        "held-out slices": validation,
        "regions": [[_region(one) for one in image.regions] for image in images],
    }


def agrees(was: Any, now: Any) -> bool:
    """Return whether what was kept of a run is as it is now.

    Runs that were saved before something was kept say nothing of it.
    """
    if isinstance(was, dict) and isinstance(now, dict):
        both = was.keys() & now.keys()
        return all(agrees(was[name], now[name]) for name in both)
    return bool(was == now)


def _region(region: Region) -> dict[str, Any]:
    held_out = region.role is Role.VALIDATION
    return region.model_dump(mode="json") | ({"role": "validate"} if held_out else {})


def _shape(network: NetworkConfig, image: TrainingImage) -> NetworkConfig:
    """Let a new 3D network leave thick slices alone until voxels are about cubic."""
    if network.ndim == 2 or network.flat_levels is not None:
        return network
    flat = choose_flat_levels(image.pixel_size, len(network.poolings))
    return network.model_copy(update={"flat_levels": flat})


def _check_normalization(images: Sequence[TrainingImage], start: Model | None) -> None:
    """Refuse images that would look otherwise to the network than others did."""
    found = [image.normalization for image in images]
    if start is not None:
        found.append(start.card.normalization)
    if any(one != found[0] for one in found):
        raise InputError(
            "The images are not normalised alike, or not as those of the model to "
            "start from: prepare all of them in one way."
        )


def _outputs(
    network: NetworkConfig, loss: str, images: Sequence[TrainingImage], *, old: bool
) -> int:
    """Count the classes; 1 where the loss takes one sigmoid output.

    What an old model tells apart it goes on telling apart, though a class may not be
    annotated in the new images.
    """
    classes = max(image.target.num_classes for image in images)
    if old and loss not in ONE_OUTPUT:
        classes = max(classes, network.num_classes)
    if loss in ONE_OUTPUT and classes > 2:
        other = loss.removeprefix("binary_")
        raise InputError(
            f"{loss} knows foreground and background, the annotations have "
            f"{classes} classes: use {other}."
        )
    # Dice works with both, and an old model keeps its output.
    single = loss in ONE_OUTPUT or (loss == "dice" and network.num_classes == 1)
    return 1 if single and classes <= 2 else classes


def _check_frozen(levels: int, network: NetworkConfig, *, old: bool) -> None:
    if levels and not old:
        raise InputError(
            "Frozen levels are those of an old model, and this network is new: choose "
            "a model to fine-tune, or set frozen_levels to 0."
        )
    if levels > network.num_levels:
        raise InputError(
            f"{levels} levels are to be frozen, the network has {network.num_levels}: "
            "lower frozen_levels."
        )
