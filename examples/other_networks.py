"""Train networks other than the U-Net on the same slices, and see what each takes."""

from napari_unet import (
    NetworkConfig,
    RunConfig,
    SegNetConfig,
    SlidingWindowConfig,
    TrainConfig,
    Trainer,
    prepare_image,
)
from napari_unet.samples import em_stack

NETWORKS: tuple[NetworkConfig, ...] = (
    SegNetConfig(base_channels=4, depth=3),
    SlidingWindowConfig(base_channels=4),
)


def main(steps: int = 100, size: int = 256) -> None:
    stack, objects = em_stack((6, size, size))
    for network in NETWORKS:
        train = TrainConfig(steps=steps, batch_size=2, patch_size=size)
        image = prepare_image(stack, objects > 0, validation="4:6")
        trainer = Trainer([image], RunConfig(network=network, train=train))
        for step in trainer.run():
            last = step
        count = trainer.network.num_parameters
        print(f"{network.title}: {count:,} parameters, loss {last.loss:.2f}")


if __name__ == "__main__":
    main()
