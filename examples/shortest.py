"""The shortest way: train, keep the model, segment a stack, and score it."""

import numpy as np

from napari_unet import (
    PostprocessConfig,
    RunConfig,
    TrainConfig,
    save_model,
    score_labels,
    segment,
    train_unet,
    write_stack,
)
from napari_unet.samples import em_stack

CONFIG = RunConfig(train=TrainConfig(steps=300))


def main(config: RunConfig = CONFIG, size: int = 256) -> None:
    stack, objects = em_stack((8, size, size))
    truth = (objects > 0).astype(np.uint8)
    # Files and plain arrays do as well as a stack.
    model = train_unet(stack, truth, train="0:6", config=config)
    save_model("model.safetensors", model)

    finish = PostprocessConfig(objects="watershed", min_size=50)
    cells = segment("model.safetensors", stack, finish=finish)
    write_stack("cells.tif", cells.labels, like=stack)
    print(cells.words)

    classes = segment(model, stack.slices("6:8"))
    scores = score_labels(classes.labels, truth[6:8], first_slice=6)
    print(f"IoU of slices never trained on: {scores.values()['iou']:.3f}")


if __name__ == "__main__":
    main()
