"""Draw the rooms of the package and who imports whom, from the imports themselves.

Rooms stand in the layers of the contracts in pyproject.toml; their words are the first
lines of their docstrings. An import that follows from others is left out.

    python scripts/draw_architecture.py          writes docs/images/architecture.svg
    python scripts/draw_architecture.py --check  fails where that picture is out of date
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from textwrap import wrap

import grimp
from room_layout import House, Room, arrange, links

PACKAGE = "napari_unet"
WIDGETS = f"{PACKAGE}.widgets"
OUT = Path("docs/images/architecture.svg")
PAD = 16
LINE, NAME = 15, 26
KEY = (
    "An arrow leads from a room to",
    "one that it imports. What",
    "follows from other arrows is",
    "left out.",
)
KINDS = {"cli": "cli", "config": "ground", "errors": "ground", "words": "ground"}

Edge = tuple[str, str]

STYLE = """
svg { color-scheme: light dark; }
text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
.paper { fill: #ffffff; }
.name { font-size: 15px; font-weight: 600; fill: #1b2430; }
.words { font-size: 12px; fill: #45505e; }
.flow { fill: #dfe6ef; }
.on-flow { font-size: 13px; fill: #45505e; }
.import { fill: none; stroke: #77839a; stroke-width: 1.5; }
.head { fill: #77839a; }
.house { fill: #f4f1fb; stroke: #b9aee0; }
.widgets { fill: #e6dffa; stroke: #9482d3; }
.cli { fill: #d9f0e4; stroke: #5fae86; }
.core { fill: #dbeafb; stroke: #6f9fd3; }
.ground { fill: #f0ece2; stroke: #b5a67f; }
"""
DARK = """
.paper { fill: #161b22; }
.name { fill: #f0f3f7; }
.words, .on-flow { fill: #b8c1cd; }
.flow { fill: #2a323d; }
.import { stroke: #8b98ad; }
.head { fill: #8b98ad; }
.house { fill: #201c2e; stroke: #5b4f8c; }
.widgets { fill: #362d57; stroke: #8f7ed6; }
.cli { fill: #1c3b2d; stroke: #4f9d77; }
.core { fill: #1c3350; stroke: #5b8fc7; }
.ground { fill: #353022; stroke: #8f8258; }
"""


# What there is.


def contract(place: str) -> list[list[str]]:
    """Return the layers of the contract whose rooms stand in `place`."""
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    for one in settings["tool"]["importlinter"]["contracts"]:
        if one["type"] == "layers" and one.get("containers", [PACKAGE]) == [place]:
            prefix = f"{place}." if "containers" in one else ""
            rows = [re.findall(r"[\w.]+", row) for row in one["layers"]]
            return [[prefix + name for name in row] for row in rows]
    raise SystemExit(f"pyproject.toml has no contract on the layers of {place}")


def room_of(module: str, rooms: Iterable[str]) -> str | None:
    return next((r for r in rooms if module == r or module.startswith(f"{r}.")), None)


def edges_between(graph: grimp.ImportGraph, rooms: Sequence[str]) -> set[Edge]:
    """Return which room imports which, without what follows from the others."""
    edges: set[Edge] = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            a, b = room_of(module, rooms), room_of(other, rooms)
            if a is not None and b is not None and a != b:
                edges.add((a, b))
    below = {room: reached(room, edges) for room in rooms}
    return {
        (a, b)
        for a, b in edges
        if not any(b in below[c] for x, c in edges if x == a and c != b)
    }


def reached(room: str, edges: set[Edge]) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        here = waiting.pop()
        new = {b for a, b in edges if a == here} - found
        found |= new
        waiting += new
    return found


def rows_of(graph: grimp.ImportGraph, place: str) -> list[list[str]]:
    """Return the rooms of a place in layers.

    What the contract does not name stands just above what it imports.
    """
    rows = [[n for n in row if "__" not in n] for row in contract(place)]
    rows = [row for row in rows if row]
    named = [name for row in rows for name in row]
    if place == PACKAGE:
        for name in sorted(graph.find_children(PACKAGE) - {*named}):
            if "__" in name or name.rpartition(".")[2].startswith("_"):
                continue
            used = {room_of(m, named) for m in graph.find_upstream_modules(name)}
            level = min(i for i, row in enumerate(rows) if used & {*row})
            rows[level - 1].append(name)
    return rows


def words(name: str) -> str:
    """Return the first line of a room's docstring, without what its name says."""
    path = Path("src", *name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    line = doc.partition("\n")[0].rstrip(".").replace("`", "")
    line = re.sub(r"^The \w+ dock: ", "", line)
    return line[:1].upper() + line[1:]


# Where it stands.


def build(graph: grimp.ImportGraph, place: str) -> House:
    """Make the rooms of a place, and arrange them."""
    names = rows_of(graph, place)
    flat = [name for row in names for name in row]
    rows = [[make(graph, name, len(row)) for name in row] for row in names]
    for row in rows:
        height = max(room.height for room in row if room.inside is None)
        for room in row:
            room.height = room.height if room.inside else height
    house = House(rows, [])
    for level, row in enumerate(rows):
        for room in row:
            room.level = level
    rooms = {room.name: room for row in rows for room in row}
    for a, b in sorted(edges_between(graph, flat)):
        between = range(rooms[a].level + 1, rooms[b].level)
        lanes = [Room(f"{a}>{b}", level=level) for level in between]
        for lane in lanes:
            rows[lane.level].append(lane)
        house.paths.append([rooms[a], *lanes, rooms[b]])
    arrange(house)
    return house


def make(graph: grimp.ImportGraph, name: str, beside: int) -> Room:
    """Make a room that stands in a row of so many."""
    if name == WIDGETS:
        inside = build(graph, WIDGETS)
        height = inside.height + 2 * PAD + NAME
        return Room(name, inside.width + 2 * PAD, height, [], "house", inside)
    if name.startswith(WIDGETS):
        kind, width = "widgets", 136 if beside > 2 else 250
    else:
        kind, width = KINDS.get(name.rpartition(".")[2], "core"), 200
    lines = wrap(words(name), width // 7 - 1, break_on_hyphens=False)
    return Room(name, width, NAME + LINE * len(lines) + 10, lines, kind)


# How it looks.


def draw(house: House, x: float, y: float) -> Iterator[str]:
    """Draw a house whose upper left corner is (x, y)."""
    yield from (draw_path(path, house, x, y) for path in house.paths)
    for row in house.rows:
        for room in row:
            if room.lines or room.inside:
                yield from draw_room(room, x, y)


def draw_room(room: Room, x: float, y: float) -> Iterator[str]:
    left, top, middle = x + room.x - room.width / 2, y + room.y, x + room.x
    yield (
        f'<rect class="{room.kind}" x="{left:.0f}" y="{top:.0f}" '
        f'width="{room.width:.0f}" height="{room.height:.0f}" rx="7"/>'
    )
    name = escape(room.name.rpartition(".")[2])
    yield text("name", middle, top + NAME - 5, name)
    for i, line in enumerate(room.lines):
        yield text("words", middle, top + NAME + LINE * (i + 1) - 4, escape(line))
    if room.inside:
        yield from draw(room.inside, left + PAD, top + NAME + PAD - 4)


def text(kind: str, x: float, y: float, words: str) -> str:
    where = f'x="{x:.0f}" y="{y:.0f}" text-anchor="middle"'
    return f'<text class="{kind}" {where}>{words}</text>'


def port(room: Room, other: Room, others: list[Room]) -> float:
    """Return where along its side a room is tied to another one."""
    if not (room.lines or room.inside):
        return room.x
    order = sorted({id(o): o for o in others}.values(), key=lambda o: o.x)
    at = next(i for i, one in enumerate(order) if one is other)
    step = min(40.0, (room.width - 30) / len(order))
    return room.x + step * (at - (len(order) - 1) / 2)


def draw_path(path: list[Room], house: House, x: float, y: float) -> str:
    every = list(links(house))
    steps: list[str] = []
    for a, b in pairwise(path):
        start = port(a, b, [d for c, d in every if c is a])
        end = port(b, a, [c for c, d in every if d is b])
        top, bottom = a.y + a.height, b.y - (6 if b is path[-1] else 0)
        middle = (top + b.y) / 2
        if not steps:
            steps.append(f"M{x + start:.0f} {y + top:.0f}")
        steps.append(
            f"C{x + start:.0f} {y + middle:.0f} {x + end:.0f} {y + middle:.0f} "
            f"{x + end:.0f} {y + bottom:.0f}"
        )
        if b is not path[-1]:
            steps.append(f"V{y + b.y + b.height:.0f}")
    return f'<path class="import" marker-end="url(#head)" d="{" ".join(steps)}"/>'


def draw_flow(height: float) -> Iterator[str]:
    """Draw the way of the data, along the left."""
    top, bottom = PAD, height - PAD
    head = f"V{top + 22} h-8 L{PAD + 20} {top} l20 22 h-8 V{bottom:.0f} Z"
    yield f'<path class="flow" d="M{PAD + 8} {bottom:.0f} {head}"/>'
    words = "data: read, learnt, predicted, scored, shown"
    yield (
        f'<text class="on-flow" text-anchor="middle" transform="translate({PAD + 24} '
        f'{height / 2:.0f}) rotate(-90)">{words}</text>'
    )


def draw_key(house: House, x: float) -> Iterator[str]:
    """Say what an arrow means, over the room beside the widgets."""
    beside = min(house.rows[0], key=lambda room: room.height)
    for i, line in enumerate(KEY):
        yield text("words", x + beside.x, PAD + NAME + LINE * i, line)


def picture() -> str:
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    house = build(graph, PACKAGE)
    left = PAD + 40 + PAD
    width, height = left + house.width + PAD, house.height + 2 * PAD
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} '
            f'{height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">',
            "<title>The rooms of napari-unet: each imports what its arrows lead to"
            "</title>",
            f"<style>{STYLE}@media (prefers-color-scheme: dark) {{{DARK}}}\n</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="2" refY="4" '
            'markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" '
            'orient="auto"><path class="head" d="M0 0 L8 4 L0 8 Z"/></marker></defs>',
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="10"/>',
            *draw_flow(height),
            *draw_key(house, left),
            *draw(house, left, PAD),
            "</svg>\n",
        ]
    )


def main() -> int:
    drawn = picture()
    if "--check" not in sys.argv:
        OUT.write_text(drawn, encoding="utf-8", newline="\n")
    elif not OUT.is_file() or OUT.read_text(encoding="utf-8") != drawn:
        print(
            f"{OUT} is out of date: run scripts/draw_architecture.py", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
