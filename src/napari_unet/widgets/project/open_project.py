"""The project that a viewer works in, saved as the work goes on."""

from __future__ import annotations

import atexit
import contextlib
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget

from napari_unet.config import RunConfig
from napari_unet.data.journal import JournalEntry
from napari_unet.errors import InputError, sentence_of
from napari_unet.project import LayerRecord, Project, ProjectFile, Role
from napari_unet.widgets.layers.annotations import class_names, name_classes
from napari_unet.widgets.layers.looks import NAMES, look_of, source_of
from napari_unet.widgets.layers.marks import AXES, INFO_BAR, LEVEL
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.review_marks import review_changes
from napari_unet.widgets.layers.roles import role_of
from napari_unet.widgets.project.journal_keeper import JournalKeeper
from napari_unet.widgets.project.kept_annotations import KeptAnnotations
from napari_unet.widgets.project.kept_predictions import KeptPredictions
from napari_unet.widgets.project.look_watch import LookWatch
from napari_unet.widgets.project.preferences import default_project, preferences
from napari_unet.widgets.project.project_state import ProjectState
from napari_unet.widgets.project.project_writer import ProjectWriter
from napari_unet.widgets.project.workspace import PASSING, Workspace

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer

_SAVE_MS = 2000
_SHARED = (
    "Another window works in this project and keeps its settings; annotations of both "
    "are kept. New gives this window a project of its own."
)
_ROLES = (Role.IMAGE, Role.TRUTH, Role.ANNOTATIONS)


