"""Which pixels of labels say anything."""

from __future__ import annotations

from contextlib import suppress
from numbers import Integral
from typing import Any, Literal

from pydantic import Field, field_validator

from napari_unet.config.base import Settings


class Coverage(Settings):
    """Which pixels of labels say anything, beside what their values mean."""

    ignore: int | Literal["none"] | None = Field(None, title="Ignored value")
    """Value of pixels that train nothing and are neither scored nor measured, such as
    255 or -1. The word none: every value means something. Guessed when left out: -1,
    and 255 beside classes up to 32; never the 255 of a mask."""
    complete: str | None = Field(None, title="Complete slices")
    """Slices that were looked at and hold nothing where they are empty, such as 3,7 or
    10:20 counted from 0, or the word all: they train as background, and what is
    predicted there counts in the scores. Left out: an empty slice is not annotated."""

    @field_validator("ignore", mode="before")
    @classmethod
    def _number_or_none(cls, value: Any) -> Any:
        if value is None or value == "none":
            return value
        # YAML takes no for a truth, of which int() makes the value 0.
        if not isinstance(value, bool) and isinstance(value, str | Integral):
            with suppress(ValueError):
                return int(value)
        raise ValueError("give a whole number, or the word none")

    @property
    def ignored(self) -> int | None:
        """The value that is ignored, as chosen; None without any, or for a guess."""
        return None if self.ignore == "none" else self.ignore


NOTHING_IGNORED = Coverage(ignore="none")
"""Every value means something."""
