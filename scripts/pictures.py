"""Write the pictures of the documentation from a real napari window.

    xvfb-run -a -s "-screen 0 1280x800x24" python scripts/pictures.py
    xvfb-run ... python scripts/pictures.py --check FOLDER

Run by `make pictures`: a newcomer's way through the window, by the buttons of the
coach and strokes of the mouse, and a picture of every state. `--check` writes them to
be looked at, in the dark and the light theme, with states that the documentation does
not show; `QT_SCALE_FACTOR=2` on a screen of 3840 x 2160 makes them those of a display
of twice the pixels.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = (1280, 800)
SLICE = 6
LEARNT = 20
"""Seconds after the first step of live training that the strip shows."""
COLOURS = 128
GAP, CAPTION = 8, 30
STRIP_SIDE = 420


class Tour:
    """A window, the dock in it, and where pictures go.

    Parameters
    ----------
    out
        Folder of the pictures.
    check
        Folder for all of them in both themes instead; None for none.
    """

    def __init__(self, out: Path, check: Path | None) -> None:
        import napari

        self.folders = {"dark": out}
        if check is not None:
            self.folders = {theme: check / theme for theme in ("dark", "light")}
        self.checks = check is not None
        self.viewer = napari.Viewer()
        self.viewer.theme = "dark"
        self.viewer.window.resize(*SIZE)
        name = ("napari-unet-em", "U-Net workflow")
        _, self.dock = self.viewer.window.add_plugin_dock_widget(*name)
        self.strip: list[Image.Image] = []

    def press(self, button: Any = None) -> None:
        """Press a button, that of the coach where none is named."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        shown = self.dock.coach.button if button is None else button
        wait_for(lambda: shown.isVisible() and shown.isEnabled())
        QTest.mouseClick(shown, Qt.MouseButton.LeftButton)

    def save(self, name: str, *, shown: bool = True) -> None:
        """Write a picture of the window, in every theme that is wanted.

        What is not `shown` in the documentation is only checked.
        """
        if not (shown or self.checks):
            return
        pause(700)
        for theme, folder in self.folders.items():
            if self.viewer.theme != theme:
                self.viewer.theme = theme
                pause(700)
            write(self.viewer.screenshot(canvas_only=False, flash=False), folder, name)
        self.viewer.theme = "dark"
        pause(300)

    def keep_step(self) -> None:
        """Keep what the canvas shows as the next step of the strip."""
        shown = self.viewer.screenshot(canvas_only=True, flash=False)
        self.strip.append(cropped(Image.fromarray(shown[..., :3])))

    def paint(self, mask: np.ndarray, *, strokes: int, width: int) -> None:
        """Draw strokes by the mouse, where a mask of the slice in view is widest."""
        layer = self.viewer.layers.selection.active
        layer.brush_size = width
        runs = []
        for row in range(16, len(mask) - 16, 6):
            steps = np.flatnonzero(np.diff(np.pad(mask[row].astype(int), 1)))
            runs += [(row, *run) for run in steps.reshape(-1, 2).tolist()]
        runs.sort(key=lambda run: run[1] - run[2])
        for row, start, stop in runs[: 3 * strokes : 3]:
            inset = width // 2 + 1
            self._stroke(layer, row, start + inset, stop - inset)

    def _stroke(self, layer: Any, row: int, start: int, stop: int) -> None:
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        native = self.viewer.window._qt_viewer.canvas.native
        left = Qt.MouseButton.LeftButton
        QTest.mouseMove(native, self._place(layer, row, start))
        QTest.mousePress(native, left, pos=self._place(layer, row, start))
        for x in range(start, stop, 2):
            QTest.mouseMove(native, self._place(layer, row, x))
            pause(10)
        QTest.mouseRelease(native, left, pos=self._place(layer, row, stop))

    def _place(self, layer: Any, y: float, x: float) -> Any:
        """Return where a pixel of the slice in view lies on the canvas."""
        from qtpy.QtCore import QPoint

        native = self.viewer.window._qt_viewer.canvas.native
        camera = self.viewer.scene.camera
        world = np.asarray(layer.data_to_world((SLICE, y, x)))[-2:]
        shift = (world - np.asarray(camera.center)[-2:]) * camera.zoom
        row, column = shift / native.devicePixelRatioF()
        return QPoint(
            round(native.width() / 2 + column), round(native.height() / 2 + row)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the pictures")
    parser.add_argument("--check", type=Path, help="write all states there instead")
    options = parser.parse_args()
    check = None if options.check is None else options.check.resolve()
    out = options.out.resolve()
    with tempfile.TemporaryDirectory() as folder:
        # Paths relative to here keep the pictures free of the machine's folders.
        os.chdir(folder)
        os.environ["NAPARI_UNET_HOME"] = "my-project"
        take(Tour(out, check))


def take(tour: Tour) -> None:
    tour.save("open")
    paint(tour)
    live(tour)
    predict(tour)
    scores(tour)
    train(tour)
    weights(tour)
    objects(tour)
    tour.viewer.close()


def paint(tour: Tour) -> None:
    """Open the sample, and paint cells and borders where the coach asks for them."""
    dock, coach = tour.dock, tour.dock.coach
    tour.press(coach.instead)
    wait_for(lambda: not dock.load.running and coach.advice.label == 2)
    truth = dock.load.workspace.truth
    tour.viewer.dims.set_point(0, float(truth.data_to_world((SLICE, 0, 0))[0]))
    pause(500)
    cells = truth.data[SLICE] > 0
    tour.press()
    tour.paint(cells, strokes=5, width=8)
    wait_for(lambda: coach.advice.label == 1)
    tour.press()
    tour.save("paint")
    tour.paint(~cells, strokes=5, width=3)
    wait_for(lambda: coach.advice.label == 0)
    tour.keep_step()


def live(tour: Tour) -> None:
    """Learn live."""
    train = tour.dock.train
    tour.press()
    wait_for(lambda: train.workspace.learnt > 0)
    # By the clock: learning rests before, where it knows what is painted.
    pause(1000 * LEARNT)
    tour.keep_step()
    tour.save("live")


def predict(tour: Tour) -> None:
    """Predict; the strip shows the slice that was painted."""
    dock = tour.dock
    tour.press()
    wait_for(lambda: dock.predict.running)
    wait_for(lambda: not dock.predict.running)
    if dock.train.running:
        dock.train.run_button.click()
        wait_for(lambda: not dock.train.running)
    dock.tabs.setCurrentWidget(dock.predict)
    tour.save("predict")
    tour.keep_step()
    write_strip(tour.strip, tour.folders["dark"])


def scores(tour: Tour) -> None:
    """Score, and look at the pages."""
    dock = tour.dock.scores
    tour.press()
    wait_for(lambda: dock.scores is not None and not dock.running)
    tour.save("scores")
    dock.pages.show_page("Errors")
    wait_for(lambda: dock.errors.errors is not None)
    tour.press()
    wait_for(lambda: dock.errors.error is not None)
    scroll_to(dock, dock.pages)
    tour.save("errors")
    dock.pages.show_page("Comparison")
    pause(500)
    scroll_to(dock, dock.pages)
    tour.save("comparison", shown=False)
    dock.pages.show_page("Threshold")
    predict = tour.dock.predict
    predict.predict_stack(predict.model.value(), probabilities=True)
    wait_for(lambda: not predict.running)
    tour.dock.tabs.setCurrentWidget(dock)
    tour.press(dock.run_button)
    wait_for(lambda: dock.scores is not None and not dock.running)
    dock.pages.show_page("Threshold")
    wait_for(lambda: (curve := dock.threshold.curve) is not None and curve.done == 1)
    scroll_to(dock, dock.pages)
    tour.save("threshold")


def train(tour: Tour) -> None:
    """Train for a minute and a half, with the settings unfolded before."""
    dock, train = tour.dock, tour.dock.train
    dock.tabs.setCurrentWidget(train)
    tour.viewer.reset_view()
    train.more.expand(animate=False)
    scroll_to(train, train.start_from)
    tour.save("settings", shown=False)
    train.rows.more.expand(animate=False)
    scroll_to(train, train.forms["train"])
    tour.save("more", shown=False)
    train.more.collapse(animate=False)
    train.amount.setValue(1.5)
    train.run_button.click()
    # Reading torch and the network takes its time.
    wait_for(lambda: "step" in train.status.text())
    pause(60_000)
    scroll_to(train, train.curves)
    tour.save("train")
    wait_for(lambda: not train.running)
    tour.save("done", shown=False)


def weights(tour: Tour) -> None:
    shown = tour.dock.weights
    shown.labels.setValue(tour.dock.load.workspace.truth)
    shown.live.setChecked(True)
    tour.viewer.reset_view()
    pause(1500)
    tour.save("weights")


def objects(tour: Tour) -> None:
    """Measure and proofread the cells of the synthetic stack."""
    from napari_unet.samples import em_stack

    viewer = tour.viewer
    viewer.layers.clear()
    stack, cells = em_stack((6, 384, 384), seed=1)
    place = {"scale": stack.scale, "units": (stack.unit,) * 3}
    viewer.add_image(stack.data, name="em", **place)
    likely = (cells > 0).astype(np.float32)
    viewer.add_image(likely, name="probability", visible=False, **place)
    viewer.add_labels(cells, name="prediction", opacity=0.4, **place)
    viewer.reset_view()
    docks = {}
    for name in ("Measure", "Proofread"):
        _, docks[name] = viewer.window.add_plugin_dock_widget(
            "napari-unet-em", name, tabify=True
        )
        docks[name].parentWidget().raise_()
        pause(1000)
        if name == "Measure":
            docks[name].run_button.click()
            wait_for(lambda: docks["Measure"].found is not None)
            pause(500)
        else:
            docks[name].review.slice_button.click()
            for number in (3, 5, 18):
                docks[name].choose(number)
                docks[name].review.review_button.click()
            docks[name].choose(2)
            docks[name].act("smooth")
            viewer.reset_view()
            pause(500)
        tour.save(name.lower())


def scroll_to(panel: Any, part: Any) -> None:
    from qtpy.QtWidgets import QScrollArea

    pause(300)
    panel.findChild(QScrollArea).ensureWidgetVisible(part, 0, 0)


def wait_for(holds: Callable[[], bool], seconds: float = 900.0) -> None:
    for _ in range(round(seconds / 0.05)):
        if holds():
            return
        pause(50)
    raise SystemExit(f"nothing came of it within {seconds:.0f} s")


def pause(milliseconds: int) -> None:
    from qtpy.QtTest import QTest

    wait: Any = QTest.qWait  # its stub takes it for a method of an instance
    wait(milliseconds)


def cropped(canvas: Image.Image) -> Image.Image:
    """Cut the image out of a canvas, which is black around it."""
    seen = np.asarray(canvas).max(axis=-1) > 8
    rows, columns = (np.flatnonzero(seen.mean(axis=axis) > 0.5) for axis in (1, 0))
    left, upper, right, lower = map(
        int, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    )
    return canvas.crop((left, upper, right, lower)).resize((STRIP_SIDE, STRIP_SIDE))


def write_strip(steps: list[Image.Image], folder: Path) -> None:
    """Write the steps side by side, with what they are."""
    titles = "painted", f"learnt live for {LEARNT} s", "predicted, cells numbered"
    width = len(steps) * (STRIP_SIDE + GAP) - GAP
    strip = Image.new("RGB", (width, STRIP_SIDE + CAPTION), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(size=20)
    for number, (step, title) in enumerate(zip(steps, titles, strict=True)):
        left = number * (STRIP_SIDE + GAP)
        strip.paste(step, (left, CAPTION))
        middle = (left + STRIP_SIDE / 2, CAPTION / 2)
        draw.text(middle, title, fill="black", font=font, anchor="mm")
    write(np.asarray(strip), folder, "strip")


def write(picture: np.ndarray, folder: Path, name: str) -> None:
    """Write a picture in few colours, which takes a third of the room."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    shown = Image.fromarray(picture[..., :3])
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main()