class OpenProject(QObject):
    """The project of one viewer: where it lies, what it holds, and its journal.

    It lives from the first dock to the end of the window. `project.yaml` follows every
    change after two seconds, and the end of the window at once.

    Signals
    -------
    opened(ProjectFile)
        A project was opened and its layers are there.
    changed()
        Folder or words are new.
    """

    opened = Signal(object)
    changed = Signal()
    _failed = Signal(str)
    _noted = Signal(str)

    _of_workspace: ClassVar[dict[Workspace, OpenProject]] = {}

    def __init__(self, workspace: Workspace, layers: LayerList) -> None:
        super().__init__()
        self.workspace = workspace
        self.state = ProjectState()
        self.project = default_project()
        self.words = ""
        self._told: set[str] = set()
        self._missing: tuple[LayerRecord, ...] = ()
        self._of_before: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._layers: tuple[LayerRecord, ...] = ()
        self._saved: ProjectFile | None = None
        self._opening = self._closed = self._has_window = False
        self._looks = LookWatch(layers)
        self._docks = 0
        self._writer = ProjectWriter()
        seconds, given = preferences().work.journal_seconds, self._writer.submit
        self.keeper = JournalKeeper(self.project.journal, given)
        self.keeper.interval = seconds
        self.keeper.written.connect(self._on_written)
        self.keeper.failed.connect(self._on_failed)
        workspace.events.annotations.connect(self.keeper.follow)
        self.keeper.follow(workspace.annotations)
        self.predictions = KeptPredictions(layers, workspace, self.project, given)
        self.others = KeptAnnotations(layers, workspace, self.project, given)
        self._kept = self.predictions, self.others
        for kept in self._kept:
            kept.set_interval(seconds)
            kept.changed.connect(lambda: self.save_soon(None))
            kept.failed.connect(self._on_failed)
        self._failed.connect(self._on_failed)
        self._noted.connect(self.say)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SAVE_MS)
        self._timer.timeout.connect(self.save)
        for signal in self._signals():
            signal.connect(self.save_soon)
        atexit.register(self._at_exit)

    @classmethod
    def of(cls, viewer: ViewerModel) -> OpenProject:
        """Return the open project of a viewer; all docks of it get the same."""
        workspace = Workspace.of(viewer)
        if workspace not in cls._of_workspace:
            layers = real(viewer).layers
            cls._of_workspace[workspace] = cls(workspace, layers)
        return cls._of_workspace[workspace]

    def stay_with(self, dock: QWidget) -> None:
        """Close in good order when the window of a dock does."""
        self._docks += 1
        known = weakref.ref(dock)
        dock.destroyed.connect(self._on_dock_gone)
        # The dock gets its window once it is made.
        QTimer.singleShot(0, lambda: self._find_window(known()))

    def save_soon(self, value: Any = True) -> None:
        """Save within two seconds what changed to `value` and what else changes."""
        if self._closed or self._opening:
            return
        if value is not None:
            # A viewer that is closed loses its layers one by one before its window.
            self._layers = self._records()
        self._timer.start()

    def save(self) -> None:
        """Write `project.yaml` on a thread, where there is anything new."""
        if not self._opening:
            if self._layers and not self._roles():
                # Of a viewer that was emptied, the last entries are on their way.
                self.wait()
            file = self._collect()
            if file is not None and file != self._saved:
                self._writer.submit(self._write, self.project, file)

    def start_new(self, folder: str | Path) -> None:
        """Make a project of what is there now, in another folder.

        Raises
        ------
        InputError
            When there is a project in it already.
        """
        project = Project(folder)
        if project.exists:
            raise InputError(
                f"{project.folder} holds a project already: open it, or choose another "
                "folder."
            )
        self._switch(project)
        for keeper in (self.keeper, *self._kept):
            keeper.now()
        self.save()

    def begin_open(
        self, folder: str | Path, before: Iterable[Layer] = ()
    ) -> ProjectFile:
        """Go to the project of another folder, up to the layers, and return it.

        Nothing is saved until `end_open`, so that a project that is half opened is
        never written over the whole one. Layers that were there `before` have no part
        in it, and never take the place of one that is missing.

        Raises
        ------
        InputError
            When the folder holds no project that can be read; all stays as it was.
        """
        project = Project(folder)
        file = project.resume()
        self._switch(project)
        self._opening = True
        self._saved = file
        # Of a proxy, which soon goes, the layer itself.
        layers = [real(layer) for layer in before]
        self._of_before = weakref.WeakSet(layers)
        for kept in self._kept:
            kept.leave_out(layers)
        workspace = self.workspace
        workspace.image = workspace.truth = workspace.annotations = None
        workspace.prediction = workspace.model = None
        return file

    def end_open(self, file: ProjectFile, missing: tuple[LayerRecord, ...]) -> None:
        """Take over settings and model; layers that are missing stay on record."""
        self._missing = missing
        workspace, state = self.workspace, self.state
        workspace.kind, workspace.coverage = file.kind, file.coverage
        layer, names = workspace.annotations, file.class_names
        if names and layer is not None and not class_names(layer):
            # An older file has the names here alone.
            name_classes(layer, names, colours=False)
        if file.settings is not None:
            workspace.weight_map = file.settings.weight_map
        state.run = self._path(file.run)
        workspace.model = self._path(file.model)
        # Last: docks write back what they show whenever any of it changes.
        state.settings = file.settings
        self._opening = False
        self.opened.emit(file)
        self.save_soon()

    def history(self) -> Path | None:
        """Return the curves of the last run, or None."""
        path = None if self.state.run is None else self.state.run / "history.csv"
        return path if path is not None and path.is_file() else None

    def say(self, words: str) -> None:
        """Show a line in every dock that shows the project."""
        self.words = words
        self.changed.emit()

    def wait(self) -> None:
        """Wait until all that was handed to the writer is on the disk."""
        self._writer.wait()

    def close(self) -> None:
        """Write what is not written yet and end in good order."""
        if self._closed:
            return
        try:
            self._end()
        finally:
            self._timer.stop()
            self.workspace.events.annotations.disconnect(self.keeper.follow)
            for keeper in (self.keeper, *self._kept):
                keeper.close()
            for signal in self._signals():
                signal.disconnect(self.save_soon)

    def _signals(self) -> Iterator[Any]:
        # Each by itself: to hear of all at once, psygnal looks into the layers.
        for events in (self.workspace.events, self.state.events):
            yield from (events[name] for name in events if name not in PASSING)
        yield from (review_changes.changed, self._looks.changed)

    def _end(self) -> None:
        """Write the last words; without Qt, which may have gone."""
        self._closed = True
        atexit.unregister(self._at_exit)
        self._of_workspace.pop(self.workspace, None)
        try:
            self._leave()
        finally:
            self._writer.end()

    def _at_exit(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._end()

    def _switch(self, project: Project) -> None:
        """Leave one folder in good order for another."""
        self._timer.stop()
        self._leave(save=project.folder != self.project.folder)
        self.project = project
        self.keeper.journal = project.journal
        for kept in self._kept:
            kept.go_to(project)
        self._missing = self._layers = ()
        self._saved = None
        self.say("")

    def _leave(self, *, save: bool = True) -> None:
        """Let everything be written, and take the mark of the session away."""
        for keeper in (self.keeper, *self._kept):
            keeper.finish()
        self.wait()
        if save:
            self.save()
            self.wait()
        if not any(one.failing for one in (self.keeper, *self._kept)):
            self.project.journal.close()

    def _write(self, project: Project, file: ProjectFile) -> None:
        session = project.journal.session
        try:
            session.mark()
            if session.is_first:
                project.save(file)
                self._saved = file
            else:
                self._noted.emit(_SHARED)
        except Exception as error:  # noqa: BLE001 (all of them are told)
            self._failed.emit(f"The project is not saved: {sentence_of(error)}")

    def _collect(self) -> ProjectFile | None:
        layers = self._records()
        if not layers:
            return None
        self._layers = layers
        state, workspace, project = self.state, self.workspace, self.project
        settings = state.settings or RunConfig()
        names = [
            one.look.get(NAMES, ()) for one in layers if one.role is Role.ANNOTATIONS
        ]
        model, run = workspace.model, state.run
        return ProjectFile(
            layers=layers,
            kind=workspace.kind,
            coverage=workspace.coverage,
            class_names=names[0] if names else (),
            settings=settings.model_copy(update={"weight_map": workspace.weight_map}),
            model=None if model is None else project.stored(model),
            run=None if run is None else project.stored(run),
        )

    def _records(self) -> tuple[LayerRecord, ...]:
        """Return the layers; of a viewer that was emptied, those that it had."""
        found = self._roles()
        if not found:
            return tuple(self._updated(record) for record in self._layers)
        records = {role: self._record(role, one) for role, one in found.items()}
        for one in self._missing:
            # A dock falls back on what is there, which is nobody's choice.
            if one.role not in found or found[one.role] in self._of_before:
                records[one.role] = one
        further = [one for kept in self._kept for one in kept.records()]
        return (*records.values(), *further)

    def _roles(self) -> dict[Role, Layer]:
        layers = {role: getattr(self.workspace, role) for role in _ROLES}
        return {role: layer for role, layer in layers.items() if layer is not None}

    def _record(self, role: Role, layer: Layer) -> LayerRecord:
        path = source_of(layer)
        if role is Role.ANNOTATIONS:
            path = None if self.keeper.last is None else self.keeper.last.path
        stored = None if path is None else self.project.stored(path)
        return LayerRecord(
            role=role,
            name=layer.name,
            path=stored,
            axes=layer.metadata.get(AXES),
            level=layer.metadata.get(LEVEL, 0),
            info_bar=layer.metadata.get(INFO_BAR),
            look=look_of(layer),
            meant=meant if (meant := role_of(layer)) is not role else None,
        )

    def _updated(self, record: LayerRecord) -> LayerRecord:
        if record.role is Role.PREDICTION:
            return self.predictions.updated(record)
        if record.role is Role.ANNOTATIONS and not record.chosen:
            return self.others.updated(record)
        last, painted = self.keeper.last, record.role is Role.ANNOTATIONS
        if not painted or last is None or last.name != record.name:
            return record
        return record.model_copy(update={"path": self.project.stored(last.path)})

    def _path(self, stored: str | None) -> Path | None:
        if stored is None:
            return None
        try:
            return self.project.found(stored)
        except InputError as error:
            self.say(f"{self.words}\n{error}".strip())
            return None

    def _on_written(self, entry: JournalEntry) -> None:
        self._told.clear()
        self.say(f"Annotations kept at {entry.time.astimezone():%H:%M}.")
        self.save_soon()

    def _on_failed(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            show_warning(sentence)
        self.say(sentence)

    def _find_window(self, dock: QWidget | None) -> None:
        with contextlib.suppress(RuntimeError):  # the dock has gone meanwhile
            if dock is None or self._has_window or dock.isWindow():
                return
            # No reference is kept: it would keep the window from going.
            if (window := dock.window()) is not None:
                window.destroyed.connect(self._on_window_gone)
                self._has_window = True

    def _on_window_gone(self, _gone: Any = None) -> None:
        self.close()

    def _on_dock_gone(self, _gone: Any = None) -> None:
        self._docks -= 1
        if not self._has_window and self._docks == 0:
            self.close()
