"""Make the paper's weight map, and that of the authors' plugin for Fiji."""

from napari_unet import (
    AnnotationKind,
    WeightMapConfig,
    to_target,
    weight_map,
    write_stack,
)
from napari_unet.samples import em_stack


def main() -> None:
    stack, objects = em_stack((3, 256, 256))
    target = to_target(objects, AnnotationKind.OBJECTS)
    for config in (WeightMapConfig(w0=10, sigma=5), WeightMapConfig(formula="fiji")):
        weights = weight_map(target, config, pixel_size=stack.zyx_size)
        print(f"{config.formula}: {weights.min():.2f} to {weights.max():.2f}")
        write_stack(f"weight_map_{config.formula}.tif", weights, like=stack)


if __name__ == "__main__":
    main()
