"""The Train dock: image and annotations are chosen; Train and Start live are ready."""

from typing import Any

import napari
import numpy as np

from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, objects = em_stack((6, 128, 128))
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    viewer.add_labels((objects > 0).astype(np.uint8), name="annotations", **place)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Train")
    dock.amount.setValue(2)  # minutes
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
