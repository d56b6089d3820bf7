"""What the model file of a run says of it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_unet.config import RunConfig
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.seen import seen
from napari_unet.train.training_image import TrainingImage


def model_card(
    config: RunConfig,
    images: Sequence[TrainingImage],
    *,
    step: int,
    iou: float | None = None,
    earlier: Sequence[dict[str, str]] = (),
) -> ModelCard:
    """Describe a model trained with `config` on `images` for `step` steps.

    `iou` is its score on the held-out slices, where there are any; `earlier` is what
    models before it learnt from. Pixel size, normalisation and kind of annotations are
    those of the first image.
    """
    first = images[0]
    names = ["background", "foreground"]
    if config.network.num_classes > 2:
        others = range(1, config.network.num_classes)
        names = ["background", *(f"class {number}" for number in others)]
    return ModelCard(
        network=config.network,
        class_names=tuple(names),
        pixel_size=first.pixel_size,
        unit=first.unit,
        normalization=first.normalization,
        kind=first.kind,
        weights=config.weights,
        augment=config.augment,
        train=config.train,
        step=step,
        scores={} if iou is None else {"iou": iou},
        data=(*earlier, *map(_entry, images)),
    )


def data_before(start: Model | None) -> tuple[dict[str, str], ...]:
    """Return what a model to fine-tune learnt from: its scores on it stay flattered."""
    if start is None:
        return ()
    return start.card.data or ({"name": "the data of an older model"},)


def _entry(image: TrainingImage) -> dict[str, str]:
    slices = seen(
        image.image_fingerprint, image.train.tolist(), image.held_out.tolist()
    )
    return {"name": image.name, "sha256": image.fingerprint, **slices}
