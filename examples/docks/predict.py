"""The Predict dock: a model file predicts the slice in view.

The network is as it starts, so it finds nothing of use; examples/train_and_predict.py
makes a model that does.
"""

from typing import Any

import napari

from napari_unet import UNet, UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, _ = em_stack((4, 128, 128))
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    config = UNetConfig(base_channels=4, depth=2)
    save_model("new.safetensors", Model(UNet(config), ModelCard(network=config)))
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Predict")
    dock.model.setValue("new.safetensors")
    dock.run()
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
