"""Settings of the random changes of training patches."""

from __future__ import annotations

from pydantic import Field

from napari_unet.config.base import Settings


class AugmentConfig(Settings):
    """Random changes of every training patch."""

    flip: bool = Field(True, title="Flip")
    """Mirror patches at random: the network takes both sides for equal."""
    rotate: bool = Field(True, title="Rotate")
    """Turn patches by any angle in the plane: the network takes all directions for
    equal."""
    scale: float = Field(0.1, ge=0, lt=0.9, title="Scale (share)")
    """Zoom patches in and out by up to this share. Higher: copes with cells of more
    different sizes, and is harder to learn."""
    shear: float = Field(0.0, ge=0, le=1, title="Shear (share)")
    """Slant patches by up to this share of their side. Higher: copes with more slanted
    shapes, and is harder to learn."""
    shift: float = Field(0.0, ge=0, le=256, title="Shift (pixels)")
    """Largest move of a patch along each axis, in pixels. Higher may take patches over
    the border of the image, which is mirrored there."""
    elastic: float = Field(10.0, ge=0, le=100, title="Elastic deformation (pixels)")
    """Standard deviation of the random displacements on the coarse grid, in pixels; the
    paper has 10. Higher bends shapes more, until they look unlike any cell."""
    elastic_grid: int = Field(3, ge=2, le=64, title="Elastic grid (points)")
    """Points of the coarse grid along each side; the paper has 3. Higher bends on a
    smaller scale and needs smaller displacements, or patches fold over themselves."""
    misalignment: float = Field(0.0, ge=0, le=64, title="Slice misalignment (pixels)")
    """Largest move of each slice against the others along each axis, in pixels, for
    networks with 3 dimensions. Higher: copes with stacks that are aligned less well."""
    brightness: float = Field(0.2, ge=0, le=2, title="Brightness")
    """Largest shift of the grey values, in standard deviations. Higher: copes with more
    uneven staining, and relies less on grey values."""
    contrast: float = Field(0.2, ge=0, lt=1, title="Contrast")
    """Stretch or shrink the grey values by up to this share. Higher: copes with more
    different contrast between slices."""
    gamma: float = Field(0.0, ge=0, le=4, title="Gamma")
    """Raise the grey values, between the darkest and the brightest of the patch, to a
    power from 1 / (1 + gamma) to 1 + gamma. Higher: copes with more different detectors
    and stains."""
    blur: float = Field(0.0, ge=0, le=5, title="Blur (pixels)")
    """Largest standard deviation of a Gaussian blur in the plane, in pixels. Higher:
    copes with slices that are more out of focus."""
    noise: float = Field(0.1, ge=0, le=2, title="Noise")
    """Largest standard deviation of added Gaussian noise, in standard deviations of the
    image. Higher: copes with noisier slices, and hides fine detail while learning."""
