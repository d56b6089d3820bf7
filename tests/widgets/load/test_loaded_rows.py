"""Loading once more reads what is new, and leaves what was painted where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_unet.data.calibration import Calibration
from napari_unet.widgets.layers.pixel_sizes import calibrate
from napari_unet.widgets.layers.places import lies_on

pytestmark = pytest.mark.one_binding


def test_a_truth_that_is_loaded_later_leaves_the_painted_annotations(
    dock: Any, files: Any, finish: Any, viewer: Any
) -> None:
    load, workspace = dock.load, dock.load.workspace

    def names() -> list[str]:
        load.run_button.click()
        finish(load)
        return [layer.name for layer in viewer.layers]

    load.rows["image"].setValue(files.image)
    load.rows["annotations"].setValue(files.annotations)
    assert names() == ["em", "annotations"]
    image, painted = workspace.image, workspace.annotations
    painted.data_setitem((np.array([5]), np.array([7]), np.array([7])), 1)
    # The truth lies on its image, whatever pixel size was given to that.
    given = Calibration.given("30 5 5", "nm")
    assert given is not None
    calibrate(viewer, image, given)
    load.rows["truth"].setValue(files.truth)
    assert names() == ["em", "annotations", "truth"]
    assert workspace.annotations == painted
    assert workspace.image == image
    assert_allclose(workspace.truth.scale, (30, 5, 5))

    assert names() == ["em", "annotations", "truth"]
    assert "loaded already" in load.status.text()
    # What was removed is read again, and nothing else; what lies on it stays.
    viewer.layers.remove(workspace.truth)
    assert names() == ["em", "annotations", "truth"]
    viewer.layers.remove(image)
    calibrate(viewer, painted, Calibration.given("50 4 4", "nm") or given)
    assert names() == ["annotations", "truth", "em"]
    assert workspace.annotations == painted
    assert lies_on(painted, workspace.image)


def test_labels_for_an_image_that_is_there_must_have_its_size(
    dock: Any, files: Any, finish: Any, viewer: Any, tmp_path: Any
) -> None:
    from napari_unet.data.write import write_stack

    small = tmp_path / "small.tif"
    write_stack(small, np.ones((6, 20, 20), np.uint8))
    load = dock.load
    load.rows["image"].setValue(files.image)
    load.run_button.click()
    finish(load)
    load.rows["truth"].setValue(small)
    load.run_button.click()
    finish(load)
    assert "choose labels of this image" in load.status.text()
    assert len(viewer.layers) == 1
