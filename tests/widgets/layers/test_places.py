"""Where layers lie: in units of their own, turned, cropped, with any axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet.errors import InputError
from napari_unet.widgets.layers.arrays import (
    image_stack,
    labels_array,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.axes import axes_of, planes
from napari_unet.widgets.layers.edits import edit_slices
from napari_unet.widgets.layers.places import (
    bring_to,
    carry,
    current_slice,
    from_view,
    go_to_slice,
    lies_on,
    pixel_size,
    shown,
    to_view,
)

SHAPE = (6, 40, 50)
NM = {"scale": (50, 4, 4), "units": ("nm",) * 3}
UM = {"scale": (0.05, 0.004, 0.004), "units": ("um",) * 3}
MIXED = {"scale": (0.05, 4, 4), "units": ("um", "nm", "nm")}
ANGLE = np.deg2rad(30)
TURN = np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer without a window, whose canvas is 600 x 800."""
    model = ViewerModel()
    model.canvas.size = (600, 800)
    return model


@pytest.fixture
def add(viewer: ViewerModel) -> Callable[..., Any]:
    def add(place: dict[str, Any], shape: tuple[int, ...] = SHAPE) -> Any:
        return viewer.add_labels(np.zeros(shape, np.uint8), **place)

    return add


def drawn(layer: Any) -> int:
    """Return the slice that napari itself draws of a layer."""
    return round(layer._slicing_state.data_slice.point[-3])


@pytest.mark.parametrize("place", [NM, UM, MIXED])
def test_the_slice_shown_is_the_one_that_napari_draws(viewer, add, place):
    layers = [add(one) for one in (NM, UM, MIXED, place)]
    for z in (4, 1):
        go_to_slice(viewer, layers[-1], z)
        assert [drawn(layer) for layer in layers] == [z] * 4
        assert [current_slice(viewer, layer) for layer in layers] == [z] * 4


def test_a_crop_has_slices_of_its_own_and_none_where_it_is_not(viewer, add):
    whole = add(NM)
    crop = add({**UM, "translate": (0.1, 0.04, 0.08)}, (3, 10, 10))
    go_to_slice(viewer, whole, 3)
    assert drawn(crop) == current_slice(viewer, crop) == 1
    go_to_slice(viewer, crop, 0)
    assert current_slice(viewer, whole) == 2
    go_to_slice(viewer, whole, 5)
    assert shown(viewer, crop).z is None
    with pytest.raises(InputError, match="No slice of Labels"):
        current_slice(viewer, crop)


def test_a_turned_and_an_affine_layer_show_the_slice_that_is_drawn(viewer, add):
    whole = np.eye(4)
    whole[:3, 3] = (0.1, 0.02, 0)
    whole[1:3, 1:3] = TURN
    turn = np.eye(3)
    turn[1:, 1:] = TURN
    layers = [add(NM), add({**UM, "affine": whole}), add({**UM, "rotate": turn})]
    go_to_slice(viewer, layers[0], 4)
    assert [drawn(layer) for layer in layers] == [4, 2, 4]
    assert [current_slice(viewer, layer) for layer in layers] == [4, 2, 4]


def test_a_picture_has_one_slice_everywhere(viewer, add):
    add(NM)
    flat = add({"scale": (0.004, 0.004), "units": ("um",) * 2}, SHAPE[1:])
    assert current_slice(viewer, flat) == 0


@pytest.mark.parametrize("place", [NM, UM, MIXED])
def test_the_region_is_what_the_canvas_holds(viewer, add, place):
    layer = add(place)
    add(NM)
    viewer.scene.camera.center = (0, 4 * 20, 4 * 10)
    viewer.scene.camera.zoom = 600 / (4 * 16)
    rows, columns = shown(viewer, layer).region
    assert (rows.start, rows.stop) == (12, 29)
    assert columns.start == 0
    assert columns.stop == pytest.approx(10 + 16 * 800 / 600 / 2 + 1, abs=1)
    viewer.scene.camera.center = (0, 4 * 200, 0)
    assert shown(viewer, layer).region is None


