"""The sample as files has its truth, and nothing painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.data.read import read_stack
from napari_unet.sample_files import SHAPE, write_sample
from napari_unet.samples import em_stack


def test_the_sample_is_written_once_and_read_as_it_was_made(tmp_path: Path) -> None:
    paths = write_sample(tmp_path / "new" / "sample")
    assert set(paths) == {"image", "truth"}
    stack, truth = em_stack(SHAPE)
    image = read_stack(paths["image"])
    np.testing.assert_array_equal(image.data, stack.data)
    assert (image.pixel_size, image.unit) == (stack.pixel_size, stack.unit)
    np.testing.assert_array_equal(read_stack(paths["truth"]).data, truth)
    before = paths["image"].stat().st_mtime_ns
    assert write_sample(tmp_path / "new" / "sample") == paths
    assert paths["image"].stat().st_mtime_ns == before
