"""Values that exist in some slices only are those of a whole array."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Coverage, Region, Role, WeightMapConfig
from napari_unet.data.annotation import to_target
from napari_unet.data.kept_tiles import KeptTiles
from napari_unet.data.regions import role_map, roles_on
from napari_unet.data.slabs import strips_of
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import sparse_target, sparse_weights
from napari_unet.data.weight_map import weight_map

SHAPE = (9, 24, 20)
KEYS = [
    4,
    -5,
    (4, slice(2, 9)),
    (slice(2, 7), slice(3, 8), slice(None, None, 2)),
    ([1, 4], slice(None), 3),
    (np.array([4, 1, 4]), np.array([0, 2, 3]), np.array([7, 7, 1])),
    (slice(2, 6), 5),
    slice(0, 0),
    ...,
    (..., slice(2, 9)),
    (4, ..., 3),
    (slice(1, 5), ..., [True] * 5 + [False] * 15),
    (..., np.arange(24 * 20).reshape(24, 20) % 3 == 0),
    (np.array([4, 1, 4]), 3, np.array([7, 3, 1])),
    ([4, 1], [3, 4], [7, 7]),
    (np.array(4), slice(2, 9)),
]


def sparse_labels(dtype=np.uint8) -> np.ndarray:
    """Objects on slices 1, 4, 5 and 8, those of 4 and 5 the same."""
    labels = np.zeros(SHAPE, dtype)
    labels[1, 3:9, 3:9], labels[1, 3:9, 10:15] = 1, 2
    labels[4:6, 6:16, 6:10], labels[4:6, 6:16, 10:14] = 3, 1
    labels[8, 20:, :6] = 2
    return labels


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_they_are_read_and_written_like_an_array(key):
    labels = sparse_labels()
    sparse = SparseSlices.of(labels.copy())
    np.testing.assert_array_equal(sparse[key], labels[key])
    labels[key] = sparse[key] = labels[key] // 2 + 5
    np.testing.assert_array_equal(sparse, labels)
    assert sparse[key].dtype == labels.dtype


def test_no_more_slices_than_hold_anything_take_memory():
    sparse = SparseSlices.of(sparse_labels())
    assert sparse.slices.tolist() == [1, 4, 5, 8]
    sparse[3, 2:4, 2:4] = 0
    sparse[5] = 0
    sparse[sparse[...] == 2] = 0
    assert sparse.slices.tolist() == [1, 4, 8]
    assert not sparse[5].any()
    sparse[0, 2, 2] = 7
    assert sparse.slices.tolist() == [0, 1, 4, 8]
    assert not sparse[2].flags.writeable


def test_a_plane_that_others_share_is_copied_before_it_changes():
    shared = np.broadcast_to(np.uint8(3), SHAPE[1:])
    sparse = SparseSlices(SHAPE, np.uint8, 0, {2: shared, 3: shared})
    sparse[2, 0, 0] = 9
    assert (sparse[2, 0, 0], sparse[3, 0, 0]) == (9, 3)


def test_lazy_labels_are_read_chunk_by_chunk(monkeypatch):
    da = pytest.importorskip("dask.array")
    monkeypatch.setattr("napari_unet.data.slabs._SLAB_BYTES", 4 * 8 * 20)
    labels = sparse_labels()
    lazy = da.from_array(labels, chunks=(4, 8, 20))
    assert [*strips_of(lazy)][:2] == [
        (slice(0, 4), slice(0, 8)),
        (slice(0, 4), slice(8, 16)),
    ]
    found = SparseSlices.of(lazy)
    assert found.slices.tolist() == [1, 4, 5, 8]
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("kind", list(AnnotationKind))
@pytest.mark.parametrize("coverage", [Coverage(), Coverage(ignore=3, complete="3,7")])
def test_target_and_weights_are_those_of_the_whole(ndim, kind, coverage):
    labels, size = sparse_labels(), (12.0, 4.0, 4.0)
    whole = to_target(labels, kind, ndim=ndim, coverage=coverage)
    found = sparse_target(SparseSlices.of(labels), kind, ndim=ndim, coverage=coverage)
    np.testing.assert_array_equal(found.classes, whole.classes)
    np.testing.assert_array_equal(found.objects, whole.objects)
    assert found.annotated_slices.tolist() == whole.annotated_slices.tolist()
    assert (found.num_classes, found.notes) == (whole.num_classes, whole.notes)
    for sigma in (1.0, 5.0):  # slices by themselves, or together with others
        config = WeightMapConfig(sigma=sigma)
        np.testing.assert_array_equal(
            sparse_weights(found, config, ndim=ndim, pixel_size=size),
            weight_map(whole, config, ndim=ndim, pixel_size=size),
        )


def test_roles_of_some_slices_are_those_of_the_map():
    corners = ((0, 0), (0, 10), (12, 10), (12, 0))
    regions = [
        Region(role=Role.VALIDATION, slices="4:"),
        Region(role=Role.IGNORE, polygon=corners),
    ]
    roles = roles_on([1, 5], regions, SHAPE)
    whole = role_map(regions, SHAPE)
    assert roles.slices.tolist() == [1, 5]
    np.testing.assert_array_equal(roles[[1, 5]], whole[[1, 5]])


class Counted:
    """An image that counts how often it is read, and from where to where."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.read: list[tuple[slice, ...]] = []

    def __getitem__(self, box):
        self.read.append(box)
        return self.values[box]


def test_tiles_of_a_lazy_image_are_read_once_and_as_many_as_may_stay():
    values = np.random.default_rng(0).integers(0, 255, (1, 3, 600, 700), np.uint8)
    image = Counted(values)
    tiles = KeptTiles(image, most=6 * 256**2)
    channel, one = slice(None), slice(1, 2)
    for rows, columns in ((slice(10, 300), slice(0, 40)), (slice(0, 290), slice(5, 9))):
        box = (channel, one, rows, columns)
        np.testing.assert_array_equal(tiles[box], values[box])
    assert image.read == [(channel, one, slice(0, 512), slice(0, 256))]
    whole = (channel, one, slice(None), slice(None))  # nine tiles, past the store
    np.testing.assert_array_equal(tiles[whole], values[whole])
    deep = (channel, slice(0, 3), slice(520, 600), slice(690, 700))
    np.testing.assert_array_equal(tiles[deep], values[deep])
    assert len(image.read) == 3
    for z in range(3):  # the oldest make room
        tiles[channel, z : z + 1, slice(0, 10), slice(300, 600)]
    tiles[channel, one, slice(0, 10), slice(0, 10)]
    assert len(image.read) == 7
