"""The whole work in one dock, with a stack to paint on."""

from typing import Any

import napari

from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, objects = em_stack((6, 128, 128))
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    viewer.add_labels(objects, name="truth", visible=False, **place)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
    dock.tabs.setCurrentWidget(dock.train)
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
