"""Pass a model on as a bioimage.io package, and use one that was passed on."""

from napari_unet import (
    ExportConfig,
    RunConfig,
    TrainConfig,
    export_model,
    import_model,
    open_package,
    segment,
    train_unet,
)
from napari_unet.samples import em_stack

CONFIG = RunConfig(train=TrainConfig(steps=300))


def main(config: RunConfig = CONFIG, size: int = 256) -> None:
    stack, objects = em_stack((4, size, size))
    model = train_unet(stack, (objects > 0) * 1, train="0:3", config=config)

    card = ExportConfig(name="Cells in synthetic EM", authors=("Ada",))
    exported = export_model(model, "cells.zip", card)
    print(f"written; differs by {max(exported.differences.values()):.0e} at most")

    # Any package: one of ours, or one that another program wrote.
    shared = open_package("cells.zip")
    print(f"{segment(shared, stack).labels.max()} cells")
    # Ours come back as they were; they can be trained further.
    print(import_model("cells.zip", "cells.safetensors").words)


if __name__ == "__main__":
    main()
