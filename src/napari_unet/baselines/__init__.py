"""What was done before networks, to see whether the U-Net was worth it.

Classical methods that need no training, and those that learn from the same annotations
as the U-Net. Each makes a mask of the foreground, slice by slice.
"""

from napari_unet.baselines.apply import BaselineStep, segment, segment_stack
from napari_unet.baselines.registry import BASELINES, Baseline, find_baseline

__all__ = [
    "BASELINES",
    "Baseline",
    "BaselineStep",
    "find_baseline",
    "segment",
    "segment_stack",
]
