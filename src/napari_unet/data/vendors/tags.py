"""Values of TIFF tags, and lines of text, as instruments write them."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from napari_unet.data.calibration import positive

_BARS = 0.5  # no bar takes a larger share of the picture


def tag(page: Any, *codes: int) -> Any:
    """Return the value of the first of these tags that a page has, or None."""
    return next((page.tags[code].value for code in codes if code in page.tags), None)


def plain_text(value: Any) -> str:
    """Return the text of a tag or of a file, whose encoding is not always stated.

    Parameters
    ----------
    value
        Text, or bytes, in UTF-8, in UTF-16 with or without its mark, or in Latin-1.
    """
    if isinstance(value, str):
        return value
    raw = bytes(value)
    wide = raw[1:2] == b"\0" or raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16" if wide else "utf-8-sig", "latin-1"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def xml_of(text: str) -> Element | None:
    """Return the root of an XML text; None where it is none."""
    try:
        return ElementTree.fromstring(text.strip("\0\1 \r\n"))
    except ElementTree.ParseError:
        return None


def lines_of(text: str, separator: str = "=") -> dict[str, str]:
    """Return the values of lines such as "PixelSize=4.96", the first of each name.

    Parameters
    ----------
    text
        With sections or without; what else it holds is left out.
    separator
        What stands between name and value.
    """
    found: dict[str, str] = {}
    for line in re.split(r"[\r\n\0]+", text):
        name, between, value = line.strip().partition(separator)
        if between:
            found.setdefault(name.strip(), value.strip())
    return found


def bar_height(shape: tuple[int, int], image: tuple[Any, Any]) -> int:
    """Return how many rows lie below the image proper.

    Parameters
    ----------
    shape
        Rows and columns of the picture.
    image
        Rows and columns of the image proper, as they were read.
    """
    rows, columns = (positive(value) for value in image)
    if rows is None or columns != shape[1]:
        return 0
    below = round(shape[0] - rows)
    return below if 0 < below < _BARS * shape[0] else 0
