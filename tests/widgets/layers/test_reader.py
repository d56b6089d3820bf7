"""Files that napari cannot open itself open as layers, with scale, units and axes."""

from __future__ import annotations

import sys
from typing import Any

import h5py
import mrcfile
import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QFileDialog

PLUGIN = "napari-unet-em"
VOLUME = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def units(layer: Any) -> tuple[str, ...]:
    return tuple(str(unit) for unit in layer.units)


def news() -> list[str]:
    return [notification.message for notification in notification_manager.records]


def test_a_tomogram_opens_where_its_header_says(viewer: Any, tmp_path: Any) -> None:
    with mrcfile.new(tmp_path / "cell.rec", VOLUME) as file:
        file.voxel_size = (13.5, 13.5, 27.0)
    (layer,) = viewer.open(str(tmp_path / "cell.rec"), plugin=PLUGIN)
    assert layer.name == "cell"
    np.testing.assert_array_equal(layer.data, VOLUME)
    np.testing.assert_allclose(layer.scale, (27.0, 13.5, 13.5))
    assert units(layer) == ("angstrom",) * 3
    assert layer.axis_labels == ("z", "y", "x")


def test_napari_chooses_it_where_no_plugin_is_named(viewer: Any, tmp_path: Any) -> None:
    with h5py.File(tmp_path / "a.emd", "w") as file:
        file["raw"] = VOLUME
        file["raw"].attrs["element_size_um"] = (0.05, 0.004, 0.004)
    (layer,) = viewer.open(str(tmp_path / "a.emd"), plugin=None)
    np.testing.assert_allclose(layer.scale, (0.05, 0.004, 0.004))
    assert units(layer) == ("micrometer",) * 3
    assert "a.emd: its dimensions are not named: read as ZYX" in news()


def test_what_lacks_says_in_napari_what_to_install(
    viewer: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    mrcfile.write(tmp_path / "a.mrc", VOLUME)
    monkeypatch.setitem(sys.modules, "mrcfile", None)
    assert viewer.open(str(tmp_path / "a.mrc"), plugin=None) == []
    assert news()[-1].endswith(
        'install it by pip install "napari-unet-em[formats]", and start anew.'
    )


def test_the_load_dock_offers_and_reads_them(
    viewer: Any, tmp_path: Any, monkeypatch: Any, qtbot: Any
) -> None:
    from napari_unet.widgets.load.dock import LoadWidget

    for name in ("raw", "labels"):
        with h5py.File(tmp_path / "a.h5", "a") as file:
            file[name] = (VOLUME % 7 == 0).astype("u1") if name == "labels" else VOLUME
    offered = []

    def choose(parent: Any, title: str, folder: str, types: str) -> tuple[str, str]:
        offered.append(types)
        return f"{tmp_path / 'a.h5'}:raw", types

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    dock = LoadWidget(viewer)
    dock.rows["image"]._on_file()
    assert " *.mrc " in offered[0]
    dock.rows["annotations"].setValue(f"{tmp_path / 'a.h5'}/labels")
    dock.run_button.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=10_000)
    np.testing.assert_array_equal(viewer.layers[0].data, VOLUME)
    np.testing.assert_array_equal(viewer.layers[1].data, VOLUME % 7 == 0)
