"""The coach says the next thing to do, whatever there is in the window."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from napari_unet.coach import Action, WindowState, advise

TWO = ("background", "foreground")
NOTHING = WindowState()
IMAGE = WindowState(image=True)
NAMED = replace(IMAGE, classes=TWO, painted=(0, 0))
CELLS = replace(NAMED, painted=(0, 300))
BOTH = replace(NAMED, painted=(200, 300))
LIVE = replace(BOTH, busy="live")
TRAINED = replace(BOTH, model=True)
PREDICTED = replace(TRAINED, predicted=True)
WITH_TRUTH = replace(PREDICTED, truth=True)
CRASHED = WindowState(left="home, 15:14, with 245 unsaved pixels")
MANY = ("background", "cell", "vesicle")


@pytest.mark.parametrize(
    ("state", "sentence", "action", "label"),
    [
        (NOTHING, "Drop a stack here, or try the sample.", Action.OPEN, 0),
        (
            CRASHED,
            "Continue home, 15:14, with 245 unsaved pixels.",
            Action.CONTINUE,
            0,
        ),
        (replace(CRASHED, busy="loading"), "Opening ...", Action.STOP, 0),
        (
            replace(CRASHED, image=True),
            "Paint inside a cell (orange).",
            Action.BRUSH,
            2,
        ),
        (IMAGE, "Paint inside a cell (orange).", Action.BRUSH, 2),
        (NAMED, "Paint inside a cell (orange).", Action.BRUSH, 2),
        (CELLS, "Paint background: the borders (blue).", Action.BRUSH, 1),
        (
            replace(CELLS, busy="live", learnt=99),
            "Paint background: the borders (blue).",
            Action.BRUSH,
            1,
        ),
        (BOTH, "Start live: it learns while you paint.", Action.LIVE, 0),
        (replace(LIVE, learnt=24), "Looks right? Predict the stack.", "predict", 0),
        (TRAINED, "Predict the stack with the network.", Action.PREDICT, 0),
        (
            PREDICTED,
            "Is there ground truth? Drop it here to score.",
            Action.TRUTH,
            0,
        ),
        (WITH_TRUTH, "Score it against the ground truth.", Action.SCORE, 0),
        (
            replace(WITH_TRUTH, scored=True),
            "Look at its errors, and paint them right.",
            Action.ERROR,
            0,
        ),
        (replace(IMAGE, busy="loading"), "Opening ...", Action.STOP, 0),
        (replace(BOTH, busy="training"), "Training ...", Action.STOP, 0),
        (replace(TRAINED, busy="predicting"), "Predicting ...", Action.STOP, 0),
        (replace(WITH_TRUTH, busy="scoring"), "Scoring ...", Action.STOP, 0),
    ],
)
def test_each_state_has_its_next_action(
    state: WindowState, sentence: str, action: str, label: int
) -> None:
    advice = advise(state)
    wanted = Action.PREDICT if action == "predict" else action
    assert (advice.sentence, advice.action, advice.label) == (sentence, wanted, label)
    assert not advice.not_yet


def test_without_a_stack_there_are_two_ways() -> None:
    assert advise(NOTHING).instead is Action.SAMPLE


def test_a_network_learns_a_moment_before_its_look_is_asked_for() -> None:
    advice = advise(replace(LIVE, learnt=7.4))
    assert advice.sentence == "Learning ... 0:07"
    assert advice.action is Action.PREDICT
    assert "0:07" in advice.not_yet


def test_a_brush_in_the_hand_is_not_offered_again() -> None:
    advice = advise(replace(NAMED, in_hand=2))
    assert advice.label == 2
    assert "in your hand" in advice.not_yet
    assert not advise(replace(CELLS, in_hand=2)).not_yet


@pytest.mark.parametrize(
    ("painted", "sentence"),
    [
        ((0, 0, 0), "Paint cell (orange)."),
        ((0, 9, 0), "Paint background: the borders (blue)."),
        ((9, 9, 0), "Paint vesicle (green)."),
    ],
)
def test_classes_are_called_by_their_names(
    painted: tuple[int, ...], sentence: str
) -> None:
    state = replace(IMAGE, classes=MANY, painted=painted)
    assert advise(state).sentence == sentence


def test_annotations_without_names_only_have_to_be_there() -> None:
    assert advise(replace(IMAGE, painted=(0,))).action is Action.BRUSH
    assert advise(replace(IMAGE, painted=(5,))).action is Action.LIVE


def test_every_state_has_one_sentence_and_the_order_is_kept() -> None:
    """Whatever is there, one line says what to do, and nothing out of reach."""
    paints: tuple[tuple[int, ...], ...] = ((), (0, 0), (0, 5), (5, 0), (5, 5))
    busy = ("", "loading", "live", "training", "predicting", "scoring")
    truths = (False, True)
    for image, painted, runs, *rest in product(truths, paints, busy, *[truths] * 5):
        model, predicted, truth, scored, crashed = rest
        state = WindowState(
            image=image,
            classes=TWO if painted else (),
            painted=painted,
            busy=runs,
            left="home, 15:14" if crashed else "",
            model=model,
            predicted=predicted,
            truth=truth,
            scored=scored,
        )
        advice = advise(state)
        assert advice.sentence.endswith((".", "...", "0:00"))
        assert len(advice.sentence) < 46
        if advice.action is Action.CONTINUE:
            assert crashed
        if advice.action is Action.SCORE:
            assert predicted
            assert truth
        if advice.action is Action.PREDICT:
            assert model or runs == "live"
        if advice.action is Action.LIVE:
            assert image
            assert all(painted)
        assert (advice.action is Action.STOP) == (runs not in ("", "live"))
