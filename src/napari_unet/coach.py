"""What to do next: from what there is in the window to one sentence and its button."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from napari_unet.words import clock

LOOK_AFTER = 10
"""Seconds that a network learns before anybody is asked whether it looks right."""
BACKGROUND, FOREGROUND = 1, 2
# Of the colours that classes have, in their order.
_COLOURS = ("blue", "orange", "green", "pink", "yellow", "red", "light blue")
_PAINTED = {
    BACKGROUND: "Paint background: the borders",
    FOREGROUND: "Paint inside a cell",
}
_OWN_NAMES = ("background", "foreground")
_RUNNING = {
    "loading": "Opening ...",
    "training": "Training ...",
    "predicting": "Predicting ...",
    "scoring": "Scoring ...",
}


class Action(StrEnum):
    """What the coach offers, by the words on its button."""

    CONTINUE = "Continue"
    OPEN = "Open ..."
    SAMPLE = "Try the sample"
    BRUSH = "Take the brush"
    LIVE = "Start live"
    PREDICT = "Predict the stack"
    TRUTH = "Open truth ..."
    SCORE = "Score it"
    ERROR = "Next error"
    STOP = "Stop"


@dataclass(frozen=True)
class WindowState:
    """What there is in the window.

    Attributes
    ----------
    image
        Whether there is an image to work on.
    classes
        Names of the classes that are painted, background first; none for annotations
        whose values have no names.
    painted
        Painted pixels of each class, in the same order.
    in_hand
        The class whose brush is in the hand, counted from 1; 0 for none.
    busy
        What runs: "loading", "live", "training", "predicting" or "scoring"; "" for
        nothing.
    learnt
        Seconds that the network has learnt live.
    left
        What a crash left to go on with, in words; "" for nothing.
    model, predicted, truth, scored
        Whether there is a model, a prediction by it as it is now, ground truth, and
        scores of that prediction.
    """

    image: bool = False
    classes: tuple[str, ...] = ()
    painted: tuple[int, ...] = ()
    in_hand: int = 0
    busy: str = ""
    learnt: float = 0.0
    left: str = ""
    model: bool = False
    predicted: bool = False
    truth: bool = False
    scored: bool = False


@dataclass(frozen=True)
class Advice:
    """The next thing to do.

    Attributes
    ----------
    sentence
        What to do, in words.
    action
        What the button does.
    instead
        Another way, where there is one.
    label
        The class that is spoken of, counted from 1; 0 for none.
    not_yet
        Why the button cannot be pressed now, or "".
    """

    sentence: str
    action: Action
    instead: Action | None = None
    label: int = 0
    not_yet: str = ""


def advise(state: WindowState) -> Advice:
    """Return the next thing to do.

    Parameters
    ----------
    state
        What there is in the window.
    """
    if state.busy in _RUNNING:
        return Advice(_RUNNING[state.busy], Action.STOP)
    if state.left and not state.image:
        return Advice(f"Continue {state.left}.", Action.CONTINUE)
    if not state.image:
        return Advice(
            "Drop a stack here, or try the sample.", Action.OPEN, instead=Action.SAMPLE
        )
    return _after_prediction(state) if state.predicted else _before_prediction(state)


def _before_prediction(state: WindowState) -> Advice:
    live = state.busy == "live"
    if state.model and not live:
        return Advice("Predict the stack with the network.", Action.PREDICT)
    if unpainted := _unpainted(state):
        return _paint(state, unpainted)
    if live:
        return _learning(state.learnt)
    return Advice("Start live: it learns while you paint.", Action.LIVE)


def _after_prediction(state: WindowState) -> Advice:
    if not state.truth:
        return Advice("Is there ground truth? Drop it here to score.", Action.TRUTH)
    if not state.scored:
        return Advice("Score it against the ground truth.", Action.SCORE)
    return Advice("Look at its errors, and paint them right.", Action.ERROR)


def _unpainted(state: WindowState) -> int:
    """Return the class to paint next, inside of cells first; 0 where all are."""
    painted = (*state.painted, *(0 for _ in state.classes[len(state.painted) :]))
    if not state.classes:
        return 0 if any(painted) else FOREGROUND
    labels = [label for label, count in enumerate(painted, start=1) if not count]
    return FOREGROUND if FOREGROUND in labels else min(labels, default=0)


def _paint(state: WindowState, label: int) -> Advice:
    name = state.classes[label - 1] if label <= len(state.classes) else ""
    own = label <= len(_OWN_NAMES) and name in ("", _OWN_NAMES[label - 1])
    words = _PAINTED[label] if own else f"Paint {name}"
    colour = f" ({_COLOURS[label - 1]})" if label <= len(_COLOURS) else ""
    not_yet = ""
    if state.in_hand == label:
        not_yet = "It is in your hand: hold the mouse button down on the image."
    return Advice(f"{words}{colour}.", Action.BRUSH, label=label, not_yet=not_yet)


def _learning(seconds: float) -> Advice:
    if seconds < LOOK_AFTER:
        words = f"Learning ... {clock(seconds)}"
        wait = f"It has learnt for {clock(seconds)}: watch its colours a moment longer."
        return Advice(words, Action.PREDICT, not_yet=wait)
    return Advice("Looks right? Predict the stack.", Action.PREDICT)
