"""Train on some slices of a stack, predict it, and keep model and prediction.

Everything is written below the current folder.
"""

import numpy as np

from napari_unet import (
    Predictor,
    RunConfig,
    RunFolder,
    TrainConfig,
    Trainer,
    load_model,
    prepare_image,
    read_stack,
    save_model,
    write_stack,
)
from napari_unet.samples import em_stack

CONFIG = RunConfig(train=TrainConfig(steps=300))


def main(config: RunConfig = CONFIG, size: int = 256) -> None:
    sample, objects = em_stack((12, size, size))
    write_stack("em.tif", sample.data, like=sample)
    write_stack("cells.tif", (objects > 0).astype(np.uint8), like=sample)

    stack, cells = read_stack("em.tif"), read_stack("cells.tif")
    image = prepare_image(stack, cells.as_zyx(), train="0:8", validation="8:10")
    folder = RunFolder("run")  # settings, curves and models, as training goes
    trainer = Trainer([image], config, folder=folder)
    for step in trainer.run():
        if step.validation is not None:
            print(f"step {step.step}: loss {step.loss:.3f}, IoU {step.validation:.3f}")
    save_model("model.safetensors", trainer.model())  # the best one, as folder.best

    model = load_model("model.safetensors")
    prediction = Predictor(model).predict(stack.as_czyx())
    write_stack("prediction.tif", prediction.labels, like=stack)


if __name__ == "__main__":
    main()
