"""Where layers lie: in the viewer, and on each other.

The viewer has one unit of length for all layers (`dims.units`, the smallest of theirs),
a layer may have others, even one for each axis, and napari's own `world_to_data` and
`corner_pixels` know of none. A layer with fewer axes than the viewer has its last ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import InputError
from napari_unet.widgets.layers.axes import shape_of, spatial

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

Floats = NDArray[np.floating[Any]]
Point = Sequence[float] | Floats


@dataclass(frozen=True)
class Shown:
    """The part of a layer that a viewer shows.

    Attributes
    ----------
    z
        Index of the slice, 0 where the layer has none; None where the viewer is at
        no slice of it.
    region
        Rows and columns within the canvas; None where it shows none of them, or does
        not show the plane of Y and X.
    """

    z: int | None
    region: tuple[slice, slice] | None


def shown(viewer: ViewerModel, layer: Layer) -> Shown:
    """Return which slice and region of a layer the viewer shows.

    Of a layer that was removed it shows none.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know.
    """
    if layer not in viewer.layers:
        return Shown(None, None)
    return Shown(_slice(viewer, layer), _region(viewer, layer))


def current_slice(viewer: ViewerModel, layer: Layer) -> int:
    """Return the index of the slice of `layer` that the viewer shows.

    Raises
    ------
    InputError
        When it shows none.
    """
    found = _slice(viewer, layer)
    if found is None:
        raise InputError(
            f"No slice of {layer.name} is shown: move the slider under the image."
        )
    return found


def go_to_slice(viewer: ViewerModel, layer: Layer, index: float) -> None:
    """Let the viewer show a slice of a layer; nothing else moves."""
    kept = spatial(layer)
    if len(kept) < 3:
        return
    axis, (matrix, offset) = kept[0], _from_view(viewer, layer)
    point = (index - offset[axis]) / matrix[axis, axis]
    viewer.dims.set_point(viewer.dims.ndim - layer.ndim + axis, point)


def place_events(*layers: Layer | None) -> list[Any]:
    """Return the events that tell that layers lie elsewhere, or hold other data."""
    names = ("scale", "translate", "units", "rotate", "shear", "affine", "data")
    known = [one.events for one in layers if one is not None]
    return [events[name] for events in known for name in names]


def shows_slices(viewer: ViewerModel) -> bool:
    """Return whether the canvas shows Y and X, and is not turned to other planes."""
    dims = viewer.dims
    return dims.ndisplay == 2 and set(dims.displayed) == {dims.ndim - 2, dims.ndim - 1}


@contextmanager
def stay_at(viewer: ViewerModel, layer: Layer) -> Iterator[None]:
    """Let the viewer show the same slice and pixels of a layer, whatever its scale.

    A view of three dimensions, or of other planes than Y and X, is left as it becomes.
    """
    dims, camera = viewer.dims, viewer.scene.camera
    plane = dims.displayed == tuple(range(dims.ndim))[-2:]
    if not plane:
        yield
        return
    position = (*dims.point[:-2], *camera.center[-2:])
    centre = from_view(viewer, layer, position)
    length = _row_length(viewer, layer)
    yield
    point = to_view(viewer, layer, centre)
    go_to_slice(viewer, layer, centre[0])
    camera.center = (0.0, *point[-2:])
    camera.zoom *= length / _row_length(viewer, layer)


def to_view(viewer: ViewerModel, layer: Layer, point: Point) -> Floats:
    """Return where a place of a layer, in slices, Y and X, lies in the viewer.

    Returns
    -------
    One number for each of the last axes of the viewer, as many as the layer has.
    """
    matrix, offset = _from_view(viewer, layer)
    data = np.zeros(layer.ndim)
    data[spatial(layer)] = point
    return np.linalg.solve(matrix, data - offset)


def from_view(viewer: ViewerModel, layer: Layer, position: Sequence[float]) -> Floats:
    """Return where a position of the viewer lies in the slices, Y and X of a layer."""
    matrix, offset = _from_view(viewer, layer)
    inside: Floats = matrix @ _last(position, layer.ndim) + offset
    return inside[spatial(layer)]


def carry(points: Any, layer: Layer, other: Layer) -> Floats:
    """Return where points of a layer lie in the pixels of another.

    Parameters
    ----------
    points
        (N, 2 or 3): slices, Y and X, as many as both layers have.
    layer, other
        The layers; units that are no lengths, such as pixels, count as those of the
        other.
    """
    ndim = np.shape(points)[1]
    (matrix, offset), (back, start) = _grid(layer, ndim), _grid(other, ndim)
    factors = _factors(_units(layer, ndim), _units(other, ndim))
    world = (np.asarray(points, float) @ matrix.T + offset) * factors
    moved: Floats = np.linalg.solve(back, (world - start).T).T
    return moved


def lies_on(layer: Layer, other: Layer) -> bool:
    """Return whether two layers have the same slices, Y and X at the same places.

    Units are converted; half a pixel at a corner is let pass.
    """
    try:
        shape = shape_in_space(layer)
        if shape != shape_in_space(other):
            return False
    except InputError:
        return False
    corners = np.array(list(product(*((0.0, length - 1.0) for length in shape))))
    away = carry(corners, layer, other) - corners
    return bool(np.abs(away).max() <= 0.5)


def shape_in_space(layer: Layer) -> tuple[int, ...]:
    """Return the number of slices, if a layer has any, and of rows and columns.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know.
    """
    shape = shape_of(layer)
    return tuple(shape[axis] for axis in spatial(layer))


def pixel_size(layer: Layer) -> tuple[float, ...]:
    """Return the size along slices, if there are any, Y and X, in the unit of X."""
    ndim = len(spatial(layer))
    matrix, _ = _grid(layer, ndim)
    units = _units(layer, ndim)
    return _lengths(matrix * _factors(units, units[-1:] * ndim)[:, None])


def axis_sizes(layer: Layer) -> tuple[float, ...]:
    """Return the size of a pixel along each axis, in the unit of the axis."""
    return _lengths(_transform(layer)[0])


def bring_to(layer: Layer, units: Sequence[Any] | None) -> None:
    """Give a layer the units of a viewer, or of nothing; it stays where it is.

    napari's brush, and what its status bar says, are wrong in a layer of other units.
    What is no length stays none.
    """
    wanted = tuple(
        next((unit for unit in units or () if _are_alike(unit, own)), own)
        for own in layer.units
    )
    if tuple(layer.units) == wanted:
        return
    factors = _factors(layer.units, wanted)
    whole = np.diag([*factors, 1.0])
    affine = np.asarray(layer.affine.affine_matrix)
    straight = np.array_equal(layer.rotate, np.eye(layer.ndim))
    scale, translate = layer.scale * factors, layer.translate * factors
    layer.units = wanted
    if straight and not np.any(_shear(layer)):
        layer.scale, layer.translate = scale, translate
        layer.affine = whole @ affine @ np.linalg.inv(whole)
    else:
        layer.affine = whole @ affine


def _lengths(matrix: Floats) -> tuple[float, ...]:
    """Return how long the columns are; what fractions of units add is rounded off."""
    return tuple(float(f"{size:.8g}") for size in np.linalg.norm(matrix, axis=0))


def _shear(layer: Layer) -> Floats:
    shear = np.asarray(layer.shear)
    return shear - np.eye(layer.ndim) if shear.ndim == 2 else shear


def _slice(viewer: ViewerModel, layer: Layer) -> int | None:
    kept = spatial(layer)
    if len(kept) < 3:
        return 0
    matrix, offset = _from_view(viewer, layer)
    # As napari: a layer that is turned out of the plane is cut as if it were not.
    position = _last(viewer.dims.point, layer.ndim)
    position[kept[-2:]] = 0
    index = round(float(matrix[kept[0]] @ position + offset[kept[0]]))
    return index if 0 <= index < shape_of(layer)[kept[0]] else None


def _region(viewer: ViewerModel, layer: Layer) -> tuple[slice, slice] | None:
    dims, canvas = viewer.dims, viewer.canvas
    if not shows_slices(viewer):
        return None
    size = canvas.viewbox_size(viewer.layers) if canvas.grid.enabled else canvas.size
    camera = viewer.scene.camera
    reach = np.array(size) / 2 / camera.zoom
    middle = np.array(camera.center[-2:])
    positions = np.tile(np.array(dims.point, float), (4, 1))
    signs = np.array(list(product((-1, 1), repeat=2)))
    positions[:, list(dims.displayed)] = middle + signs * reach
    matrix, offset = _from_view(viewer, layer)
    inside = positions[:, dims.ndim - layer.ndim :] @ matrix.T + offset
    corners = inside[:, spatial(layer)[-2:]]
    last = np.array(shape_in_space(layer)[-2:]) - 1
    low = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(0)), last).astype(int)
    if (high < low).any():
        return None
    rows, columns = (slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
    return rows, columns


def _from_view(viewer: ViewerModel, layer: Layer) -> tuple[Floats, Floats]:
    """Return matrix and offset from the viewer's position to the layer's pixels."""
    matrix, offset = _transform(layer)
    units = viewer.dims.units
    to_layer = np.ones(layer.ndim)
    if units is not None and len(units) >= layer.ndim:
        to_layer = _factors(units[-layer.ndim :], layer.units)
    inverse = np.linalg.inv(matrix)
    return inverse * to_layer, -inverse @ offset


def _row_length(viewer: ViewerModel, layer: Layer) -> float:
    """Return how long a pixel is along Y in the viewer."""
    ends = np.eye(len(spatial(layer)))[-2] * [[0], [1]]
    start, end = (to_view(viewer, layer, one) for one in ends)
    return float(np.linalg.norm(end - start))


def _grid(layer: Layer, ndim: int) -> tuple[Floats, Floats]:
    """Return matrix and offset from slices, Y and X to their place, in its units."""
    kept = spatial(layer)[-ndim:]
    matrix, offset = _transform(layer)
    return matrix[np.ix_(kept, kept)], offset[kept]


def _units(layer: Layer, ndim: int) -> tuple[Any, ...]:
    return tuple(layer.units[axis] for axis in spatial(layer)[-ndim:])


def _transform(layer: Layer) -> tuple[Floats, Floats]:
    """Return matrix and offset from pixels to places: scale, affine and all."""
    offset = np.array(layer.data_to_world(np.zeros(layer.ndim)))
    ends = [layer.data_to_world(one) for one in np.eye(layer.ndim)]
    return (np.array(ends) - offset).T, offset


def _factors(units: Sequence[Any], wanted: Sequence[Any]) -> Floats:
    """Return what numbers in `units` are multiplied by to be in those `wanted`."""
    pairs = zip(units, wanted, strict=True)
    return np.array([_factor(one, other) for one, other in pairs])


def _factor(unit: Any, wanted: Any) -> float:
    # Of two kinds, such as pixels and lengths, napari draws the numbers as they are.
    if unit == wanted or not _are_alike(unit, wanted):
        return 1.0
    # pint makes 999.9999999999999 nm of one um.
    return float(f"{(1 * unit).to(wanted).magnitude:.12g}")


def _are_alike(unit: Any, other: Any) -> bool:
    return bool(unit.dimensionality == other.dimensionality)


def _last(position: Sequence[float], ndim: int) -> Floats:
    """Return a position in the last `ndim` axes; 0 along those that it lacks."""
    found = np.zeros(ndim)
    given = np.array(position, float)[-ndim:]
    found[ndim - len(given) :] = given
    return found
