"""A stack segmented by a baseline, one slice after the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Event
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_unet.baselines.planes import (
    Mask,
    Plane,
    annotated_slices,
    is_dark,
    plane_of,
)
from napari_unet.baselines.registry import Baseline, find_baseline
from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_made_on
from napari_unet.data.machine_memory import require_memory
from napari_unet.data.slabs import read_deep
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.words import sides

_How = TypeVar("_How")


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


@dataclass(frozen=True)
class MadeByBaseline:
    """Which baseline made a mask.

    Attributes
    ----------
    name, title
        Of the baseline.
    of
        Name of the image.
    learnt_from
        Indices of the slices that it learnt from: their scores say nothing of other
        images.
    """

    name: str
    title: str
    of: str
    learnt_from: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class BaselineMask:
    """What a baseline made: a (Z, Y, X) uint8 mask.

    Attributes
    ----------
    mask
        1 is foreground.
    slices
        Indices of the slices that were segmented; after a stop not all of them.
    made_by
        How.
    """

    mask: NDArray[np.uint8]
    slices: tuple[int, ...]
    made_by: MadeByBaseline


def segment(
    name: str,
    image: Any,
    classes: NDArray[np.uint8] | None = None,
    *,
    slices: Sequence[int] | None = None,
    config: BaselineConfig | None = None,
    stop: Event | None = None,
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
    depth = image.shape[-3]
    wanted = range(depth) if slices is None else slices
    if beyond := [z for z in wanted if not -depth <= z < depth]:
        raise InputError(
            f"There is no slice {beyond[0]}: the image has {depth} slices, from 0 on."
        )
    steps, learning, mask_of = _ready(baseline, image, classes, config)
    total = steps + len(wanted)
    work = chain(((None, None) for _ in learning), ((z, mask_of(z)) for z in wanted))
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


def make_mask(
    name: str,
    stack: Stack,
    classes: NDArray[np.uint8] | None,
    config: BaselineConfig,
    stop: Event,
    *,
    slices: Sequence[int] | None = None,
) -> Generator[BaselineStep, None, BaselineMask]:
    """Segment one slice after the other, yielding each, and return the whole.

    Nothing is found on an info bar, nor learnt from what is annotated there.

    Parameters
    ----------
    name, classes, config, slices
        As `segment` takes them.
    stack
        The image.
    stop
        Ends the work after the step in hand once it is set; what is done is kept.
    """
    image, rows = read_deep(stack.picture.as_czyx()), stack.picture_rows
    known = None if classes is None else classes[:, rows]
    mask, done = np.zeros(stack.as_czyx().shape[1:], np.uint8), []
    share = 1 if slices is None else len(slices) / len(mask)
    require_memory(mask.nbytes * share, f"a mask of {sides(mask.shape)} pixels")
    for step in segment(name, image, known, slices=slices, config=config, stop=stop):
        if step.z is not None and step.mask is not None:
            mask[step.z, rows] = step.mask
            done.append(step.z)
        yield step
    baseline = find_baseline(name)
    lessons = annotated_slices(known) if known is not None and baseline.learns else []
    made = MadeByBaseline(name, baseline.title, stack.source, tuple(lessons))
    return BaselineMask(mask, tuple(done), made)


def _ready(
    baseline: Baseline,
    image: Any,
    classes: NDArray[np.uint8] | None,
    config: BaselineConfig,
) -> tuple[int, Iterator[None], Callable[[int], NDArray[np.uint8]]]:
    """Return how many steps learning takes, these, and what makes a slice's mask."""
    if isinstance(baseline.method, type):
        known, learner = _annotated(baseline, classes), baseline.method(config)
        lessons = annotated_slices(known)
        taught = ((plane_of(image, z), known[z]) for z in lessons)
        return (
            len(lessons) + learner.lots,
            learner.learn(taught, len(lessons)),
            lambda z: _mask(learner.segment, plane_of(image, z), known[z]),
        )
    method, dark = baseline.method, is_dark(image, classes, config)
    return 0, iter(()), lambda z: _mask(method, plane_of(image, z, dark=dark), config)


def _mask(
    method: Callable[[Plane, _How], Mask], plane: Plane, how: _How
) -> NDArray[np.uint8]:
    # Of one grey value alone nothing can be told, and no method is made for it.
    found = method(plane, how) if plane.any() else np.zeros(plane.shape, bool)
    return found.astype(np.uint8)


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
    if min(shape[-2:]) < 2:
        raise InputError(
            f"Slices of {shape[-2]} x {shape[-1]} pixels show no neighbourhood: give "
            "an image of two rows and two columns at least."
        )
    if classes is not None:
        check_made_on(shape[-3:], classes.shape)
