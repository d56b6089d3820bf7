"""The layers of one role in a viewer, kept in its project."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_unet.project import LayerRecord, Project
from napari_unet.widgets.layers.axes import in_memory
from napari_unet.widgets.layers.looks import look_of, place_of
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.roles import Role, role_changes, role_of
from napari_unet.widgets.project.journal_keeper import JournalKeeper, Submit

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Layer

    from napari_unet.data.journal import Journal, JournalEntry
    from napari_unet.widgets.project.workspace import Workspace


class KeptLayers(QObject):
    """Keeps every labels layer of a role, each as the journal does.

    Parameters
    ----------
    layers
        Of the viewer.
    workspace
        Of the viewer.
    project
        Where they are kept.
    submit
        Runs a function on the thread of the writer.

    Signals
    -------
    changed()
        One of them was written, or removed.
    failed(str)
        One sentence on why one is not kept.
    """

    changed = Signal()
    failed = Signal(str)
    _what: ClassVar[str]
    _role: ClassVar[Role]

    def __init__(
        self, layers: LayerList, workspace: Workspace, project: Project, submit: Submit
    ) -> None:
        super().__init__()
        self._layers, self._workspace = layers, workspace
        self._project, self._submit = project, submit
        self._interval = 0.0
        self._keepers: dict[Labels, JournalKeeper] = {}
        self._others: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._signals = (
            *(layers.events.inserted, layers.events.removed),
            *(role_changes.changed, *self._further()),
        )
        for signal in self._signals:
            signal.connect(self._follow)
        self._follow()

    @property
    def failing(self) -> bool:
        """Whether the last write of any did not succeed."""
        return any(one.failing for one in self._keepers.values())

    def set_interval(self, seconds: float) -> None:
        """Write what changed so often."""
        self._interval = seconds
        for keeper in self._keepers.values():
            keeper.interval = seconds

    def now(self) -> None:
        """Write what is there now."""
        for keeper in self._keepers.values():
            keeper.now()

    def finish(self) -> None:
        """Hand everything that is not written yet to the writer."""
        for keeper in self._keepers.values():
            keeper.finish()

    def close(self) -> None:
        """Let go of timers and layers."""
        for signal in self._signals:
            signal.disconnect(self._follow)
        for keeper in self._keepers.values():
            keeper.close()

    def go_to(self, project: Project) -> None:
        """Keep them in another project from now on."""
        self._project = project
        for keeper in self._keepers.values():
            keeper.journal = self._journal

    def leave_out(self, layers: Iterable[Layer]) -> None:
        """Keep some layers no longer: they have no part in the project."""
        self._others.update(layers)
        self._follow()

    def opened(self, layer: Labels, entry: JournalEntry) -> None:
        """Take a layer for kept: it was read just now."""
        self._keepers[real(layer)].opened(entry)

    def kept_at(self, layer: Labels) -> datetime | None:
        """Return when a layer was written last; None where it never was."""
        keeper = self._keepers.get(real(layer))
        return None if keeper is None or keeper.last is None else keeper.last.time

    def records(self) -> list[LayerRecord]:
        """Return how a project remembers them."""
        return [
            LayerRecord(
                role=self._role,
                name=layer.name,
                path=self._project.stored(keeper.last.path) if keeper.last else None,
                look=look_of(layer),
                chosen=self._is_chosen(layer),
            )
            for layer, keeper in self._keepers.items()
        ]

    def updated(self, record: LayerRecord) -> LayerRecord:
        """Return the record of a layer that was removed with where it was kept last."""
        journal, path = self._journal, record.path
        entry = journal.newest(record.name)
        # A layer that was renamed since was kept under another name.
        known = path and journal.entry(self._project.folder / path).time
        if entry is None or (known and known >= entry.time):
            return record
        return record.model_copy(update={"path": self._project.stored(entry.path)})

    def _follow(self, _changed: Any = None) -> None:
        """Keep what has the role now, and nothing else."""
        there = [one for one in self._layers if role_of(one) is self._role]
        labels = {one for one in there if isinstance(one, Labels)}
        # Volumes on disk lie there already.
        kept = {one for one in labels if in_memory(one)} - set(self._others)
        kept -= self._elsewhere()
        for layer in [*self._keepers]:
            if layer not in kept:
                keeper = self._keepers.pop(layer)
                if layer not in self._elsewhere():
                    keeper.finish()
                keeper.close()
                self.changed.emit()
        for layer in kept - set(self._keepers):
            self._keepers[layer] = self._keeper(layer)
        for keeper in self._keepers.values():
            keeper.held = self._is_held()

    def _keeper(self, layer: Labels) -> JournalKeeper:
        keeper = JournalKeeper(self._journal, self._submit, self._what, self._place)
        keeper.interval = self._interval or keeper.interval
        keeper.written.connect(self.changed)
        keeper.failed.connect(self.failed)
        keeper.follow(layer)
        return keeper

    @property
    def _journal(self) -> Journal:
        raise NotImplementedError

    def _further(self) -> tuple[Any, ...]:
        """Return what else changes what is kept."""
        return ()

    def _elsewhere(self) -> set[Labels]:
        """Return the layers that someone else keeps."""
        return set()

    def _is_chosen(self, _layer: Labels) -> bool:
        return False

    def _is_held(self) -> bool:
        return False

    def _place(self, layer: Labels) -> dict[str, Any]:
        return place_of(layer)
