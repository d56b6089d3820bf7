"""Settings of the weight map."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_unet.config.base import Settings


class WeightMapConfig(Settings):
    """Weight of every pixel in the loss (paper, equation 2)."""

    formula: Literal["paper", "fiji"] = Field("paper", title="Formula")
    """paper: equation 2 with the settings below; fiji: the weights of the authors' own
    Fiji plugin, with its own constants (background 0.1, lines of 50, sigma 6 and 10
    pixels), whatever w0, sigma and balance say."""
    w0: float = Field(5.0, ge=0, le=1000, title="Line between touching cells (w0)")
    """Extra weight of the narrow gaps between cells. Higher: cells that touch are told
    apart more often, and their borders may grow too thick. 0 switches it off; the paper
    has 10."""
    sigma: float = Field(5.0, gt=0, le=100, title="Line width (sigma, pixels)")
    """How far the extra weight reaches from a gap, in pixels. Higher: wider gaps count
    too, as high resolution needs it, and the weight falls off more softly."""
    balance: bool = Field(False, title="Balance classes")
    """On: a rare class has as much weight in total as a common one. It is found more
    often then, and drawn too large."""
