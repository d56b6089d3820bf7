"""A stack segmented by a model: predicted, rescaled and finished, in one place."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.data.colours import with_colours
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.lazy import plain_limit
from napari_unet.data.machine_memory import require_memory
from napari_unet.data.read import as_stack
from napari_unet.data.slabs import read_deep
from napari_unet.data.stack import ArrayLike, Stack
from napari_unet.errors import memory_told
from napari_unet.model.started import Started
from napari_unet.steps import result_of
from napari_unet.words import sides

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.data.spooled import SpooledArray
    from napari_unet.model.card import ModelCard
    from napari_unet.model.predictable import Predictable
    from napari_unet.predict.finishing import FinishedSlices, Settled
    from napari_unet.predict.prediction import Prediction, TileDone
    from napari_unet.predict.predictor import Predictor

# Reading all of a larger image takes longer than predicting one slice of it.
_LARGE = 2**30
_ANY_SIZE = (
    "predict some slices at a time, or a volume in OME-Zarr, which takes little memory"
)


@dataclass(frozen=True)
class Finishing:
    """All tiles are done; what is made of them takes a moment."""


if TYPE_CHECKING:
    SegmentStep = Started | TileDone | Finishing


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmented stack.

    Attributes
    ----------
    labels
        (Z, Y, X): the class of each pixel, or the numbers of objects.
    probabilities
        (num_classes, Z, Y, X), or None where they are not kept. More than 64 MiB of
        them are a dask array, which reads slices from a file of its own.
    words
        How it went, in one line.
    image
        Fingerprint of the image; "" where it was not asked for, or would take long.
    finish
        What was made of the pixels' classes, with nothing left open.
    complete
        Whether it was done to the end. Of what was stopped, `labels` are the classes
        of the tiles that are done, and 0 elsewhere.
    """

    labels: NDArray[np.unsignedinteger]
    probabilities: ArrayLike | None = None
    words: str = ""
    image: str = ""
    finish: PostprocessConfig = field(default_factory=PostprocessConfig().settled)
    complete: bool = True


@memory_told()
def segment(
    model: Predictable | str | Path,
    image: Stack | ArrayLike | str | Path,
    config: PredictConfig | None = None,
    finish: PostprocessConfig | None = None,
    *,
    probabilities: bool = False,
) -> Segmentation:
    """Segment a stack with a trained model.

    Parameters
    ----------
    model
        A model file or package, the name of a starter network, or what `load_model` or
        `open_package` returns.
    image
        A stack, its file or folder, or a (Y, X), (Z, Y, X) or (C, Z, Y, X) array.
    config
        How it is predicted.
    finish
        What is made of the prediction, such as numbered objects; what is left open is
        as the model keeps it.
    probabilities
        Keep the probabilities too.

    Raises
    ------
    NapariUNetError
        When model or image cannot be read, do not fit each other, or do not fit into
        the memory.
    """
    stack = as_stack(image)
    return result_of(
        segment_steps(model, stack, config, finish, probabilities=probabilities)
    )


