"""How fast the window answers while a network learns live and somebody paints.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/interface.py --data FOLDER
    xvfb-run ... python benchmarks/interface.py --data FOLDER --start em-membranes noise
    xvfb-run ... python benchmarks/interface.py --data FOLDER --gaps --against OLD/src

Opens napari with the training stack of ISBI 2012 (512 x 512), paints a box of
256 x 256 pixels from its truth, starts live training, and then paints strokes with
mouse events, now and then on another slice. Prints JSON lines: from *Start live* to the
first preview that is good enough; from the release of the mouse to the first preview
that has learnt from the stroke; IoU of the preview, in the box and around it; gaps of
the event loop, measured by a timer of 10 ms. `--screenshot FILE.png` keeps a picture of
the window.

A starter network is started from with nothing painted; the box is painted five seconds
later. Before *Start live*, some ten seconds pass, in which the dock loads torch for a
starter. Several starts, or seeds, take turns, each in a process of its own, and medians
follow.

`--gaps` measures instead how long the window stands still at most while work begins and
ends (gaps.py), of this checkout and of another; `--stacks` tells what it was at.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data
from gaps import compare
from numpy.typing import NDArray

from napari_unet.config.run import NOISE

_BOX = (slice(128, 384), slice(128, 384))
_SLICE = 10


_LOOK_SECONDS = 5.0
_STARTER = "em-membranes"


def tell(figure: str, value: float | None, unit: str, **more: object) -> None:
    value = None if value is None else round(float(value), 3)
    line = {"figure": figure, "value": value, "unit": unit, **more}
    print(json.dumps(line), flush=True)


class Gaps:
    """Times between the ticks of a timer that should come every 10 ms."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.times: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self.times.append(time.perf_counter()))
        self._timer.start(10)

    def tell(self, name: str, **more: object) -> None:
        """Print the longest gaps since the last time."""
        gaps = 1000 * np.diff(self.times)
        tell(f"{name}: 99th percentile", float(np.percentile(gaps, 99)), "ms", **more)
        tell(f"{name}: largest", float(gaps.max()), "ms", ticks=len(gaps), **more)
        self.times.clear()


