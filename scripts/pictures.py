"""Write the pictures of the documentation from a real napari window.

Run by `make pictures`; a synthetic stack is loaded, trained on, predicted and scored
through the docks' own buttons, and the window is saved after each.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"
MINUTES = 1.5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Paths relative to here keep the pictures free of the machine's folders.
        os.chdir(folder)
        os.environ["NAPARI_UNET_HOME"] = "my-project"
        take()


def take() -> None:
    import napari

    from napari_unet.data.write import write_stack
    from napari_unet.samples import em_stack

    stack, objects = em_stack((16, 384, 384), seed=1)
    cells = (objects > 0).astype(np.uint8)
    painted = cells.copy()
    painted[12:] = 0
    write_stack("em.tif", stack.data, like=stack)
    write_stack("annotations.tif", painted, like=stack)
    write_stack("truth.tif", cells, like=stack)
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
    load(viewer, dock)
    live(viewer, dock, cells)
    weights(viewer, dock)
    train(viewer, dock)
    predict(viewer, dock)
    scores(viewer, dock)
    threshold(viewer, dock)
    errors(viewer, dock)
    viewer.close()


def load(viewer: Any, dock: Any) -> None:
    for role, name in (("image", "em"), ("annotations", "annotations")):
        dock.load.rows[role].setValue(f"{name}.tif")
    dock.load.rows["truth"].setValue("truth.tif")
    dock.load.run_button.click()
    wait_for(dock.load)
    viewer.layers["truth"].visible = False
    viewer.dims.set_current_step(0, 8)
    save(viewer, dock, dock.load, "load")


def live(viewer: Any, dock: Any, cells: Any) -> None:
    train = dock.train
    train.data.new_button.click()
    layer = train.annotations.value()
    viewer.layers["annotations"].visible = False
    # The numbers under Regions follow the layer.
    pause(2000)
    layer.opacity = 1.0
    layer.data[8, 60:170, 90:200] = cells[8, 60:170, 90:200] + 1
    layer.refresh()
    dock.tabs.setCurrentWidget(dock.train)
    train.live_button.click()
    pause(40_000)
    save(viewer, dock, dock.train, "live")
    train.run_button.click()
    wait_for(train)
    viewer.layers["annotations"].visible = True
    viewer.layers.remove(layer.name)
    viewer.layers.remove("preview")
    train.annotations.setValue(viewer.layers["annotations"])
    train.kind.setValue(None)
    train.start_from.setValue(16)


def weights(viewer: Any, dock: Any) -> None:
    shown = dock.weights
    shown.labels.setValue(viewer.layers["annotations"])
    shown.live.setChecked(True)
    pause(800)
    take_picture(viewer, "weights")
    viewer.window.remove_dock_widget(shown)
    viewer.layers["slice weights"].visible = False


def train(viewer: Any, dock: Any) -> None:
    dock.train.amount.setValue(MINUTES)
    dock.tabs.setCurrentWidget(dock.train)
    dock.train.run_button.click()
    pause(round(MINUTES * 60_000 * 0.7))
    scroll_to(dock.train, dock.train.curves)
    save(viewer, dock, dock.train, "train")
    wait_for(dock.train)


def predict(viewer: Any, dock: Any) -> None:
    dock.predict.extent.setCurrentText("whole stack")
    dock.predict.probabilities.setChecked(True)
    dock.predict.run_button.click()
    wait_for(dock.predict)
    viewer.layers["annotations"].visible = False
    viewer.dims.set_current_step(0, 14)
    save(viewer, dock, dock.predict, "predict")


def scores(viewer: Any, dock: Any) -> None:
    dock.scores.run_button.click()
    wait_for(dock.scores)
    save(viewer, dock, dock.scores, "scores")


def threshold(viewer: Any, dock: Any) -> None:
    turn_to(dock.scores, "Threshold")
    while (curve := dock.scores.threshold.curve) is None or curve.done < 1:
        pause(100)
    save(viewer, dock, dock.scores, "threshold")


def errors(viewer: Any, dock: Any) -> None:
    turn_to(dock.scores, "Errors")
    while dock.scores.errors.errors is None:
        pause(100)
    dock.scores.errors.next_button.click()
    save(viewer, dock, dock.scores, "errors")


def turn_to(scores: Any, name: str) -> None:
    """Show a page of the dock, and scroll it into view."""
    scores.pages.show_page(name)
    pause(500)
    scroll_to(scores, scores.pages)


def scroll_to(panel: Any, part: Any) -> None:
    from qtpy.QtWidgets import QScrollArea

    panel.findChild(QScrollArea).ensureWidgetVisible(part, 0, 0)


def wait_for(panel: Any) -> None:
    while panel.running:
        pause(50)


def pause(milliseconds: int) -> None:
    from qtpy.QtTest import QTest

    QTest.qWait(milliseconds)


def save(viewer: Any, dock: Any, tab: Any, name: str) -> None:
    dock.tabs.setCurrentWidget(tab)
    pause(500)
    take_picture(viewer, name)


def take_picture(viewer: Any, name: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.png"
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
