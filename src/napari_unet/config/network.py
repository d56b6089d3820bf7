"""Settings of the network."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_unet.config.base import Settings


class UNetConfig(Settings):
    """Shape of the network (paper, figure 1)."""

    ndim: Literal[2, 3] = Field(2, title="Dimensions")
    """2 takes every slice by itself. 3 sees neighbouring slices: better where cells are
    followed through thin slices, and several times slower."""
    in_channels: int = Field(1, ge=1, le=64, title="Image channels")
    """Channels of the image."""
    num_classes: int = Field(2, ge=1, le=254, title="Classes")
    """Classes, background included; 1 is a single sigmoid output for foreground against
    background."""
    base_channels: int = Field(16, ge=1, le=256, title="Network size (channels)")
    """Channels of the first level, doubled at every level below; the paper has 64.
    Higher can learn more, is slower and takes more memory: twice the channels, four
    times the weights."""
    depth: int = Field(4, ge=1, le=7, title="Depth (poolings)")
    """How often the image is halved; the paper has 4. Higher sees more of the
    surroundings of each pixel, and needs larger patches."""
    padding: Literal["same", "valid"] = Field("same", title="Padding")
    """same: the output is as large as the input; valid: as in the paper, the output is
    smaller and the image is mirrored at its border, which is slower."""
    norm: Literal["none", "batch", "instance", "group"] = Field(
        "batch", title="Normalisation"
    )
    """What keeps the values in range after every convolution; the paper has none, and
    then learns more slowly. instance and group suit single patches per step."""
    norm_last: bool = Field(True, title="Normalise the last")
    """On: after the last 3x3 convolution too; the study's second experiment leaves it
    out."""
    activation: Literal["relu", "leaky_relu", "elu", "silu"] = Field(
        "relu", title="Activation"
    )
    """What follows every convolution; the paper has relu. The others let a little of
    what is negative through."""
    dropout: float = Field(0.0, ge=0, lt=1, title="Dropout (share)")
    """Share of the channels switched off at random at the end of the contracting path
    while training. Higher: learns less by heart and more slowly; helps where little is
    annotated."""
    upsampling: Literal["transposed", "linear"] = Field(
        "transposed", title="Upsampling"
    )
    """transposed: learnt 2x2 up-convolutions, as in the paper; linear: interpolation,
    which cannot leave a chequered pattern."""
    flat_levels: int | None = Field(None, ge=0, le=7, title="Flat levels")
    """Number of first poolings that leave the slices alone, for networks with 3
    dimensions whose slices are thicker than their pixels. Higher: for thicker slices;
    chosen from the pixel size when left out."""
