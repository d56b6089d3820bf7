"""Opens what `napari-unet demo` wrote in napari, with the dock beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import napari

from napari_unet.data.stack import read_stack
from napari_unet.widgets.layers import placed_as
from napari_unet.widgets.workflow import WorkflowWidget
from napari_unet.widgets.workspace import Workspace


def show(folder: Path, viewer: napari.Viewer) -> WorkflowWidget:
    """Show image, truth and prediction of a demonstration, and the dock."""
    stack = read_stack(folder / "image.tif")
    workspace = Workspace.of(viewer)
    place = placed_as(stack, 3)
    workspace.image = viewer.add_image(stack.data, name="synthetic EM", **place)
    truth = read_stack(folder / "truth.tif")
    workspace.truth = viewer.add_labels(
        truth.data, name="ground truth", visible=False, **place
    )
    workspace.annotations = workspace.truth
    prediction = read_stack(folder / "prediction.tif")
    first = stack.num_slices - prediction.num_slices
    shown = viewer.add_labels(
        prediction.data,
        name="prediction",
        **{**place, "translate": (first * stack.scale[0], 0, 0)},
    )
    shown.opacity = 0.4
    workspace.model = folder / "model.safetensors"
    viewer.dims.set_point(0, (first + 1) * stack.scale[0])
    dock = WorkflowWidget(viewer)
    viewer.window.add_dock_widget(dock, name="U-Net", area="right")
    return dock


def main() -> None:
    """Open the folder named on the command line."""
    show(Path(sys.argv[1]), napari.Viewer())
    napari.run()


if __name__ == "__main__":
    main()
