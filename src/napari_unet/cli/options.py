"""Options of the command line, described by the settings in config.py."""

from __future__ import annotations

from typing import Any, TypeVar

import typer
from annotated_types import Ge, Le
from pydantic import BaseModel

from napari_unet.config import Settings

SettingsT = TypeVar("SettingsT", bound=Settings)


def option(settings: type[BaseModel], name: str, *flags: str) -> Any:
    """Return a typer option with the description, bounds and default of a setting.

    The option's own default is None, "not given", so that a settings file decides.
    """
    field = settings.model_fields[name]
    low: Any = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    high: Any = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    unsaid = field.is_required() or field.default is None
    value = {True: "on", False: "off"}.get(field.default, field.default)
    default = "" if unsaid else f" [default: {value}]"
    return typer.Option(
        *flags,
        help=f"{field.description}{default}".replace("[", r"\["),
        min=low,
        max=high,
        show_default=False,
        metavar=None,
    )


def override(
    settings: SettingsT, source: str = "command line", **given: Any
) -> SettingsT:
    """Return `settings` with the options that were given, checked.

    Raises
    ------
    InputError
        When an option is out of bounds.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    data = {**settings.model_dump(by_alias=True), **changes}
    return type(settings).read(data, source)
