"""Load: from TIFF files to image, annotation and ground truth layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QLabel, QLineEdit, QSizePolicy, QWidget

from napari_unet.config import ImageConfig
from napari_unet.data.addresses import title_of
from napari_unet.data.file_names import roles_among
from napari_unet.data.read_roles import TITLES, Reading, read_roles
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.pixel_size_box import PixelSizeBox
from napari_unet.widgets.layers.add import add_image, add_labels
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.first_layer import load_ahead
from napari_unet.widgets.layers.length_units import are_unread, read_units, share_units
from napari_unet.widgets.layers.names import short_name
from napari_unet.widgets.layers.places import lies_on
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.load.file_drop import FileDrop
from napari_unet.widgets.load.info_bar_box import InfoBarBox
from napari_unet.widgets.load.level_box import LevelBox
from napari_unet.widgets.load.loaded_rows import Given, LoadedRows
from napari_unet.widgets.load.project_box import ProjectBox
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.file_dialogs import open_folder, open_image
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.listen import later
from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.parts import in_row, tool

if TYPE_CHECKING:
    import napari
    from pint import UnitRegistry

_MODEL = ".safetensors"
_WAIT_MS = 300
_LOADED = (
    "All of this is loaded already: choose another file, or remove a layer to read its "
    "file again."
)
_TIPS = {
    "image": "TIFF file, folder of slices or OME-Zarr",
    "annotations": "What you painted: scribbles, classes or objects",
    "truth": "Labels to score predictions against",
}


class PathRow(QWidget):
    """A path with buttons to choose a file or a folder."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("none")
        # It would take a file for text; the dock opens it.
        self.edit.setAcceptDrops(False)
        self.edit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.edit.textChanged.connect(self.edit.setToolTip)
        tip = "Choose a file ..."
        file = tool("File", self._on_file, tip, icon="file")
        tip = "Choose a folder of slices ..."
        folder = tool("Folder", self._on_folder, tip, icon="folder")
        in_row(self.edit, file, folder, of=self, stretch=(1,))

    def value(self) -> Path | None:
        """Return the path, or None."""
        text = self.edit.text().strip()
        return Path(text) if text else None

    def setValue(self, path: str | Path | None) -> None:  # noqa: N802
        """Show a path."""
        self.edit.setText("" if path is None else str(path))

    def _on_file(self) -> None:
        open_image(self, self._title, self.setValue)

    def _on_folder(self) -> None:
        open_folder(self, self._title, "", self.setValue)


