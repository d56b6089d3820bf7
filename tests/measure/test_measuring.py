"""Objects are measured as scikit-image does, and hand-made shapes come out right."""

import math

import numpy as np
import pytest
import scipy
import skimage

from napari_unet.errors import InputError
from napari_unet.measure.columns import COLUMNS
from napari_unet.measure.feret import longest
from napari_unet.measure.measuring import measure_objects
from napari_unet.measure.numbered import number_objects
from napari_unet.measure.surface_area import surface_area


def blobs(*shape, seed=0):
    """Random numbered objects."""
    noise = np.random.default_rng(seed).random(shape)
    labels, _ = scipy.ndimage.label(scipy.ndimage.gaussian_filter(noise, 2) > 0.52)
    return labels.astype(np.int32)


def ball(radius, spacing):
    grid = np.meshgrid(
        *(
            np.arange(-(radius // size) - 2, radius // size + 3) * size
            for size in spacing
        ),
        indexing="ij",
    )
    return sum(axis**2 for axis in grid) <= radius**2


def as_objects(labels):
    return number_objects(labels, "objects", volume=True)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (4.0, 4.0), (3.0, 1.5)])
def test_random_objects_of_a_slice_are_measured_as_by_scikit_image(spacing):
    labels = blobs(160, 160)
    picture = np.random.default_rng(1).integers(0, 255, labels.shape).astype(np.uint8)
    found = measure_objects(
        labels[None], picture[None, None], pixel_size=(1.0, *spacing)
    ).values
    same = {
        "object": "label",
        "area": "area",
        "y": "centroid-0",
        "x": "centroid-1",
        "equivalent_diameter": "equivalent_diameter_area",
        "extent": "extent",
        "mean_grey": "intensity_mean",
        "std_grey": "intensity_std",
        "long_axis": "axis_major_length",
        "short_axis": "axis_minor_length",
    }
    if spacing[0] == spacing[1] == 1:
        same["perimeter"] = "perimeter_crofton"
    names = {name.partition("-")[0] for name in same.values()} | {"feret_diameter_max"}
    known = skimage.measure.regionprops_table(
        labels, picture, properties=sorted(names), spacing=spacing
    )
    for ours, theirs in same.items():
        np.testing.assert_allclose(found[ours], known[theirs], atol=1e-9, err_msg=ours)
    # They draw the convex hull in pixels first, which can stick out of the true one.
    farther = known["feret_diameter_max"] - found["feret"]
    assert farther.min() > -1e-9
    assert farther.max() < max(spacing)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 2.0, 2.0)])
def test_random_objects_of_a_volume_are_measured_as_by_scikit_image(spacing):
    labels = blobs(30, 50, 50)
    found = measure_objects(as_objects(labels), pixel_size=spacing).values
    known = skimage.measure.regionprops_table(
        labels,
        properties=(
            *("label", "area", "centroid", "equivalent_diameter_area", "extent"),
            *("axis_major_length", "axis_minor_length"),
        ),
        spacing=spacing,
    )
    for ours, theirs in {
        "object": "label",
        "volume": "area",
        "z": "centroid-0",
        "equivalent_diameter": "equivalent_diameter_area",
        "extent": "extent",
        "long_axis": "axis_major_length",
        "short_axis": "axis_minor_length",
    }.items():
        np.testing.assert_allclose(
            found[ours], known[theirs], rtol=1e-6, atol=1e-3, err_msg=ours
        )


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (5.0, 1.0, 1.0)])
def test_a_ball_is_a_ball_whatever_the_voxels(spacing):
    radius = 40
    mask = ball(radius, spacing)
    found = measure_objects(as_objects(mask), pixel_size=spacing).values
    assert found["volume"][0] == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.01)
    assert found["surface"][0] == pytest.approx(4 * math.pi * radius**2, rel=0.025)
    assert found["sphericity"][0] == pytest.approx(1, abs=0.03)
    assert found["feret"][0] == pytest.approx(2 * radius, rel=0.07)
    for axis in ("long_axis", "middle_axis", "short_axis"):
        assert found[axis][0] == pytest.approx(2 * radius, rel=0.02)


