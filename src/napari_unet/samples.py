"""Synthetic serial-section EM with exact ground truth.

Nothing has to be downloaded for the demo and the tests, and unlike hand-made labels
these are right everywhere. Cells are the regions of an additively weighted Voronoi
diagram whose seeds drift and swell from section to section, seen through smooth random
warps; organelles are drawn too, since they are what misleads a simple threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage, sparse
from skimage.segmentation import relabel_sequential

from napari_unet.data.stack import Stack
from napari_unet.errors import InputError

Floats = NDArray[np.float32]
LayerData = tuple[NDArray[Any], dict[str, Any], str]

_SMALLEST_SIDE = 16
_MARGIN = 70  # cells live this far beyond the picture, so that its rim looks alike
_GAP = 28.0  # pixels beyond its own radius that a cell can claim
_FRAGMENT = 24  # pixels; smaller slivers of a cell are drawn as membrane


class _SmoothField:
    """Random numbers, smooth in the plane and from section to section.

    Cubic B-splines on a coarse grid, of mean 0 and standard deviation 1. Products of
    sparse matrices are fast, and round alike however many threads there are.
    """

    def __init__(
        self, rng: Generator, shape: tuple[int, ...], scale: float, sections: float
    ) -> None:
        scales = (sections, scale, scale)
        self._bases = [_spline_basis(n, s) for n, s in zip(shape, scales, strict=True)]
        knots = [basis.shape[1] for basis in self._bases]
        values = rng.standard_normal(knots) / 0.69**3
        self._values = values.astype(np.float32).reshape(knots[0], -1)

    def plane(self, z: int) -> Floats:
        """Return section `z` as float32 (Y, X)."""
        along_z, along_y, along_x = self._bases
        values = (along_z[z] @ self._values).reshape(along_y.shape[1], -1)
        plane: Floats = along_y @ np.ascontiguousarray((along_x @ values.T).T)
        return plane


def _spline_basis(length: int, scale: float) -> sparse.csr_matrix:
    """Values of the cubic B-splines `scale` apart at 0 .. length - 1."""
    places = np.arange(length) / scale
    knots = np.arange(int(places[-1]) + 4) - 1
    gap = np.abs(places[:, None] - knots)
    near = 2 / 3 - gap**2 + gap**3 / 2
    far = np.clip(2 - gap, 0, None) ** 3 / 6
    return sparse.csr_matrix(np.where(gap < 1, near, far).astype(np.float32))


@dataclass(frozen=True)
class _Tissue:
    """What sections are cut from; arrays of N cells, (Z, N, ...) where they change."""

    centre: Floats
    radius: Floats
    stretch: Floats
    angle: Floats
    grey: Floats
    grain: Floats
    vesicles: Floats
    mitochondria: Floats
    fields: dict[str, _SmoothField]


@dataclass
class _Section:
    """One section while it is drawn; `dark` is the stain, 0 none to 1 most."""

    rows: Floats
    columns: Floats
    planes: dict[str, Floats]
    owner: NDArray[np.int32]
    depth: Floats
    dark: Floats
    rng: Generator


def em_stack(
    shape: tuple[int, ...] = (30, 512, 512), seed: int = 0
) -> tuple[Stack, NDArray[np.int32]]:
    """Synthetic serial-section EM and its exact instance labels.

    Parameters
    ----------
    shape
        (Z, Y, X) sections, or (Y, X) for a single one, in pixels of 4 nm and sections
        of 50 nm. Y and X are at least 16.
    seed
        0 or more; the same shape and seed give the same bytes.

    Returns
    -------
    stack
        uint8 image of `shape`, with axes, pixel size in nm and source.
    labels
        int32 of `shape`: 0 = membrane, 1.. = cells, the same in every section.

    Raises
    ------
    InputError
        When `shape` is not of 2 or 3 dimensions or too small, or `seed` is negative.
    """
    _check(shape, seed)
    volume = (1, *shape) if len(shape) == 2 else shape
    tissue = _grow_tissue(np.random.default_rng(seed), volume)
    image, labels = np.empty(volume, np.uint8), np.empty(volume, np.int32)
    for z in range(volume[0]):
        # One generator a section: what one section draws cannot shift the next.
        image[z], labels[z] = _section(tissue, z, np.random.default_rng((seed, z)))
    labels = relabel_sequential(labels)[0].astype(np.int32)
    stack = Stack(
        data=image.reshape(shape),
        axes="ZYX"[-len(shape) :],
        pixel_size=(50.0, 4.0, 4.0)[-len(shape) :],
        unit="nm",
        source=f"synthetic EM, seed {seed}",
    )
    return stack, labels.reshape(shape)


def em_sample() -> list[LayerData]:
    """Layers for napari's File > Open Sample: image, annotations and truth.

    Returns
    -------
    layers
        Data (12, 256, 256), arguments and type of each layer. The annotations are
        classes (1 = cell interior, 0 = membrane) on the first three quarters of the
        sections; the truth has the cells of all sections as objects.
    """
    stack, truth = em_stack((12, 256, 256))
    annotations = (truth > 0).astype(np.uint8)
    annotations[3 * len(annotations) // 4 :] = 0
    place = {
        "scale": stack.pixel_size,
        "units": (stack.unit,) * truth.ndim,
        "axis_labels": tuple(stack.axes.lower()),
    }
    return [
        (np.asarray(stack.data), {"name": "synthetic EM", **place}, "image"),
        (annotations, {"name": "annotations", **place}, "labels"),
        (truth, {"name": "synthetic EM truth", "visible": False, **place}, "labels"),
    ]


def _check(shape: tuple[int, ...], seed: int) -> None:
    if len(shape) not in (2, 3) or min(shape[-2:]) < _SMALLEST_SIDE or shape[0] < 1:
        raise InputError(
            f"shape {shape} has to be (Y, X) or (Z, Y, X), with Y and X of at least "
            f"{_SMALLEST_SIDE} pixels."
        )
    if seed < 0:
        raise InputError(f"seed {seed} is negative: choose 0 or more.")


def _grow_fields(rng: Generator, shape: tuple[int, ...]) -> dict[str, _SmoothField]:
    # In-plane scale in pixels, correlation length in sections.
    flow, bend, wiggle, patch = (120.0, 5.0), (38.0, 3.0), (9.0, 1.2), (35.0, 1.5)
    scales = {"flow_y": flow, "flow_x": flow, "bend_y": bend, "bend_x": bend}
    scales |= {"wiggle_y": wiggle, "wiggle_x": wiggle, "shade": (170.0, 1.0)}
    scales |= {"contrast": patch, "oblique": patch, "synapse": patch}
    return {name: _SmoothField(rng, shape, *scale) for name, scale in scales.items()}


def _grow_tissue(rng: Generator, shape: tuple[int, ...]) -> _Tissue:
    sides = np.array(shape[1:]) + 2 * _MARGIN
    # Areas of neurites in a section are spread over three decades.
    wanted = np.exp(rng.normal(np.log(16.0), 0.8, int(sides.prod() / 2400)))
    fillers = rng.uniform(9, 21, int(sides.prod() / 950))
    wanted = np.sort(np.clip(np.append(wanted, fillers), 7, 85))[::-1]
    start, radius = _pack(rng, wanted, sides)
    count = len(radius)
    pace = np.minimum(0.2 * radius, 4.5)[:, None]
    steps = pace * rng.standard_normal((shape[0], count, 2))
    drift = ndimage.gaussian_filter1d(np.cumsum(steps, 0), 1.0, 0, mode="nearest")
    # Bundles: neighbours run the same way and are stretched alike.
    bundle = np.sin(start @ rng.normal(0, 1 / 90, (2, 2)) + rng.uniform(0, 6, 2))
    return _Tissue(
        centre=(start - _MARGIN + drift).astype(np.float32),
        radius=(radius * _swelling(rng, shape[0], count)).astype(np.float32),
        stretch=np.exp(0.35 + 0.5 * bundle[:, 0] + rng.normal(0, 0.12, count)),
        angle=(1.5 * bundle[:, 1] + rng.normal(0, 0.3, count)).astype(np.float32),
        grey=np.clip(rng.normal(0, 0.08, count), -0.12, 0.25).astype(np.float32),
        grain=rng.uniform(0.5, 1.5, count).astype(np.float32),
        vesicles=(0.0015 + rng.gamma(0.9, 0.005, count)).astype(np.float32),
        mitochondria=_place_mitochondria(rng, radius, shape[0]),
        fields=_grow_fields(rng, shape),
    )


def _pack(
    rng: Generator, radii: NDArray[np.float64], sides: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Drop discs, largest first, where they overlap no other much."""
    places, kept = np.empty((len(radii), 2)), np.empty(len(radii))
    count = 0
    for radius in radii:
        tries = rng.uniform(0, sides, (40, 2))
        apart = np.hypot(*np.moveaxis(tries[:, None] - places[:count], -1, 0))
        free = (apart > 0.86 * (radius + kept[:count])).all(axis=1)
        if free.any():
            places[count], kept[count] = tries[free.argmax()], radius
            count += 1
    return places[:count], kept[:count]


