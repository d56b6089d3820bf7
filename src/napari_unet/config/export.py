"""Settings of a model that is passed on."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from napari_unet.config.base import Settings

DOI = re.compile(r"10\.\d{4,9}/[^\s,;]+")
_URL = re.compile(r"https?://\S+")


class ExportConfig(Settings):
    """What others read about a model, and may do with it."""

    name: str = Field("", title="Name")
    """Name of the model, of 5 to 128 letters, digits, spaces and _+-(); made of its
    classes when left out."""
    description: str = Field("", max_length=1024, title="Description")
    """One sentence on what the model finds, and in which images."""
    authors: tuple[str, ...] = Field((), title="Authors")
    """Who made the model."""
    license: Literal[
        "CC-BY-4.0",
        "CC0-1.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-4.0",
        "BSD-3-Clause",
        "MIT",
        "Apache-2.0",
    ] = Field("CC-BY-4.0", title="Licence")
    """What others may do with the model, as SPDX names it; what it was trained on must
    allow that."""
    cite: tuple[str, ...] = Field((), title="Cite")
    """What to cite beside the U-Net's paper: text with a DOI or an address."""

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name and not re.fullmatch(r"[A-Za-z0-9_+\-() ]{5,128}", name):
            raise ValueError("a name has 5 to 128 letters, digits, spaces and _+-()")
        return name

    @field_validator("authors")
    @classmethod
    def _check_authors(cls, authors: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[^/\\]*[^/\\\s][^/\\]*", name) for name in authors):
            raise ValueError("a name is no empty text, and holds neither / nor \\")
        return authors

    @field_validator("cite")
    @classmethod
    def _check_cite(cls, cite: tuple[str, ...]) -> tuple[str, ...]:
        if not all(DOI.search(text) or _URL.search(text) for text in cite):
            raise ValueError("add the DOI (10.1234/...) or the address (https://...)")
        return cite

    @property
    def citations(self) -> tuple[dict[str, str], ...]:
        """Text of each citation of `cite`, with its `doi` or `url`."""
        found = []
        for text in self.cite:
            doi, url = DOI.search(text), _URL.search(text)
            found.append({"text": text} | ({"doi": doi[0]} if doi else {}))
            if url and not doi:
                found[-1]["url"] = url[0]
        return tuple(found)
