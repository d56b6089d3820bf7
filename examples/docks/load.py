"""The Load dock: files become layers with their pixel size."""

from typing import Any

import napari

from napari_unet import write_stack
from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, objects = em_stack((4, 128, 128))
    write_stack("em.tif", stack.data, like=stack)
    write_stack("truth.tif", objects, like=stack)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Load")
    dock.rows["image"].setValue("em.tif")
    dock.rows["truth"].setValue("truth.tif")
    dock.run()
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