class Window:
    """A viewer with the Train dock, driven as by hand."""

    def __init__(
        self, image: NDArray[Any], truth: NDArray[np.bool_], start: str
    ) -> None:
        import napari
        from qtpy.QtWidgets import QApplication

        from napari_unet.config import AnnotationKind
        from napari_unet.starters.model_file import model_file
        from napari_unet.widgets.train.dock import TrainWidget

        self.viewer = napari.Viewer()
        self.viewer.window.resize(1280, 800)
        self.truth = truth
        self.layer = self.viewer.add_image(image, name="ISBI 2012")
        self.annotations = self.viewer.add_labels(
            np.zeros(image.shape, np.uint8), name="annotations"
        )
        self.train = TrainWidget(self.viewer)
        self.train.workspace.kind = AnnotationKind.SCRIBBLES
        new = self.train.settings().network.base_channels
        chosen = new if start == NOISE else model_file(start)
        self.train.start_from.setValue(chosen)
        self.viewer.window.add_dock_widget(self.train, area="right")
        self.viewer.dims.set_point(0, _SLICE)
        self.app = QApplication.instance()
        self.viewer.layers.selection.active = self.annotations
        self.annotations.mode = "paint"
        self.annotations.brush_size = 6
        self.wait(1.0)

    def wait(self, seconds: float, until: Any = None) -> bool:
        """Let the window live for a time, or until something holds."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.app.processEvents()
            if until is not None and until():
                return True
            time.sleep(0.002)
        return until is None

    def paint_box(self) -> None:
        """Annotate a box densely, from the truth."""
        painted = np.where(self.truth[_SLICE][_BOX], 2, 1).astype(np.uint8)
        rows, columns = np.indices(painted.shape).reshape(2, -1)
        planes = np.full(rows.size, _SLICE)
        index = (planes, rows + _BOX[0].start, columns + _BOX[1].start)
        self.annotations.data_setitem(index, painted.ravel())

    def stroke(self, rng: np.random.Generator) -> None:
        """Paint a line within a cell or a membrane, by mouse events on the canvas."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        native = self.viewer.window._qt_viewer.canvas.native
        z = int(self.viewer.dims.current_step[0])
        low, high = np.asarray(self.layer.corner_pixels)[:, -2:]
        y, x = (int(rng.integers(a, b + 1)) for a, b in zip(low, high, strict=True))
        truth = self.truth[z]
        self.annotations.selected_label = 1 + int(truth[y, x])
        left = Qt.MouseButton.LeftButton
        QTest.mousePress(native, left, pos=self._place(y, x))
        for column in range(x, min(x + 45, truth.shape[1]), 3):
            if truth[y, column] != truth[y, x]:
                break
            QTest.mouseMove(native, self._place(y, column))
            self.wait(0.015)
            x_end = column
        QTest.mouseRelease(native, left, pos=self._place(y, x_end))

    def _place(self, y: int, x: int) -> Any:
        """Return where a pixel lies on the canvas."""
        from qtpy.QtCore import QPoint

        native = self.viewer.window._qt_viewer.canvas.native
        camera = self.viewer.scene.camera
        row, column = (np.array([y, x]) - camera.center[-2:]) * camera.zoom
        row, column = (float(n) / native.devicePixelRatioF() for n in (row, column))
        return QPoint(
            round(native.width() / 2 + column), round(native.height() / 2 + row)
        )

    def iou(self, region: Any) -> float:
        """Score the preview on a part of the slice."""
        view = self.train.live.view
        if view is None or view.layer is None:
            return 0.0
        shown = np.asarray(view.layer.data[_SLICE]) > 0
        truth = self.truth[_SLICE]
        both = int(np.count_nonzero((shown & truth)[region]))
        return both / max(1, int(np.count_nonzero((shown | truth)[region])))


def surroundings() -> NDArray[np.bool_]:
    region = np.ones((512, 512), bool)
    region[_BOX] = False
    return region


def first_preview(window: Window, gaps: Gaps, seconds: float, start: str) -> None:
    """Start live: from noise on a painted box; a starter before anything is painted."""
    if start == NOISE:
        window.paint_box()
    tell("torch is loaded before Start live", "torch" in sys.modules, "")
    began = time.perf_counter()
    gaps.times[:] = [began]
    window.train.live_button.click()
    useful: dict[str, float] = {}
    watched = {
        "0.85 in view": (0.85, ...),
        "0.85 around the box": (0.85, surroundings()),
        "0.8 around the box": (0.8, surroundings()),
    }
    painted, told, shown_at = start == NOISE, False, 0.0
    while time.perf_counter() - began < seconds:
        window.wait(0.02)
        took = time.perf_counter() - began
        view = window.train.live.view
        if view is not None and view.shown_at != shown_at:
            shown_at = view.shown_at
            for name, (least, region) in watched.items():
                if name not in useful and window.iou(region) > least:
                    useful[name] = took
        if not told and took > 2 and len(gaps.times) > 1:
            told = True
            gaps.tell("event loop while live training starts")
        if not painted and took > _LOOK_SECONDS:
            painted = True
            tell("IoU in view, nothing painted", window.iou(...), "")
            window.paint_box()
    for name in watched:
        tell(f"first preview of IoU > {name}", useful.get(name), "s")
    tell("IoU in the box", window.iou(_BOX), "", seconds=seconds)
    tell("IoU around the box", window.iou(surroundings()), "", seconds=seconds)
    step = window.train.curves.num_points[0]
    tell("steps", step, "", seconds=seconds)
    gaps.tell("event loop while learning")


