"""YAML and JSON as people and other programs write them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import yaml

from napari_unet.words import shortened

_STANDARD = "tag:yaml.org,2002:"
_LARGEST = 2**64
_ALIASES, _MERGED = 1000, 10_000
"""References to anchors in a file, and names that they bring to one place."""
_MANY = "too much of it is repeated by anchors (&, *): write it out, or leave it out"


def parse_yaml(text: str | bytes) -> Any:
    """Return what YAML says, 24:30 as text, and no name twice.

    YAML 1.1 takes 24:30 for 1470, as minutes and seconds, and looks for dates.

    Raises
    ------
    ValueError
        With the reason in one line.
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(_reason(error)) from error


def parse_json(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    ValueError
        With the reason in one line.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f" in line {mark.line + 1}"
    words = getattr(error, "problem", None) or str(error)
    return shortened(words.splitlines()[0] if words else "it is damaged") + where


class _Loader(yaml.SafeLoader):
    def __init__(self, stream: str | bytes) -> None:
        super().__init__(stream)
        self._aliases = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Take what has colons, and dates, for text."""
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        counted = tag in (_STANDARD + "int", _STANDARD + "float") and ":" in value
        return _STANDARD + "str" if counted or tag == _STANDARD + "timestamp" else tag

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse more references to anchors than anybody writes."""
        self._aliases += self.check_event(yaml.AliasEvent)
        if self._aliases > _ALIASES:
            raise ValueError(_MANY)
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: Any) -> None:
        """Refuse merges that grow with every merge of them."""
        super().flatten_mapping(node)
        if len(node.value) > _MERGED:
            raise ValueError(_MANY)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a name that stands twice: which one counts, nobody can see."""
        keys = (key.value for key, _ in node.value)
        names = Counter(key for key in keys if isinstance(key, str))
        twice = next((n for n, count in names.items() if n != "<<" and count > 1), None)
        if twice is not None:
            line = node.start_mark.line + 1
            raise ValueError(f"{shortened(twice)} stands twice, from line {line} on")
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: Any) -> int:
        """Refuse numbers that nothing here counts with."""
        value = int(super().construct_yaml_int(node))
        if abs(value) >= _LARGEST:
            raise ValueError(
                f"the number in line {node.start_mark.line + 1} is too large"
            )
        return value


_Loader.add_constructor(_STANDARD + "int", _Loader.construct_yaml_int)