def test_a_box_has_the_sides_of_a_box():
    labels = np.zeros((40, 60, 80), np.uint16)
    labels[5:25, 10:50, 10:70] = 7
    found = measure_objects(as_objects(labels), pixel_size=(3, 1, 1)).values
    assert found["object"].tolist() == [7]
    assert found["volume"][0] == 60 * 40 * 60
    assert found["surface"][0] == pytest.approx(
        2 * (60 * 40 + 40 * 60 + 60 * 60), rel=0.03
    )
    assert found["extent"][0] == 1
    # Its outline runs through the middles of the voxels' sides.
    assert found["feret"][0] == pytest.approx(math.hypot(60, 40 - 1, 60 - 1), rel=1e-9)
    assert (found["z"][0], found["y"][0], found["x"][0]) == (43.5, 29.5, 39.5)
    assert not found["at_border"][0]


@pytest.mark.parametrize(("axis", "face"), [(0, 1), (1, 3), (2, 3)])
def test_planes_along_the_axes_have_their_area(axis, face):
    sides = np.full(3, 40)
    sides[axis] = 10
    smaller = sides - 2 * (np.arange(3) != axis)
    large, small = (
        surface_area(np.ones(shape, bool), (3.0, 1.0, 1.0))
        for shape in (sides, smaller)
    )
    # What is left when the rims, which grow with the sides, are the same.
    larger = sides + 2 * (np.arange(3) != axis)
    largest = surface_area(np.ones(larger, bool), (3.0, 1.0, 1.0))
    assert largest - 2 * large + small == pytest.approx(16 * face, rel=0.002)


@pytest.mark.parametrize(("degrees", "told"), [(0, 0), (30, 30), (90, 90), (150, 150)])
def test_an_orientation_is_counted_anticlockwise_from_the_rows(degrees, told):
    y, x = np.mgrid[-40:41, -40:41]
    turn = math.radians(degrees)
    along = x * math.cos(turn) - y * math.sin(turn)
    across = x * math.sin(turn) + y * math.cos(turn)
    rod = (abs(along) < 30.5) & (abs(across) < 4.2)
    found = measure_objects(rod[None]).values
    assert found["orientation"][0] == pytest.approx(told, abs=1)
    assert found["min_feret"][0] == pytest.approx(8.5, abs=1.5)
    assert found["long_axis"][0] > 5 * found["short_axis"][0]


def test_a_rod_across_the_slices_is_upright():
    labels = np.zeros((40, 9, 9), bool)
    labels[3:37, 3:6, 3:6] = True
    found = measure_objects(as_objects(labels), pixel_size=(2, 1, 1)).values
    assert found["tilt"][0] == pytest.approx(90)
    assert math.isnan(found["orientation"][0])


def test_neighbours_and_distances_are_those_of_the_nearest_pixels():
    labels = np.zeros((1, 60, 60), np.uint8)
    labels[0, 10:20, 10:20] = 1
    labels[0, 10:20, 21:30] = 2  # one pixel apart
    labels[0, 50:55, 10:20] = 3
    other = np.zeros_like(labels)
    other[0, 19:25, 5:12] = 9
    found = measure_objects(
        number_objects(labels, "objects"), pixel_size=(1, 2, 2), other=other
    ).values
    assert found["neighbours"].tolist() == [1, 1, 0]
    assert found["nearest"].tolist() == [4, 4, 2 * 31]
    assert found["to_other"].tolist() == [0, 2 * math.hypot(10, 0), 2 * 26]
    assert found["at_border"].tolist() == [False, False, False]


@pytest.mark.parametrize(("dtype", "nothing"), [(np.uint64, 2**64 - 1), (int, -1)])
def test_no_object_of_other_labels_is_none(dtype, nothing):
    labels, other = np.zeros((1, 9, 9), int), np.full((1, 9, 9), nothing, dtype)
    labels[0, 2, 2], other[0, 2, 7] = 1, 3
    found = measure_objects(labels, other=other)
    assert found.values["to_other"].tolist() == [5]


def test_the_only_object_has_no_nearest_one():
    found = measure_objects(np.ones((1, 3, 3), bool))
    assert math.isinf(found.values["nearest"][0])
    assert found.as_csv().splitlines()[1].endswith(",0,")


