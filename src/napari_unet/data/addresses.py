"""Addresses of what lies on no disk, told from paths."""

from __future__ import annotations

import re


def location(path: object) -> str:
    """Return a folder as it is, and an address with the slashes that paths lose.

    >>> location("s3:/bucket/cells.zarr")
    's3://bucket/cells.zarr'
    """
    return re.sub(r"^([a-z][a-z0-9]+):/+(?=[^/])", r"\1://", str(path))


def is_address(path: object) -> bool:
    """Return whether it is an address such as https://... and not a folder."""
    return "://" in location(path)
