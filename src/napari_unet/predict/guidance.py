"""The search for places to annotate as a worker's generator: arrays in, no Qt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from napari_unet.config import AnnotationKind, PredictConfig
from napari_unet.data.annotation import guess_kind
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.model.checkpoint import Model
    from napari_unet.predict.suggest import Suggestion

ModelSource = Path | Callable[[], "Model | None"]
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


@dataclass(eq=False)
class GuidanceWork:
    """A search on copies of layers, for a worker thread.

    Attributes
    ----------
    model
        A model file, or what returns a model that nobody changes any more, None
        before there is one; called on the thread.
    stack, labels
        The image, and (Z, Y, X) annotations of it.
    kind
        What the annotations mean; None for a guess.
    box, count
        Side of the places in pixels, and how many there are at most.
    seconds
        No slice is begun after this time. The first ones lie spread over the stack.
    """

    model: ModelSource
    stack: Stack
    labels: NDArray[np.generic]
    kind: AnnotationKind | None = None
    box: int = 64
    count: int = 8
    seconds: float = 20.0
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End soon, and suggest from what is known; from any thread."""
        self._stopped.set()

    def run(self) -> Generator[Looked, None, Guidance]:
        """Look at one slice after the other, yielding each, and choose places."""
        from napari_unet.model.checkpoint import load_model
        from napari_unet.predict.predictor import Predictor
        from napari_unet.predict.suggest import suggest
        from napari_unet.predict.uncertainty import uncertainty

        given = self.model
        model = load_model(given) if isinstance(given, Path) else given()
        if model is None:
            raise InputError("The network has not begun to learn: try again soon.")
        image = self.stack.as_czyx()
        unsure = np.zeros(image.shape[1:], np.float32)
        looks = uncertainty(
            Predictor(model, PredictConfig()), image, stopped=self._stopped
        )
        began, seen, total = time.monotonic(), 0, len(unsure)
        for look in looks:
            # Single pixels say little, to the eye too.
            unsure[look.z] = scipy.ndimage.gaussian_filter(
                look.disagreement, _SMOOTHING
            )
            seen = look.done
            yield Looked(seen, total, look.z, unsure[look.z])
            if self._stopped.is_set() or time.monotonic() - began > self.seconds:
                break
        known = annotated(self.labels, self.kind)
        # The same chance every time: the same question gets the same answer.
        rng = np.random.default_rng(0)
        places = suggest(unsure, known, box=self.box, count=self.count, rng=rng)
        found = tuple(Found(one, picture(image, one)) for one in places)
        return Guidance(found, _words(len(found), seen, total))


def annotated(
    labels: NDArray[np.generic], kind: AnnotationKind | None = None
) -> NDArray[np.bool_]:
    """Return which pixels of (Z, Y, X) labels are annotated.

    As scribbles, those that are painted; else all of a slice with anything on it.
    """
    painted = np.asarray(labels != 0, bool)
    if not painted.any():
        return painted
    kind = kind or guess_kind(labels).kind
    if kind is AnnotationKind.SCRIBBLES:
        return painted
    slices = painted.any(axis=(1, 2), keepdims=True)
    return np.broadcast_to(slices, painted.shape)


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
