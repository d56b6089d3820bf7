"""Random changes of whole batches, in torch, on the training device."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.config import AugmentConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.train.patches import Batch
from napari_unet.train.shade import shade, uniform


def source_side(config: AugmentConfig, side: int) -> int:
    """Return the side of the source from which a patch of `side` can be cut whole.

    Turned patches need the diagonal (of the slanted patch, where they are sheared),
    zoomed ones more, bent ones three standard deviations of the displacement on each
    side, shifted ones the shift.
    """
    slanted = 1 + config.shear
    reach = math.hypot(slanted, 1) if config.rotate else slanted
    margin = 3 * config.elastic + config.shift + config.misalignment
    return math.ceil(side * reach * (1 + config.scale) + 2 * margin)


def augment(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Batch:
    """Flip, turn, zoom, slant, shift, bend and shade patches, and cut them to `side`.

    One sampling grid moves image, target and weights together; the image is
    interpolated, labels and weights are taken from the nearest pixel and never
    blended. Beyond the source the image is mirrored, the target is `IGNORE` and
    weights are 0. All slices of a patch move alike, but for their misalignment.

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
    if _resamples(config, batch.image.shape[2]) or batch.image.shape[-1] < side:
        grid = sampling_grid(batch, config, side, generator).to(batch.image.device)
        batch = _sample(batch, _slip(batch, grid, config, generator))
    else:
        batch = _cut(batch, config, side, generator)
    if config.flip and batch.image.shape[2] > 1:
        flips = torch.randint(0, 2, (len(batch.image),), generator=generator).bool()
        batch = _flip(batch, flips, -3)
    return replace(batch, image=shade(batch.image, config, generator))


def sampling_grid(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Tensor:
    """Return where each pixel of the new patches comes from: (B, side, side, 2).

    Coordinates are x and y in units of half a source, -1 to 1 (`grid_sample`).
    """
    count, source = batch.image.shape[0], batch.image.shape[-1]
    matrices = _matrices(config, count, generator)
    offsets = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    # Everything is a sum of products of a row's part and a column's part, (side, K)
    # and (B, K, side, 2): one matrix product is much faster than term by term.
    rows = torch.stack([offsets, torch.ones(side)], dim=1)
    along_y = matrices[:, None, None, :, 1].expand(-1, 1, side, -1)
    along_x = offsets[:, None] * matrices[:, None, None, :, 0]
    if config.elastic > 0:
        smooth, bent = _elastic(config, count, side, generator)
        rows = torch.cat([rows, smooth], dim=1)
    else:
        bent = along_x[:, :0]
    if config.shift > 0:
        along_x = along_x + config.shift * uniform((count, 1, 1, 2), generator)
    columns = torch.cat([along_y, along_x, bent], dim=1) * (2 / source)
    return (rows @ columns.flatten(2)).reshape(count, side, side, 2)


def _resamples(config: AugmentConfig, slices: int) -> bool:
    """Say whether pixels move to places between pixels."""
    moves = (config.scale, config.shear, config.shift, config.elastic)
    slips = slices > 1 and config.misalignment > 0
    return config.rotate or any(moves) or slips


def _matrices(config: AugmentConfig, count: int, generator: torch.Generator) -> Tensor:
    """Random rotation, zoom, shear and mirroring, of (x, y): (B, 2, 2)."""
    angle = torch.zeros(count)
    if config.rotate:
        angle = 2 * math.pi * torch.rand(count, generator=generator)
    zoom = 1 + config.scale * uniform((count,), generator)
    mirror = torch.ones(count)
    mirror_y = torch.ones(count)
    if config.flip:
        mirror = torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1
        mirror_y = torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1
    slant = torch.zeros(count)
    if config.shear > 0:
        slant = config.shear * uniform((count,), generator)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    x = [cos * mirror, (slant * cos - sin) * mirror_y]
    y = [sin * mirror, (slant * sin + cos) * mirror_y]
    return torch.stack([*x, *y], dim=-1).reshape(count, 2, 2)


def _elastic(
    config: AugmentConfig, count: int, side: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Smooth random displacements in pixels (paper, section 3.1), as a product.

    Normal displacements on a coarse grid, bicubic in between; bicubic interpolation
    is linear in each axis: (side, points) for the rows, (B, points, side, 2) for the
    columns.
    """
    points = config.elastic_grid
    coarse = torch.randn((count, 2, points, points), generator=generator)
    knots = torch.eye(points)[None, None]
    smooth = F.interpolate(
        knots, size=(side, points), mode="bicubic", align_corners=True
    )[0, 0]
    bent = torch.einsum("bcpq,uq->bpuc", coarse * config.elastic, smooth)
    return smooth, bent


def _slip(
    batch: Batch, grid: Tensor, config: AugmentConfig, generator: torch.Generator
) -> Tensor:
    """Misalign slices: (B, Z, side, side, 2), or (B, 1, ...) where all move alike."""
    count, _, slices, _, source = batch.image.shape
    grid = grid[:, None]
    if slices == 1 or config.misalignment == 0:
        return grid
    slips = config.misalignment * uniform((count, slices, 1, 1, 2), generator)
    return grid + (slips * (2 / source)).to(grid.device)


def _sample(batch: Batch, grid: Tensor) -> Batch:
    """Take image, target and weights from where `grid` says."""
    image = _take(batch.image, grid, "bilinear", "reflection")
    # Shifted so that what lies outside the source, where 0 is filled in, is IGNORE.
    known = torch.stack([batch.target.float().sub_(IGNORE), batch.weights], dim=1)
    known = _take(known, grid, "nearest", "zeros")
    target = (known[:, 0] + IGNORE).to(torch.uint8)
    return Batch(image, target, known[:, 1])


def _take(values: Tensor, grid: Tensor, mode: str, padding: str) -> Tensor:
    """Sample (B, C, Z, Y, X) at a grid (B, Z or 1, side, side, 2)."""
    count, channels, slices = values.shape[:3]
    side = grid.shape[2]
    alike = grid.shape[1] == 1
    # What moves alike is sampled as channels of one plane: the grid is read once.
    planes = values.flatten(1, 2) if alike else values.transpose(1, 2).flatten(0, 1)
    taken = F.grid_sample(
        planes, grid.flatten(0, 1), mode, padding, align_corners=False
    )
    if alike:
        return taken.reshape(count, channels, slices, side, side)
    return taken.reshape(count, slices, channels, side, side).transpose(1, 2)


def _cut(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Batch:
    """Cut the middle and mirror it: no value changes where no pixel is moved."""
    start = (batch.image.shape[-1] - side) // 2
    inner = (..., slice(start, start + side), slice(start, start + side))
    batch = Batch(batch.image[inner], batch.target[inner], batch.weights[inner])
    if not config.flip:
        return batch
    mirrored = _matrices(config, len(batch.image), generator).diagonal(dim1=1, dim2=2)
    return _flip(_flip(batch, mirrored[:, 0] < 0, -1), mirrored[:, 1] < 0, -2)


def _flip(batch: Batch, flips: Tensor, axis: int) -> Batch:
    """Mirror the patches for which `flips` (B,) is true; `axis` counts from the end."""

    def mirrored(values: Tensor) -> Tensor:
        chosen = flips.to(values.device).reshape(-1, *[1] * (values.ndim - 1))
        return torch.where(chosen, values.flip(axis), values)

    return Batch(*map(mirrored, (batch.image, batch.target, batch.weights)))
