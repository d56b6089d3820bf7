"""The Proofread dock: click on a cell, then on another that belongs to it."""

from typing import Any

import napari

from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, objects = em_stack((4, 128, 128))
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    viewer.add_labels(objects, name="prediction", **place)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    dock.review.next()
    dock.take("merge")
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
