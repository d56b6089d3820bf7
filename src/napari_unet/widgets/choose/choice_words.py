"""Plain words for the choices of a training's settings; tooltips say the terms."""

from __future__ import annotations

from types import MappingProxyType

CHOICES = MappingProxyType(
    {
        "loss": {
            "cross_entropy": "class of each pixel",
            "binary_cross_entropy": "foreground or not",
            "dice": "overlap",
            "cross_entropy_dice": "class, and overlap",
            "binary_cross_entropy_dice": "foreground, and overlap",
        },
        "schedule": {
            "cosine": "falls to the end",
            "plateau": "falls without gain",
            "constant": "stays",
        },
        "padding": {"same": "as large as the image", "valid": "smaller"},
        "upsampling": {"transposed": "learnt", "linear": "interpolated"},
        "decoder": {"fcn": "as FCN-8s", "unet": "as the U-Net"},
        "norm": {
            "none": "none",
            "batch": "over each batch",
            "instance": "each image alone",
            "group": "groups of channels",
        },
        "formula": {"paper": "of the paper", "fiji": "of the Fiji plugin"},
    }
)
"""What choices are called, by the names of the fields."""
