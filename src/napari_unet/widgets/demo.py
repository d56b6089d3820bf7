"""Opens what `napari-unet demo` wrote in napari, with the dock beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import napari
import numpy as np

from napari_unet.data.read import read_stack
from napari_unet.widgets.layers.arrays import placed_as
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.workflow import WorkflowWidget

_SIZE = (1400, 900)


def show(folder: Path, viewer: napari.Viewer) -> WorkflowWidget:
    """Show image, truth and prediction of a demonstration, and the dock with scores."""
    stack = read_stack(folder / "image.tif")
    cells = np.array(read_stack(folder / "truth.tif").data)
    predicted = np.asarray(read_stack(folder / "prediction.tif").data)
    first = len(cells) - len(predicted)
    whole = np.zeros(cells.shape, predicted.dtype)
    whole[first:] = predicted
    place = placed_as(stack, 3)
    workspace = Workspace.of(viewer)
    workspace.image = viewer.add_image(stack.data, name="synthetic EM", **place)
    truth = viewer.add_labels(cells, name="ground truth", visible=False, **place)
    prediction = viewer.add_labels(whole, name="prediction", opacity=0.4, **place)
    prediction.metadata[PREDICTED] = list(range(first, len(cells)))
    set_role(truth, Role.TRUTH)
    set_role(prediction, Role.PREDICTION)
    workspace.truth = truth
    workspace.prediction = prediction
    workspace.model = folder / "model.safetensors"
    viewer.dims.set_current_step(0, first)
    dock = WorkflowWidget(viewer)
    viewer.window.add_dock_widget(dock, name="U-Net", area="right")
    dock.tabs.setCurrentWidget(dock.scores)
    dock.scores.run()
    return dock


def main() -> None:
    """Open the folder named on the command line."""
    viewer = napari.Viewer()
    viewer.window.resize(*_SIZE)
    show(Path(sys.argv[1]), viewer)
    napari.run()


if __name__ == "__main__":
    main()
