"""All that write pixel sizes, those first that know best."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_unet.data.calibration import Calibration
from napari_unet.data.vendors.descriptions import bounding_box, open_fibsem, sight_x
from napari_unet.data.vendors.interchange import imagej, ome_xml, resolution_tags
from napari_unet.data.vendors.sidecars import hitachi, sidecar, tescan
from napari_unet.data.vendors.tem_cameras import digital_micrograph, olympus, tvips
from napari_unet.data.vendors.thermo_fisher import thermo_fisher
from napari_unet.data.vendors.zeiss import atlas, smart_sem

Reader = Callable[[Any], Calibration | None]
"""Returns what a writer says of a `tifffile.TiffPageSeries`; None where it is mute."""

_INSTRUMENTS: tuple[Reader, ...] = (
    *(thermo_fisher, atlas, smart_sem, olympus, tvips, digital_micrograph),
    *(tescan, hitachi, open_fibsem, sight_x, bounding_box),
)
_PROGRAMS: tuple[Reader, ...] = (ome_xml, imagej)


def read_calibration(path: Path, series: Any) -> Calibration:
    """Find the pixel size of a series of an open TIFF file.

    Instruments' own tags are asked first, then OME-XML and ImageJ's (or tifffile's)
    description, a text file beside the image, and at last the resolution tags.

    Parameters
    ----------
    path
        The file.
    series
        A `tifffile.TiffPageSeries` of it.
    """
    for reader in _INSTRUMENTS:
        if (found := reader(series)) is not None:
            return found
    page = series.keyframe
    others = (
        *(reader(series) for reader in _PROGRAMS),
        sidecar(path, (page.imagelength, page.imagewidth)),
        resolution_tags(series),
    )
    known = [one for one in others if one is not None]
    return next((one for one in known if one.sizes), (*known, Calibration())[0])