def test_a_plane_that_is_not_y_and_x_has_no_region(viewer, add):
    layer = add(UM)
    viewer.fit_to_view()
    assert shown(viewer, layer).region == (slice(0, 40), slice(0, 50))
    viewer.dims.order = (0, 2, 1)
    assert shown(viewer, layer).region == (slice(0, 40), slice(0, 50))
    viewer.dims.order = (1, 0, 2)
    assert shown(viewer, layer).region is None
    viewer.dims.order = (0, 1, 2)
    viewer.dims.ndisplay = 3
    assert shown(viewer, layer).region is None


@pytest.mark.parametrize("place", [NM, UM, MIXED])
def test_places_go_to_the_viewer_and_back(viewer, add, place):
    layer = add({**place, "translate": np.multiply(place["scale"], (1, 2, 3))})
    add(NM)
    position = to_view(viewer, layer, (2, 10, 20))
    np.testing.assert_allclose(position, (150, 48, 92))
    np.testing.assert_allclose(from_view(viewer, layer, position), (2, 10, 20))


@pytest.mark.parametrize("place", [NM, UM, MIXED])
def test_layers_in_other_units_lie_on_each_other(add, place):
    here, there = add(NM), add(place)
    assert lies_on(here, there)
    assert lies_on(there, here)


@pytest.mark.parametrize(
    ("place", "lies"),
    [
        ({"scale": (0.05, 0.00404, 0.004)}, True),
        ({"scale": (0.05, 0.0041, 0.004)}, False),
        ({"translate": (0, 0.0019, 0)}, True),
        ({"translate": (0, 0.0021, 0)}, False),
        ({"translate": (0.05, 0, 0)}, False),
        ({"rotate": np.diag((1.0, -1, -1))}, False),
        ({"affine": np.diag((1.0, 1, 1, 1))}, True),
        ({"affine": np.diag((1000.0, 1000, 1000, 1))}, False),
    ],
)
def test_half_a_pixel_is_let_pass_and_no_more(add, place, lies):
    assert lies_on(add({**UM, **place}), add(NM)) is lies


def test_sizes_and_kinds_of_units_count_as_they_are_drawn(add):
    assert not lies_on(add(NM, (6, 40, 51)), add(NM))
    assert lies_on(add({"scale": NM["scale"]}), add(NM))
    assert not lies_on(add({}), add(NM))
    assert not lies_on(add(NM, SHAPE), add({}, SHAPE[1:]))


def test_shapes_of_their_own_scale_are_carried_to_an_image(viewer, add):
    image = add({**NM, "translate": (50, 40, 40)})
    shapes = viewer.add_shapes(
        [np.array([[0.1, 0.04, 0.04], [0.1, 0.04, 0.08], [0.1, 0.08, 0.08]])],
        shape_type="polygon",
        units=("um",) * 3,
    )
    expected = [[1, 0, 0], [1, 0, 10], [1, 10, 10]]
    moved = carry(shapes.data[0], shapes, image)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    np.testing.assert_allclose(carry(moved, image, shapes), shapes.data[0], 1e-5)


