"""Predict probabilities, average them over flips and turns, and number the cells."""

import numpy as np

from napari_unet import (
    PostprocessConfig,
    PredictConfig,
    Predictor,
    RunConfig,
    TrainConfig,
    Trainer,
    postprocess,
    prepare_image,
    write_stack,
)
from napari_unet.samples import em_stack

CONFIG = RunConfig(train=TrainConfig(steps=300))


def main(config: RunConfig = CONFIG, size: int = 256) -> None:
    stack, objects = em_stack((8, size, size))
    image = prepare_image(stack, (objects > 0).astype(np.uint8), train="0:6")
    trainer = Trainer([image], config)
    list(trainer.run())

    part = stack.slices("6:8")
    predictor = Predictor(trainer.model(), PredictConfig(average=True))
    prediction = predictor.predict(part.as_czyx(), keep=True)
    finish = PostprocessConfig(objects="watershed", min_size=50, fill_holes=100)
    cells = postprocess(
        prediction.labels, finish, probabilities=prediction.probabilities
    )
    print(f"{cells.max()} cells in {part.num_slices} slices")
    write_stack("cells.tif", cells, like=part)


if __name__ == "__main__":
    main()
