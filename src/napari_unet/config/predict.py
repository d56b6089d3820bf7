"""Settings of prediction."""

from __future__ import annotations

from pydantic import Field

from napari_unet.config.base import Settings


class PredictConfig(Settings):
    """How a stack is predicted."""

    tile_size: int = Field(
        1024,
        ge=16,
        le=16384,
        title="Tile size (pixels)",
        description="Side of the tiles that a slice is cut into. Lower it when memory "
        "runs out; the result is the same.",
    )
    tile_slices: int = Field(
        32,
        ge=1,
        le=4096,
        title="Tile slices",
        description="Slices of each tile, for networks with 3 dimensions.",
    )
    batch_size: int = Field(
        1,
        ge=1,
        le=256,
        title="Tiles per step",
        description="Tiles that go through the network together.",
    )
    device: str = Field(
        "auto",
        title="Device",
        description="auto, cpu, cuda, cuda:1 or mps; auto takes the fastest.",
    )
