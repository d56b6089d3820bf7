"""Text that a scanning electron microscope writes beside its picture, or into it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_unet.data.calibration import Calibration, positive
from napari_unet.data.vendors.tags import bar_height, lines_of, plain_text, tag

_LARGEST = 2**20  # bytes of a file that may be one
_MEASURE = re.compile(r"([\d.]+)\s*([^\s\d.]*)")


def tescan(series: Any) -> Calibration | None:
    """Return what Tescan writes into tag 50431, behind some bytes of its own."""
    value = tag(series.keyframe, 50431)
    if value is None:
        return None
    text = value if isinstance(value, str) else bytes(value).decode("latin-1")
    return _tescan(text, _shape(series), "Tescan metadata")


def hitachi(series: Any) -> Calibration | None:
    """Return what Hitachi writes into tag 40092, the comment that Windows shows."""
    text = plain_text(tag(series.keyframe, 40092) or "")
    if "PixelSize=" not in text:
        return None
    return _hitachi(text, _shape(series), "Hitachi metadata")


def sidecar(path: Path, shape: tuple[int, int]) -> Calibration | None:
    """Return what the text file beside a picture of any format says of it.

    Hitachi and JEOL call it NAME.txt, Tescan NAME-tif.hdr.

    Parameters
    ----------
    path
        The picture.
    shape
        Its rows and columns.

    Returns
    -------
    Calibration or None
        None where there is no such file, or it is not one of these.
    """
    hdr = path.with_name(f"{path.stem}-{path.suffix[1:].lower()}.hdr")
    if text := _read(hdr):
        return _tescan(text, shape, f"sidecar {hdr.name}")
    for beside in (path.with_suffix(suffix) for suffix in (".txt", ".TXT", ".Txt")):
        source, text = f"sidecar {beside.name}", _read(beside)
        if "[SemImageFile]" in text or "[TemImageFile]" in text:
            return _hitachi(text, shape, source)
        if "$CM_" in text or "$$SM_" in text:
            return _jeol(text, shape, source)
    return None


def _shape(series: Any) -> tuple[int, int]:
    return series.keyframe.imagelength, series.keyframe.imagewidth


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        return plain_text(path.read_bytes())
    except OSError:
        return ""


def _tescan(text: str, shape: tuple[int, int], source: str) -> Calibration | None:
    found = lines_of(text)
    sizes = {axis: (found.get(f"PixelSize{axis}"), "m") for axis in "XY"}
    bar = found.get("ImageStripSize", "")
    # The strip is the whole difference: the width stays that of the image.
    rows = shape[0] - int(bar) if bar.isdecimal() else shape[0]
    height = bar_height(shape, (rows, shape[1]))
    return Calibration.of(source, sizes, info_bar=height)


def _hitachi(text: str, shape: tuple[int, int], source: str) -> Calibration:
    found = lines_of(text)
    image = re.findall(r"\d+", found.get("DataSize", ""))
    known = Calibration.of(source, {"X": (found.get("PixelSize"), "nm")})
    return _of_image(known, image, shape, source)


def _jeol(text: str, shape: tuple[int, int], source: str) -> Calibration:
    """Take the field of view, or else the bar: its length over its pixels."""
    found = {name.lstrip("$"): value for name, value in lines_of(text, " ").items()}
    image = found.get("CM_FULL_SIZE", found.get("CM_IMAGE_SIZE", "")).split()
    across = image[0] if image else shape[1]
    view = _per_pixel(found.get("CM_FIELD_OF_VIEW", ""), across)
    bar = _per_pixel(found.get("SM_MICRON_MARKER", ""), found.get("SM_MICRON_BAR"))
    by_view, by_bar = (Calibration.of(source, {"X": one}) for one in (view, bar))
    return _of_image(by_view if by_view.sizes else by_bar, image, shape, source)


def _per_pixel(length: str, pixels: Any) -> tuple[float | None, str]:
    """Divide a length such as "100nm" by its pixels."""
    measure, count = _MEASURE.match(length), positive(pixels)
    size = positive(measure[1]) if measure else None
    if measure is None or size is None or count is None:
        return None, ""
    return size / count, measure[2]


def _of_image(
    known: Calibration, image: list[str], shape: tuple[int, int], source: str
) -> Calibration:
    """Check that the text is of this picture and not of another size of it."""
    if len(image) != 2:
        return known
    columns, rows = image
    if positive(columns) != shape[1]:
        return Calibration(
            doubt=f"the {source} is of an image of {rows} x {columns} pixels: set the "
            "pixel size"
        )
    return replace(known, info_bar=bar_height(shape, (rows, columns)))
