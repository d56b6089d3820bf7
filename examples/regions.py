"""Say to the pixel what trains, chooses the model and is left out; see the patches."""

import numpy as np

from napari_unet import (
    AugmentConfig,
    Region,
    Role,
    RunConfig,
    TrainingImage,
    prepare_image,
    preview,
)
from napari_unet.samples import em_stack


def main() -> None:
    stack, objects = em_stack((4, 256, 256))
    left = ((0, 0), (0, 150), (255, 150), (255, 0))  # corners, (y, x)
    fold = ((20, 20), (20, 60), (60, 60))
    regions = [
        Region(role=Role.TRAIN, polygon=left, slices="0:2"),
        Region(role=Role.VALIDATION, slices="3:4"),
        Region(role=Role.IGNORE, polygon=fold, slices="1:2"),
    ]
    image: TrainingImage = prepare_image(
        stack, (objects > 0).astype(np.uint8), regions=regions
    )
    print(f"{image.train_pixels:,} pixels to train on", *image.notes, sep="\n")

    config = RunConfig(augment=AugmentConfig(elastic=8, noise=0.1))
    patches = preview([image], config, count=4)
    print(
        f"patches {tuple(patches.image.shape)}, weights {patches.weight_map.mean():.2f}"
    )


if __name__ == "__main__":
    main()
