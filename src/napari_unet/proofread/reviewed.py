"""Which objects and slices somebody has looked at, and found as they should be."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import numpy as np

from napari_unet.data.boxes import Box
from napari_unet.errors import InputError
from napari_unet.proofread.correction import ObjectBoxes
from napari_unet.words import counted

_OBJECTS, _SLICES = "objects", "slices"


class Reviewed:
    """What was reviewed of numbered objects, for as long as it stays what it was.

    Each mark keeps a checksum of what was seen: an object or slice that is changed,
    by whatever means, is reviewed no longer, and is so again once that is undone.

    Parameters
    ----------
    boxes
        The objects, of (Z, Y, X) labels.
    stored
        Marks as `as_dict` returned them.

    Attributes
    ----------
    boxes
        The objects.
    """

    def __init__(
        self, boxes: ObjectBoxes, stored: Mapping[str, str] | None = None
    ) -> None:
        self.boxes = boxes
        self._sums = {
            name: _parsed((stored or {}).get(name, "")) for name in (_OBJECTS, _SLICES)
        }
        # Of before objects were numbered anew, which can be taken back.
        self._former: dict[str, dict[int, set[int]]] = {_OBJECTS: {}, _SLICES: {}}
        self._right: dict[str, dict[int, bool]] = {_OBJECTS: {}, _SLICES: {}}
        self._touched: list[Box] = []

    def mark(self, number: int) -> Callable[[], None]:
        """Take an object for right, and return what takes this back.

        Raises
        ------
        InputError
            When there is none of that number.
        """
        return self._mark(_OBJECTS, number, self._object_sum(number))

    def mark_slice(self, z: int) -> Callable[[], None]:
        """Take a slice for right, with all that it holds and does not hold.

        What is returned takes this back.
        """
        return self._mark(_SLICES, z, self._slice_sum(z))

    def _mark(self, name: str, one: int, seen: int) -> Callable[[], None]:
        sums = self._sums[name]
        before = sums.get(one)
        sums[one] = seen
        self._right[name][one] = True

        def take_back() -> None:
            self._right[name].pop(one, None)
            if before is None:
                sums.pop(one, None)
                self._former[name].pop(one, None)
            else:
                sums[one] = before

        return take_back

    def touch(self, box: Box) -> None:
        """Take note, for the boxes of the objects too, that labels have changed."""
        self.boxes.include(box)
        self._touched.append(box)

    def slices(self) -> set[int]:
        """Return the slices that are reviewed."""
        return self._checked()[1]

    def objects(self) -> set[int]:
        """Return the objects that are reviewed; all of those in reviewed slices are."""
        marked, slices = self._checked()
        if not slices:
            return marked
        there = self.boxes.numbers()
        whole = {one for one in there if slices.issuperset(self.boxes.slices(one))}
        return marked | whole

    def next_object(self, after: int = 0) -> int | None:
        """Return the next number that is not reviewed, round from the end to the start.

        None when all are.
        """
        left = sorted(set(self.boxes.numbers()) - self.objects())
        later = (number for number in left if number > after)
        return next(later, left[0] if left else None)

    def next_slice(self, after: int = -1) -> int | None:
        """Return the next slice that is not reviewed, as `next_object` does."""
        left = sorted(set(range(len(self.boxes.labels))) - self.slices())
        later = (z for z in left if z > after)
        return next(later, left[0] if left else None)

    def words(self) -> str:
        """Return how far the review is, such as "37 of 120 objects, 4 of 30 slices"."""
        numbers, depth = self.boxes.numbers(), len(self.boxes.labels)
        objects = counted(len(numbers), "object")
        slices = counted(depth, "slice")
        return (
            f"{len(self.objects()):,} of {objects}, {len(self.slices()):,} of {slices}"
        )

    def following(self, new: Mapping[int, int]) -> Callable[[], Reviewed]:
        """Return what makes the marks anew once the objects have other numbers.

        `new` tells the number of each by that which it still has.
        """
        objects, slices = self._checked()
        boxes = self.boxes.renumbered(new)
        before = self._sums[_OBJECTS]
        moved = {new[one]: before[one] for one in objects}
        # Those of before hold again once the numbers are taken back.
        former = {
            name: {n: {one, *self._former[name].get(n, ())} for n, one in sums.items()}
            for name, sums in self._sums.items()
        }
        sums = {_OBJECTS: {**before, **moved}, _SLICES: dict(self._sums[_SLICES])}

        def follow() -> Reviewed:
            made = Reviewed(boxes)
            made._sums, made._former = sums, former
            for z in slices:
                made.mark_slice(z)
            return made

        return follow

    def on(self, boxes: ObjectBoxes) -> Reviewed:
        """Return the same marks of labels that lie elsewhere now."""
        made = Reviewed(boxes)
        made._sums, made._former = self._sums, self._former
        return made

    def as_dict(self) -> dict[str, str]:
        """Return the marks as text, for a file; without those of what was changed."""
        return {
            name: ",".join(f"{one}:{self._sums[name][one]:x}" for one in sorted(kept))
            for name, kept in zip((_OBJECTS, _SLICES), self._checked(), strict=True)
        }

    def _checked(self) -> tuple[set[int], set[int]]:
        """Return the marked objects and slices that are still what was seen."""
        self._look_again()
        found = []
        for name, look in ((_OBJECTS, self._object_sum), (_SLICES, self._slice_sum)):
            known, sums = self._right[name], self._sums[name]
            for one in [*sums]:
                if one not in known:
                    former = self._former[name].get(one, set())
                    known[one] = _holds(one, sums, former, look)
            found.append({one for one in sums if known[one]})
        return found[0], found[1]

    def _look_again(self) -> None:
        """Forget what is known of all that lies in the boxes that were touched."""
        touched, self._touched = self._touched, []
        if not touched:
            return
        for depth, *_ in touched:
            for z in range(depth.start, depth.stop):
                self._right[_SLICES].pop(z, None)
        known = self._right[_OBJECTS]
        there = dict(self.boxes.items())
        marked = [
            number for number, right in known.items() if right and number in there
        ]
        bounds = np.array(
            [[(side.start, side.stop) for side in there[one]] for one in marked]
        ).reshape(-1, 3, 2)
        again = np.zeros(len(marked), bool)
        for box in touched:
            low, high = (np.array([getattr(s, end) for s in box]) for end in _ENDS)
            again |= ((bounds[..., 0] < high) & (bounds[..., 1] > low)).all(axis=1)
        kept = {number for number, one in zip(marked, again, strict=True) if not one}
        self._right[_OBJECTS] = dict.fromkeys(kept, True)

    def _object_sum(self, number: int) -> int:
        if number not in self.boxes:
            raise InputError(f"There is no object {number} any more.")
        box = self.boxes.find(number)
        place = np.array([(side.start, side.stop) for side in box], np.int64)
        mask = np.packbits(self.boxes.labels[box] == number)
        return zlib.crc32(mask.tobytes(), zlib.crc32(place.tobytes()))

    def _slice_sum(self, z: int) -> int:
        if not 0 <= z < len(self.boxes.labels):
            raise InputError(f"There is no slice {z} any more.")
        # Whatever the type, the same labels have the same sum.
        return zlib.crc32(self.boxes.labels[z].astype(np.int64).tobytes())


_ENDS = ("start", "stop")


def _holds(
    one: int, sums: dict[int, int], former: set[int], look: Callable[[int], int]
) -> bool:
    """Return whether an object or slice is what was seen, now or `former`ly."""
    try:
        now = look(one)
    except InputError:
        return False
    if now in former:
        former.add(sums[one])
        sums[one] = now
    return now == sums[one]


def _parsed(text: str) -> dict[int, int]:
    """Return the checksum of each number; what is no mark counts as none."""
    found = {}
    for pair in filter(None, text.split(",")):
        number, _, checksum = pair.partition(":")
        try:
            found[int(number)] = int(checksum, 16)
        except ValueError:
            continue
    return found
