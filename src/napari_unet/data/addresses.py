"""Addresses and folders of Zarr, told from other paths."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

_HOLDING = {".zarr", ".h5", ".hdf5"}
"""Ends of the names of what holds several arrays."""
_MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


def location(path: object) -> str:
    """Return a folder as it is, and an address with the slashes that paths lose.

    >>> location("s3:/bucket/cells.zarr")
    's3://bucket/cells.zarr'
    """
    return re.sub(r"^([a-z][a-z0-9]+):/+(?=[^/])", r"\1://", str(path))


def is_address(path: object) -> bool:
    """Return whether it is an address such as https://... and not a folder."""
    return "://" in location(path)


def is_zarr(path: str | Path) -> bool:
    """Return whether a path is, by its name or by what it holds, one of Zarr."""
    return (
        is_address(path)
        or str(path).lower().endswith(".zarr")
        or holds_zarr(Path(path))
    )


def level_in(path: str | Path, level: int) -> int:
    """Return the level that is read of a path: what is no Zarr has none but 0."""
    return level if is_zarr(path) else 0


def holds_zarr(path: Path) -> bool:
    """Return whether a folder is a group or an array."""
    return any((path / mark).is_file() for mark in _MARKS)


def without_folders(path: str) -> str:
    """Return the name of a file, with what is named inside of it.

    >>> without_folders("/home/me/cells.ome.zarr/labels/nuclei")
    'cells.ome.zarr/labels/nuclei'
    """
    parts = PurePath(path).parts
    inside = (at for at, part in enumerate(parts) if PurePath(part).suffix in _HOLDING)
    return "/".join(parts[next(inside, len(parts) - 1) :])


def title_of(path: str | Path) -> str:
    """Return what a layer of a file is called: its name without endings.

    >>> title_of("cells.ome.zarr")
    'cells'
    """
    stem = Path(path).stem
    return stem.removesuffix(".ome") if is_zarr(path) else stem
