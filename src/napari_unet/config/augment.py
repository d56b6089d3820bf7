"""Settings of the random changes of training patches."""

from __future__ import annotations

from pydantic import Field

from napari_unet.config.base import Settings


class AugmentConfig(Settings):
    """Random changes of every training patch."""

    flip: bool = Field(True, title="Flip", description="Mirror patches at random.")
    rotate: bool = Field(
        True, title="Rotate", description="Turn patches by any angle in the plane."
    )
    scale: float = Field(
        0.1,
        ge=0,
        lt=0.9,
        title="Scale",
        description="Zoom patches in and out by up to this fraction.",
    )
    elastic: float = Field(
        10.0,
        ge=0,
        le=100,
        title="Elastic deformation (pixels)",
        description="Standard deviation of the random displacements on the coarse "
        "grid, in pixels; the paper has 10.",
    )
    elastic_grid: int = Field(
        3,
        ge=2,
        le=64,
        title="Elastic grid",
        description="Points of the coarse grid along each side; the paper has 3.",
    )
    brightness: float = Field(
        0.2,
        ge=0,
        le=2,
        title="Brightness",
        description="Largest shift of the grey values, in standard deviations.",
    )
    contrast: float = Field(
        0.2,
        ge=0,
        lt=1,
        title="Contrast",
        description="Stretch or shrink the grey values by up to this fraction.",
    )
    noise: float = Field(
        0.1,
        ge=0,
        le=2,
        title="Noise",
        description="Largest standard deviation of added Gaussian noise, in standard "
        "deviations of the image.",
    )
