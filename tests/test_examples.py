"""Every public name is reached by a script without a window, and each script runs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import napari_unet

EXAMPLES = Path(__file__).parents[1] / "examples"
CORE = sorted(path.stem for path in EXAMPLES.glob("*.py"))

# One process, since loading torch takes longer than most of the scripts.
RUN = """
import json, runpy, sys, traceback

for name in ("qtpy", "PyQt6", "PySide6", "napari", "magicgui", "superqt", "pyqtgraph"):
    sys.modules[name] = None  # importing it fails

from napari_unet import RunConfig, TrainConfig, UNetConfig

config = RunConfig(
    network=UNetConfig(base_channels=4, depth=2),
    train=TrainConfig(steps=2, batch_size=1, patch_size=64, live_patch_size=64),
)
quick = {"config": config, "steps": 2, "size": 64}
faults = {}
for path in sys.argv[1:]:
    try:
        main = runpy.run_path(path)["main"]
        main(**{key: quick[key] for key in quick if key in main.__annotations__})
    except BaseException:
        faults[path] = traceback.format_exc()
print(json.dumps(faults))
"""


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What went wrong in which script, once all have run."""
    paths = [EXAMPLES / f"{name}.py" for name in CORE]
    ended = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, paths)],
        cwd=tmp_path_factory.mktemp("examples"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, str] = json.loads(ended.stdout.splitlines()[-1])
    return {Path(path).stem: trace for path, trace in found.items()}


@pytest.mark.parametrize("name", CORE)
def test_it_runs_without_qt_and_napari(name: str, faults: dict[str, str]) -> None:
    assert name not in faults, faults[name]


def _public_names(path: Path) -> set[str]:
    """Return what a script takes from `napari_unet` itself."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "napari_unet":
            names |= {name.name for name in node.names}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names |= {node.attr} if node.value.id == "napari_unet" else set()
    return names


def test_every_public_name_is_reached_without_a_window() -> None:
    reached = set().union(*(_public_names(EXAMPLES / f"{name}.py") for name in CORE))
    assert reached >= set(napari_unet.__all__)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda p: p.stem)
def test_it_is_short_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 50
    assert ast.get_docstring(ast.parse(text))
