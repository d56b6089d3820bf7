"""What the model file of a run says of it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_unet.config import RunConfig
from napari_unet.data.addresses import without_folders
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.seen import seen
from napari_unet.train.choose_finish import ChosenFinish
from napari_unet.train.training_image import TrainingImage


def model_card(
    config: RunConfig,
    images: Sequence[TrainingImage],
    *,
    step: int,
    iou: float | None = None,
    earlier: Sequence[dict[str, str]] = (),
    before: Sequence[str] = (),
    chosen: ChosenFinish | None = None,
) -> ModelCard:
    """Describe a model trained with `config` on `images` for `step` steps.

    `iou` is its score on the held-out slices, where there are any; `earlier` is what
    models before it learnt from, and `before` what they called their classes; `chosen`
    is what is made of its predictions. Pixel size, normalisation and kind of
    annotations are those of the first image.
    """
    first = images[0]
    return ModelCard(
        network=config.network,
        class_names=class_names(config.network.num_classes, images, before),
        pixel_size=first.pixel_size,
        unit=first.unit,
        normalization=first.normalization,
        kind=first.kind,
        coverage=first.coverage,
        weight_map=config.weight_map,
        augment=config.augment,
        train=config.train,
        step=step,
        scores={} if iou is None else {"iou": iou},
        data=(*earlier, *map(_entry, images)),
        threshold=None if chosen is None else chosen.threshold,
        finish=None if chosen is None else chosen.finish,
        finish_reason="" if chosen is None else chosen.reason,
    )


def class_names(
    num_classes: int,
    images: Sequence[TrainingImage],
    before: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return what the classes of a network are called, background first.

    The first image whose annotations name them decides, then the model `before`; names
    that everything has from the start count for none. Where none names all of them, the
    longest goes on with plain names: the model before may have had fewer classes.
    """
    count = max(2, num_classes)
    # Classes that have a name and no pixel yet are not among those of the network.
    known = [image.class_names[:count] for image in images]
    given = [names for names in (*known, tuple(before)) if 2 <= len(names) <= count]
    named = [names for names in given if names != plain_names(len(names))]
    longest = max(named, key=len, default=())
    return *longest, *plain_names(count)[len(longest) :]


def plain_names(count: int) -> tuple[str, ...]:
    """Return names for classes that nobody gave any."""
    if count == 2:
        return "background", "foreground"
    return "background", *(f"class {number}" for number in range(1, count))


def data_before(start: Model | None) -> tuple[dict[str, str], ...]:
    """Return what a model to fine-tune learnt from: its scores on it stay flattered."""
    if start is None:
        return ()
    return start.card.data or ({"name": "the data of an older model"},)


def _entry(image: TrainingImage) -> dict[str, str]:
    trained, held = image.seen or (image.train, image.validation)
    slices = seen(image.image_fingerprint, trained.tolist(), held.tolist())
    return {"name": without_folders(image.name), "sha256": image.fingerprint, **slices}
