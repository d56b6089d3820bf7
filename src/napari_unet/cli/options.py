"""Options of the command line, described by the settings of config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import typer
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel

from napari_unet.config import Settings
from napari_unet.errors import InputError

SettingsT = TypeVar("SettingsT", bound=Settings)


def option(settings: type[BaseModel], name: str, *flags: str) -> Any:
    """Return a typer option with the description, bounds and default of a setting.

    The option's own default is None, "not given", so that a settings file decides.
    """
    field = settings.model_fields[name]
    # Bounds are only told here; `override` checks them, so that what is out of bounds
    # ends in one sentence like everything else that a user can put right.
    told = [_bounds(field.metadata)] if _bounds(field.metadata) else []
    if not field.is_required() and field.default is not None:
        value: Any = field.default
        if isinstance(value, bool):
            value = "on" if value else "off"
        told.append(f"default: {value}")
    extra = f" [{'; '.join(told)}]" if told else ""
    return typer.Option(
        *flags,
        help=f"{field.description}{extra}".replace("[", r"\["),
        show_default=False,
        metavar=None,
    )


def _bounds(metadata: Sequence[Any]) -> str:
    """Write the bounds of a number, such as "above 0, at most 100"."""
    words = {Ge: "at least", Gt: "above", Le: "at most", Lt: "below"}
    names = {Ge: "ge", Gt: "gt", Le: "le", Lt: "lt"}
    parts = [
        f"{words[type(limit)]} {getattr(limit, names[type(limit)])}"
        for limit in metadata
        if type(limit) in words
    ]
    return ", ".join(parts)


def check_formula(given: dict[str, Any]) -> None:
    """Refuse options of the weight map that its formula would ignore.

    Raises
    ------
    InputError
        Saying which to leave out.
    """
    others = [given[name] for name in ("w0", "sigma", "balance")]
    if given["formula"] == "fiji" and any(one is not None for one in others):
        raise InputError(
            "--formula fiji has its own constants: leave --w0, --sigma and --balance "
            "out, or choose --formula paper."
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
