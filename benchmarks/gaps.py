"""Where the window stands still: gaps of the event loop while work begins and ends.

Run by `interface.py --gaps`: the stack of ISBI 2012 is opened in the workflow dock,
chosen, learnt live, predicted, scored; its errors are listed, a baseline is made, and
in a new process the project is opened again. Each case lasts until a second after its
end. Beside the largest gap stands the longest that the main thread computed between two
ticks, which counts the same on a machine that others use. What napari alone computes to
add and to remove layers of the same stack comes first, and is taken off.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

_TICK_MS = 5
_AFTER = 1.0
_LIVE_SECONDS = 10.0
_LIMIT = 600.0
_SAMPLE_SECONDS = 0.01

_IMAGE, _LABELS, _MORE, _REMOVED = BARE = (
    "napari alone adds an image",
    "napari alone adds labels",
    "napari alone adds more labels",
    "napari alone removes labels",
)
_OPENED = "an image and its ground truth are opened"
_LIVE, _ERROR = "live training starts", "an error is shown"
_BASELINE, _AGAIN = "a baseline is made", "a project is reopened"
_PREDICTED, _SCORED = "{} slices are predicted", "{} slices are scored"
_HELD_UP_BY = {
    _OPENED: (_IMAGE, _LABELS),
    _LIVE: (_MORE,),
    _PREDICTED: (_MORE,),
    _ERROR: (_MORE,),
    _BASELINE: (_MORE, _REMOVED),
    _AGAIN: (_IMAGE, _LABELS),
}
"""The longest that napari itself needs for a case at once; nothing for the others."""


class Watch:
    """Ticks of a timer on the main thread, and what that thread was at in between."""

    def __init__(self, *, stacks: bool) -> None:
        from qtpy.QtCore import Qt, QTimer

        self._times: list[float] = []
        self._busy: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)
        self._stacks: list[tuple[float, tuple[str, ...]]] = []
        if stacks:
            threading.Thread(target=self._sample, daemon=True).start()

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """Print the largest gap of what is done meanwhile."""
        for kept in (self._stacks, self._times, self._busy):
            kept.clear()
        self._tick()
        yield
        gaps, busy = 1000 * np.diff(self._times), 1000 * np.diff(self._busy)
        found = {"value": round(float(gaps.max())), "unit": "ms"}
        found["computing"] = round(float(busy.max()))
        seconds = round(self._times[-1] - self._times[0], 1)
        print(json.dumps({"figure": name, **found, "seconds": seconds}), flush=True)
        if self._stacks:
            self._tell_stacks(busy)

    def _tick(self) -> None:
        self._times.append(time.perf_counter())
        self._busy.append(time.thread_time())

    def _tell_stacks(self, busy: Any) -> None:
        for worst in np.argsort(busy)[-3:][::-1]:
            begin, end = self._times[worst], self._times[worst + 1]
            inside = [stack for at, stack in self._stacks if begin < at < end]
            after = begin - self._times[0]
            print(f"    {busy[worst]:.0f} ms, after {after:.2f} s", file=sys.stderr)
            _tell_tree(inside)

    def _sample(self) -> None:
        main = threading.main_thread().ident
        while True:
            frame = sys._current_frames().get(main or 0)
            self._stacks.append((time.perf_counter(), _calls(frame)))
            time.sleep(_SAMPLE_SECONDS)


def _tell_tree(stacks: list[tuple[str, ...]]) -> None:
    """Print what calls what, as far as it took a twelfth of the time."""
    inside = Counter(
        stack[:depth] for stack in stacks for depth in range(1, len(stack) + 1)
    )
    for calls, count in sorted(inside.items()):
        if 12 * count < len(stacks):
            continue
        # Of calls that take the same time, the innermost tells enough.
        others = [inside[one] for one in inside if one[:-1] == calls]
        if count not in others:
            share = f"{100 * count / len(stacks):.0f} %"
            print(f"      {'  ' * len(calls)}{share} {calls[-1]}", file=sys.stderr)


def _calls(frame: FrameType | None) -> tuple[str, ...]:
    """Return the calls of a thread, the outermost first."""
    calls = []
    while frame is not None:
        code = frame.f_code
        if "importlib" not in code.co_filename:
            calls.append(f"{Path(code.co_filename).name} {code.co_name}")
        frame = frame.f_back
    return tuple(reversed(calls))


class Session:
    """A window, as a rule with the workflow dock, in a project of its own."""

    def __init__(self, *, stacks: bool, dock: bool = True) -> None:
        import napari
        from qtpy.QtWidgets import QApplication

        self.viewer = napari.Viewer()
        self.viewer.window.resize(1280, 800)
        if dock:
            name = ("napari-unet-em", "U-Net workflow")
            _, self.dock = self.viewer.window.add_plugin_dock_widget(*name)
        self.app = QApplication.instance()
        self.watch = Watch(stacks=stacks)
        self.wait(2.0)

    def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> None:
        """Let the window live for a time, or until something holds."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.app.processEvents()
            if until is not None and until():
                return
            time.sleep(0.002)
        if until is not None:
            raise SystemExit(f"nothing came of it within {seconds:.0f} s")

    def case(
        self, name: str, act: Callable[[], object], until: Callable[[], bool]
    ) -> None:
        """Measure from an act to a second after what comes of it."""
        with self.watch.case(name):
            act()
            self.wait(_LIMIT, until)
            self.wait(_AFTER)


def files_in(data: Path) -> dict[str, Path]:
    """Return the files of ISBI 2012 by their roles."""
    names = {"image": "volume", "truth": "labels"}
    return {role: data / f"isbi2012-train-{name}.tif" for role, name in names.items()}


