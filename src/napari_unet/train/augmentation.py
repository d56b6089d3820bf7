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
        batch = _sample(batch, sampling_points(batch, config, side, generator))
    else:
        batch = _cut(batch, config, side, generator)
    if config.flip and batch.image.shape[2] > 1:
        flips = torch.randint(0, 2, (len(batch.image),), generator=generator).bool()
        batch = _flip(batch, flips, -3)
    return replace(batch, image=shade(batch.image, config, generator))


def sampling_points(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Tensor:
    """Return where each pixel of the new patches comes from.

    On the CPU, whatever the device of the batch, so that all devices take the same
    pixels.

    Returns
    -------
    x and y in pixels from the corner of the source, whose first pixel reaches from 0
    to 1: (B, Z, 2, side, side) float32. Z is 1 where all slices move alike.
    """
    count, _, slices, _, source = batch.image.shape
    matrices = _matrices(config, count, generator)[:, :, None]
    offsets = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    # Everything is a sum of products of a row's part and a column's part, (side, K)
    # and (B, 2, K, side): one matrix product is much faster than term by term.
    rows = torch.stack([offsets, torch.ones(side)], dim=1)
    along_y = matrices[..., 1:].expand(-1, -1, -1, side)
    along_x = matrices[..., :1] * offsets + source / 2
    columns = torch.cat([along_y, along_x], dim=2)
    if config.elastic > 0:
        smooth, bent = _elastic(config, count, side, generator)
        rows = torch.cat([rows, smooth], dim=1)
        columns = torch.cat([columns, bent], dim=2)
    if config.shift > 0:
        columns[:, :, 1] += config.shift * uniform((count, 2, 1), generator)
    points = (rows @ columns)[:, None]
    if config.misalignment > 0 and slices > 1:
        slips = uniform((count, slices, 2, 1, 1), generator)
        points = points + config.misalignment * slips
    return points


def _resamples(config: AugmentConfig, slices: int) -> bool:
    """Return whether pixels move to places between pixels."""
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
    is linear in each axis: (side, points) for the rows, (B, 2, points, side) for the
    columns.
    """
    points = config.elastic_grid
    coarse = torch.randn((count, 2, points, points), generator=generator)
    knots = torch.eye(points)[None, None]
    smooth = F.interpolate(
        knots, size=(side, points), mode="bicubic", align_corners=True
    )[0, 0]
    return smooth, config.elastic * coarse @ smooth.T


def _sample(batch: Batch, points: Tensor) -> Batch:
    """Take image, target and weights from where `points` says."""
    source = batch.image.shape[-1]
    lowest, highest = points.aminmax()
    whole = bool(lowest >= 0 and highest < source)
    points = points.to(batch.image.device)
    padding = padding_within(points.device) if whole else "reflection"
    image = _interpolate(batch.image, points, padding)
    if whole:
        return Batch(image, *_nearest(batch, points))
    beyond = ((points < 0) | (points >= source)).any(dim=2)
    target, weight_map = _nearest(batch, points.clamp(0, source - 1))
    return Batch(
        image, target.masked_fill(beyond, IGNORE), weight_map.masked_fill(beyond, 0)
    )


def padding_within(device: torch.device) -> str:
    """Return how `grid_sample` pads where all points lie within the source.

    Both ways are then the same. "border" is faster, and up to torch 2.12 an Apple GPU
    does not know it.
    """
    return "reflection" if device.type == "mps" else "border"


def _interpolate(image: Tensor, points: Tensor, padding: str) -> Tensor:
    """Return image values between pixels, linear in x and y."""
    count, channels, slices, _, source = image.shape
    grid = torch.add(points.new_tensor(-1), points, alpha=2 / source)
    grid = grid.flatten(0, 1).permute(0, 2, 3, 1)
    alike = points.shape[1] == 1
    # What moves alike is sampled as channels of one plane: the grid is read once.
    planes = image.flatten(1, 2) if alike else image.transpose(1, 2).flatten(0, 1)
    taken = F.grid_sample(planes, grid, "bilinear", padding, align_corners=False)
    if alike:
        return taken.reshape(count, channels, slices, *points.shape[3:])
    taken = taken.reshape(count, slices, channels, *points.shape[3:])
    return taken.transpose(1, 2)


def _nearest(batch: Batch, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return target and weights of the pixels in which `points` lie."""
    count, slices, height, width = batch.target.shape
    # Half as many bytes are faster, and enough up to two thousand million pixels.
    short = batch.target.numel() < 2**31
    kind = torch.int32 if short else torch.int64
    x, y = points.to(kind).unbind(2)
    planes = torch.arange(count * slices, dtype=kind, device=points.device)
    starts = height * width * planes.reshape(count, slices, 1, 1)
    at = torch.add(starts, y, alpha=width).add_(x).flatten()
    shape = (count, slices, *points.shape[3:])
    target = batch.target.flatten().index_select(0, at).reshape(shape)
    return target, batch.weight_map.flatten().index_select(0, at).reshape(shape)


def _cut(
    batch: Batch, config: AugmentConfig, side: int, generator: torch.Generator
) -> Batch:
    """Cut the middle and mirror it: no value changes where no pixel is moved."""
    start = (batch.image.shape[-1] - side) // 2
    inner = (..., slice(start, start + side), slice(start, start + side))
    batch = batch.each(lambda part: part[inner])
    if not config.flip:
        return batch
    mirrored = _matrices(config, len(batch.image), generator).diagonal(dim1=1, dim2=2)
    return _flip(_flip(batch, mirrored[:, 0] < 0, -1), mirrored[:, 1] < 0, -2)


def _flip(batch: Batch, flips: Tensor, axis: int) -> Batch:
    """Mirror the patches for which `flips` (B,) is true; `axis` counts from the end."""

    def mirrored(values: Tensor) -> Tensor:
        chosen = flips.to(values.device).reshape(-1, *[1] * (values.ndim - 1))
        return torch.where(chosen, values.flip(axis), values)

    return batch.each(mirrored)
