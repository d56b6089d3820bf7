"""Check that the package keeps the sizes and names that make it easy to find one's way.

No module name twice, no long file, no long function, and no widget among what knows
layers; one line for each fault.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path("src/napari_unet")
LAYERS = PACKAGE / "widgets" / "layers"
TWICE = {"__init__.py", "dock.py"}
FILE_LINES = 400
FUNCTION_LINES = 80


def repeated_names(paths: list[Path]) -> Iterator[str]:
    homes = defaultdict(list)
    for path in paths:
        homes[path.name].append(str(path.parent))
    for name, folders in homes.items():
        if len(folders) > 1 and name not in TWICE:
            yield f"{name}: stands in {' and '.join(folders)}; name it by what it holds"


def long_file(path: Path, text: str) -> Iterator[str]:
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines, more than {FILE_LINES}"


def long_functions(path: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                what = f"{node.name} has {lines} lines"
                yield f"{path}:{node.lineno}: {what}, more than {FUNCTION_LINES}"


def widgets_among_layers(path: Path, tree: ast.Module) -> Iterator[str]:
    if not path.is_relative_to(LAYERS):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [name.name for name in node.names]
        module = getattr(node, "module", None)
        if module == "qtpy":
            names = [f"qtpy.{name}" for name in names]
        if module == "qtpy.QtWidgets" or "qtpy.QtWidgets" in names:
            yield f"{path}:{node.lineno}: imports qtpy.QtWidgets: no widget in here"


def main() -> int:
    paths = sorted(PACKAGE.rglob("*.py"))
    faults = list(repeated_names(paths))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        faults += long_file(path, text)
        faults += long_functions(path, tree)
        faults += widgets_among_layers(path, tree)
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