def _swelling(rng: Generator, depth: int, count: int) -> NDArray[np.float64]:
    """Factors (Z, N) of the radii; a few cells start or end within the stack."""
    z = np.arange(depth)[:, None]
    swing = 0.12 * np.sin(z / rng.uniform(2, 6, count) + rng.uniform(0, 6, count))
    end = rng.uniform(0, depth, count)
    side = rng.choice((-1.0, 1.0), count)
    lives = rng.random(count) > depth / 200
    return (1 + swing) * np.where(lives, 1, np.clip((z - end) * side / 3, -1, 1))


def _place_mitochondria(
    rng: Generator, radius: NDArray[np.float64], depth: int
) -> Floats:
    """One row each, as `_draw_mitochondria` reads it."""
    chance = np.clip((radius - 12) / 30, 0, 2) * (1 + depth / 16)
    cell = np.repeat(np.arange(len(radius)), rng.poisson(chance))[:, None]
    # Offset and half width in radii of the cell, then middle and half height in
    # sections, stretch, angle, and the distance of two cristae in pixels.
    low = (-0.5, -0.5, 0.35, -3, 3, 1, 0, 6)
    high = (0.5, 0.5, 0.75, depth + 3, 9, 2.2, np.pi, 9)
    table = rng.uniform(low, high, (len(cell), len(low)))
    table[:, :3] *= radius[cell]
    table[:, 2] = np.clip(table[:, 2], 8, 30)
    return np.hstack([cell, table]).astype(np.float32)


