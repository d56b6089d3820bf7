"""What a user sets once for all docks, in napari's Preferences."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.settings import get_plugin_settings
from pydantic import Field

from napari_unet.config import Settings
from napari_unet.project import Project

_PLUGIN = "napari-unet-em"
_GROUPS = ("work", "keys")


class WorkPreferences(Settings):
    """How work starts; the group `work` of the manifest."""

    device: str = Field(
        "auto",
        title="Device",
        description="auto, cpu, cuda, cuda:1 or mps; auto takes the fastest. Docks "
        "that are opened from now on start with it.",
    )
    project: str = Field(
        "",
        title="Project folder",
        description="Where models and annotations are kept, from the next start of "
        "napari on; empty for napari-unet in your home folder. The variable "
        "NAPARI_UNET_HOME wins over it.",
    )
    journal_seconds: float = Field(
        30.0,
        ge=5,
        le=3600,
        title="Keep annotations every (seconds)",
        description="How often what you painted is written into the project folder. "
        "Higher writes less often, and a crash loses more.",
    )


class KeyPreferences(Settings):
    """Keys while the mouse is over the image; the group `keys` of the manifest."""

    live: str = Field(
        "Shift+G",
        title="Start or stop live training",
        description="As Start live, or Stop and keep, in the Train dock.",
    )
    next_place: str = Field(
        "N",
        title="Next place to annotate",
        description="Goes to the next place of the list; past its end, searches anew.",
    )
    send_object: str = Field(
        "K",
        title="Keep the object under the mouse",
        description="Sends this object of the prediction to the annotations.",
    )
    send: str = Field(
        "Shift+K",
        title="Send prediction to annotations",
        description="Sends what is chosen beside Send to annotations.",
    )
    preview: str = Field(
        "H",
        title="Show or hide the preview",
        description="As the box Preview in the Train dock, during live training.",
    )
    next_error: str = Field(
        "J",
        title="Next error",
        description="Goes to the next error of the list in the Scores dock.",
    )
    previous_error: str = Field(
        "Shift+J",
        title="Previous error",
        description="Goes back to the error before, in the Scores dock.",
    )


class Preferences(Settings):
    """All of them."""

    work: WorkPreferences = WorkPreferences()
    keys: KeyPreferences = KeyPreferences()


def preferences() -> Preferences:
    """Return what is set in napari's Preferences, or what holds where nothing is.

    napari knows the plugin by its manifest; docks made without it get the defaults.
    """
    stored = _stored()
    if stored is None:
        return Preferences()
    groups = {name: getattr(stored, name).model_dump() for name in _GROUPS}
    return Preferences.read(groups, "Preferences of U-Net")


def on_change(slot: Callable[..., Any]) -> Callable[[], None]:
    """Call `slot` after every change; return what ends that."""
    stored = _stored()
    events = [] if stored is None else [getattr(stored, n).events for n in _GROUPS]
    for event in events:
        event.connect(slot)

    def end() -> None:
        for event in events:
            with contextlib.suppress(ValueError):
                event.disconnect(slot)

    return end


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