def test_each_piece_of_a_class_is_an_object_with_its_class():
    labels = np.zeros((2, 20, 20), np.uint8)
    labels[0, 2:5, 2:5] = 1
    labels[0, 10:15, 10:15] = 2
    labels[1, 2:5, 2:5] = 1
    found = measure_objects(
        number_objects(labels, "classes"), class_names=("background", "cell", "vesicle")
    )
    assert found.values["class"].tolist() == ["cell", "vesicle", "cell"]
    assert found.values["slice"].tolist() == [0, 0, 1]
    totals = {one.name: one for one in found.totals()}
    assert totals["cell"].count == 2
    assert totals["cell"].total == 18
    assert totals["vesicle"].fraction == 25 / 800
    assert totals["all"].count == 3


def test_objects_that_go_on_through_slices_are_measured_as_a_volume():
    labels = blobs(12, 40, 40)
    objects = number_objects(labels)
    assert objects.volume
    assert any("one volume" in note for note in objects.notes)
    each = np.where(labels, labels + 1000 * np.arange(12)[:, None, None], 0)
    assert not number_objects(each).volume


def test_large_numbers_stay_what_they_are():
    labels = np.zeros((1, 20, 20), np.int64)
    labels[0, 2:5, 2:5], labels[0, 9:12, 9:12] = 3_000_000_000, 72_057_594_037_927_936
    found = measure_objects(number_objects(labels, "objects"))
    assert found.values["object"].tolist() == [3_000_000_000, 72_057_594_037_927_936]


def test_a_table_names_its_units():
    labels = np.zeros((1, 20, 20), np.uint8)
    labels[0, 2:5, 2:5] = 1
    image = np.zeros((2, 1, 20, 20))
    found = measure_objects(labels, image, pixel_size=(1, 4, 4), unit="nm")
    titles = found.as_csv().splitlines()[0].split(",")
    assert "area (nm^2)" in titles
    assert "perimeter (nm)" in titles
    assert "orientation (deg)" in titles
    assert "mean grey value of channel 1" in titles


def test_every_measure_is_described():
    for name, column in COLUMNS.items():
        assert column.words.endswith("."), name


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((1, 4, 4), np.uint8), "no object"),
        (np.full((1, 4, 4), 0.5), "whole numbers"),
        (np.ones((4, 4), np.uint8), "slices, Y and X"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels, words):
    with pytest.raises(InputError, match=words):
        measure_objects(labels)


def test_an_image_of_another_size_is_refused():
    with pytest.raises(InputError, match="the image is"):
        measure_objects(np.ones((1, 4, 4), np.uint8), np.ones((1, 1, 5, 4)))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (9.0, 2.0, 1.0)])
def test_the_feret_diameter_is_that_of_the_farthest_sides_of_pixels(spacing):
    size = np.array(spacing)
    halves = np.concatenate([np.diag(size / 2), np.diag(-size / 2)])
    masks = [np.ones((1, 1, 1), bool), np.ones((1, 1, 2), bool)]
    rng = np.random.default_rng(2)
    masks += [rng.random(rng.integers(2, 6, 3)) < 0.5 for _ in range(20)]
    for mask in masks:
        mask[0, 0, 0] = True
        sides = (np.argwhere(mask) * size)[:, None] + halves
        sides = sides.reshape(-1, 3)
        brute = np.linalg.norm(sides[:, None] - sides, axis=-1).max()
        assert longest(mask, spacing) == pytest.approx(brute, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "kind", "more", "found"),
    [
        ((1, 2, 255), None, {}, {"1", "2"}),
        ((1, 2, 255), "classes", {}, {"1", "2"}),
        ((1, 2, 255), "classes", {"ignore": "none"}, {"1", "2", "255"}),
        ((1, 2, 255), "classes", {"ignore": 1}, {"2", "255"}),
        ((1, 255), None, {}, {"1"}),
        ((2, 3, 255), "scribbles", {}, {"1", "2"}),
    ],
)
def test_what_training_ignores_is_no_object(values, kind, more, found):
    labels = np.zeros((1, 12, 12), np.uint8)
    for row, value in enumerate(values):
        labels[0, 4 * row : 4 * row + 3, 2:9] = value
    objects = number_objects(labels, kind, **more)
    assert set(measure_objects(objects).values["class"]) == found
    told = any("is ignored" in note for note in objects.notes)
    assert told == (len(found) < len(values))


def test_among_numbered_objects_255_is_one():
    labels = np.zeros((1, 4, 12), np.uint8)
    labels[0, :, 1:3], labels[0, :, 5:8] = 1, 255
    found = measure_objects(number_objects(labels, "objects")).values
    assert found["object"].tolist() == [1, 255]
