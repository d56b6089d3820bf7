"""A stack segmented by a baseline, one slice after the other."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.baselines.forest import Forest
from napari_unet.baselines.planes import Planes, annotated_slices, is_dark
from napari_unet.baselines.registry import Baseline, Method, find_baseline
from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_made_on
from napari_unet.errors import InputError


@dataclass(frozen=True, eq=False)
class BaselineStep:
    """A step of a baseline: a slice that was segmented, or a bit that was learnt.

    Attributes
    ----------
    done, total
        Steps.
    z
        Index of the slice; None while the baseline learns.
    mask
        (Y, X) uint8, 1 is foreground; None while it learns.
    """

    done: int
    total: int
    z: int | None = None
    mask: NDArray[np.uint8] | None = None


def segment(
    name: str,
    image: Any,
    classes: NDArray[np.uint8] | None = None,
    *,
    slices: Sequence[int] | None = None,
    config: BaselineConfig | None = None,
    stop: threading.Event | None = None,
) -> Generator[BaselineStep, None, None]:
    """Segment an image by a baseline, yielding each slice.

    A slice of one grey value holds no foreground.

    Parameters
    ----------
    name
        Of the baseline.
    image
        (Z, Y, X) or (C, Z, Y, X) grey values, an array or a lazy one; of several
        channels the mean is taken.
    classes
        (Z, Y, X) class indices of the annotations: 0 is background, `IGNORE` is not
        annotated, all other values are foreground. What learns needs them; for the
        others they tell whether the foreground is bright or dark.
    slices
        Indices of the slices to segment; all when left out.
    config
        Settings; the defaults when left out.
    stop
        Ends the work after the step that is under way.

    Raises
    ------
    InputError
        When there is no such baseline, annotations are missing or do not fit, or the
        image holds values that are no numbers.
    """
    baseline, config = find_baseline(name), config or BaselineConfig()
    _check(image, classes)
    wanted = range(image.shape[-3]) if slices is None else slices
    if baseline.method is not None:
        planes = Planes(image, dark=is_dark(image, classes, config))
        total, work = len(wanted), _apply(baseline.method, planes, wanted, config)
    else:
        forest, known = Forest(config), _annotated(baseline, classes)
        lessons = annotated_slices(known)
        total = len(lessons) + forest.lots + len(wanted)
        work = _learn_and_apply(forest, Planes(image), known, lessons, wanted)
    for done, (z, mask) in enumerate(work, start=1):
        yield BaselineStep(done, total, z, mask)
        if stop is not None and stop.is_set():
            return


def segment_stack(
    name: str,
    image: Any,
    classes: NDArray[np.uint8] | None = None,
    *,
    slices: Sequence[int] | None = None,
    config: BaselineConfig | None = None,
) -> NDArray[np.uint8]:
    """Return the mask that a baseline makes, (Z, Y, X) uint8 of the slices asked for.

    The parameters are those of `segment`, which does the same with progress.
    """
    steps = segment(name, image, classes, slices=slices, config=config)
    masks = [step.mask for step in steps if step.mask is not None]
    return np.reshape(np.array(masks, np.uint8), (len(masks), *image.shape[-2:]))


_Work = Iterator[tuple[int | None, NDArray[np.uint8] | None]]


def _apply(
    method: Method, planes: Planes, slices: Sequence[int], config: BaselineConfig
) -> _Work:
    for z in slices:
        plane = planes[z]
        # Of one grey value alone nothing can be told, and no method is made for it.
        found = method(plane, config) if plane.any() else np.zeros(plane.shape, bool)
        yield z, found.astype(np.uint8)


def _learn_and_apply(
    forest: Forest,
    planes: Planes,
    classes: NDArray[np.uint8],
    lessons: Sequence[int],
    slices: Sequence[int],
) -> _Work:
    taught = ((planes[z], classes[z]) for z in lessons)
    for _ in forest.learn(taught, len(lessons)):
        yield None, None
    yield from _apply(forest.segment, planes, slices, forest.config)


def _annotated(
    baseline: Baseline, classes: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    if classes is None or (classes == IGNORE).all():
        raise InputError(
            f"{baseline.title} learns from annotations: give some, or choose another "
            "baseline."
        )
    return classes


def _check(image: Any, classes: NDArray[np.uint8] | None) -> None:
    shape = tuple(image.shape)
    if len(shape) not in (3, 4):
        raise InputError(
            f"An image of {len(shape)} dimensions cannot be segmented: give slices, Y "
            "and X."
        )
    if classes is not None:
        check_made_on(shape[-3:], classes.shape)
