"""What a project remembers beside its layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_unet.config import RunConfig


@dataclass(eq=False)
class ProjectState:
    """What belongs to a project and to no layer; every change is a signal.

    Attributes
    ----------
    settings
        Settings of training as last chosen, or None.
    run
        Folder of the last run.
    """

    settings: RunConfig | None = None
    run: Path | None = None

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