def bare(data: Path, *, stacks: bool) -> None:
    """Add and remove the layers of the stack, with napari alone."""
    import tifffile

    image, truth = map(tifffile.imread, files_in(data).values())
    window = Session(stacks=stacks, dock=False)
    layers, done = window.viewer.layers, lambda: True
    window.case(_IMAGE, lambda: window.viewer.add_image(image), done)
    for name in (_LABELS, _MORE):
        labels = truth.copy()
        window.case(name, lambda labels=labels: window.viewer.add_labels(labels), done)
    window.case(_REMOVED, lambda: layers.remove(layers[-1]), done)
    window.viewer.close()


def first(data: Path, *, stacks: bool) -> None:
    """Go from files to scores, errors and a baseline."""
    window = Session(stacks=stacks)
    viewer, dock = window.viewer, window.dock
    files = files_in(data)
    for role, file in files.items():
        dock.load.rows[role].setValue(file)
    window.case(_OPENED, dock.load.run_button.click, lambda: not dock.load.running)
    image, truth = dock.train.workspace.image, dock.train.workspace.truth
    dock.tabs.setCurrentWidget(dock.train)
    window.wait(1.0)
    other = viewer.add_image(image.data[::-1].copy(), name="another")
    window.wait(1.0)
    choose = dock.train.image.setValue
    window.case("a stack is chosen", lambda: choose(other), lambda: True)
    window.case("the first is chosen again", lambda: choose(image), lambda: True)
    viewer.layers.remove(other)
    live(window, truth)
    dock.predict.extent.setCurrentText("whole stack")
    predict, scores = dock.predict, dock.scores
    dock.tabs.setCurrentWidget(predict)
    window.wait(1.0)
    title = _PREDICTED.format(len(image.data))
    window.case(title, predict.run_button.click, lambda: not predict.running)
    dock.tabs.setCurrentWidget(scores)
    scores.truth.setValue(truth)
    window.wait(1.0)
    title = _SCORED.format(len(image.data))
    window.case(title, scores.run_button.click, lambda: scores.scores is not None)
    turn = scores.pages.show_page
    found = scores.errors
    window.case(
        "errors are listed", lambda: turn("Errors"), lambda: found.errors is not None
    )
    window.case(_ERROR, found.next_button.click, lambda: bool(found.error))
    turn("Comparison")
    window.wait(1.0)
    made: list[object] = []
    scores.baselines.made.connect(made.append)
    begin = scores.baselines.run_button.click
    window.case(_BASELINE, begin, lambda: bool(made) and not scores.running)
    window.wait(3.0)
    viewer.close()
    window.wait(0.5)


def live(window: Session, truth: Any) -> None:
    """Learn live for some seconds, with torch loaded before."""
    import napari_unet.live.loop  # noqa: F401

    train, z = window.dock.train, 10
    train.data.new_button.click()
    layer = train.annotations.value()
    window.wait(1.0)
    box = (slice(128, 384), slice(128, 384))
    rows, columns = (one.ravel() + 128 for one in np.indices((256, 256)))
    painted = np.where(np.asarray(truth.data[z])[box] > 0, 2, 1).ravel()
    index = (np.full(rows.size, z), rows, columns)
    layer.data_setitem(index, painted.astype(layer.data.dtype))
    window.wait(1.0)
    begun = time.perf_counter()
    window.case(
        _LIVE,
        train.live_button.click,
        lambda: time.perf_counter() > begun + _LIVE_SECONDS,
    )
    end = train.run_button.click
    window.case("live training ends", end, lambda: not train.running)


def again(data: Path, *, stacks: bool) -> None:
    """Open the project of before."""
    del data
    window = Session(stacks=stacks)
    project = window.dock.load.project
    open_it = project.resume_button.click
    window.case(_AGAIN, open_it, lambda: not project.running)
    window.viewer.close()


def measure(data: Path, source: Path, *, stacks: bool) -> dict[str, float]:
    """Run all cases with a build of the plugin; milliseconds of each."""
    values: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        for part in (bare, first, again):
            call = f"gaps.{part.__name__}(gaps.Path({str(data)!r}), stacks={stacks})"
            paths = os.pathsep.join([str(source), str(Path(__file__).parent)])
            done = subprocess.run(
                [sys.executable, "-c", f"import gaps; {call}"],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                env={**os.environ, "NAPARI_UNET_HOME": home, "PYTHONPATH": paths},
            )
            for line in map(json.loads, done.stdout.splitlines()):
                print(json.dumps({**line, "build": str(source)}), flush=True)
                values[line["figure"]] = line["value"]
                values[f"{line['figure']}, computing"] = line["computing"]
    for name in [one for one in values if "computing" not in one and one not in BARE]:
        itself = [values[f"{one}, computing"] for one in _held_up_by(name)]
        own = values[f"{name}, computing"] - max(itself, default=0)
        figure = f"{name}, computing above napari's own"
        line = {"figure": figure, "value": own, "unit": "ms", "napari": itself}
        print(json.dumps({**line, "build": str(source)}), flush=True)
    return values


def _held_up_by(case: str) -> tuple[str, ...]:
    return _HELD_UP_BY.get(re.sub(r"^\d+", "{}", case), ())


def compare(data: Path, builds: list[Path], *, stacks: bool) -> None:
    """Measure builds one after the other, and tell the ratios to the last."""
    found = [measure(data, source, stacks=stacks) for source in builds]
    for name, value in found[0].items() if len(builds) > 1 else ():
        ratio = round(value / found[1][name], 2)
        print(json.dumps({"figure": f"{name}, as a part of before", "value": ratio}))
