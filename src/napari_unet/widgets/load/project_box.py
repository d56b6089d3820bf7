"""The project folder in a dock: where it lies, open, new, and recovery."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QAbstractButton, QLabel, QMenu, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_unet.data.journal import JournalEntry
from napari_unet.errors import InputError, NapariUNetError, telling
from napari_unet.project import LayerRead, LayerRecord
from napari_unet.widgets.layers.add import add_image, add_labels
from napari_unet.widgets.layers.annotations import name_classes
from napari_unet.widgets.layers.looks import NAMES, meaning_in, options, show_look
from napari_unet.widgets.layers.made_facts import FACTS, marks_of
from napari_unet.widgets.layers.marks import ROLE
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.file_dialogs import open_folder
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.parts import (
    WrappedLabel,
    button,
    in_column,
    in_row,
    menu_button,
    present,
    tool,
)
from napari_unet.words import counted

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels


class ProjectBox(QWidget):
    """Shows the project folder; opens another, makes a new one, and recovers.

    Parameters
    ----------
    viewer
        The viewer whose project it is; layers that are opened are added to it.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self.open_project = OpenProject.of(viewer)
        self.open_project.stay_with(self)
        self.folder = QElidingLabel()
        self.folder.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.words = WrappedLabel(hides=True)
        tip = "Offers it no more; it stays in the folder."
        self.forget_button = tool("Not needed", self._forget, tip)
        self.resume_button = button("", self.resume)
        tip = "Annotations as they were, back as a new layer."
        self.earlier, self._menu = menu_button("Earlier", tip)
        self._menu.aboutToShow.connect(self._fill_menu)
        # A long name of a folder is cut, and does not widen the dock.
        self.resume_button.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed
        )
        self._left: list[JournalEntry] = []
        self._since = ""
        self._job = Job(self)
        self._job.failed.connect(self.open_project.say)
        self._job.ended.connect(self._show)
        self._lay_out()
        self.open_project.changed.connect(self._show)
        self.look_for_crash()

    @property
    def running(self) -> bool:
        """Whether a project or an entry is being read."""
        return self._job.running

    def open(self, folder: str | Path) -> None:
        """Open a project: its layers are added on top of those that are there."""
        if self.running:
            return
        try:
            file = self.open_project.begin_open(folder, self.viewer.layers)
        except NapariUNetError as error:
            self.open_project.say(str(error))
            return
        project = self.open_project.project
        missing: list[LayerRecord] = []
        sentences: list[str] = []

        def on_step(read: LayerRead) -> None:
            if read.sentence:
                missing.append(read.record)
                sentences.append(read.sentence)
            else:
                self._restore(read, sentences)

        def on_ended() -> None:
            self._job.ended.disconnect(on_ended)
            self.open_project.say("\n".join(sentences) or "The project is open.")
            self.open_project.end_open(file, tuple(missing))
            self.look_for_crash()

        self._job.ended.connect(on_ended)
        work = partial(project.read_layers, file)
        self._job.start("Opening the project", work, on_step=on_step)
        self._show()

    def make(self, folder: str | Path) -> None:
        """Make a project of what is there now."""
        if self.running:
            return
        with telling(self.open_project.say):
            self.open_project.start_new(folder)
        self.look_for_crash()

    def recover(self, entry: JournalEntry) -> None:
        """Add annotations of the journal as a new layer; nothing is overwritten."""
        if self.running:
            return
        journal = self.open_project.project.journal

        def on_done(labels: NDArray[np.generic]) -> None:
            name = f"{entry.name} of {_when(entry.time)}"
            self.open_project.workspace.annotations = self._add(labels, entry, name)
            self.open_project.keeper.now()

        self._job.start(
            "Recovering annotations", once(lambda: journal.read(entry)), on_done=on_done
        )
        self._show()

    def look_for_crash(self) -> None:
        """Offer what a crash left in the folder, and to go on where one stopped."""
        journal = self.open_project.project.journal
        self._left, self._since = journal.after_crash(), ""
        if self._left:
            pixels = journal.unsaved(self._left[0])
            words = counted(pixels, "unsaved pixel")
            unsaved = f",\nwith {words}" if pixels else ""
            self._since = f", {_when(self._left[0].time)}{unsaved}"
        words = f"{self._name()}{self._since}".replace("\n", " ")
        self.open_project.workspace.left = words if self._left else ""
        self._show()

    def _restore(self, read: LayerRead, sentences: list[str]) -> None:
        """Make the layer of a record, give it its look and its role."""
        record, workspace = read.record, self.open_project.workspace
        layer: Any
        if read.entry is not None:
            layer = self._add(read.data, read.entry, record.name, record.role)
        elif record.role is Role.IMAGE:
            how = record.axes, record.level
            layer = add_image(self.viewer, read.data, record.name, *how)
        else:
            like, role = workspace.image, record.role
            layer = add_labels(self.viewer, read.data, record.name, like, role)
        if record.meant is not None:
            set_role(layer, record.meant)
        try:
            show_look(layer, record.look)
        except (ValueError, TypeError, KeyError, InputError) as error:
            sentences.append(f"The look of {record.name} is not restored: {error}.")
        if record.chosen:
            setattr(workspace, record.role, layer)
        if read.entry is None:
            return
        if record.role is Role.PREDICTION:
            self.open_project.predictions.opened(layer, read.entry)
            return
        self.open_project.project.journal.forget(read.entry)
        if record.chosen:
            self.open_project.keeper.opened(read.entry)
        else:
            self.open_project.others.opened(layer, read.entry)

    def _add(
        self,
        labels: NDArray[np.generic],
        entry: JournalEntry,
        name: str,
        role: Role = Role.ANNOTATIONS,
    ) -> Labels:
        metadata: dict[str, Any] = {ROLE: role}
        if FACTS in entry.place:
            folder = self.open_project.project.folder
            metadata |= marks_of(entry.place[FACTS], folder)
        with suppress(ValueError, TypeError, InputError):  # it is guessed then
            metadata |= meaning_in(entry.place)
        place = options(entry.place, labels.ndim)
        layer = self.viewer.add_labels(labels, name=name, metadata=metadata, **place)
        if NAMES in entry.place:
            name_classes(layer, entry.place[NAMES])
        return layer

    def _show(self) -> None:
        """Bring everything up to date."""
        kept, left = self.open_project, self._left
        self.folder.setText(kept.project.folder.name)
        self.folder.setToolTip(str(kept.project.folder))
        self.words.setText(kept.words)
        fresh = kept.workspace.image is None and kept.workspace.annotations is None
        self.resume_button.setText(f"Continue {self._name()}{self._since}")
        tip = "Opens the project as you left it."
        if left:
            names = " and ".join(one.name for one in left)
            tip = f"The program ended before it was closed: brings back {names}, too."
        self.resume_button.setToolTip(tip)
        self.resume_button.setVisible(bool(left) or (fresh and kept.project.exists))
        self.forget_button.setVisible(bool(left))
        for child in self.findChildren(QAbstractButton):
            child.setEnabled(not self.running)

    def resume(self) -> None:
        """Go on with the project of the folder as it was left."""
        self.open(self.open_project.project.folder)

    def _name(self) -> str:
        return self.open_project.project.folder.name

    def _lay_out(self) -> None:
        tip = "Open the project of another folder ..."
        open_button = tool("Open", self._on_open, tip, icon="open")
        tip = "Make a project of what is there now, in a folder ..."
        new_button = tool("New", self._on_new, tip, icon="new")
        buttons = open_button, new_button, self.earlier
        top = in_row(QLabel("Project"), self.folder, *buttons, stretch=(0, 1))
        in_column(self, top, self.resume_button, self.forget_button, self.words)

    def _fill_menu(self) -> None:
        self._menu.clear()
        for menu in self._menu.findChildren(QMenu):
            menu.deleteLater()
        histories: dict[str, list[JournalEntry]] = {}
        for entry in self.open_project.project.journal.entries():
            histories.setdefault(entry.name, []).append(entry)
        for name, entries in histories.items():
            menu = self._menu
            if len(histories) > 1:
                # An ampersand by itself would underline the next letter.
                menu = present(self._menu.addMenu(name.replace("&", "&&")))
            for entry in entries:
                text = f"{_when(entry.time)}  {entry.pixels:,} pixels"
                menu.addAction(text, lambda entry=entry: self.recover(entry))
        if not histories:
            present(self._menu.addAction("none yet")).setEnabled(False)

    def _on_open(self) -> None:
        here = self.open_project.project.folder
        open_folder(self, "Open a project", here, self.open)

    def _on_new(self) -> None:
        here = self.open_project.project.folder
        open_folder(self, "Folder of the new project", here, self.make)

    def _forget(self) -> None:
        for entry in self._left:
            self.open_project.project.journal.forget(entry)
        self.look_for_crash()


def _when(time: datetime) -> str:
    """Write a time of today as 14:32, and one of another day with its day."""
    here = time.astimezone()
    today = here.date() == datetime.now().date()
    return f"{here:%H:%M}" if today else f"{here:%Y-%m-%d %H:%M}"
