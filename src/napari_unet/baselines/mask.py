"""The mask that a baseline makes of a stack, as a generator."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.baselines import BaselineStep, find_baseline, segment
from napari_unet.baselines.planes import annotated_slices
from napari_unet.config import AnnotationKind, BaselineConfig
from napari_unet.data.annotation import guess_kind, to_target
from napari_unet.data.stack import Stack

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def make_mask(
    name: str,
    stack: Stack,
    labels: NDArray[np.generic] | None,
    kind: AnnotationKind | None,
    config: BaselineConfig,
    stop: Event,
) -> Generator[BaselineStep, None, BaselineMask]:
    """Segment one slice after the other, yielding each, and return the whole.

    Parameters
    ----------
    name
        Of the baseline.
    stack, labels
        The image, and (Z, Y, X) annotations of it where there are any.
    kind
        What the annotations mean; None for a guess.
    config
        Settings.
    stop
        Ends the work after the step in hand once it is set; what is done is kept.
    """
    image, classes = stack.as_czyx(), _classes(labels, kind)
    mask, done = np.zeros(image.shape[1:], np.uint8), []
    for step in segment(name, image, classes, config=config, stop=stop):
        if step.z is not None and step.mask is not None:
            mask[step.z] = step.mask
            done.append(step.z)
        yield step
    baseline = find_baseline(name)
    lessons: list[int] = []
    if classes is not None and baseline.learns:
        lessons = annotated_slices(classes)
    made = MadeByBaseline(name, baseline.title, stack.source, tuple(lessons))
    return BaselineMask(mask, tuple(done), made)


def _classes(
    labels: NDArray[np.generic] | None, kind: AnnotationKind | None
) -> NDArray[np.uint8] | None:
    if labels is None or not labels.any():
        return None
    chosen = guess_kind(labels).kind if kind is None else kind
    return to_target(labels, chosen).classes
