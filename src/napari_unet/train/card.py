"""What the model file of a run says of it."""

from __future__ import annotations

from collections.abc import Sequence

from napari_unet.config import RunConfig
from napari_unet.model.checkpoint import ModelCard
from napari_unet.train.training_image import TrainingImage


def model_card(
    config: RunConfig,
    images: Sequence[TrainingImage],
    *,
    step: int,
    iou: float | None = None,
) -> ModelCard:
    """Describe a model trained with `config` on `images` for `step` steps.

    `iou` is its score on the held-out slices, where there are any. Pixel size and
    kind of annotations are those of the first image.
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
        kind=first.kind,
        weights=config.weights,
        augment=config.augment,
        train=config.train,
        step=step,
        scores={} if iou is None else {"iou": iou},
        data=tuple(
            {"name": image.name, "sha256": image.fingerprint} for image in images
        ),
    )
