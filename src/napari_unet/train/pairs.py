"""Pairs of image and annotations: what each is for, and what is annotated in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import split_labels
from napari_unet.data.labels import check_made_on
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import said, sparse_target
from napari_unet.data.stack import ArrayLike
from napari_unet.errors import NapariUNetError
from napari_unet.train.one_size import PixelSize
from napari_unet.train.region_roles import NO_SLICE
from napari_unet.train.training_source import TrainingSource
from napari_unet.words import short_count


class Part(StrEnum):
    """What an image of a training set is for."""

    AUTOMATIC = "automatic"
    TRAIN = "train"
    VALIDATION = "validation"

    @property
    def slices(self) -> tuple[str | None, str | None]:
        """`train` and `validation` for `prepare_image`."""
        if self is Part.TRAIN:
            return ":", NO_SLICE
        if self is Part.VALIDATION:
            return NO_SLICE, ":"
        return None, None


@dataclass(frozen=True)
class PairCount:
    """What is annotated of a pair, and its size, or what is wrong with it.

    Attributes
    ----------
    shape, size
        Of the image, where it was read from files.
    pixels
        Annotated pixels of each class, background first; () without any.
    slices
        With an annotated pixel.
    """

    shape: tuple[int, ...] = ()
    pixels: tuple[int, ...] | None = None
    slices: int = 0
    error: str = ""
    size: PixelSize | None = None


def count_annotations(
    labels: ArrayLike | SparseSlices[Any],
    kind: AnnotationKind | None,
    coverage: Coverage | None = None,
) -> PairCount:
    """Count the annotated pixels and slices of (Z, Y, X) labels."""
    painted = SparseSlices.of(labels)
    slices, of_them = said(painted, coverage or Coverage())
    read = split_labels(painted[slices], kind, of_them)
    if not read.values.size and not read.complete:
        return PairCount(pixels=())
    target = sparse_target(painted, kind, coverage=coverage)
    counts = target.counts[: target.num_classes]
    pixels = tuple(counts.tolist())
    return PairCount(pixels=pixels, slices=target.annotated_slices.size)


def count_files(
    image: Path,
    labels: Path,
    kind: AnnotationKind | None = None,
    coverage: Coverage | None = None,
) -> PairCount:
    """Read a pair of files, and count the annotated pixels of each class.

    Raises
    ------
    InputError
        When one of them cannot be read, or their shapes differ.
    """
    source = TrainingSource(image, labels)
    stack, painted, _ = source.read()
    shape = tuple(stack.as_czyx().shape[1:])
    with source.naming_files():
        check_made_on(shape, painted.shape)
    count = count_annotations(painted, kind, coverage)
    return replace(count, shape=shape, size=PixelSize.of(stack))


def count_each(
    work: Sequence[Callable[[], PairCount]], stop: Event
) -> Iterator[tuple[int, PairCount]]:
    """Count one pair after the other; yield the index and the result of each."""
    for index, count in enumerate(work):
        if stop.is_set():
            return
        try:
            result = count()
        except NapariUNetError as error:
            result = PairCount(error=str(error))
        yield index, result


def short_counts(pixels: tuple[int, ...] | None) -> str:
    """Write how many pixels each class has in a narrow column; None: not known yet."""
    if pixels is None:
        return "..."
    return " / ".join(short_count(count) for count in pixels) or "none"


def long_counts(pixels: tuple[int, ...] | None) -> str:
    """Write how many pixels each class has, one class a line."""
    if not pixels:
        return "Nothing is annotated yet." if pixels == () else ""
    names = ["background", *(f"class {i}" for i in range(1, len(pixels)))]
    pairs = zip(names, pixels, strict=True)
    return "\n".join(f"{name}: {count:,} pixels" for name, count in pairs)
