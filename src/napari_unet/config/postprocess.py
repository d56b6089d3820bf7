"""Settings of what is made of a prediction."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_unet.config.base import Settings


class PostprocessConfig(Settings):
    """What is made of a predicted stack. With the defaults, nothing."""

    objects: Literal["no", "connected", "watershed"] = Field(
        "no", title="Number the objects"
    )
    """connected: pixels of one class that touch are one object; watershed: objects that
    touch at a narrow or doubtful place are split."""
    neck: float = Field(0.4, gt=0, lt=1, title="Split necks below (share)")
    """The watershed splits where an object is narrower than this share of its smaller
    part; doubtful pixels count as narrow. Higher splits more."""
    follow_slices: bool = Field(False, title="Follow objects through slices")
    """An object keeps its number through all slices in which it touches; off, every
    slice is taken by itself. Networks with 3 dimensions always follow."""
    min_size: int = Field(0, ge=0, le=10**9, title="Smallest object (pixels)")
    """Smaller pieces become background, or join the object that they were split from.
    Higher removes more."""
    fill_holes: int = Field(0, ge=0, le=10**9, title="Fill holes up to (pixels)")
    """Enclosed background of at most this size takes the class around it. Higher fills
    more."""
    thin_borders: int = Field(0, ge=0, le=1000, title="Thin borders within (pixels)")
    """Objects grow by up to this distance in their slice, until one pixel of background
    is left between them. Higher closes wider gaps."""
    smooth: float = Field(0.0, ge=0, le=20, title="Smooth across slices (slices)")
    """Standard deviation of a Gaussian that smooths the probabilities from slice to
    slice. Higher: steadier through the stack, and thin things get lost; 0 leaves every
    slice as it is."""
