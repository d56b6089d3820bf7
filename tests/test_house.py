"""The checks of the house find what they are for."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_house.py"
PACKAGE = Path("src/napari_unet")
_IMPORT = "from qtpy.QtWidgets import QWidget\n"


@pytest.fixture
def faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[dict[str, str]], list[str]]:
    """Write a package, and return the lines that the check prints."""
    monkeypatch.chdir(tmp_path)

    def check(files: dict[str, str]) -> list[str]:
        for name, text in files.items():
            path = PACKAGE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        failed = runpy.run_path(str(SCRIPT))["main"]()
        lines = capsys.readouterr().err.splitlines()
        assert failed == bool(lines)
        return lines

    return check


def test_what_is_in_order_passes(faults: Callable[..., list[str]]) -> None:
    files = {
        "__init__.py": "",
        "data/__init__.py": "",
        "widgets/train/dock.py": _IMPORT,
        "widgets/load/dock.py": "x = 1\n" * 400,
        "widgets/layers/add.py": "from qtpy.QtCore import QTimer\n",
        "data/read.py": "def read():\n" + "    x = 1\n" * 79,
    }
    assert faults(files) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"data/work.py": "", "train/work.py": ""}, "work.py: stands in"),
        ({"data/read.py": "x = 1\n" * 401}, "401 lines"),
        ({"data/read.py": "def read():\n" + "    x = 1\n" * 80}, "read has 81 lines"),
        ({"widgets/layers/add.py": "import qtpy.QtWidgets\n"}, "py:1: imports"),
        ({"widgets/layers/add.py": "from qtpy import QtWidgets\n"}, "py:1: imports"),
        ({"widgets/layers/add.py": f"def f():\n    {_IMPORT}"}, "py:2: imports"),
    ],
)
def test_each_fault_takes_one_line(
    faults: Callable[..., list[str]], files: dict[str, str], words: str
) -> None:
    (line,) = faults(files)
    assert words in line
