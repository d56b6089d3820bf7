"""Use the installed wheel where there is neither Qt nor napari."""

import importlib
import importlib.resources
import importlib.util
import pkgutil
import subprocess
import sys
import sysconfig
from pathlib import Path

WINDOWS = ["napari", "PyQt5", "PyQt6", "PySide2", "PySide6"]
COMMAND = str(Path(sysconfig.get_path("scripts")) / "napari-unet")
LAZY = """
import sys, napari_unet
napari_unet.__version__, dir(napari_unet)
loaded = {"torch", "qtpy", "napari"} & set(sys.modules)
sys.exit(f"import napari_unet loads {loaded}" if loaded else 0)
"""


def check_environment() -> None:
    present = [name for name in WINDOWS if importlib.util.find_spec(name)]
    if present:
        sys.exit(f"installing the wheel brought {present}")


def check_files() -> None:
    package = importlib.resources.files("napari_unet")
    missing = [
        name
        for name in ("napari.yaml", "py.typed")
        if not package.joinpath(name).is_file()
    ]
    if missing:
        sys.exit(f"the wheel lacks {missing}")


def check_starters() -> None:
    from napari_unet.model.checkpoint import load_model
    from napari_unet.starters import STARTERS

    for starter in STARTERS:
        load_model(starter.path)
        if not starter.card:
            sys.exit(f"{starter.name} has no card")


def import_all() -> None:
    package = importlib.import_module("napari_unet")
    for module in pkgutil.walk_packages(package.__path__, "napari_unet."):
        if not module.name.startswith(("napari_unet.widgets", "napari_unet.__main__")):
            importlib.import_module(module.name)


def main() -> None:
    check_environment()
    check_files()
    subprocess.run([sys.executable, "-c", LAZY], check=True)
    subprocess.run([COMMAND, "--help"], check=True)
    subprocess.run([COMMAND, "check"], check=True)
    check_starters()
    import_all()
    print("the wheel works without Qt and napari")


if __name__ == "__main__":
    main()
