"""What all settings have in common."""

from __future__ import annotations

import reprlib
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_unet.errors import InputError
from napari_unet.words import shortened


class AnnotationKind(StrEnum):
    """What the values of an annotation layer mean (see docs/annotations.md)."""

    SCRIBBLES = "scribbles"
    CLASSES = "classes"
    OBJECTS = "objects"

    @classmethod
    def of(cls, kind: str | None) -> AnnotationKind | None:
        """Return the kind of a name, as scripts may give it; None stays a guess.

        Raises
        ------
        InputError
            When there is none of that name.
        """
        if kind is None or isinstance(kind, cls):
            return kind
        if kind not in [*cls]:
            raise InputError(
                f"There is no kind {shortened(repr(kind))} of annotations: give "
                f"{', '.join(cls)}, or leave it out for a guess."
            )
        return cls(kind)


class Settings(BaseModel):
    """Base of all settings: immutable, and without unknown names.

    The text under a field is its description, wherever a user reads it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        # A single slice needs no quotes.
        coerce_numbers_to_str=True,
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Take the line breaks of the source out of the descriptions."""
        super().__pydantic_init_subclass__(**kwargs)
        for field in cls.model_fields.values():
            if field.description is not None:
                field.description = " ".join(field.description.split())

    @classmethod
    def read(cls, data: dict[str, Any], source: str | Path) -> Self:
        """Check `data`, and say in one sentence what is wrong with it.

        Raises
        ------
        InputError
            Naming `source`, the setting, and what it may be.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(shortened(part) for part in first["loc"]) or "settings"
            given = shortened(reprlib.repr(first.get("input")))
            own = first["type"] == "value_error"  # raised here, in words of our own
            words = first["ctx"]["error"] if own else first["msg"]
            raise InputError(f"{source}: {name} = {given}: {words}.") from error

    def changed(self, source: str | Path, **given: Any) -> Self:
        """Return these settings with those that are given, checked.

        Raises
        ------
        InputError
            As `read`.
        """
        return self.read({**self.model_dump(by_alias=True), **given}, source)
