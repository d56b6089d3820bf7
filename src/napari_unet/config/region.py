"""Regions of an image: which pixels train, which score, and which do neither."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, FiniteFloat

from napari_unet.config.base import Settings


class Role(StrEnum):
    """What the pixels of a region are for (see docs/annotations.md)."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    IGNORE = "ignore"

    @classmethod
    def _missing_(cls, value: object) -> Role | None:
        # Region files and runs of earlier versions have it as a verb.
        return cls.VALIDATION if value == "validate" else None


class Region(Settings):
    """A polygon on some slices, or whole slices, with what it is for."""

    role: Role = Field(title="Role")
    """What the annotated pixels inside are for: train, validation (they choose the best
    model), test (kept for a last score) or ignore."""
    slices: str | None = Field(None, title="Slices")
    """Slices that it covers, as start:stop counted from 0; all when left out."""
    polygon: tuple[tuple[FiniteFloat, FiniteFloat], ...] | None = Field(
        None, min_length=3, title="Polygon"
    )
    """Corners as (y, x) in pixels, the middle of the first pixel at (0, 0); the whole
    slice when left out."""
