"""Random changes of whole batches, in torch, on the training device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.config import AugmentConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.train.patches import Batch


def source_side(config: AugmentConfig, side: int) -> int:
    """Return the side of the source from which a patch of `side` can be cut whole.

    Turned patches need the diagonal, zoomed ones more, bent ones three standard
    deviations of the displacement on each side.
    """
    turned = math.sqrt(2) if config.rotate else 1.0
    return math.ceil(side * turned * (1 + config.scale) + 6 * config.elastic)


def augment(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Batch:
    """Flip, turn, zoom, bend and shade patches, and cut them to `side`.

    One sampling grid moves image, target and weights together; the image is
    interpolated, labels and weights are taken from the nearest pixel and never
    blended. All slices of a patch move alike.

    Parameters
    ----------
    batch
        Source patches, as large as `source_side` asks for.
    config
        What may change, and how much.
    side
        Side of the patches returned, in pixels.
    generator
        A generator of the CPU: the same seed gives the same changes on all devices.
    """
    grid = sampling_grid(batch, config, side, generator).to(batch.image.device)
    image, target, weights = _move(batch, grid)
    if config.flip and image.shape[2] > 1:
        image, target, weights = _flip_slices(image, target, weights, generator)
    return Batch(_shade(image, config, generator), target, weights)


def sampling_grid(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Tensor:
    """Return where each pixel of the new patches comes from: (B, side, side, 2).

    Coordinates are x and y in units of half a source, -1 to 1 (`grid_sample`).
    """
    count, source = batch.image.shape[0], batch.image.shape[-1]
    offsets = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    y, x = torch.meshgrid(offsets, offsets, indexing="ij")
    points = torch.stack([x, y], dim=-1).reshape(-1, 2)
    moved = torch.einsum("pi,bji->bpj", points, _matrices(config, count, generator))
    moved = moved.reshape(count, side, side, 2)
    if config.elastic > 0:
        moved = moved + _elastic(config, count, side, generator)
    return moved * (2 / source)


def _matrices(config: AugmentConfig, count: int, generator: torch.Generator) -> Tensor:
    """Random rotation, zoom and mirroring: (B, 2, 2)."""
    angle = torch.zeros(count)
    if config.rotate:
        angle = 2 * math.pi * torch.rand(count, generator=generator)
    zoom = 1 + config.scale * _uniform((count,), generator)
    mirror = torch.ones(count)
    mirror_y = torch.ones(count)
    if config.flip:
        mirror = torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1
        mirror_y = torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = [cos * mirror, -sin * mirror_y, sin * mirror, cos * mirror_y]
    return torch.stack(rows, dim=-1).reshape(count, 2, 2)


def _elastic(
    config: AugmentConfig, count: int, side: int, generator: torch.Generator
) -> Tensor:
    """Smooth random displacements in pixels (paper, section 3.1): (B, side, side, 2).

    Normal displacements on a coarse grid, bicubic in between.
    """
    points = config.elastic_grid
    coarse = torch.randn((count, 2, points, points), generator=generator)
    fine = F.interpolate(
        coarse * config.elastic, size=(side, side), mode="bicubic", align_corners=True
    )
    return fine.permute(0, 2, 3, 1)


def _move(batch: Batch, grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    count, channels, slices = batch.image.shape[:3]
    flat = batch.image.flatten(1, 2)
    image = F.grid_sample(
        flat, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    # Shifted so that what lies outside the source, where 0 is filled in, is IGNORE.
    known = torch.cat([batch.target.float() - IGNORE, batch.weights], dim=1)
    known = F.grid_sample(
        known, grid, mode="nearest", padding_mode="zeros", align_corners=False
    )
    target = (known[:, :slices] + IGNORE).round().to(torch.uint8)
    image = image.reshape(count, channels, slices, *image.shape[2:])
    return image, target, known[:, slices:]


def _flip_slices(
    image: Tensor, target: Tensor, weights: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    flips = torch.randint(0, 2, (image.shape[0],), generator=generator).bool()
    for index in torch.nonzero(flips).flatten().tolist():
        image[index] = image[index].flip(1)
        target[index] = target[index].flip(0)
        weights[index] = weights[index].flip(0)
    return image, target, weights


def _shade(image: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Change contrast and brightness, and add noise."""
    shape = (image.shape[0], 1, 1, 1, 1)
    gain = 1 + config.contrast * _uniform(shape, generator)
    shift = config.brightness * _uniform(shape, generator)
    image = image * gain.to(image.device) + shift.to(image.device)
    if config.noise > 0:
        strength = config.noise * torch.rand(shape, generator=generator)
        noise = torch.randn(image.shape, generator=generator) * strength
        image = image + noise.to(image.device)
    return image


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Even random numbers from -1 to 1."""
    return 2 * torch.rand(shape, generator=generator) - 1
