"""The search for places to annotate, as a generator."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from napari_unet.config import AnnotationKind, Coverage, PredictConfig
from napari_unet.data.annotation import annotated_pixels
from napari_unet.data.colours import with_colours
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.predict.suggest import Suggestion, entropy_of, suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.model.checkpoint import Model

ModelSource = Path | Callable[[], "Model | None"]
SEARCH_SECONDS = 20.0
"""No slice is begun after this time."""
_FIRST_SECONDS = 0.5
"""After this time, the best place of what is known is told, and kept as the first."""
_SMOOTHING = 1.5
"""Standard deviation in pixels."""


@dataclass(frozen=True, eq=False)
class Looked:
    """A slice that was looked at, and how unsure its pixels are: (Y, X) float32."""

    done: int
    total: int
    z: int
    unsure: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Found:
    """A place to annotate, with what it looks like: (y, x) uint8."""

    place: Suggestion
    picture: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Guidance:
    """The end of a search: places, the best first, and words on it."""

    places: tuple[Found, ...]
    words: str


def find_places(  # noqa: PLR0913 (every option is one argument)
    source: ModelSource,
    stack: Stack,
    labels: NDArray[np.generic],
    kind: AnnotationKind | None,
    box: int,
    stop: Event,
    *,
    coverage: Coverage | None = None,
    predicted: Mapping[int, NDArray[np.float32]] | None = None,
    count: int = 8,
    seconds: float = SEARCH_SECONDS,
) -> Generator[Looked | Found, None, Guidance]:
    """Look at one slice after the other, yielding each, and choose places.

    Soon the first place is yielded, by what is known until then; it stays the first.
    Where something was predicted before, that is before the model is read.

    Parameters
    ----------
    source
        A model file, or what returns a model that nobody changes any more, None
        before there is one; called when the work begins.
    stack, labels
        The image, and (Z, Y, X) annotations of it.
    kind, coverage
        What the annotations mean, and which of their pixels say anything; None for a
        guess.
    predicted
        Probabilities that are known already, (num_classes, Y, X) by slice.
    box, count
        Side of the places in pixels, and how many there are at most.
    stop
        Ends the search soon once it is set, with places from what is known.
    seconds
        No slice is begun after this time. The first ones lie spread over the stack.

    Raises
    ------
    InputError
        When there is no model yet, or it does not fit the image.
    """
    began = time.monotonic()
    image, rows = stack.picture.as_czyx(), stack.picture_rows
    unsure = np.zeros(stack.as_czyx().shape[1:], np.float32)
    known = annotated_pixels(labels, kind, coverage)[:, rows]
    # The same chance every time: the same question gets the same answer.
    choose = partial(suggest, unsure[:, rows], box=box, rng=np.random.default_rng(0))
    first: list[Suggestion] = []
    for z, probabilities in (predicted or {}).items():
        unsure[z, rows] = _smooth(entropy_of(probabilities[:, None])[0, rows])
    if predicted:
        first = yield from _first(choose, known, image)
        unsure[:] = 0
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.predictor import Predictor
    from napari_unet.predict.uncertainty import uncertainty

    model = load_model(source) if isinstance(source, Path) else source()
    if model is None:
        raise InputError("The network has not begun to learn: try again soon.")
    image = with_colours(image, model.network.footprint.in_channels)
    seen, total = 0, len(unsure)
    for look in uncertainty(Predictor(model, PredictConfig()), image, stop=stop):
        unsure[look.z, rows] = _smooth(look.disagreement)
        seen = look.done
        yield Looked(seen, total, look.z, unsure[look.z])
        spent = time.monotonic() - began
        if stop.is_set():
            break
        if not first and min(_FIRST_SECONDS, seconds) <= spent:
            first = yield from _first(choose, known, image)
        if spent > seconds:
            break
    more = count - len(first)
    places = [*first, *(choose(known, count=more) if more else ())]
    found = tuple(Found(one, picture(image, one)) for one in places)
    return Guidance(found, _words(len(found), seen, total))


def _first(
    choose: Callable[..., list[Suggestion]], known: NDArray[np.bool_], image: Any
) -> Generator[Found, None, list[Suggestion]]:
    """Yield the best place of what is known, and take it for annotated from then on."""
    first = choose(known, count=1)
    for one in first:
        known[(one.z, *one.box)] = True
        yield Found(one, picture(image, one))
    return first


def _smooth(unsure: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur a slice: single pixels say little, to the eye too."""
    return np.asarray(scipy.ndimage.gaussian_filter(unsure, _SMOOTHING))


def picture(image: Any, place: Suggestion) -> NDArray[np.uint8]:
    """Cut a place out of a (C, Z, Y, X) image, as grey values that fill 0 to 255."""
    values = np.asarray(image[(slice(None), place.z, *place.box)], float).mean(axis=0)
    low, high = np.percentile(values, (1, 99))
    share = (values - low) / max(high - low, 1e-9)
    return np.asarray(255 * np.clip(share, 0, 1), np.uint8)


def _words(found: int, seen: int, total: int) -> str:
    slices = f"{seen} of {total} slices" if seen < total else "all slices"
    if total == 1 and seen:
        slices = "the image"
    if seen == 0:
        return "Stopped before the first slice was looked at."
    if found == 0:
        return f"Looked at {slices}: there is no place left to annotate."
    return f"Looked at {slices}. Click a place to go there, and paint in the box."
