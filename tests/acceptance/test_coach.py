"""A newcomer follows the coach, and touches nothing else."""

from __future__ import annotations

from typing import Any

from napari_unet.coach import Action


def test_the_coach_leads_a_newcomer_from_nothing_to_scores(
    start: Any, qtbot: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("napari_unet.sample_files.SHAPE", (4, 128, 128))
    hand, dock = start()
    pressed = hand.follow(dock, lambda: dock.coach._workspace.truth.data, qtbot)
    assert pressed == [
        Action.SAMPLE,
        Action.BRUSH,
        Action.BRUSH,
        Action.LIVE,
        Action.PREDICT,
        Action.SCORE,
    ]
    assert dock.scores.scores.values()["iou"] > 0.5
    assert dock.tabs.currentWidget() is dock.scores
    # After the end comes the next round.
    hand.click(dock.coach.button)
    qtbot.waitUntil(lambda: dock.scores.errors.error is not None, timeout=30_000)