def _section(
    tissue: _Tissue, z: int, rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Image and labels of section `z`."""
    planes = {name: smooth.plane(z) for name, smooth in tissue.fields.items()}
    rows, columns = _warp(planes)
    owner = _territories(tissue, z, rows, columns)
    depth = _border_distance(owner)
    # Where a membrane is cut obliquely it is broad and grey, in the truth too.
    slant = np.clip(planes["oblique"] - 1.0, 0, 1.5)
    labels = np.where(depth < 2.55 + 1.2 * slant, 0, owner)
    # Membranes part all cells, so islands of the foreground are islands of cells.
    islands = ndimage.label(labels > 0)[0]
    slivers = (np.bincount(islands.ravel()) < _FRAGMENT)[islands]
    labels[slivers], depth[slivers & (islands > 0)] = 0, 0
    section = _Section(rows, columns, planes, owner, depth, np.zeros_like(rows), rng)
    _draw_cytoplasm(section, tissue)
    _draw_vesicles(section, tissue)
    _draw_mitochondria(section, tissue, z)
    _draw_membranes(section, slant)
    return _expose(section), labels


def _warp(planes: dict[str, Floats]) -> list[Floats]:
    """Where in the undistorted tissue each pixel lies: rows and columns."""
    sizes = {"flow": 16.0, "bend": 6.0, "wiggle": 1.0}
    places: list[Floats] = list(np.indices(planes["shade"].shape, np.float32))
    for name, size in sizes.items():
        places[0] += size * planes[name + "_y"]
        places[1] += size * planes[name + "_x"]
    return places


def _around(
    rows: Floats, columns: Floats, oval: tuple[Any, ...], reach: float
) -> tuple[tuple[slice, slice], Floats, Floats]:
    """Box about an oval of (y, x, angle, stretch), and coordinates along and across."""
    *centre, angle, stretch = (float(value) for value in oval)
    at = [int(np.clip(c, 0, n - 1)) for c, n in zip(centre, rows.shape, strict=True)]
    # The warp is undone to first order only, hence the room that is added.
    middle = (centre[0] - rows[*at] + at[0], centre[1] - columns[*at] + at[1])
    reach = reach * np.sqrt(stretch) + 12
    top, left = (max(0, int(m - reach)) for m in middle)
    bottom, right = (max(0, int(m + reach)) for m in middle)
    box = slice(top, bottom), slice(left, right)
    y, x = rows[box] - centre[0], columns[box] - centre[1]
    cosine, sine, root = float(np.cos(angle)), float(np.sin(angle)), stretch**0.5
    return box, (x * cosine + y * sine) / root, (y * cosine - x * sine) * root


def _territories(
    tissue: _Tissue, z: int, rows: Floats, columns: Floats
) -> NDArray[np.int32]:
    """Index + 1 of the cell whose outline is nearest to each pixel; 0 where none."""
    nearest = np.full(rows.shape, _GAP, np.float32)
    owner = np.zeros(rows.shape, np.int32)
    for n in np.flatnonzero(tissue.radius[z] > 0):
        radius = float(tissue.radius[z, n])
        oval = (*tissue.centre[z, n], tissue.angle[n], tissue.stretch[n])
        box, along, across = _around(rows, columns, oval, radius + _GAP)
        distance = np.hypot(along, across) - radius
        owner[box][distance < nearest[box]] = n + 1
        np.minimum(nearest[box], distance, out=nearest[box])
    return owner


def _border_distance(owner: NDArray[np.int32]) -> Floats:
    """Distance of every pixel to the nearest border of two cells, in pixels."""
    border = ndimage.maximum_filter(owner, 3) != ndimage.minimum_filter(owner, 3)
    border |= owner == 0
    if not border.any():
        return np.full(owner.shape, _GAP, np.float32)
    distance: Floats = ndimage.distance_transform_edt(~border).astype(np.float32)
    return distance + np.float32(0.5)


def _draw_cytoplasm(section: _Section, tissue: _Tissue) -> None:
    """Every cell has its grey and its graininess."""
    grey = np.append(np.float32(0.2), tissue.grey)
    grain = np.append(np.float32(1), tissue.grain)
    speckle = section.rng.standard_normal(section.dark.shape, np.float32)
    speckle = ndimage.gaussian_filter(speckle, 1.3) * 4.6
    section.dark += grey[section.owner] + 0.11 * grain[section.owner] * speckle


def _draw_vesicles(section: _Section, tissue: _Tissue) -> None:
    """Vesicles, microtubules and, fewer and larger, tubules of the reticulum."""
    rng = section.rng
    density = np.append(np.float32(0), tissue.vesicles)[section.owner]
    for share, low, high, room in ((1.0, 1.0, 4.2, 5.0), (0.04, 5.0, 10.0, 14.0)):
        lot = rng.random(density.shape, np.float32)
        place = np.argwhere((lot < share * density) & (section.depth > room))
        place = place[..., None, None]
        each = (len(place), 1, 1)
        reach = int(high) + 4
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        squash = rng.uniform(0.6, 1.6, each)
        away = np.hypot(y * squash, x / squash) - rng.uniform(low, high, each)
        rings = rng.uniform(0.15, 0.65, each) * np.exp(-((away / 1.1) ** 2))
        canvas = np.pad(section.dark, reach)
        np.add.at(canvas, (place[:, 0] + y + reach, place[:, 1] + x + reach), rings)
        section.dark = canvas[reach:-reach, reach:-reach]


def _draw_mitochondria(section: _Section, tissue: _Tissue, z: int) -> None:
    for row in tissue.mitochondria:
        cell, offset = int(row[0]), row[1:3]
        half_width, middle, height, stretch, angle, period = row[3:]
        cut = 1 - ((z - middle) / height) ** 2
        if cut < 0.05:
            continue
        width = half_width * np.sqrt(cut)
        oval = (*(tissue.centre[z, cell] + offset), angle, stretch)
        box, along, across = _around(section.rows, section.columns, oval, width)
        # Inside its own cell only, and pressed flat by the cell's membrane.
        inside = np.minimum(width - np.hypot(along, across), section.depth[box] - 5)
        inside[section.owner[box] != cell + 1] = -9
        swirl = 0.15 * across + 2.4 * section.planes["wiggle_x"][box]
        cristae = np.clip(np.sin(6.3 * along / period + swirl), -0.6, 1)
        # Two membranes with a pale gap between, cristae in a grey matrix.
        matrix = np.clip(inside - 4, 0, 1) * (0.45 + 0.35 * cristae)
        matrix += 0.65 * np.exp(-(((inside - 1) / 1.1) ** 2)) - 0.1
        matrix += 0.45 * np.exp(-(((inside - 4.5) / 1.2) ** 2))
        cover = np.clip(inside + 0.5, 0, 1)
        section.dark[box] += cover * (matrix - 0.4 * section.dark[box])


def _draw_membranes(section: _Section, slant: Floats) -> None:
    planes = section.planes
    width = 2.8 + 0.4 * planes["wiggle_y"] + 3.0 * slant
    strength = 0.85 + 0.14 * planes["contrast"] - 0.25 * slant
    line = np.clip(strength, 0.35, 1.1) * np.exp(-((section.depth / width) ** 2))
    # Stain is grainy: what it takes from the cytoplasm's grain roughens the line.
    line *= 1 + 2 * (section.dark - ndimage.uniform_filter(section.dark, 5))
    # Synapses: a dense cloud at the membrane.
    cloud = np.clip(planes["synapse"] - 1.7, 0, 0.8)
    line += cloud * np.exp(-section.depth / 7)
    section.dark = np.maximum(section.dark, line) + 0.3 * np.minimum(section.dark, line)


def _expose(section: _Section) -> NDArray[np.uint8]:
    """Image the stain: blur, shot noise, and a brightness that differs by section."""
    rng = section.rng
    light = 1 - 0.8 * ndimage.gaussian_filter(section.dark, 0.65)
    noise = rng.standard_normal(light.shape, np.float32)
    noise = ndimage.gaussian_filter(noise, 0.75) * np.sqrt(np.clip(light, 0.1, 2))
    brightness = 170 + np.clip(rng.normal(0, 12), -26, 26)
    contrast = 150 * rng.uniform(0.85, 1.1)
    grey = brightness + contrast * (light - 1) + 6 * section.planes["shade"]
    image: NDArray[np.uint8] = np.clip(grey + 54 * noise, 0, 255).astype(np.uint8)
    return image
