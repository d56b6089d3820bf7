"""Synthetic EM of many looks, for a network that must not rely on one.

Cells are regions of a warped Voronoi diagram, some of them joined. Pixel size, membrane
width and darkness, extracellular space, cytoplasm, organelles and sharpness differ from
section to section. Truth: membranes as wide as they are stained.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage, spatial
from skimage.measure import label

Floats = NDArray[np.float32]


@dataclass
class _Look:
    """What is the same all over a section; lengths in nm, stain from 0 to 1."""

    pixel: float
    membrane: float
    space: float
    strength: float
    grain: float
    dark_cells: float
    vesicles: float
    mitochondria: float
    blur: float


def varied_section(
    seed: int, side: int = 512
) -> tuple[NDArray[np.uint8], NDArray[np.int32], float]:
    """Draw a section.

    Parameters
    ----------
    seed
        The same seed and side give the same section.
    side
        Height and width in pixels.

    Returns
    -------
    image
        (side, side).
    cells
        (side, side): 0 = membrane, 1.. = cells.
    pixel
        Size of a pixel in nm.
    """
    rng = np.random.default_rng([seed, 2012])
    look = _Look(
        pixel=float(np.exp(rng.uniform(np.log(3), np.log(12)))),
        membrane=rng.uniform(10, 18),
        space=rng.uniform(8, 22) * (rng.random() < 0.25),
        strength=rng.uniform(0.45, 0.9),
        grain=rng.uniform(0.04, 0.16),
        dark_cells=rng.choice([0.0, 0.05, 0.2]),
        vesicles=rng.gamma(1.0, 1.0),
        mitochondria=rng.uniform(0, 1.2),
        blur=rng.uniform(0.3, 1.3),
    )
    owner = _cells(rng, look, side)
    border = ndimage.maximum_filter(owner, 3) != ndimage.minimum_filter(owner, 3)
    # Half a pixel on both sides of where the owner changes.
    depth = ndimage.distance_transform_edt(~border).astype(np.float32) + 0.25
    depth *= look.pixel
    slant = np.clip(_field(rng, side, 250 / look.pixel) - 1, 0, 1.5)
    half = look.space / 2 + look.membrane / 2 * (1 + 0.8 * slant)
    dark = _cytoplasm(rng, look, owner, depth)
    _vesicles(rng, look, dark, depth)
    _mitochondria(rng, look, dark, owner, depth)
    _membranes(rng, look, dark, depth, slant)
    cells = label((depth > half) * owner, connectivity=1)
    small = np.bincount(cells.ravel()) * look.pixel**2 < 40**2
    small[0] = False
    cells[small[cells]] = 0
    return _exposed(rng, look, dark), cells.astype(np.int32), look.pixel


def _field(rng: Generator, side: int, scale: float) -> Floats:
    """Smooth random numbers of mean 0 and deviation 1; `scale` in pixels."""
    step = max(1.0, scale / 3)
    coarse = rng.standard_normal((int(side / step) + 5,) * 2).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, scale / step / 2, mode="wrap")
    at = (np.arange(side, dtype=np.float32) / step) + 1
    grid = np.meshgrid(at, at, indexing="ij")
    fine: Floats = ndimage.map_coordinates(coarse, grid, order=1)
    return fine / max(float(coarse.std()), 1e-6)


def _cells(rng: Generator, look: _Look, side: int) -> NDArray[np.int32]:
    """Index of the cell that each pixel belongs to."""
    size = np.exp(rng.uniform(np.log(120), np.log(500))) / look.pixel
    rows, columns = np.indices((side, side), dtype=np.float32)
    for scale, reach in ((4.0, 0.9), (1.2, 0.3), (0.4, 0.06)):
        rows += reach * size * _field(rng, side, scale * size)
        columns += reach * size * _field(rng, side, scale * size)
    stretch = np.exp(rng.uniform(-0.7, 0.7))
    span = side + 8 * size
    count = max(12, int((span / size) ** 2))
    seeds = rng.uniform(-4 * size, side + 4 * size, (count, 2))
    # Fewer seeds on one side than on the other: large cells beside small ones.
    keep = rng.random(count) < 0.25 + 0.75 * (
        np.sin(seeds[:, 0] / (3 * size) + rng.uniform(0, 6)) > rng.uniform(-1, 0.5)
    )
    seeds = seeds[keep] * (stretch, 1 / stretch)
    tree = spatial.cKDTree(seeds)
    places = np.stack([rows.ravel() * stretch, columns.ravel() / stretch], -1)
    owner = tree.query(places)[1].reshape(side, side)
    # Neighbours joined to cells that are not convex.
    join = np.arange(len(seeds))
    _, near = tree.query(seeds, k=3)
    joined = rng.random(len(seeds)) < rng.uniform(0, 0.4)
    join[joined] = join[near[joined, rng.integers(1, 3)]]
    return (join[owner] + 1).astype(np.int32)


def _cytoplasm(
    rng: Generator, look: _Look, owner: NDArray[np.int32], depth: Floats
) -> Floats:
    side, count = len(owner), int(owner.max()) + 1
    grey = rng.normal(0.15, 0.05, count)
    grey[rng.random(count) < look.dark_cells] += rng.uniform(0.15, 0.35)
    fine = rng.standard_normal(owner.shape).astype(np.float32)
    fine = ndimage.gaussian_filter(fine, 6 / look.pixel)
    dark = grey[owner] + look.grain * fine / fine.std()
    dark += 0.4 * look.grain * _field(rng, side, 40 / look.pixel)
    # Reticulum and filaments: lines that are no borders of cells.
    width, lines = 25 / look.pixel, np.zeros_like(dark)
    for scale in (120.0, 220.0):
        wave = _field(rng, side, scale / look.pixel)
        steep = np.hypot(*np.gradient(wave)) + 1e-3
        there = _field(rng, side, 2 * scale / look.pixel) > rng.uniform(0.8, 2)
        lines += there * np.exp(-((np.abs(wave) / steep / (width / 4)) ** 2))
    deep = np.clip((depth - 30) / 20, 0, 1)
    return (dark + rng.uniform(0.1, 0.45) * lines * deep).astype(np.float32)


def _vesicles(rng: Generator, look: _Look, dark: Floats, depth: Floats) -> None:
    """Rings and dots, in clusters."""
    side = len(dark)
    crowd = np.exp(1.2 * _field(rng, side, 300 / look.pixel))
    lot = rng.random(dark.shape)
    chance = look.vesicles * crowd * (look.pixel / 60) ** 2 * 0.25
    places = np.argwhere((lot < chance) & (depth > 25))[: 40 * side]
    for kind, (low, high) in enumerate(((14, 28), (4, 9))):
        part = places[kind::2]
        radius = rng.uniform(low, high, len(part)) / look.pixel
        reach = int(np.ceil((radius.max(initial=1)) + 2))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        away = np.hypot(y, x) - radius[:, None, None]
        thick = max(0.6, 5 / look.pixel)
        shape = np.exp(-((away / thick) ** 2)) if kind == 0 else away < 0
        shape = shape * rng.uniform(0.1, 0.6, len(part))[:, None, None]
        canvas = np.pad(dark, reach)
        at = part[:, None, None]
        np.add.at(canvas, (at[..., 0] + y + reach, at[..., 1] + x + reach), shape)
        dark[...] = canvas[reach:-reach, reach:-reach]


def _mitochondria(
    rng: Generator,
    look: _Look,
    dark: Floats,
    owner: NDArray[np.int32],
    depth: Floats,
) -> None:
    """Ovals with an outline and cristae, each within its cell."""
    wide = np.argwhere(depth > 70)
    area = dark.size * look.pixel**2 / 1e6
    chosen = rng.integers(max(1, len(wide)), size=int(6 * look.mitochondria * area))
    for y, x in wide[chosen] if len(wide) else ():
        radius = min(float(depth[y, x]) * 1.1, rng.uniform(80, 260))
        reach = int(1.8 * radius / look.pixel) + 3
        box = tuple(
            slice(max(0, at - reach), min(len(dark), at + reach + 1)) for at in (y, x)
        )
        rows, columns = np.ogrid[box]
        angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.7)
        along = (rows - y) * np.cos(angle) + (columns - x) * np.sin(angle)
        across = (columns - x) * np.cos(angle) - (rows - y) * np.sin(angle)
        inside = radius - look.pixel * np.hypot(along / stretch, across * stretch**0.5)
        inside = np.minimum(inside, depth[box] - look.membrane - 8)
        inside[owner[box] != owner[y, x]] = -9
        period = rng.uniform(25, 45) / look.pixel
        cristae = np.sin(6.3 * along / period + 2 * np.sin(across / period / 2))
        stain = rng.uniform(0.25, 0.5) + rng.uniform(0.05, 0.3) * cristae
        stain += 0.35 * np.exp(-(((inside - 5) / 6) ** 2))
        cover = np.clip(inside / 5, 0, 1)
        dark[box] += cover * (stain - dark[box])


def _membranes(
    rng: Generator, look: _Look, dark: Floats, depth: Floats, slant: Floats
) -> None:
    side = len(dark)
    fade = 1 + 0.2 * _field(rng, side, 80 / look.pixel) - 0.35 * slant
    width = np.maximum(look.membrane / 2 * (1 + 0.8 * slant), 0.6 * look.pixel)
    line = np.exp(-(np.abs((depth - look.space / 2) / width) ** 2.5))
    if look.space:
        # The space between two membranes is as pale as the resin.
        dark[depth < look.space / 2] *= 0.3
    synapse = np.clip(_field(rng, side, 150 / look.pixel) - 1.9, 0, 0.8)
    line = look.strength * np.clip(fade, 0.4, 1.2) * line
    line += synapse * np.exp(-depth / 30)
    dark[...] = np.maximum(dark, line) + 0.3 * np.minimum(dark, line)


def _exposed(rng: Generator, look: _Look, dark: Floats) -> NDArray[np.uint8]:
    light = 1 - 0.8 * ndimage.gaussian_filter(dark, look.blur)
    light += 0.04 * _field(rng, len(dark), len(dark) / 2)
    light += rng.uniform(0, 0.08) * rng.standard_normal(dark.shape)
    low, high = rng.uniform(0, 60), rng.uniform(170, 250)
    grey = low + (high - low) * np.clip(light, 0, 1.1)
    return np.clip(grey, 0, 255).astype(np.uint8)