def segment_steps(
    model: Predictable | str | Path,
    stack: Stack,
    config: PredictConfig | None = None,
    finish: PostprocessConfig | None = None,
    stop: Event | None = None,
    *,
    probabilities: bool = False,
    of: Stack | None = None,
) -> Generator[SegmentStep, None, Segmentation]:
    """Segment as `segment` does, yielding the device, every tile, and the finish.

    Parameters
    ----------
    model, stack, config, finish, probabilities
        As `segment` takes them.
    stop
        Ends the work after the tile in hand once it is set; from any thread.
    of
        The image that `stack` is, or is a part of, when its fingerprint is wanted.
    """
    from napari_unet.model.loading import open_package
    from napari_unet.predict.finishing import FinishedSlices, by_slice
    from napari_unet.predict.postprocessing import needs_probabilities
    from napari_unet.predict.rescale import predictor_for
    from napari_unet.starters.model_file import model_file

    loaded = open_package(model_file(model)) if isinstance(model, str | Path) else model
    whole = stack.as_czyx().shape[1:]
    settled = _settled(finish, loaded.card, stack, config)
    finish, notes = settled.finish, loaded.notes
    if settled.words:
        notes = (*notes, settled.words)
    finishes, stop = not finish.keeps_classes, stop or Event()
    predictor = predictor_for(loaded, stack, config)
    device = predictor.device_for(whole)
    yield Started(device.words, notes, device.memory_words)
    channels = loaded.network.footprint.in_channels
    image = with_colours(read_deep(stack.picture.as_czyx()), channels)
    ndim, each = loaded.network.footprint.ndim, None
    if finishes and by_slice(finish, ndim):
        each = FinishedSlices(whole, image.shape[2], finish, predictor.threshold)
    together = each is None and needs_probabilities(finish)
    spooled = _spooled(predictor, whole) if probabilities and not together else None
    keep = together or (probabilities and spooled is None)
    found = _empty(predictor, whole, each, keep=keep)
    began, where, missing = time.monotonic(), "before the first tile", True
    for tile in predictor.tiles(image, stop):
        found.add(tile)
        if spooled is not None:
            spooled[(slice(None), *tile.core)] = tile.probabilities
        if each is not None:
            each.add(tile)
        yield tile
        where = f"after tile {tile.done} of {tile.total}"
        missing = tile.done < tile.total
        if stop.is_set():
            break
    labels: NDArray[np.unsignedinteger] = found.labels
    kept: ArrayLike | None = found.probabilities if probabilities else None
    if spooled is not None:
        kept = spooled.lazy()
    if missing or (finishes and stop.is_set()):
        words, seen = f"Stopped {where}", _fingerprint(stack, of)
        return Segmentation(labels, kept, words, seen, finish, complete=False)
    done = "Done"
    if finishes:
        yield Finishing()
        labels = _finished(found, each, finish, predictor.threshold, ndim)
        if finish.numbers_objects:
            done = f"{int(labels.max()):,} objects"
    seconds = time.monotonic() - began
    words = f"{done} in {seconds:.1f} s"
    return Segmentation(labels, kept, words, _fingerprint(stack, of), finish)


def _settled(
    finish: PostprocessConfig | None,
    card: ModelCard,
    stack: Stack,
    config: PredictConfig | None,
) -> Settled:
    """Return what will be made of a prediction, in the pixels of the image."""
    from napari_unet.predict.finishing import settle
    from napari_unet.predict.pixel_size import rescaling

    shape = stack.as_czyx().shape[1:]
    return settle(finish, card, shape, rescaling(card, stack, config))


def _empty(
    predictor: Predictor,
    shape: Sequence[int],
    each: FinishedSlices | None,
    *,
    keep: bool,
) -> Prediction:
    """Return what tiles are added to, once all that they fill is sure to find room."""
    found = predictor.empty(shape, keep=keep)
    arrays = [found.labels, found.probabilities]
    if each is not None:
        arrays.append(each.labels)
    needed = sum(one.nbytes for one in arrays if one is not None)
    require_memory(needed, f"what is predicted of {sides(shape)} pixels", _ANY_SIZE)
    return found


def _spooled(predictor: Predictor, shape: Sequence[int]) -> SpooledArray | None:
    """Return a file for the probabilities of (Z, Y, X); None where they are few."""
    from napari_unet.data.spooled import SpooledArray

    sizes, kind = (predictor.num_classes, *shape), predictor.config.probabilities
    if math.prod(sizes) * int(kind.removeprefix("float")) // 8 <= plain_limit():
        return None
    return SpooledArray(sizes, kind, first=1)


def _finished(
    found: Prediction,
    each: FinishedSlices | None,
    finish: PostprocessConfig,
    threshold: float | None,
    ndim: int,
) -> NDArray[np.unsignedinteger]:
    """Return what is made of all slices: each by itself, or the stack."""
    from napari_unet.predict.postprocessing import postprocess

    if each is not None:
        return each.labels
    return postprocess(
        found.labels,
        finish,
        probabilities=found.probabilities,
        threshold=threshold,
        ndim=ndim,
    )


def _fingerprint(stack: Stack, of: Stack | None) -> str:
    """Return that of the whole image, after all that the user waits for."""
    if of is None:
        return ""
    image = of.as_czyx()
    size = math.prod(image.shape) * image.dtype.itemsize
    is_part = of.num_slices > stack.num_slices
    return "" if is_part and size > _LARGE else fingerprint(image)
