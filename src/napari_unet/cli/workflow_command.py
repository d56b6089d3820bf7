"""`napari-unet run`: several commands, declared in a file, one after the other."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer

from napari_unet.cli.show import say
from napari_unet.config.structured_text import parse_yaml
from napari_unet.data.files import unreadable
from napari_unet.errors import InputError, NapariUNetError

COMMANDS = ("train", "predict", "baseline", "measure", "score", "weights", "export")
"""What may stand in a recipe."""
# Newer typers bring a click of their own, older ones use that of others.
_WRONG_USE: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
_FORM = "a recipe is a list of steps, such as `- predict: {model: ..., image: ...}`"


def run_recipe(recipe: Path, commands: Any, *, dry: bool = False) -> None:
    """Run the steps of a recipe; all of them are read before the first is run.

    Parameters
    ----------
    recipe
        YAML: a list of steps, each the name of a command with its arguments and
        options by their names.
    commands
        The command line.
    dry
        Only print the commands that would be run.

    Raises
    ------
    NapariUNetError
        When a step cannot be understood, or fails; the number and name of the step.
    """
    steps = read_recipe(recipe, commands)
    for number, (name, words) in enumerate(steps, start=1):
        line = shlex.join(["napari-unet", name, *words])
        say(line if dry else f"step {number} of {len(steps)}: {line}")
        if dry:
            continue
        try:
            commands.commands[name].main(words, name, standalone_mode=False)
        except NapariUNetError as error:
            raise type(error)(f"Step {number}, {name}: {error}") from error


def read_recipe(recipe: Path, commands: Any) -> list[tuple[str, list[str]]]:
    """Return the commands of a recipe, each with the words that follow its name.

    Raises
    ------
    InputError
        When the file cannot be read, or a step is no command with its options.
    """
    try:
        steps = parse_yaml(recipe.read_bytes())
    except OSError as error:
        raise unreadable(recipe, error) from error
    except ValueError as error:
        raise InputError(f"{recipe} is no YAML: {error}.") from error
    if not isinstance(steps, list) or not steps:
        raise InputError(f"{recipe}: {_FORM}.")
    return [
        _read_step(f"{recipe}, step {number}", step, commands)
        for number, step in enumerate(steps, start=1)
    ]


def _read_step(where: str, step: Any, commands: Any) -> tuple[str, list[str]]:
    if not isinstance(step, dict) or len(step) != 1:
        raise InputError(f"{where}: {_FORM}.")
    ((name, given),) = step.items()
    if name not in COMMANDS or not isinstance(given, dict):
        known = ", ".join(COMMANDS)
        raise InputError(f"{where}: {name} is none of {known}, with its options.")
    command = commands.commands[name]
    params = {param.name: param for param in command.params}
    # Options of settings are known to Python with the part that they belong to.
    params |= {
        word.lstrip("-").replace("-", "_"): param
        for param in command.params
        for word in param.opts
    }
    negated = {
        word.lstrip("-").replace("-", "_"): param
        for param in command.params
        for word in param.secondary_opts
    }
    arguments: dict[str, str] = {}
    options = list[str]()
    for key, value in given.items():
        option = str(key).replace("-", "_")
        if option in negated and isinstance(value, bool):
            options += _words(where, negated[option], not value)
            continue
        param = params.get(option)
        if param is None:
            raise InputError(f"{where}: {name} has no option {key}: see --help.")
        if param.param_type_name != "argument":
            options += _words(where, param, value)
        elif value is not None:
            arguments[param.name] = _single(where, param.name, value)
    words = [*options, *_in_order(where, command, arguments)]
    try:
        command.make_context(name, list(words))
    except _WRONG_USE as error:
        told = error.format_message()  # type: ignore[attr-defined]
        raise InputError(f"{where}: {told.rstrip('.')}: see --help.") from error
    return name, words


def _in_order(where: str, command: Any, given: dict[str, str]) -> list[str]:
    """Return arguments as they are typed: each where it belongs.

    Raises
    ------
    InputError
        When one is missing before another.
    """
    names = [p.name for p in command.params if p.param_type_name == "argument"]
    last = max((names.index(name) for name in given), default=-1)
    for name in names[:last]:
        if name not in given:
            raise InputError(f"{where}: {name} is missing.")
    values = [given[name] for name in names[: last + 1]]
    return ["--", *values] if any(one.startswith("-") for one in values) else values


def _single(where: str, name: str, value: Any) -> str:
    """Return the value of what takes one.

    Raises
    ------
    InputError
        When several are given.
    """
    if isinstance(value, list | dict):
        raise InputError(
            f"{where}: {name} takes one value, and {len(value)} are given."
        )
    return _word(value)


def _words(where: str, param: Any, value: Any) -> list[str]:
    """Return an option as it is typed; a list gives it several times, or values.

    Raises
    ------
    InputError
        When it takes a single value, and a list of them is given.
    """
    flag, option = getattr(param, "is_flag", False), param.opts[0]
    if isinstance(value, bool) and flag:
        ways = param.opts if value else param.secondary_opts
        return [ways[0]] if ways else []
    if value is None:
        return []
    if not isinstance(value, list):
        return [option, _word(value)]
    values = [_word(one) for one in value]
    if param.nargs != 1:
        return [option, *values]
    if option == "--pixel-size" and all(isinstance(one, int | float) for one in value):
        return [option, " ".join(values)]
    if not param.multiple:
        _single(where, option.lstrip("-"), value)
    return [word for one in values for word in (option, one)]


def _word(value: object) -> str:
    """Return a value as it is typed: YAML takes no, off, yes and on for truths."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
