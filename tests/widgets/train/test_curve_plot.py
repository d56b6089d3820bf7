"""The curves of training: bounded, and clickable where a run can be gone back to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt

from napari_unet.train.curves import MOST, Curve, Curves
from napari_unet.train.history import History
from napari_unet.widgets.train.curve_plot import CurvePlot


@pytest.fixture
def plot(qtbot: Any) -> CurvePlot:
    made = CurvePlot()
    made.make()
    qtbot.addWidget(made)
    made.resize(360, 300)
    with qtbot.waitExposed(made):
        made.show()
    return made


def points(count: int) -> Iterator[tuple[float, float, float | None]]:
    for step in range(1, count + 1):
        yield 6.0 * step, 1 / step, step / count if step % 5 == 0 else None


def click(qtbot: Any, plot: CurvePlot, minutes: float) -> float:
    """Click a moment on the loss plot and return what is told."""
    view = plot._loss_plot
    view.grab()  # Axes take their range when they are drawn.
    at = view.plotItem.vb.mapViewToScene(QPointF(minutes, 0.5))
    place = view.mapFromScene(at)
    with qtbot.waitSignal(plot.clicked) as clicked:
        qtbot.mouseClick(
            view.viewport(),
            Qt.MouseButton.LeftButton,
            pos=QPoint(round(place.x()), round(place.y())),
        )
    return float(clicked.args[0])


def test_a_curve_stays_bounded_however_long_it_gets() -> None:
    curve = Curve()
    for x in range(20 * MOST):
        curve.add(x, 2 * x)
    kept, values = curve.points()
    assert MOST // 2 <= kept.size <= MOST
    assert curve.count == 20 * MOST
    assert kept[0] == 0
    np.testing.assert_array_equal(values, 2 * kept)
    assert np.unique(np.diff(kept)).size == 1
    assert kept[-1] > 0.99 * 20 * MOST


def test_a_short_curve_keeps_every_point() -> None:
    curve = Curve()
    for x in range(MOST):
        curve.add(x, x)
    assert curve.points()[0].size == MOST


def test_the_best_score_is_known_even_when_its_point_is_thinned_out() -> None:
    curves = Curves()
    for step in range(5 * MOST):
        curves.add(step, 1.0, 0.9 if step == 3333 else 0.5)
    assert curves.best == (3333, 0.9)


def test_losses_are_smoothed() -> None:
    curves = Curves([(1, 1.0, None), (2, 0.0, None)])
    assert curves.losses.points()[1].tolist() == [1.0, 0.9]


def test_curves_of_a_history_are_those_that_were_seen() -> None:
    scores = np.array([np.nan, 0.5])
    steps, losses = np.array([1, 2]), np.array([1.0, 0.5])
    timed = Curves.of(History(steps, losses, scores, np.array([0.5, 1.5])))
    assert timed.scores.points()[0].tolist() == [1.5]
    assert (timed.timed, timed.newest) == (True, 1.5)
    old = Curves.of(History(steps, losses, scores))
    assert (old.timed, old.newest) == (False, 2)


def test_a_click_tells_the_moment_in_seconds(plot: CurvePlot, qtbot: Any) -> None:
    plot.extend(points(100))
    assert plot.num_points == (100, 20)
    seconds = click(qtbot, plot, minutes=5)
    assert seconds == pytest.approx(300, abs=10)


def test_a_click_on_curves_against_steps_tells_the_step(
    plot: CurvePlot, qtbot: Any
) -> None:
    plot.load(Curves([(step, 0.5, None) for step in range(1, 101)], timed=False))
    assert plot._loss_plot.getAxis("bottom").labelText == "steps"
    assert click(qtbot, plot, 40) == pytest.approx(40, abs=2)


def test_a_click_on_no_curves_tells_nothing(plot: CurvePlot, qtbot: Any) -> None:
    with qtbot.assertNotEmitted(plot.clicked, wait=200):
        qtbot.mouseClick(plot._loss_plot.viewport(), Qt.MouseButton.LeftButton)


def test_the_best_score_is_ringed_and_named(plot: CurvePlot) -> None:
    plot.extend(points(100))
    assert plot._best.toPlainText() == "best 1.000"
    ((x, y),) = zip(*plot._ring.getData(), strict=True)
    assert (x, y) == (10, 1)
    plot.clear()
    assert plot._best.toPlainText() == ""
    assert plot._ring.getData()[0].size == 0


def test_without_scores_their_plot_takes_no_room(plot: CurvePlot) -> None:
    plot.extend([(1.0, 0.5, None)])
    assert not plot._score_plot.isVisible()
    plot.extend([(2.0, 0.5, 0.4)])
    assert plot._score_plot.isVisible()


def test_moments_to_go_back_to_are_marked_and_explained(plot: CurvePlot) -> None:
    plot.extend(points(10))
    plot.offer([6.0, 30.0], "Click to see the network of that moment.")
    assert plot.toolTip() == "Click to see the network of that moment."
    assert plot.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert list(plot._ticks[0].xvals) == [0.1, 0.5]
    plot.clear()
    assert plot.toolTip() == ""
    assert plot.cursor().shape() == Qt.CursorShape.ArrowCursor
