"""Regions say of each pixel what it is for, to the pixel, and survive a file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_unet.data.regions import (
    LEFT_OUT,
    TEST,
    TRAIN,
    UNUSED,
    VALIDATION,
    Region,
    Role,
    choose_validation,
    read_regions,
    role_map,
    runs,
    write_regions,
)
from napari_unet.data.stack import parse_slices
from napari_unet.errors import InputError

SHAPE = (10, 8, 12)


def box(role, top, left, bottom, right, slices=None) -> Region:
    """Make a region whose corners are the middles of its corner pixels."""
    corners = ((top, left), (top, right), (bottom, right), (bottom, left))
    return Region(role=role, slices=slices, polygon=corners)


def values(*regions, annotated=None):
    return role_map(regions, SHAPE, annotated)


def test_without_regions_everything_is_trained_on():
    assert (values() == TRAIN).all()


def test_a_box_covers_its_pixels_on_its_slices_and_no_other():
    roles = values(box("validation", 2, 3, 4, 7, "1:3"))
    assert (roles[1:3, 2:5, 3:8] == VALIDATION).all()
    assert (roles == VALIDATION).sum() == 2 * 3 * 5


def test_what_lies_in_no_region_is_trained_on_unless_a_region_is_for_training():
    validation = box("validation", 0, 0, 2, 2)
    assert (values(validation)[:, 5] == TRAIN).all()
    roles = values(validation, box("train", 4, 4, 6, 6))
    assert (roles[:, 7] == UNUSED).all()
    assert (roles == TRAIN).sum() == 10 * 3 * 3


def test_ignore_wins_over_test_test_over_validate_and_validate_over_train():
    order = [Role.TRAIN, Role.VALIDATION, Role.TEST, Role.IGNORE]
    regions = [box(role, 0, 0, 7, 11 - 2 * i) for i, role in enumerate(order)]
    expected = [LEFT_OUT] * 6 + [TEST] * 2 + [VALIDATION] * 2 + [TRAIN] * 2
    for given in (regions, regions[::-1]):
        assert values(*given)[0, 0].tolist() == expected


def test_a_region_without_a_polygon_is_whole_slices():
    roles = values(Region(role="test", slices="7:"))
    assert np.unique(roles[7:]).tolist() == [TEST]
    assert np.unique(roles[:7]).tolist() == [TRAIN]


def test_a_polygon_may_lie_partly_outside_the_image():
    roles = values(box("ignore", -50, -50, 3.4, 2.4))
    assert (roles[:, :4, :3] == LEFT_OUT).all()
    assert (roles == LEFT_OUT).sum() == 10 * 4 * 3


def test_slices_that_are_not_there_are_named():
    with pytest.raises(InputError, match="slices 30 asked for, the stack has 10"):
        values(Region(role="test", slices="30"))


# --------------------------------------------------------------- automatic hold-out


@pytest.mark.parametrize(
    ("count", "held"), [(0, []), (4, []), (5, [4]), (9, [8]), (10, [8, 9])]
)
def test_one_in_five_is_held_out_in_one_block(count, held):
    assert choose_validation(range(count)) == held


def test_one_annotated_slice_in_five_is_held_out_where_the_user_sets_none():
    roles = values(annotated=np.arange(0, 10, 2))
    assert (roles[8] == VALIDATION).all()
    assert (roles[[*range(8), 9]] == TRAIN).all()


@pytest.mark.parametrize("role", ["train", "validation"])
def test_a_region_to_train_or_validate_leaves_nothing_to_chance(role):
    roles = values(box(role, 0, 0, 2, 2), annotated=np.arange(10))
    assert (roles == VALIDATION).sum() == (90 if role == "validation" else 0)


def test_tested_slices_are_not_held_out_again():
    test = Region(role="test", slices="8:")
    roles = values(test, box("ignore", 0, 0, 3, 11, "7"), annotated=np.arange(10))
    assert np.unique(roles[8:]).tolist() == [TEST]
    assert np.unique(roles[7]).tolist() == [VALIDATION, LEFT_OUT]
    assert np.unique(roles[:7]).tolist() == [TRAIN]


# ----------------------------------------------------------------------------- files


REGIONS = (
    box("validation", 0, 1.5, 3, 4, "2:5"),
    Region(role="test", slices="7"),
    Region(role="ignore"),
)


@pytest.mark.parametrize("name", ["regions.yaml", "regions.json"])
def test_regions_come_back_equal_from_a_file(tmp_path, name):
    write_regions(tmp_path / name, REGIONS)
    assert read_regions(tmp_path / name) == REGIONS
    if name.endswith("json"):
        assert json.loads((tmp_path / name).read_text(encoding="utf-8"))


def test_regions_can_be_written_by_hand(tmp_path):
    path = tmp_path / "regions.yaml"
    text = "- role: test\n- {role: train, polygon: [[0, 0], [0, 9], [9, 9]]}\n"
    path.write_text(text, encoding="utf-8")
    test, train = read_regions(path)
    assert (test.role, test.slices, test.polygon) == (Role.TEST, None, None)
    assert train.polygon == ((0, 0), (0, 9), (9, 9))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no regions"),
        ("regions: 3", "holds no regions"),
        ("- role: [", "cannot be read as regions"),
        ("- role: test\n- role: learn", r"region 1 \(counted from 0\): role: Input"),
        ("- role: test\n  polygon: [[0, 0], [1, 1]]", "polygon: Tuple should have"),
        ("- role: test\n  polygon: [[0, .nan], [1, 1], [2, 2]]", "finite number"),
        ("- role: test\n  slice: 3", "slice: Extra inputs"),
        ("- 3", r"region 0 \(counted from 0\): the region"),
    ],
)
def test_a_file_that_holds_no_regions_is_told(tmp_path, text, words):
    path = tmp_path / "regions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_regions(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_regions(tmp_path / "regions.yaml")


def test_runs_name_every_slice_once():
    slices = [0, 1, 2, 7, 9, 10]
    named = [range(12)[parse_slices(text, 12)] for text in runs(slices)]
    assert [z for run in named for z in run] == slices
    assert runs([]) == []
