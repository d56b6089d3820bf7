"""The Scores dock: a prediction against the truth, slice by slice."""

from typing import Any

import napari
import numpy as np
from scipy import ndimage

from napari_unet.samples import em_stack


def main(viewer: napari.Viewer | None = None) -> tuple[napari.Viewer, Any]:
    viewer = viewer or napari.Viewer()
    stack, objects = em_stack((4, 128, 128))
    # A prediction whose cells are a pixel too small.
    predicted = ndimage.binary_erosion(objects > 0, np.ones((1, 3, 3)))
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    truth = viewer.add_labels(objects, name="truth", visible=False, **place)
    cells = viewer.add_labels(predicted.astype(np.uint8), name="prediction", **place)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Scores")
    dock.prediction.setValue(cells)
    dock.truth.setValue(truth)
    dock.run()
    return viewer, dock


if __name__ == "__main__":
    main()
    napari.run()
