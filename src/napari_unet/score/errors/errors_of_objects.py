"""Where a prediction merges, cuts, misses or invents objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.score.borders.rims import depths, opened, ridges
from napari_unet.score.comparison import Comparison
from napari_unet.score.errors.contact import Contact, Key, contacts, grouped, middle
from napari_unet.score.errors.error_kinds import Error, ErrorKind, Errors
from napari_unet.score.objects.object_pairs import Pairs, numbered, pairs_of

TOLERANCE = 2
"""Pixels by which a border may be off."""
PART = 0.1
"""Share of a true object that makes a part of it substantial."""
SMALLEST = 25
"""Pixels of the smallest error that is listed."""
Place = tuple[int, int, int]


def find_errors(comparison: Comparison) -> Errors:
    """Find what was merged, split, missed or invented, object by object.

    Objects are compared slice by slice, or in the volume where they go on through
    the slices, and only over annotated pixels.

    A part of a true object that lies in a predicted one is substantial when it holds
    the share `PART` of the true object's core, or 400 pixels of it. The core is what
    lies more than `TOLERANCE` pixels away from a border of the truth, or, where an
    object is thinner than that, its middle; so that no border that is off by as much
    makes an error. Each substantial part that is not the largest of both its true and
    its predicted object is one error:

    - merge: the predicted object holds more of another true one. Of n cells in one
      predicted object there are n - 1 merges, each at the place where the prediction
      goes over from one to the next, were it one pixel wide;
    - split: the predicted object holds most of this true one, which holds more of
      another predicted one.

    True objects without any substantial part are a miss, predicted ones without any
    and for the better half on true background an invention. Of all other objects,
    and of classes, connected pieces of false negatives and false positives (and of
    confused classes) are listed that lie deeper than the `TOLERANCE` and are wider.
    What has fewer pixels than `SMALLEST` is left out.
    """
    found: list[Error] = []
    objects = np.zeros(comparison.truth.shape, np.int32)
    for slices in _blocks(comparison):
        block = _Block(comparison, slices)
        block.find_objects()
        block.find_pieces()
        numbers = np.zeros(int(block.objects.max(initial=0)) + 1, np.int32)
        for error in block.errors():
            numbers[error.number] = len(found) + 1
            found.append(replace(error, number=len(found) + 1))
        objects[slices] = numbers[block.objects]
    found.sort(key=lambda error: -error.pixels)
    by_size = np.zeros(len(found) + 1, np.int32)
    by_size[[error.number for error in found]] = np.arange(1, len(found) + 1)
    errors = (replace(error, number=n) for n, error in enumerate(found, start=1))
    return Errors(tuple(errors), by_size[objects])


@dataclass(frozen=True)
class _Draft:
    """An error before its pixels are counted; its number is its place in a list."""

    kind: ErrorKind
    truth: tuple[int, ...] = ()
    predicted: tuple[int, ...] = ()
    centre: Place | None = None


class _Block:
    """A slice, or a volume whose objects go on through the slices."""

    def __init__(self, comparison: Comparison, slices: slice) -> None:
        self._comparison, self._slices = comparison, slices
        self._known = known = comparison.annotated[slices]
        predicted, truth = comparison.predicted_objects, comparison.truth_objects
        self._predicted, self._predicted_ids = numbered(predicted[slices], known)
        self._truth, self._truth_ids = numbered(truth[slices], known)
        depth = depths(np.where(known, self._truth, np.int32(-1)), TOLERANCE)
        self._deep = depth == TOLERANCE
        self._core = ridges(depth)
        self._drafts: list[_Draft] = []
        self.objects = np.zeros(known.shape, np.int32)

    def find_objects(self) -> None:
        """Find merges, splits, misses and inventions."""
        pairs = pairs_of(self._predicted, self._truth, self._core, PART)
        kinds = ErrorKind.MERGE, ErrorKind.SPLIT
        self._paint_pairs([key for kind in kinds for key in self._joints(pairs, kind)])
        missed = np.bincount(self._truth.ravel()) >= SMALLEST
        missed[[0, *pairs.truth]] = False
        self._paint(ErrorKind.MISS, self._truth, missed)
        self._find_inventions(pairs)

    def find_pieces(self) -> None:
        """Find pieces that are wrong in objects that are right."""
        predicted, truth = self._predicted > 0, self._truth > 0
        kinds = ErrorKind
        self._find_pieces(kinds.MISSING_PIECE, truth & ~predicted & self._deep)
        self._find_pieces(kinds.EXTRA_PIECE, predicted & ~truth & self._deep)
        if self._comparison.num_classes > 2:
            classes = self._comparison.prediction[self._slices]
            alike = classes == self._comparison.truth[self._slices]
            self._find_pieces(kinds.WRONG_CLASS, predicted & truth & ~alike)

    def errors(self) -> list[Error]:
        """Return what was found and is large enough, with its pixels counted."""
        pixels = np.bincount(self.objects.ravel(), minlength=len(self._drafts) + 1)
        boxes = scipy.ndimage.find_objects(self.objects)
        centres = self._centres()
        first = self._slices.start
        found = []
        for number, draft in enumerate(self._drafts, start=1):
            if pixels[number] < SMALLEST:
                continue
            z, y, x = centre = draft.centre or centres[number]
            truth = draft.truth or (int(self._truth[centre]),)
            predicted = draft.predicted or (int(self._predicted[centre]),)
            slices, rows, columns = boxes[number - 1]
            error = Error(
                number,
                draft.kind,
                (slice(slices.start + first, slices.stop + first), rows, columns),
                (z + first, y, x),
                int(pixels[number]),
                tuple(int(self._truth_ids[one]) for one in truth if one),
                tuple(int(self._predicted_ids[one]) for one in predicted if one),
            )
            found.append(error)
        return found

    def _joints(self, pairs: Pairs, kind: ErrorKind) -> Iterator[Key]:
        """Note every merge, or every split; yield its pair.

        A split is a merge seen from the truth, which holds the parts.
        """
        merge = kind is ErrorKind.MERGE
        keys, joints, main = pairs.joints(merges=merge)
        objects = self._predicted, self._truth
        whole, parts = objects if merge else objects[::-1]
        places = contacts(whole, np.where(self._core, parts, np.int32(0)), main)
        known = set(keys)
        # Numbers join what does not touch; connected pixels do so outside the truth.
        # Where the truth itself is in pieces, none of them was cut.
        apart = merge and self._comparison.predicted_ids is not None
        for key in (keys[index] for index in joints):
            outer, part = key
            if apart or key in places:
                other, centre = _joint(places, key, known, main)
                inner = part, other
                truth, predicted = (inner, (outer,)) if merge else ((outer,), inner)
                self._drafts.append(_Draft(kind, truth, predicted, centre))
                yield key if merge else (part, outer)

    def _find_inventions(self, pairs: Pairs) -> None:
        outside = self._truth == 0
        size = np.bincount(self._predicted.ravel())
        beyond = np.bincount(self._predicted[outside], minlength=size.size)
        # An object along a border that is off lies all in the rim.
        deep = np.bincount(self._predicted[outside & self._deep], minlength=size.size)
        invented = (beyond >= SMALLEST) & (2 * beyond >= size) & (deep > 0)
        invented[[0, *pairs.predicted]] = False
        ids = np.where(outside, self._predicted, np.int32(0))
        self._paint(ErrorKind.INVENTION, ids, invented)

    def _find_pieces(self, kind: ErrorKind, wrong: NDArray[np.bool_]) -> None:
        """Note connected pieces of pixels that belong to no error yet."""
        wide = opened(wrong & (self.objects == 0), TOLERANCE + 1)
        if not wide.any():
            return
        pieces, _ = scipy.ndimage.label(wide, output=np.int32)
        large = np.bincount(pieces.ravel()) >= SMALLEST
        large[0] = False
        self._paint(kind, pieces, large)

    def _paint(
        self, kind: ErrorKind, ids: NDArray[np.int32], wanted: NDArray[np.bool_]
    ) -> None:
        """Note an error for each of the wanted ids, and give it their pixels."""
        numbers = np.cumsum(wanted, dtype=np.int32) + np.int32(len(self._drafts))
        self._drafts.extend([_Draft(kind)] * int(wanted.sum()))
        if wanted.any():
            here = wanted[ids]
            self.objects[here] = numbers[ids[here]]

    def _paint_pairs(self, pairs: list[Key]) -> None:
        """Give the pixels of each pair the number of its draft."""
        if not pairs:
            return
        predicted, truth = np.array(pairs).T
        shape = len(self._predicted_ids), len(self._truth_ids)
        numbers = np.arange(1, len(pairs) + 1, dtype=np.int32)
        table = scipy.sparse.coo_array((numbers, (predicted, truth)), shape).tocsr()
        among = np.zeros(shape[0], bool)
        among[predicted] = True
        here = among[self._predicted] & (self._truth > 0)
        self.objects[here] = table[self._predicted[here], self._truth[here]]

    def _centres(self) -> dict[int, Place]:
        """Return the most central pixel of the errors that have no place yet."""
        without = [draft.centre is None for draft in self._drafts]
        where = np.array([False, *without])[self.objects].nonzero()
        points = grouped(self.objects[where], np.stack(where, axis=1))
        return {number: middle(each) for number, each in points.items()}


def _joint(
    places: dict[Key, Contact], key: Key, known: set[Key], main: dict[int, int]
) -> tuple[int, Place | None]:
    """Return which substantial part another one hangs on, and where."""
    outer, _ = key
    if key not in places:
        return main[outer], None
    centre = middle(places[key].points)
    while (key := (outer, places[key].neighbour)) not in known:
        # A thin seam of a third object may lie between.
        pass
    return key[1], centre


def _blocks(comparison: Comparison) -> list[slice]:
    """Return the slices whose objects belong together."""
    if comparison.volume:
        return [slice(0, len(comparison.truth))]
    return [slice(z, z + 1) for z in comparison.slices]
