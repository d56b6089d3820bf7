"""Many images by one command: what is done is skipped, and a failure ends nothing."""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_unet.cli.show import say
from napari_unet.config.structured_text import parse_json
from napari_unet.data.files import write_text
from napari_unet.data.folder import natural_key
from napari_unet.data.formats.kinds import title_of_file
from napari_unet.errors import InputError, NapariUNetError, StoppedError

LIST = "batch.json"
"""File in the folder of results that says what they were made of, and with what."""


def images_of(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order: a2 comes before a10.

    Raises
    ------
    InputError
        When there is none, or it is no folder.
    """
    if folder.is_file():
        raise InputError(f"{folder} is one file: choose the folder that it lies in.")
    found = [
        path
        for path in folder.iterdir()
        if title_of_file(path) and not path.name.startswith(".")
    ]
    if not found:
        raise InputError(f"{folder} holds no images: choose a folder that does.")
    return sorted(found, key=natural_key)


def results_of(images: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Return the file in `out` that belongs to each image: its name, with .tif."""
    titles = {image: title_of_file(image) or image.stem for image in images}
    count = Counter(titles.values())
    return {
        image: out / f"{title if count[title] == 1 else image.name}.tif"
        for image, title in titles.items()
    }


def one_by_one(images: Sequence[Path], work: Callable[[Path], Any]) -> dict[str, str]:
    """Call `work` for each image, and return which failed, and why.

    Raises
    ------
    StoppedError
        When the program is told to end.
    """
    failed: dict[str, str] = {}
    for number, image in enumerate(images, start=1):
        say(f"{number} of {len(images)}: {image.name}")
        try:
            work(image)
        except StoppedError:
            raise
        except (NapariUNetError, MemoryError) as error:
            failed[image.name] = str(error)
            say(f"{image.name} failed: {error}")
    return failed


def tell_failed(failed: Mapping[str, str], count: int) -> None:
    """Raise an error that tells of the images, of so many, that failed, if any did.

    Raises
    ------
    NapariUNetError
        Naming them.
    """
    if failed:
        told = " ".join(f"{name}: {why}" for name, why in failed.items())
        raise NapariUNetError(
            f"{len(failed)} of {count} images failed, the others are done. {told}"
        )


def alike(folder: Path, path: Path) -> Path:
    """Return the file of a folder that has the name of another, whatever its format.

    Raises
    ------
    InputError
        When there is not exactly one.
    """
    title = title_of_file(path) or path.stem
    near = [one for one in folder.glob(f"{glob.escape(title)}.*") if one.is_file()]
    found = [one for one in near if title_of_file(one) == title]
    if len(found) != 1:
        raise InputError(
            f"{folder} holds {len(found)} images called {title}: one is needed for "
            f"{path.name}."
        )
    return found[0]


class Batch:
    """Images of a folder, one after the other, with results in another folder.

    Parameters
    ----------
    out
        The folder of the results, made if missing.
    made_with
        What the results depend on besides the images: settings, and the model's
        contents.
    overwrite
        Whether to begin anew where results were made with something else.

    Raises
    ------
    InputError
        When results there were made with something else.
    """

    def __init__(
        self, out: Path, made_with: Mapping[str, Any], *, overwrite: bool = False
    ) -> None:
        self._list = out / LIST
        self._made_with = json.loads(json.dumps(made_with, default=str))
        self._done: dict[str, list[int]] = {}
        self.out = out
        before = self._read()
        if before.get("made_with", self._made_with) == self._made_with:
            done = before.get("done")
            self._done = done if isinstance(done, dict) else {}
        elif not overwrite:
            raise InputError(
                f"The results in {out} were made with another model or other settings: "
                "choose another folder, or have them made anew by --overwrite."
            )

    def run(
        self, results: Mapping[Path, Path], work: Callable[[Path, Path], Any]
    ) -> None:
        """Call `work(image, result)` for each image whose result is not there yet.

        Raises
        ------
        NapariUNetError
            At the end, when some images failed; which ones, and why.
        """
        left = [one for one, out in results.items() if not self._is_done(one, out)]

        def make(image: Path) -> None:
            work(image, results[image])
            self._done[image.name] = _state(image)
            self._write()

        failed = one_by_one(left, make)
        done, before = len(left) - len(failed), len(results) - len(left)
        say(f"{done} of {len(results)} images done now, {before} were done before")
        tell_failed(failed, len(results))

    def _is_done(self, image: Path, out: Path) -> bool:
        return out.exists() and self._done.get(image.name) == _state(image)

    def _read(self) -> dict[str, Any]:
        try:
            found = parse_json(self._list.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        stored = {"made_with": self._made_with, "done": self._done}
        write_text(self._list, json.dumps(stored, indent=1))


def _state(image: Path) -> list[int]:
    """Return what changes when a file does."""
    found = image.stat()
    return [found.st_size, found.st_mtime_ns]
