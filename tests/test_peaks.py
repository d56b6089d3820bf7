"""What whole stacks take in memory while something is made of them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, PostprocessConfig
from napari_unet.data.normalize import Normalization
from napari_unet.predict.postprocessing import postprocess
from napari_unet.score.comparison import compare

SQUARES = np.kron(np.arange(1, 257, dtype=np.uint16).reshape(16, 16), np.ones((16, 16)))
GREY = np.random.default_rng(0).random((1, 1, 2048, 1024), np.float32)
STACK = np.repeat(SQUARES.astype(np.uint16)[None], 32, axis=0)


def numbered() -> object:
    """Objects through the slices, of an image with borders between them."""
    classes = (STACK % 2).astype(np.uint8)
    finish = PostprocessConfig(objects="connected", core=0, follow_slices=True)
    return postprocess(classes, finish)


def compared() -> object:
    found = compare(STACK, STACK, AnnotationKind.OBJECTS)
    return found.annotated, found.predicted_mask, found.truth_mask


def measured() -> object:
    return Normalization().measure(GREY)


@pytest.mark.parametrize(
    ("work", "bytes_of_voxel"), [(numbered, 7), (compared, 6), (measured, 6)]
)
def test_a_voxel_takes_few_bytes(work, bytes_of_voxel):
    work()  # every library is loaded
    tracemalloc.start()
    try:
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < bytes_of_voxel * STACK.size, peak / STACK.size