def painting_alone(window: Window, gaps: Gaps) -> None:
    """Paint where nothing learns: what the window takes by itself."""
    rng = np.random.default_rng(1)
    gaps.times.clear()
    for _ in range(10):
        window.stroke(rng)
        window.wait(0.5)
    gaps.tell("event loop while painting, nothing learns")
    window.annotations.data[:] = 0


def strokes(window: Window, gaps: Gaps, count: int) -> None:
    rng = np.random.default_rng(0)
    live, took = window.train.live, []
    for number in range(count):
        before = live.requests.num_updates
        window.stroke(rng)
        released = time.perf_counter()
        window.wait(2.0, lambda before=before: live.requests.num_updates > before)
        updates = live.requests.num_updates
        if updates == before:
            continue
        if window.wait(20.0, lambda updates=updates: live.updates_seen >= updates):
            took.append(time.perf_counter() - released)
        window.wait(float(rng.uniform(0.2, 1.0)))
        if number % 5 == 4:
            window.viewer.dims.set_point(0, int(rng.integers(0, 30)))
            window.wait(0.5)
    tell("stroke to the preview that learnt it: median", statistics.median(took), "s")
    tell("stroke to the preview that learnt it: longest", max(took), "s", n=len(took))
    gaps.tell("event loop while learning and painting")


def measure(options: argparse.Namespace, start: str, seed: int) -> None:
    """Measure one start in this process."""
    import tifffile

    image = tifffile.imread(options.data / "isbi2012-train-volume.tif")
    truth = tifffile.imread(options.data / "isbi2012-train-labels.tif") > 0
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAPARI_UNET_HOME"] = home
        window = Window(image, truth, start)
        form = window.train.forms["train"]
        form.setValue(form.value().model_copy(update={"seed": seed}))
        gaps = Gaps()
        window.wait(3.0)
        gaps.tell("event loop, nothing runs")
        painting_alone(window, gaps)
        first_preview(window, gaps, options.seconds, start)
        strokes(window, gaps, options.strokes)
        if options.screenshot:
            window.viewer.screenshot(str(options.screenshot), canvas_only=False)
        window.train.run_button.click()
        window.wait(30.0, lambda: not window.train.running)
        window.viewer.close()


def in_turns(options: argparse.Namespace) -> None:
    """Measure every start with every seed, each in a process of its own; medians."""
    found: dict[tuple[str, str], list[float | None]] = {}
    same = ["--data", options.data, "--seconds", options.seconds]
    same += ["--strokes", options.strokes]
    for seed in options.seeds:
        for start in options.start:
            given = [*same, "--seeds", seed, "--start", start]
            command = [sys.executable, __file__, *map(str, given)]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, check=True, text=True
            )
            for line in map(json.loads, done.stdout.splitlines()):
                told = {"start": start, "seed": seed, **line}
                print(json.dumps(told), flush=True)
                found.setdefault((line["figure"], start), []).append(line["value"])
    for (figure, start), values in sorted(found.items()):
        known = [one for one in values if one is not None]
        middle = statistics.median(known) if known else None
        tell(f"{figure}, median", middle, "", start=start, n=len(known))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--strokes", type=int, default=20)
    parser.add_argument("--start", nargs="+", default=[NOISE])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--screenshot", type=Path, help="PNG to draw, of a single run")
    parser.add_argument("--gaps", action="store_true", help="where it stands still")
    parser.add_argument("--against", type=Path, help="folder src of another checkout")
    parser.add_argument("--stacks", action="store_true", help="what it stood still for")
    options = parser.parse_args()
    if options.gaps:
        builds = [Path(__file__).resolve().parents[1] / "src", options.against]
        sources = [one.resolve() for one in builds if one is not None]
        compare(options.data.resolve(), sources, stacks=options.stacks)
    elif len(options.start) == len(options.seeds) == 1:
        measure(options, options.start[0], options.seeds[0])
    else:
        in_turns(options)


if __name__ == "__main__":
    main()
