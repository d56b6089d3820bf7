"""A project: one folder with models, runs, annotations, and what belongs together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any

import yaml
from pydantic import Field

from napari_unet.config import AnnotationKind, Coverage, RunConfig, Settings
from napari_unet.config.structured_text import parse_yaml
from napari_unet.data.addresses import is_address, location
from napari_unet.data.files import atomic_write, unreadable, write_text
from napari_unet.data.journal import Journal, JournalEntry, plain_name
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError, NapariUNetError

FORMAT_VERSION = 2
_FILE = "project.yaml"
_PREVIOUS = "project.previous.yaml"
_CRASHED = "project.crashed.yaml"


class Role(StrEnum):
    """What a layer is for."""

    IMAGE = "image"
    ANNOTATIONS = "annotations"
    TRUTH = "truth"
    PREDICTION = "prediction"
    PREVIEW = "preview"
    HELPER = "helper"


class LayerRecord(Settings):
    """A layer: the file it comes from, and how it was shown."""

    role: Role
    name: str
    path: str | None = None
    """Relative where it lies in the project; none: in no file."""
    axes: str | None = None
    """Of an image: what the user said of the dimensions of its file."""
    level: int = 0
    """Of an image in OME-Zarr: its resolution, 0 the finest."""
    info_bar: int | None = None
    """Of an image: rows at the bottom that hold writing."""
    look: dict[str, Any] = Field(default_factory=dict)
    """Place, colours and visibility."""
    meant: Role | None = None
    """What the layer is for, where it is used for something else."""
    chosen: bool = True
    """Whether the docks work on it, of several of its role."""


@dataclass(frozen=True, eq=False)
class LayerRead:
    """What was read of a layer on record, or a sentence on why it could not be.

    Attributes
    ----------
    record
        The layer.
    data
        A stack; of annotations and predictions, their labels.
    entry
        Of annotations and predictions: where they were kept.
    sentence
        "" where all is well.
    """

    record: LayerRecord
    data: Any = None
    entry: JournalEntry | None = None
    sentence: str = ""


class ProjectFile(Settings):
    """What `project.yaml` holds."""

    format_version: int = FORMAT_VERSION
    date: datetime | None = None
    layers: tuple[LayerRecord, ...] = ()
    kind: AnnotationKind | None = None
    coverage: Coverage = Field(default_factory=Coverage)
    class_names: tuple[str, ...] = ()
    settings: RunConfig | None = None
    model: str | None = None
    run: str | None = None


class Project:
    """A folder with `project.yaml` and all that was made, which can be moved.

    Parameters
    ----------
    folder
        It is made when the first file is written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 (links stay links)
        self.journal = Journal(self.folder / "annotations")
        # That of before stays until `project.yaml` names the next.
        self.predictions = Journal(
            self.folder / "predictions", self.journal.session, newest=2
        )
        self._mine = self._from_crash = False

    @classmethod
    def default(cls) -> Project:
        """Return the project of those who chose none.

        It lies in `NAPARI_UNET_HOME` or ~/napari-unet.
        """
        return cls(os.environ.get("NAPARI_UNET_HOME") or Path.home() / "napari-unet")

    @property
    def file(self) -> Path:
        """`project.yaml`."""
        return self.folder / _FILE

    @property
    def scores(self) -> Path:
        """`scores.jsonl`, the scores of all predictions over time."""
        return self.folder / "scores.jsonl"

    @property
    def exists(self) -> bool:
        """Whether there is something to open."""
        return self.file.is_file()

    def new_run(self, name: str) -> Path:
        """Return a folder for a new run on the image `name`; it is not made yet."""
        now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        stem, number = f"{now}-{plain_name(name) or 'run'}", 2
        folder = self.folder / "runs" / stem
        while folder.exists():
            folder = folder.with_name(f"{stem}-{number}")
            number += 1
        return folder

    def stored(self, path: str | Path) -> str:
        """Return how `project.yaml` names a file, so that the folder can be moved."""
        if is_address(path):
            return location(path)
        whole = Path(os.path.abspath(path))  # noqa: PTH100
        if whole.is_relative_to(self.folder):
            return whole.relative_to(self.folder).as_posix()
        return str(whole)

    def found(self, stored: str) -> Path:
        """Return the path of a file that `project.yaml` names.

        It may be an address, or name an image within an HDF5 file.

        Raises
        ------
        InputError
            When there is no such file.
        """
        # What reads files takes a while to load; docks that only open need not wait.
        from napari_unet.data.formats.kinds import within_hdf5

        if is_address(stored):
            return Path(stored)
        path = self.folder / stored
        if not within_hdf5(path)[0].exists():
            raise InputError(
                f"{path} is missing: put it back there, or load it from where it is."
            )
        return path

    def save(self, file: ProjectFile) -> None:
        """Write `project.yaml`.

        One that another session wrote, and this one did not open, is kept as
        `project.previous.yaml`; that of a crash, to be gone on with, as
        `project.crashed.yaml`.

        Raises
        ------
        OutputError
            When it cannot be written; the file of before stays whole.
        """
        data = file.model_dump(mode="json", by_alias=True)
        data["date"] = datetime.now().astimezone().isoformat(timespec="seconds")
        if self.exists and not self._mine:
            stranded = self.journal.after_crash() and not self._crashed.exists()
            kept = self._crashed if stranded else self.folder / _PREVIOUS
            with atomic_write(kept) as temporary:
                temporary.write_bytes(self.file.read_bytes())
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        write_text(self.file, text)
        self._mine = True
        if self._from_crash:
            self._crashed.unlink(missing_ok=True)

    def resume(self) -> ProjectFile:
        """Read the project as its last session left it.

        After a crash, the newest annotations that were kept take the place of those on
        record; the rest of them, and those on record under another name, come along
        unchosen.

        Raises
        ------
        InputError
            As `load`.
        """
        left = self.journal.after_crash()
        if not left:
            return self.load()
        self._from_crash = self._crashed.exists()
        if self._from_crash:
            file = self._parsed(self._crashed)
        else:
            file = self.load() if self.exists else ProjectFile()
        kept = {one.name: one for one in left}
        records = [
            one.model_copy(update={"chosen": False}) if _is_painted(one) else one
            for one in file.layers
            if not (_is_painted(one) and one.name in kept)
        ]
        looks = {one.name: one for one in file.layers if _is_painted(one)}
        for entry in left:
            new = looks.get(entry.name) or LayerRecord(
                role=Role.ANNOTATIONS, name=entry.name
            )
            path, chosen = self.stored(entry.path), entry is left[0]
            records.append(new.model_copy(update={"path": path, "chosen": chosen}))
        return file.model_copy(update={"layers": tuple(records)})

    def load(self) -> ProjectFile:
        """Read `project.yaml`.

        Raises
        ------
        InputError
            When the folder is no project, the file is damaged, or a newer program
            wrote it.
        """
        file = self._parsed(self.file)
        self._mine = True
        return file

    @property
    def _crashed(self) -> Path:
        return self.folder / _CRASHED

    def _parsed(self, path: Path) -> ProjectFile:
        data = self._read(path)
        version = data.get("format_version", 1)
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise InputError(
                f"{path} has format {version} and this program reads up to "
                f"{FORMAT_VERSION}: update napari-unet."
            )
        return ProjectFile.read(data, path)

    def read_layers(self, file: ProjectFile, stop: Event) -> Iterator[LayerRead]:
        """Read the layers of `project.yaml` in turn.

        What is not read any more once `stop` is set has a sentence, too.
        """
        for record in file.layers:
            if stop.is_set():
                sentence = f"{record.name} was not read any more."
                yield LayerRead(record, sentence=sentence)
            elif record.path or record.role not in self._journals():
                # Without a path, nothing was painted or predicted.
                yield self._read_layer(record)

    def _read_layer(self, record: LayerRecord) -> LayerRead:
        try:
            if record.path is None:
                raise InputError(
                    f"{record.name} came from no file: load it again, then choose it."
                )
            path = self.found(record.path)
            journal = self._journals().get(record.role)
            if journal is None:
                return LayerRead(record, _read(path, record))
            entry = journal.entry(path)
            return LayerRead(record, journal.read(entry), entry)
        except NapariUNetError as error:
            return LayerRead(record, sentence=f"{record.role.capitalize()}: {error}")

    def _journals(self) -> dict[Role, Journal]:
        return {Role.ANNOTATIONS: self.journal, Role.PREDICTION: self.predictions}

    def _read(self, path: Path) -> dict[str, Any]:
        if not path.is_file():
            raise InputError(
                f"{self.folder} is no project, there is no {_FILE} in it: choose "
                "another folder, or make a new project."
            )
        try:
            data = parse_yaml(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise unreadable(path, error) from error
        except ValueError as error:
            raise self._damaged() from error
        if not isinstance(data, dict):
            raise self._damaged()
        return data

    def _damaged(self) -> InputError:
        kept = self.folder / _PREVIOUS
        other = f", or rename {_PREVIOUS} to {_FILE}" if kept.exists() else ""
        return InputError(
            f"{self.file} is damaged: load image and annotations one by one{other}."
        )


def _read(path: Path, record: LayerRecord) -> Any:
    return read_stack(
        path, axes=record.axes, info_bar=record.info_bar, level=record.level
    )


def _is_painted(record: LayerRecord) -> bool:
    return record.role is Role.ANNOTATIONS