class LoadWidget(Panel):
    """Opens an image, annotations and ground truth as layers that lie on each other.

    Parameters
    ----------
    napari_viewer
        The viewer that gets the layers.
    """

    does = "loading"
    # Of what is read now: the files, the image that is there, and what is kept.
    _paths: dict[str, Path]
    _image: Image | None
    _there: dict[str, Any]

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Load", "Stop")
        self._loaded = LoadedRows(napari_viewer)
        self.project = ProjectBox(napari_viewer)
        self.form.addRow(self.project)
        self.rows: dict[str, PathRow] = {}
        for role, title in TITLES.items():
            self.rows[role] = PathRow(title)
            self.rows[role].edit.textChanged.connect(self.refresh)
            self.add_row(title, self.rows[role], _TIPS[role])
        self.axes = QLineEdit()
        self.axes.setPlaceholderText("as the file says")
        tip = ImageConfig.model_fields["axes"].description or ""
        self.add_row("Axes", self.axes, tip)
        self.level = LevelBox()
        self.add_row("Level", self.level, self.level.toolTip())
        for edit in (self.rows["image"].edit, self.axes):
            edit.textChanged.connect(self._on_image_changed)
        image = LayerBox(napari_viewer, Image, Role.IMAGE)
        self.listen(self.workspace.events.image, image.setValue)
        self.pixel_size = PixelSizeBox(napari_viewer, image)
        self.info_bar = InfoBarBox(napari_viewer, image)
        whose = QWidget()
        in_row(QLabel("Pixel size of"), image, of=whose, stretch=(0, 1))
        self.finish_layout(whose, self.pixel_size, self.info_bar)
        FileDrop(self, self.open_files)
        self._units = Job(self, quiet=True)
        later(self, self._read_units, _WAIT_MS).start()

    def why_not(self) -> str:
        """Return what is missing."""
        if any(row.value() for row in self.rows.values()):
            return ""
        return "Choose a TIFF file, or a folder of slices."

    def run(self) -> None:
        """Read on a thread the files that are not loaded yet."""
        chosen = {role: row.value() for role, row in self.rows.items()}
        paths = {role: path for role, path in chosen.items() if path is not None}
        self._begin()
        self._look_at(paths.get("image"))
        found = {
            role: self._loaded.layer(role, self._given(paths[role])) for role in paths
        }
        there = {role: layer for role, layer in found.items() if layer is not None}
        if len(there) == len(paths):
            self.status.say(_LOADED)
            return
        image, under = there.get("image"), None
        if image is not None:
            paths = {role: paths[role] for role in paths if role not in there}
            stack = image_stack(image)
            under = replace(stack, source=str(self.rows["image"].value()))
        # Else they are read, too, for they may not lie on the image that comes.
        self._read(paths, under)
        self._image, self._there = image, there

    def open_files(self, files: Sequence[Path], plain: str = "image") -> None:
        """Open files, and folders of slices, as what their names say that they are.

        A model is shared with the docks that use it. What cannot be opened is told.

        Parameters
        ----------
        files
            Their paths.
        plain
            What a file is whose name does not tell: image, annotations or truth.
        """
        try:
            if self.running:
                raise InputError("Files are being opened: drop these again after that.")
            models = [file for file in files if file.suffix == _MODEL]
            roles = roles_among([file for file in files if file not in models], plain)
        except NapariUNetError as error:
            self.show_failure(str(error))
            show_error(str(error))
            return
        for model in models:
            self.workspace.model = model
        for role, path in roles.items():
            self.rows[role].setValue(path)
        if roles:
            self._begin()
            self._look_at(roles.get("image"))
            self._read(roles)

    def _read_units(self) -> None:
        """Read on a thread what the first layer would wait for."""

        def read() -> UnitRegistry[Any]:
            units = read_units()
            load_ahead()
            return units

        if are_unread():
            self._units.start("Reading units", once(read), on_done=share_units)

    def open_sample(self) -> None:
        """Open a synthetic stack, with its truth and nothing painted."""
        folder = OpenProject.of(self.viewer).project.folder / "sample"

        def work(stop: Event) -> Iterator[Reading | tuple[str, Stack, str]]:
            # What draws it takes a while to load; the dock need not wait for that.
            from napari_unet.sample_files import write_sample

            return read_roles(write_sample(folder), None, stop)

        self._begin()
        self.start("Making the sample", work)

    def _look_at(self, image: Path | None) -> None:
        self.level.look_at(image, self._axes, far=True)
        self._level, self._level_words = self.level.value(), self.level.words

    def _given(self, path: Path) -> Given:
        return path, self._axes, self._level

    def _read(self, paths: dict[str, Path], under: Stack | None = None) -> None:
        """Read files; with an image that is there, labels that lie on it."""
        self._paths = paths
        work = partial(read_roles, paths, self._axes, level=self._level, image=under)
        self.start("Loading", work)

    def _on_image_changed(self) -> None:
        self.level.look_at(self.rows["image"].value(), self._given_axes)

    @property
    def _given_axes(self) -> str | None:
        return self.axes.text().strip() or None

    def _begin(self) -> None:
        self._words: list[str] = []
        self._paths, self._image, self._there = {}, None, {}
        self._level, self._level_words = 0, ""
        self._axes: str | None = self._given_axes

    def on_step(self, item: Reading | tuple[str, Stack, str]) -> None:
        """Make the layer of a stack that was read."""
        if isinstance(item, Reading):
            left = self.job.left(item.share)
            words = f"Reading {item.name} ... {left}".rstrip()
            self.show_progress(item.share, "\n".join([*self._words, words]))
            return
        role, stack, words = item
        name = title_of(stack.source)
        if role == "image":
            how = self._axes, self._level
            layer: Any = add_image(self.viewer, stack, name, *how)
            self.workspace.image = layer
            words = "\n".join(filter(None, [words, self._level_words]))
        else:
            image = self.workspace.image if self._image is None else self._image
            layer = self._there.get(role)
            if layer is not None and image is not None and lies_on(layer, image):
                # It may have been painted on since.
                words = f"{TITLES[role]}: {layer.name} stays as it is"
            else:
                name = short_name(self.viewer, role, image)
                layer = add_labels(self.viewer, stack, name, image, Role(role))
                # What is right everywhere is not looked at by whom is to paint.
                layer.visible = role != "truth"
                setattr(self.workspace, role, layer)
        if role in self._paths:
            self._loaded.keep(role, self._given(self._paths[role]), layer)
        self._words.append(words)
        self.status.say_all("\n".join(self._words))

    def on_done(self, result: None) -> None:
        """Show what was understood."""
        self.show_progress(1.0, "\n".join(self._words))