@pytest.mark.parametrize(
    ("shape", "names", "axes", "plane"),
    [
        ((6, 40, 50), None, "ZYX", SHAPE),
        ((1, 6, 40, 50), None, "_ZYX", SHAPE),
        ((1, 1, 40, 50), None, "_ZYX", (1, 40, 50)),
        ((1, 1, 6, 40, 50), "tczyx", "__ZYX", SHAPE),
        ((6, 1, 40, 50), "zcyx", "Z_YX", (6, 1, 40, 50)),
        ((6, 2, 40, 50), "zcyx", "ZCYX", (6, 1, 40, 50)),
        ((2, 6, 40, 50), "czyx", "CZYX", SHAPE),
        ((6, 1, 1, 40, 50), "tczyx", "T_ZYX", None),
        ((6, 40, 50), "tyx", "TYX", SHAPE),
        ((2, 6, 40, 50), None, None, None),
    ],
)
def test_axes_are_squeezed_as_those_of_files(viewer, shape, names, axes, plane):
    options = {} if names is None else {"axis_labels": tuple(names)}
    layer = viewer.add_image(np.zeros(shape, np.uint8), **options)
    if plane is None:
        with pytest.raises(InputError, match="Split channels or time points"):
            axes_of(layer)
        return
    assert axes_of(layer) == axes
    assert plane_shape(layer) == plane
    stack = image_stack(layer)
    assert stack.as_czyx().shape == (stack.num_channels, *plane[:1], *plane[-2:])


def test_labels_on_channels_after_slices_lie_on_every_channel(viewer):
    data = np.zeros((6, 3, 40, 50), np.uint8)
    image = viewer.add_image(
        data,
        axis_labels=("z", "c", "y", "x"),
        scale=(50, 1, 4, 4),
        units=("nm", "pixel", "nm", "nm"),
    )
    labels = viewer.add_labels(
        np.zeros(plane_shape(image), np.uint8), **placed_like(image)
    )
    assert lies_on(labels, image)
    edit_slices(labels, 4, np.ones((1, 40, 50), np.uint8))
    assert planes(labels)[4].all()
    assert labels_array(labels).sum() == 40 * 50
    go_to_slice(viewer, image, 4)
    for channel in range(3):
        viewer.dims.set_point(1, channel)
        assert current_slice(viewer, image) == current_slice(viewer, labels) == 4
        assert labels._data_view.all(), "it is drawn on every channel"
    go_to_slice(viewer, labels, 2)
    assert current_slice(viewer, image) == 2


@pytest.mark.parametrize("place", [NM, UM, MIXED])
def test_a_pixel_size_is_in_one_unit(viewer, add, place):
    assert pixel_size(add(place)) in {NM["scale"], UM["scale"]}
    image = viewer.add_image(np.zeros(SHAPE), **place)
    assert image_stack(image).pixel_size == pixel_size(image)
    assert image_stack(image).unit == ("um" if place is UM else "nm")


def test_the_pixel_size_of_an_affine_is_what_it_makes_of_pixels(add):
    whole = np.diag((50.0, 4, 4, 1))
    whole[1:3, 1:3] = 4 * TURN
    assert pixel_size(add({"affine": whole, "units": ("nm",) * 3})) == (50, 4, 4)


@pytest.mark.parametrize(
    "place",
    [
        UM,
        MIXED,
        {**UM, "translate": (0.1, 0.2, 0.3)},
        {**MIXED, "rotate": 30, "translate": (0.1, 20, 30)},
        {**UM, "shear": (0, 0, 0.2), "affine": np.diag((2.0, 2, 2, 1))},
    ],
)
def test_a_layer_brought_to_other_units_stays_where_it_is(viewer, add, place):
    layer = add(place)
    add(NM)
    before = [to_view(viewer, layer, point) for point in np.eye(3) * 10]
    bring_to(layer, viewer.dims.units)
    assert {str(unit) for unit in layer.units} == {"nanometer"}
    after = [layer.data_to_world(point) for point in np.eye(3) * 10]
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_layer_without_units_stays_without(viewer, add):
    layer = add({"scale": (5, 1, 1)})
    add(NM)
    bring_to(layer, add(UM).units)
    assert {str(unit) for unit in layer.units} == {"pixel"}
    np.testing.assert_array_equal(layer.scale, (5, 1, 1))


def test_of_a_layer_that_was_removed_nothing_is_shown() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((3, 20, 30)))
    assert shown(viewer, layer).z == viewer.dims.current_step[0]
    viewer.layers.clear()  # and the viewer has two dimensions again
    gone = shown(viewer, layer)
    assert (gone.z, gone.region) == (None, None)
