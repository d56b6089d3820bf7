"""The settings of all docks, as napari's Preferences hold them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from napari.settings import get_plugin_settings

from napari_unet.config.window import Preferences
from napari_unet.project import Project

_PLUGIN = "napari-unet-em"
_GROUPS = ("work", "keys")


def preferences() -> Preferences:
    """Return what is set in napari's Preferences, or what holds where nothing is.

    napari knows the plugin by its manifest; docks made without it get the defaults.
    """
    stored = _stored()
    if stored is None:
        return Preferences()
    groups = {name: getattr(stored, name).model_dump() for name in _GROUPS}
    return Preferences.read(groups, "Preferences of U-Net")


def changes() -> list[Any]:
    """Return the events of every change."""
    stored = _stored()
    return [] if stored is None else [getattr(stored, n).events for n in _GROUPS]


def default_project() -> Project:
    """Return the project that a new window works in."""
    folder = preferences().work.project.strip()
    if not folder or os.environ.get("NAPARI_UNET_HOME"):
        return Project.default()
    return Project(Path(folder).expanduser())


def _stored() -> Any:
    try:
        return get_plugin_settings(_PLUGIN)
    except KeyError:
        return None
