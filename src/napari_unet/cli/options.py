"""Options of the command line, made from the settings of config."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import typer

from napari_unet.config import (
    BaselineConfig,
    Coverage,
    EngineConfig,
    ImageConfig,
    NetworkConfig,
    PostprocessConfig,
    PredictConfig,
    RunConfig,
    Settings,
    TrainConfig,
    WeightMapConfig,
)
from napari_unet.errors import InputError

T = TypeVar("T")

Given: TypeAlias = dict[str, dict[str, Any]]
"""What was given on the command line: values by field, by part of the settings."""

_LISTED = "images"
_FORMER = {"validation": ["--validate"], "start": ["--fine-tune"]}
"""Names that options had in earlier versions."""
_PARTS: dict[str, type[Settings]] = {
    _LISTED: ImageConfig,
    "image": ImageConfig,
    "run": RunConfig,
    "network": NetworkConfig,
    "weight_map": WeightMapConfig,
    "train": TrainConfig,
    "predict": PredictConfig,
    "finish": PostprocessConfig,
    "blocks": EngineConfig,
    "baseline": BaselineConfig,
}


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options for fields of config, which it gets as `given`.

    Parameters
    ----------
    names
        The options in the order of the help, such as "train.minutes"; those of
        "images" can be given several times. Parameters of the command stand before
        them, unless they are named among them. What was not given is left out of
        `given`, so that a settings file decides.
    """
    fields = [name for name in names if "." in name]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = dict(inspect.signature(command, eval_str=True).parameters)
        del own["given"]
        made = own | {name: _parameter(name) for name in fields}
        order = [*(name for name in own if name not in names), *names]

        def run(**values: Any) -> None:
            given: Given = {name.partition(".")[0]: {} for name in fields}
            for name in fields:
                part, _, field = name.partition(".")
                value = values.pop(made[name].name)
                if value is not None and value != []:
                    given[part][field] = value
            command(given=given, **values)

        return _told(command, run, [made[name] for name in order])

    return decorate


def with_options(
    kind: type[T],
) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Give a command the fields of a dataclass as its arguments and options."""
    parameters = inspect.signature(kind, eval_str=True).parameters.values()

    def decorate(command: Callable[[T], None]) -> Callable[..., None]:
        return _told(command, lambda **values: command(kind(**values)), parameters)

    return decorate


def option(settings: type[Settings], name: str) -> Any:
    """Return a typer option with the name, description and bounds of a setting.

    The option's own default is None, "not given".
    """
    field = settings.model_fields[name]
    # Bounds are only told here; `Settings.read` checks them, so that what is out of
    # bounds ends in one sentence like everything else that a user can put right.
    limits = [_bounds(field.metadata)] if _bounds(field.metadata) else []
    if not field.is_required() and field.default not in (None, "", (), []):
        value: Any = field.default
        if isinstance(value, bool):
            value = "on" if value else "off"
        limits.append(f"default: {value}")
    extra = f" [{'; '.join(limits)}]" if limits else ""
    flag = name.replace("_", "-")
    return typer.Option(
        f"--{flag}/--no-{flag}" if field.annotation is bool else f"--{flag}",
        *_FORMER.get(name, ()),
        help=f"{field.description}{extra}".replace("[", r"\["),
        show_default=False,
    )


Overwrite: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace files that this command did not make, too."
    ),
]
Volume: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--volume/--planes",
        help="Whether objects go on through the slices; guessed when left out.",
        show_default=False,
    ),
]


def coverage_of(given: Mapping[str, Any]) -> Coverage:
    """Return which pixels of labels say anything, as given among other options."""
    own = {name: given[name] for name in Coverage.model_fields if name in given}
    return Coverage().changed("command line", **own)


def flags(names: Sequence[str]) -> str:
    """Return options as they are typed, with "and" between them."""
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def check_formula(given: dict[str, Any]) -> None:
    """Refuse options of the weight map that its formula would ignore.

    Raises
    ------
    InputError
        Saying which to leave out.
    """
    if given.get("formula") == "fiji" and len(given) > 1:
        raise InputError(
            "--formula fiji has its own constants: leave --w0, --sigma and --balance "
            "out, or choose --formula paper."
        )


def _told(
    command: Callable[..., None],
    run: Callable[..., None],
    parameters: Iterable[inspect.Parameter],
) -> Callable[..., None]:
    """Let typer find the name and words of a command, and parameters, in `run`."""
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    functools.update_wrapper(run, command)
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    return run


def _parameter(name: str) -> inspect.Parameter:
    """Return the parameter of a command for a field, named "part.field"."""
    part, _, field = name.partition(".")
    settings = _PARTS[part]
    kind: Any = _plain_type(settings.model_fields[field].annotation)
    # A switch is for all images.
    if part == _LISTED and kind is not bool:
        kind = list[kind]
    return inspect.Parameter(
        f"{part}_{field}",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option(settings, field)],
    )


def _plain_type(annotation: Any) -> Any:
    """Return the type of a field without None; text for words, or words and numbers."""
    kinds = [one for one in get_args(annotation) if one is not NoneType]
    if get_origin(annotation) is Literal:
        return type(kinds[0])
    if len(kinds) > 1:
        return str
    return kinds[0] if kinds else annotation


def _bounds(metadata: Sequence[Any]) -> str:
    """Write the bounds of a number, such as "above 0, at most 100"."""
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return ", ".join(
        f"{told} {getattr(limit, name)}"
        for limit in metadata
        for name, told in words.items()
        if hasattr(limit, name)
    )
