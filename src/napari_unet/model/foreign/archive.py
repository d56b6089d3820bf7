"""The files of a bioimage.io package, read without unpacking them or trusting them."""

from __future__ import annotations

import hashlib
import lzma
import reprlib
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from napari_unet.config.structured_text import parse_yaml
from napari_unet.data.files import unreadable
from napari_unet.errors import ModelFileError

_DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml", "model.yaml")
DAMAGED = (
    *(zipfile.BadZipFile, NotImplementedError, EOFError),
    *(zlib.error, lzma.LZMAError),
)
"""What zipfile raises for an archive that is none, or is damaged."""
_LARGEST_TEXT = 2**22
_LARGE = 2**26
_SQUEEZED = 100
"""Weights hardly get smaller in an archive; what shrinks this much holds none."""


class Package:
    """The files of a package: a zip archive, or the folder that it was unpacked to.

    Nothing is written to disk, and nothing in a package is executed here.

    Parameters
    ----------
    path
        The archive, the folder, or the description in the folder.

    Raises
    ------
    ModelFileError
        When it is no package, or one that may be meant to do harm.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise ModelFileError(f"There is no package {path}.")
        self._sizes = self._listed()
        self._prefix = ""
        self.description = self._described()

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._sizes

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """Return a file of the package, whole.

        Raises
        ------
        ModelFileError
            When it is missing, lies elsewhere, or is not what `sha256` says.
        """
        if "://" in name:
            raise ModelFileError(
                f"{self.path}: {name} is not in the package but on the internet: "
                "download the complete package."
            )
        _check_inside(self.path, name)
        if name not in self:
            raise ModelFileError(
                f"{self.path}: {name} is missing in the package: download it again."
            )
        data = self._bytes(self._prefix + name)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256.lower():
            raise ModelFileError(
                f"{self.path}: {name} is not the file that the package describes "
                "(SHA-256): download it again."
            )
        return data

    def _listed(self) -> dict[str, int]:
        """Return the sizes of all files, after a look at what they might do."""
        if self.path.is_dir():
            return _in_folder(self.path)
        if self.path.suffix in (".yaml", ".yml"):
            return _in_folder(self.path.parent)
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = archive.infolist()
        except DAMAGED as error:
            raise ModelFileError(
                f"{self.path} is no zip archive or is damaged: download it again."
            ) from error
        except OSError as error:
            raise unreadable(self.path, error) from error
        for entry in entries:
            _check_entry(self.path, entry)
        times = Counter(entry.filename for entry in entries)
        for name, number in times.most_common(1):
            if number > 1:
                raise ModelFileError(f"{self.path} holds {name} twice: not opened.")
        return {entry.filename: entry.file_size for entry in entries}

    def _bytes(self, name: str) -> bytes:
        try:
            if not zipfile.is_zipfile(self.path):
                folder = self.path if self.path.is_dir() else self.path.parent
                return (folder / name).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(name)
        except DAMAGED as error:
            raise ModelFileError(
                f"{self.path}: {name} is damaged: download the package again."
            ) from error
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _described(self) -> dict[str, Any]:
        """Read the description, which may lie in the only folder of the archive."""
        name = self._name_of_description()
        if self._sizes[name] > _LARGEST_TEXT:
            raise ModelFileError(f"{self.path}: {name} is too large for a description.")
        self._prefix = name[: len(name) - len(PurePosixPath(name).name)]
        try:
            found = parse_yaml(self._bytes(name))
        except ValueError as error:
            raise ModelFileError(
                f"{self.path}: {name} is no YAML or damaged."
            ) from error
        if not isinstance(found, dict):
            raise ModelFileError(f"{self.path}: {name} describes no model.")
        kind = found.get("type", "model")
        if kind != "model":
            raise ModelFileError(
                f"{self.path} describes a {reprlib.repr(kind)}, and no model."
            )
        return found

    def _name_of_description(self) -> str:
        if self.path.suffix in (".yaml", ".yml"):
            return self.path.name
        found = [
            name
            for name in self._sizes
            if name.count("/") < 2
            and (PurePosixPath(name).name in _DESCRIPTIONS)
            | name.endswith(".bioimageio.yaml")
        ]
        if not found:
            raise ModelFileError(
                f"{self.path} is no bioimage.io package: it holds no rdf.yaml."
            )
        return min(found, key=_rank)


def holds_description(path: Path) -> bool:
    """Return whether a zip archive is a package, and not what torch.save writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    return any(PurePosixPath(name).name in _DESCRIPTIONS for name in names)


def _rank(name: str) -> tuple[int, int, str]:
    """Sort what may be the description; some packages hold it under both names."""
    last = PurePosixPath(name).name
    known = _DESCRIPTIONS.index(last) if last in _DESCRIPTIONS else len(_DESCRIPTIONS)
    return name.count("/"), known, name


def _in_folder(folder: Path) -> dict[str, int]:
    """Return the sizes of the files in a folder; links out of it are left out."""
    home = folder.resolve()
    files = (file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in files
        if file.resolve().is_relative_to(home)
    }


def _check_inside(path: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name:
        raise ModelFileError(
            f"{path} names a file outside of the package ({reprlib.repr(name)}): "
            "it is not opened."
        )


def _check_entry(path: Path, entry: zipfile.ZipInfo) -> None:
    _check_inside(path, entry.filename)
    if entry.flag_bits & 1:
        raise ModelFileError(f"{path} is locked by a password: unpack it first.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ModelFileError(f"{path} holds a link ({entry.filename}): no model does.")
    packed = max(1, entry.compress_size)
    if entry.file_size > _LARGE and entry.file_size > _SQUEEZED * packed:
        raise ModelFileError(
            f"{path}: {entry.filename} would grow from {packed:,} to "
            f"{entry.file_size:,} bytes: it is not opened."
        )
