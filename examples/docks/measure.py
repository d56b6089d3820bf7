"""The Measure dock: a row for each cell, which a click leads to."""

from typing import Any

import napari

from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, objects = em_stack((4, 128, 128))
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    viewer.add_labels(objects, name="cells", **place)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    dock.run_button.click()
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
