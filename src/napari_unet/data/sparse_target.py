"""Target and weights of annotations, in no more slices than have any."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage, WeightMapConfig
from napari_unet.data.annotation import IGNORE, Target, guess_kind, to_target
from napari_unet.data.label_survey import KindGuess, Survey
from napari_unet.data.machine_memory import require_memory
from napari_unet.data.regions import runs
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import ArrayLike, list_slices
from napari_unet.data.weight_map import reach_of, weight_map, weights_of_counts
from napari_unet.errors import memory_told
from napari_unet.words import counted

BYTES_OF_VOXEL = 21
"""Of an annotated slice, while it is prepared for a training: what the network should
answer there, how much that weighs, and what they are made from."""
_FEWER = "train on fewer of them or on smaller ones (leave the others unlabelled)"


@dataclass(frozen=True, eq=False)
class SparseTarget:
    """A `Target` that exists in annotated slices only.

    Attributes
    ----------
    classes
        (Z, Y, X) uint8, `IGNORE` in all other slices.
    objects
        (Z, Y, X) int32, 0 in all other slices.
    num_classes, notes, kind
        As of a `Target`.
    """

    classes: SparseSlices[np.uint8]
    objects: SparseSlices[np.int32]
    num_classes: int
    notes: tuple[str, ...] = ()
    kind: AnnotationKind = AnnotationKind.CLASSES

    @property
    def annotated(self) -> SparseSlices[np.bool_]:
        """(Z, Y, X) bool: pixels that train."""
        return self.classes.changed(lambda _, plane: plane != IGNORE, np.bool_)

    @property
    def annotated_slices(self) -> NDArray[np.intp]:
        """Indices of the slices that hold at least one annotated pixel."""
        return self.classes.slices

    @property
    def counts(self) -> NDArray[np.intp]:
        """Pixels of each value of `classes` in annotated slices, (256,)."""
        counts = np.zeros(256, np.intp)
        for _, plane in self.classes.planes():
            counts += np.bincount(plane.ravel(), minlength=256)
        return counts

    def part(self, slices: slice) -> Target:
        """Return some slices as arrays."""
        classes, objects = self.classes[slices], self.objects[slices]
        return Target(classes, objects, self.num_classes, self.notes, self.kind)


@memory_told()
def sparse_target(
    labels: SparseSlices[Any],
    kind: AnnotationKind | None = None,
    *,
    ndim: int = 2,
    mask: bool | None = None,
    coverage: Coverage | None = None,
) -> SparseTarget:
    """Turn annotations into classes and objects, as `to_target` does all slices.

    Raises
    ------
    InputError
        As `to_target` does.
    """
    slices, coverage = said(labels, coverage or Coverage())
    needed = BYTES_OF_VOXEL * len(slices) * math.prod(labels.shape[1:])
    words = f"the annotations of {counted(len(slices), 'slice')}"
    # The labels are in the memory already.
    require_memory(needed - labels.nbytes, words, _FEWER)
    if ndim == 3:
        slices, coverage = _parted(slices, coverage)
    target = to_target(labels[slices], kind, ndim=ndim, mask=mask, coverage=coverage)
    annotated = np.any(target.annotated, axis=(1, 2))
    known = [(i, int(z)) for i, z in enumerate(slices) if annotated[i]]
    classes = {z: target.classes[i] for i, z in known}
    objects = {z: target.objects[i] for i, z in known}
    return SparseTarget(
        SparseSlices(labels.shape, np.uint8, IGNORE, classes),
        SparseSlices(labels.shape, np.int32, 0, objects),
        target.num_classes,
        target.notes,
        target.kind,
    )


def guess_sparse(
    labels: ArrayLike | SparseSlices[Any], coverage: Coverage | None = None
) -> KindGuess:
    """Guess what the values of labels mean, as `guess_kind` does of all slices.

    Raises
    ------
    InputError
        As `guess_kind` does.
    """
    painted = SparseSlices.of(labels)
    slices, coverage = said(painted, coverage or Coverage())
    return guess_kind(painted[slices], coverage)


def survey_sparse(labels: SparseSlices[Any]) -> Survey:
    """Return what occurs in labels.

    Raises
    ------
    InputError
        When they are no whole numbers.
    """
    return Survey.of_all(Survey.of(plane[None]) for _, plane in labels.planes())


def said(
    labels: SparseSlices[Any], coverage: Coverage
) -> tuple[NDArray[np.intp], Coverage]:
    """Return which slices of labels say anything, and a coverage that counts only them.

    Raises
    ------
    InputError
        When a complete slice is not there.
    """
    complete = list_slices(coverage.complete, len(labels)) if coverage.complete else []
    slices = np.union1d(labels.slices, complete).astype(np.intp)
    return slices, _counted(coverage, np.isin(slices, complete))


def sparse_weights(
    target: SparseTarget,
    config: WeightMapConfig | None = None,
    *,
    ndim: int = 2,
    mask: bool | None = None,
    pixel_size: Sequence[float] = (1.0, 1.0, 1.0),
) -> SparseSlices[np.float32]:
    """Weight every pixel of a target, as `weight_map` does of all slices.

    With `ndim` 3, slices so near to each other that they share borders are weighed at
    once, with what lies between them.
    """
    config = config or WeightMapConfig()
    balance = weights_of_counts(target.counts[: target.num_classes], config)
    far = reach_of(config) * min(pixel_size) / pixel_size[0] if ndim == 3 else 0
    planes: dict[int, NDArray[np.float32]] = {}
    for first, last in _groups(target.classes.slices, far):
        part = target.part(slice(first, last + 1))
        mapped = weight_map(
            part, config, ndim=ndim, pixel_size=pixel_size, balance=balance
        )
        known = [z for z in range(first, last + 1) if z in target.classes.slices]
        whole = len(known) == len(mapped)
        for z in known:
            plane = mapped[z - first]
            planes[z] = plane if whole else plane.copy()
    return SparseSlices(target.classes.shape, np.float32, 0, planes)


def _parted(
    slices: NDArray[np.intp], coverage: Coverage
) -> tuple[NDArray[np.intp], Coverage]:
    """Add an empty slice between those that are no neighbours in the stack.

    Objects would meet there else. It is one that the labels have after them.
    """
    complete = np.zeros(len(slices), bool)
    if coverage.complete:
        complete[list_slices(coverage.complete, len(slices))] = True
    gaps = slices[:-1][np.diff(slices) > 1] + 1
    parted = np.union1d(slices, gaps).astype(np.intp)
    return parted, _counted(coverage, np.isin(parted, slices[complete]))


def _counted(coverage: Coverage, complete: NDArray[np.bool_]) -> Coverage:
    named = ",".join(runs(np.flatnonzero(complete).tolist())) or None
    return coverage.model_copy(update={"complete": named})


def _groups(slices: NDArray[np.intp], far: float) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of slices that follow each other closely."""
    parts = np.split(slices, np.flatnonzero(np.diff(slices) > far) + 1)
    return ((int(part[0]), int(part[-1])) for part in parts if part.size)
