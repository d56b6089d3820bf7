"""Settings of the baselines that a network is compared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_unet.config.base import Settings


class BaselineConfig(Settings):
    """How a classical method tells foreground and background apart."""

    scale: float = Field(2.0, gt=0, le=32, title="Scale")
    """Pixels: about half the width of what parts the cells. Finer grain is smoothed
    away; windows and filters grow with it."""
    side: Literal["auto", "bright", "dark"] = Field("auto", title="Foreground is")
    """Whether cells are brighter or darker than what parts them. auto asks the
    annotations; without any, cells are bright, as in EM."""
    trees: int = Field(50, ge=1, le=10_000, title="Trees")
    """Trees of the random forest: more vote more evenly, and take longer."""
    seed: int = Field(0, ge=0, lt=2**32, title="Seed")
    """The same seed gives the same mask again."""
