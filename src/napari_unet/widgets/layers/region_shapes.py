"""Between regions and the Shapes layer in which they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from napari.utils.colormaps.standardize_color import transform_color

from napari_unet.config import Region, Role
from napari_unet.data.stack import parse_slices
from napari_unet.widgets.layers.arrays import placed_like, plane_shape
from napari_unet.widgets.layers.axes import spatial
from napari_unet.widgets.layers.marks import REGIONS_OF, ROLE
from napari_unet.widgets.layers.places import bring_to, carry
from napari_unet.widgets.layers.roles import Role as LayerRole

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

NAME = "regions"
# Told apart by those who see red and green alike (Okabe and Ito, 2008).
COLORS = {
    Role.TRAIN: "#56b4e9",
    Role.VALIDATION: "#e69f00",
    Role.TEST: "#cc79a7",
    Role.IGNORE: "#bbbbbb",
}
_CLOSED = ("rectangle", "polygon", "ellipse")
_SELECTING = ("select", "direct")
_CORNERS = 64
_TEXT = {"string": "{role}", "size": 9, "anchor": "upper_left", "color": "white"}


def find_layer(viewer: ViewerModel, image: Image) -> Shapes | None:
    """Return the layer with the regions of an image, or None.

    A Shapes layer called "regions" that belongs to no image yet is taken too.
    """
    shapes = [layer for layer in viewer.layers if isinstance(layer, Shapes)]
    for layer in shapes:
        if layer.metadata.get(REGIONS_OF) == str(image.unique_id):
            return layer
    ndim = len(plane_shape(image))
    for layer in shapes:
        if (
            layer.name == NAME
            and REGIONS_OF not in layer.metadata
            and layer.ndim == ndim
        ):
            return layer
    return None


def make_layer(viewer: ViewerModel, image: Image, role: Role) -> Shapes:
    """Return the layer with the regions of an image; made where there is none."""
    layer = find_layer(viewer, image)
    if layer is None:
        ndim = len(plane_shape(image))
        layer = viewer.add_shapes(
            None,
            ndim=ndim,
            name=NAME if NAME not in viewer.layers else f"{NAME} of {image.name}",
            face_color="transparent",
            edge_width=max(1.0, max(plane_shape(image)[-2:]) / 256),
            **placed_like(image),
        )
    bring_to(layer, viewer.dims.units)
    layer.metadata[REGIONS_OF] = str(image.unique_id)
    layer.metadata[ROLE] = LayerRole.HELPER
    if "role" not in layer.features:
        layer.features = _features([role] * len(layer.data))
    # The next shape is drawn: none that is there shall change.
    layer.selected_data = set()
    set_region_role(layer, role)
    layer.text = _TEXT
    return layer


def set_region_role(layer: Shapes, role: Role) -> None:
    """Give a role to the shapes that will be drawn, and to those that were selected.

    While shapes are drawn, the last one only stays selected by napari.
    """
    if layer.mode not in _SELECTING:
        layer.selected_data = set()
    chosen = sorted(layer.selected_data)
    if chosen:
        features = layer.features.copy()
        features.loc[chosen, "role"] = str(role)
        layer.features = features
    layer.feature_defaults = {"role": str(role)}
    # Its setter gives the colour to selected shapes too: they have that role now.
    layer.current_edge_color = COLORS[role]
    show_roles(layer)


def show_roles(layer: Shapes) -> None:
    """Draw every shape in the colour of its role, with the role as text."""
    if not layer.data:
        return
    wanted = transform_color([COLORS[role] for role in roles_of(layer)])
    if not np.array_equal(layer.edge_color, wanted):
        layer.edge_color = wanted
        layer.refresh_text()


def roles_of(layer: Shapes) -> list[Role]:
    """Return the role of every shape; train where it has none that is known."""
    if "role" not in layer.features:
        return [Role.TRAIN] * len(layer.data)
    known = [str(role) for role in Role]
    texts = [str(text) for text in layer.features["role"]]
    return [Role(text) if text in known else Role.TRAIN for text in texts]


def read_regions(layer: Shapes | None, image: Image) -> tuple[list[Region], list[str]]:
    """Read the shapes of a layer; on the main thread.

    Parameters
    ----------
    layer
        As `make_layer` makes it, or of a scale and place of its own.
    image
        What they are drawn on.

    Returns
    -------
    regions
        One for each closed shape on a slice.
    notes
        Words on the shapes that are none: lines, and what lies on no slice.
    """
    if layer is None:
        return [], []
    regions: list[Region] = []
    open_shapes = lost = 0
    count = _depth(image)
    shapes = zip(layer.data, layer.shape_type, roles_of(layer), strict=True)
    for drawn, shape, role in shapes:
        data = carry(np.asarray(drawn)[:, spatial(layer)], layer, image)
        z = _slice_of(data, count)
        if shape not in _CLOSED:
            open_shapes += 1
        elif z is None:
            lost += 1
        else:
            corners = _corners(data[:, -2:], str(shape))
            regions.append(Region(role=role, slices=str(z), polygon=corners))
    return regions, _ignored(open_shapes, lost)


def draw_regions(layer: Shapes, regions: Sequence[Region], image: Image) -> None:
    """Replace the shapes of a layer; regions of several slices get one on each."""
    *_, height, width = plane_shape(image)
    count = _depth(image)
    top, left, bottom, right = -0.5, -0.5, height - 0.5, width - 0.5
    whole = ((top, left), (top, right), (bottom, right), (bottom, left))
    shapes: list[NDArray[np.float64]] = []
    roles: list[Role] = []
    for region in regions:
        corners = np.array(region.polygon or whole, float)
        for z in range(count)[parse_slices(region.slices or ":", count)]:
            points = np.insert(corners, 0, z, axis=1)
            drawn = np.zeros((len(corners), layer.ndim))
            kept = spatial(layer)
            drawn[:, kept] = carry(points[:, -len(kept) :], image, layer)
            shapes.append(drawn)
            roles.append(region.role)
    layer.selected_data = set()
    layer.data = []
    if shapes:
        layer.add_polygons(shapes)
    layer.features = _features(roles)
    show_roles(layer)


def _features(roles: Sequence[Role]) -> dict[str, NDArray[np.object_]]:
    return {"role": np.array([str(role) for role in roles], dtype=object)}


def _depth(image: Image) -> int:
    """Return the number of slices, not of channels."""
    shape = plane_shape(image)
    return shape[0] if len(shape) > 2 else 1


def _slice_of(data: NDArray[np.floating[Any]], count: int) -> int | None:
    """Return the slice of the image on which a shape lies, if it does."""
    if data.shape[1] == 2:
        return 0
    lowest, highest = round(float(data[:, 0].min())), round(float(data[:, 0].max()))
    return lowest if lowest == highest and 0 <= lowest < count else None


def _corners(data: NDArray[np.floating[Any]], shape: str) -> Any:
    if shape == "ellipse":
        middle = (data[0] + data[2]) / 2
        across, along = (data[1] - data[0]) / 2, (data[3] - data[0]) / 2
        angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)[:, None]
        data = middle + np.cos(angle) * across + np.sin(angle) * along
    return tuple((float(y), float(x)) for y, x in data)


def _ignored(open_shapes: int, lost: int) -> list[str]:
    notes = []
    if open_shapes:
        lines = "1 line is" if open_shapes == 1 else f"{open_shapes} lines are"
        notes.append(f"{lines} ignored: draw boxes, polygons or ellipses")
    if lost:
        lie = "1 shape lies" if lost == 1 else f"{lost} shapes lie"
        notes.append(f"{lie} on no slice of the image and counts for nothing")
    return notes
