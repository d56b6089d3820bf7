"""Train on two stacks, in a folder that keeps settings, curves and models."""

from pathlib import Path

import numpy as np

from napari_unet import RunConfig, RunFolder, TrainConfig, TrainingSource, open_run
from napari_unet.samples import em_stack

CONFIG = RunConfig(train=TrainConfig(steps=300))


def main(config: RunConfig = CONFIG, size: int = 256) -> None:
    sources = []
    for seed in (0, 1):
        stack, objects = em_stack((4, size, size), seed)
        cells = (objects > 0).astype(np.uint8)
        sources.append(TrainingSource(stack, cells, train="0:3", validation="3:4"))
    folder = Path("two-stacks")
    run = open_run(sources, config, folder=folder)
    print(*run.notes, sep="\n")
    for step in run.trainer.run():
        if step.validation is not None:
            print(f"step {step.step}: IoU {step.validation:.3f}")
    print("the best model is", RunFolder(folder).best)


if __name__ == "__main__":
    main()
