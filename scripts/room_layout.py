"""Boxes in rows with arrows between them, placed so that few arrows cross."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, permutations
from random import Random

GAP, ROW_GAP = 20, 36
LANE = 14  # width that an arrow takes where it passes between rooms
MOST_ORDERS = 7  # of a row of so many, every order is tried
STARTS = 12  # orders to begin with; the best end is taken


@dataclass
class Room:
    """A box, or the place where an arrow passes through a row (without words)."""

    name: str
    width: float = LANE
    height: float = 0.0
    lines: list[str] = field(default_factory=list)
    kind: str = "core"
    inside: House | None = None
    level: int = 0
    x: float = 0.0  # of the middle
    y: float = 0.0  # of the top


@dataclass
class House:
    """Rows of rooms, the topmost first, and the arrows between them."""

    rows: list[list[Room]]
    paths: list[list[Room]]
    width: float = 0.0
    height: float = 0.0


def arrange(house: House) -> None:
    """Order each row so that few arrows cross, and place its rooms near their kin."""
    ends = []
    for seed in range(STARTS):
        for row in house.rows:
            row.sort(key=lambda room: room.name)
            Random(seed).shuffle(row)
        for _ in range(6):
            for row in house.rows:
                number(house)
                row[:] = best_order(row, house)
        number(house)
        ends.append((cost(links(house)), [list(row) for row in house.rows]))
    house.rows[:] = min(ends, key=lambda end: end[0])[1]
    place(house)
    y = 0.0
    for row in house.rows:
        height = max(room.height for room in row)
        for room in row:
            room.height = room.height or height
            room.y = y + height - room.height
        y += height + ROW_GAP
    house.height = y - ROW_GAP
    left = min(room.x - room.width / 2 for row in house.rows for room in row)
    for row in house.rows:
        for room in row:
            room.x -= left
    house.width = max(room.x + room.width / 2 for row in house.rows for room in row)


def number(house: House) -> None:
    """Give rooms a first place: evenly, by their order."""
    for row in house.rows:
        for i, room in enumerate(row):
            room.x = (i + 1) / (len(row) + 1)


def links(house: House) -> Iterator[tuple[Room, Room]]:
    for path in house.paths:
        yield from pairwise(path)


def cost(tied: Iterable[tuple[Room, Room]]) -> tuple[int, float]:
    """Return how many arrows cross, and how far they go to the side."""
    ends: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for a, b in tied:
        ends[a.level].append((a.x, b.x))
    crossings = sum(
        (x - u) * (y - v) < 0
        for row in ends.values()
        for (x, y), (u, v) in combinations(row, 2)
    )
    length = sum(abs(x - y) for row in ends.values() for x, y in row)
    return crossings, round(length, 6)


def best_order(row: list[Room], house: House) -> list[Room]:
    mine = {id(room) for room in row}
    near = [(a, b) for a, b in links(house) if {id(a), id(b)} & mine]
    places = sorted(room.x for room in row)
    if len(row) > MOST_ORDERS:
        return sorted(row, key=lambda room: wish(room, house))
    costs = []
    for order in permutations(row):
        for room, x in zip(order, places, strict=True):
            room.x = x
        costs.append((cost(near), order))
    return list(min(costs, key=lambda one: one[0])[1])


def place(house: House) -> None:
    """Move rooms to the middle of what they are tied to, without touching others."""
    for row in house.rows:
        settle(row, [0.0] * len(row))
    for turn in range(60):
        for row in house.rows if turn % 2 else house.rows[::-1]:
            settle(row, [wish(room, house) for room in row])


def wish(room: Room, house: House) -> float:
    ties = [(1 if a.lines or a.inside or b.lines else 4, a, b) for a, b in links(house)]
    kin = [(w, b.x) for w, a, b in ties if a is room]
    kin += [(w, a.x) for w, a, b in ties if b is room]
    weight = sum(w for w, _ in kin)
    return sum(w * x for w, x in kin) / weight if weight else room.x


def settle(row: list[Room], wishes: list[float]) -> None:
    """Place a row as near to its wishes as its widths allow (least squares)."""
    offsets = [0.0]
    for a, b in pairwise(row):
        offsets.append(offsets[-1] + (a.width + b.width) / 2 + GAP)
    blocks: list[list[float]] = []
    for want, offset in zip(wishes, offsets, strict=True):
        blocks.append([want - offset])
        while len(blocks) > 1 and mean(blocks[-2]) >= mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    starts = [mean(block) for block in blocks for _ in block]
    for room, start, offset in zip(row, starts, offsets, strict=True):
        room.x = start + offset


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
