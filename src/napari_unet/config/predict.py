"""Settings of prediction."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_unet.config.base import Settings


class PredictConfig(Settings):
    """How a stack is predicted."""

    threshold: float | None = Field(
        None, gt=0, lt=1, title="Foreground above (probability)"
    )
    """A pixel is foreground above this probability of not being background; when left
    out the threshold that was kept in the model, or the most probable class. Higher:
    less foreground, and fewer cells that merge."""
    average: bool = Field(False, title="Average 8 turns (8 x slower)")
    """Predict every tile in its 8 flips and rotations and take the mean: a little
    better, and 8 times slower."""
    rescale: bool = Field(False, title="Rescale to the model's pixel size")
    """Bring an image of another pixel size to that of the model, and the prediction
    back; a difference below a tenth counts as none."""
    tile_size: int | None = Field(None, ge=16, le=16384, title="Tile size (pixels)")
    """Side of the tiles that a slice is cut into, their surroundings not counted;
    chosen from the free memory when left out. Higher: faster and more memory; the
    result is the same."""
    tile_slices: int | None = Field(None, ge=1, le=4096, title="Tile slices")
    """Slices of each tile, for networks with 3 dimensions; chosen from the free memory
    when left out. Higher: faster and more memory; the result is the same."""
    batch_size: int | None = Field(None, ge=1, le=256, title="Tiles per step")
    """Tiles that go through the network together; when left out 1 on the CPU, and on a
    GPU as many as fit, up to 16. Higher: more memory, faster on a GPU."""
    probabilities: Literal["float32", "float16"] = Field(
        "float32", title="Type of probabilities"
    )
    """float16 halves the memory of kept probabilities and is right to 0.0005."""
    device: str = Field("auto", title="Device")
    """auto, cpu, cuda, cuda:1 or mps; auto takes the fastest."""
    backend: Literal["auto", "torch", "openvino"] = Field("auto", title="Compute with")
    """torch; or openvino, which is faster on CPUs and as exact, where it is installed.
    auto takes it for whole stacks."""
