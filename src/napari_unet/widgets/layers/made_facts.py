"""How a prediction was made, as values that a file can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from napari_unet.baselines.apply import MadeByBaseline
from napari_unet.predict.made_by import MadeBy
from napari_unet.widgets.layers.marks import BASELINE, MADE_BY, NUMBERED, PREDICTED

if TYPE_CHECKING:
    from napari.layers import Labels

FACTS = "made"
"""Key in the place of a prediction: how it was made."""
_MADE_BY = TypeAdapter(MadeBy)
_BASELINE = TypeAdapter(MadeByBaseline)


def facts_of(layer: Labels, stored: Callable[[Path], str]) -> dict[str, Any]:
    """Return how a layer was made, in lists and words.

    `stored` tells how the path of a model is written.
    """
    known, baseline = layer.metadata, layer.metadata.get(BASELINE)
    made: dict[int, MadeBy] = known.get(MADE_BY, {})
    words = [
        {**_MADE_BY.dump_python(one, mode="json"), "model": stored(one.model)}
        for one in made.values()
    ]
    return {
        PREDICTED: [int(z) for z in known.get(PREDICTED, ())],
        NUMBERED: bool(known.get(NUMBERED)),
        MADE_BY: [list(pair) for pair in zip(made, words, strict=True)],
        BASELINE: baseline and _BASELINE.dump_python(baseline, mode="json"),
    }


def marks_of(facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a layer keeps of how it was made, from what `facts_of` told.

    Models lie relative to `folder`.

    Raises
    ------
    ValueError, TypeError, KeyError
        When a fact is none.
    """
    made, baseline = {}, facts[BASELINE]
    for content, words in facts[MADE_BY]:
        one = _MADE_BY.validate_python(words)
        made[int(content)] = replace(one, model=folder / one.model)
    known = {name: facts[name] for name in (PREDICTED, NUMBERED)}
    if not (made or facts[BASELINE] or facts[PREDICTED]):
        # Of what another program predicted, it is not known.
        known = {}
    return {
        **known,
        MADE_BY: made,
        BASELINE: baseline and _BASELINE.validate_python(baseline),
    }
