"""The search for places to annotate, as a generator."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_unet.config import AnnotationKind, Coverage, PredictConfig
from napari_unet.data.annotation import annotated_pixels
from napari_unet.data.colours import with_colours
from napari_unet.data.one_import import imported
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.predict.onlooker import View
from napari_unet.predict.suggest import Suggestion, entropy_of, suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.model.checkpoint import Model

Box = tuple[slice, ...]
"""Of slices, rows and columns."""
ModelSource = Path | Callable[[], "Model | None"]
SEARCH_SECONDS = 20.0
"""No slice is begun after this time."""
_FIRST_SECONDS = 0.5
"""After this time, the best place of what is known is told, where none was before."""
_GLANCE = {2: (1, 256, 256), 3: (4, 128, 128)}
"""Pixels that are looked at before anything else, by dimensions of the network."""
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
    predicted: Iterable[tuple[Box, NDArray[np.floating]]] = (),
    view: View | None = None,
    count: int = 8,
    seconds: float = SEARCH_SECONDS,
) -> Generator[Looked | Found, None, Guidance]:
    """Look at one slice after the other, yielding each, and choose places.

    Soon a first guess is yielded, which stays the first place: by what was predicted
    before, and before the model is read; else by a glance at the middle of the view;
    else, where all of that is annotated, by the slices that were seen first.

    Parameters
    ----------
    source
        A model file, or what returns, once asked, a model that nobody changes, or None.
    stack, labels
        The image, and (Z, Y, X) annotations of it.
    kind, coverage
        What the annotations mean, and which of their pixels say anything; None for a
        guess.
    predicted
        Probabilities that are known already, (num_classes, z, y, x) of some boxes.
    view
        What is looked at; the middle of the image when left out.
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
    search = _Search(stack, annotated_pixels(labels, kind, coverage), box)
    for known, probabilities in predicted:
        search.see(known, entropy_of(np.asarray(probabilities, np.float32)))
    yield from search.guess()
    search.unsure[:] = 0
    imported("torch")
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.predictor import Predictor
    from napari_unet.predict.uncertainty import glance, uncertainty

    model = load_model(source) if isinstance(source, Path) else source()
    if model is None:
        raise InputError("The network has not begun to learn: try again soon.")
    image = with_colours(search.image, model.network.footprint.in_channels)
    predictor = Predictor(model, PredictConfig())
    where = _in_view(view, search.known, _GLANCE[predictor.footprint.ndim])
    if where is not None and not search.first:
        search.see(where, glance(predictor, image, where, stop))
        yield from search.guess()
    seen, total = 0, image.shape[1]
    for look in uncertainty(predictor, image, stop=stop):
        place = (slice(look.z, look.z + 1), stack.picture_rows)
        search.see(place, look.disagreement[None])
        seen = look.done
        yield Looked(seen, total, look.z, search.whole[look.z])
        spent = time.monotonic() - began
        if stop.is_set():
            break
        if min(_FIRST_SECONDS, seconds) <= spent:
            yield from search.guess()
        if spent > seconds:
            break
    places = search.places(count)
    return Guidance(places, _words(len(places), bool(search.first), seen, total))


class _Search:
    """What is known of an image while places are searched, all above its info bar."""

    def __init__(self, stack: Stack, annotated: NDArray[np.bool_], box: int) -> None:
        rows = stack.picture_rows
        self.image, self.known = stack.picture.as_czyx(), annotated[:, rows]
        self.whole = np.zeros(stack.as_czyx().shape[1:], np.float32)
        self.unsure = self.whole[:, rows]
        self.first: list[Suggestion] = []
        # The same chance every time: the same question gets the same answer.
        rng = np.random.default_rng(0)
        self._choose = partial(suggest, self.unsure, self.known, box=box, rng=rng)

    def see(self, where: Box, unsure: NDArray[np.float32] | None) -> None:
        """Take down how unsure the network is of a (z, y, x) box, if it was asked.

        It is blurred: single pixels say little, to the eye too.
        """
        if unsure is None:
            return
        blurred = gaussian_filter(unsure, _SMOOTHING, axes=(-2, -1))
        self.whole[where] = blurred

    def guess(self) -> Iterator[Found]:
        """Yield the best place of what is known, where there is no first place yet.

        It is taken for annotated from then on.
        """
        if self.first:
            return
        self.first = self._choose(count=1)
        for one in self.first:
            self.known[(one.z, *one.box)] = True
            yield Found(one, picture(self.image, one))

    def places(self, count: int) -> tuple[Found, ...]:
        """Return the first place, and the best of the others."""
        first = [_renewed(one, self.unsure) for one in self.first]
        more = count - len(first)
        places = [*first, *(self._choose(count=more) if more else ())]
        return tuple(Found(one, picture(self.image, one)) for one in places)


def _in_view(
    view: View | None, known: NDArray[np.bool_], sizes: tuple[int, int, int]
) -> Box | None:
    """Return a box in the middle of the view, in the nearest slice with unknown pixels.

    None where there are no such pixels.
    """
    middle = [length / 2 for length in known.shape]
    if view is not None:
        middle[0] = view.z
        for axis, part in enumerate(view.region or (), 1):
            middle[axis] = (part.start + part.stop) / 2
    free = np.flatnonzero(~known.all(axis=(1, 2)))
    if not free.size:
        return None
    middle[0] = free[abs(free - middle[0]).argmin()]
    z, y, x = map(_around, middle, sizes, known.shape)
    return z, y, x


def _around(centre: float, size: int, length: int) -> slice:
    """Return a part of that size around the centre, within the length."""
    start = min(max(0, round(centre - size / 2)), max(0, length - size))
    return slice(start, min(start + size, length))


def _renewed(first: Suggestion, unsure: NDArray[np.float32]) -> Suggestion:
    """Return the first place with the score that it has among the others."""
    seen = unsure[(first.z, *first.box)]
    return replace(first, score=float(seen.mean())) if seen.any() else first


def picture(image: Any, place: Suggestion) -> NDArray[np.uint8]:
    """Cut a place out of a (C, Z, Y, X) image, as grey values that fill 0 to 255."""
    values = np.asarray(image[(slice(None), place.z, *place.box)], float).mean(axis=0)
    low, high = np.percentile(values, (1, 99))
    share = (values - low) / ((high - low) or 1)
    return np.asarray(255 * np.clip(share, 0, 1), np.uint8)


def _words(found: int, guessed: bool, seen: int, total: int) -> str:
    slices = f"{seen} of {total} slices" if seen < total else "all slices"
    if total == 1 and seen:
        slices = "the image"
    if seen == 0:
        left = "What is listed is a first guess." if found else ""
        return f"Stopped before the first slice was looked at. {left}".rstrip()
    if found == 0:
        return f"Looked at {slices}: there is no place left to annotate."
    guess = "The first place was a guess, the others are the best. " if guessed else ""
    return f"Looked at {slices}. {guess}Click one to go there, and paint in the box."
