"""What is to be done with the blocks of a volume, and what is done, kept on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.config.base import Settings
from napari_unet.data.files import unreadable, unwritable, write_text
from napari_unet.data.lock import LOCK, alone_in
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from threading import Event

    from napari_unet.predict.blocks import Block
    from napari_unet.predict.engines import Work

_PLAN, _DONE = "plan.json", "done.txt"
_ANYWHERE = {"backend", "device", "batch_size", "tile_size", "tile_slices"}
"""Settings that change nothing but the time."""
_TITLES = {
    "image": "image",
    "state": "version of the image",
    "model": "model",
    "predict": "settings of the prediction",
    "finish": "objects",
    "block": "blocks",
    "probabilities": "file of probabilities",
}


class BlockPlan(Settings):
    """Everything that the result depends on.

    Kept beside the result, so that whoever goes on does the same.
    """

    version: int = 1
    image: str
    """Path, shape and type of the image."""
    state: str = ""
    """What `state_of` the image was; "" in plans of before."""
    model: str
    """SHA-256 of the model file."""
    predict: PredictConfig
    """How it is predicted; the tiles are decided."""
    finish: PostprocessConfig
    """What is made of it; nothing is left open."""
    block: tuple[int, int, int]
    """Sides of the blocks."""
    probabilities: str = ""
    """Where they are written, too."""
    mean: tuple[tuple[float, ...], ...] = ()
    """Of each channel, by slice or one for all; () until they are measured."""
    std: tuple[tuple[float, ...], ...] = ()
    """What is divided by, likewise."""

    def moments(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and deviation as (C, Z, 1, 1), or (C, 1, 1, 1) for all slices."""
        mean, std = (np.array(one, np.float32) for one in (self.mean, self.std))
        return mean[..., None, None], std[..., None, None]

    def with_moments(
        self, mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> BlockPlan:
        """Return the plan with what `Normalization.measure` gave."""
        mean, std = mean[..., 0, 0], std[..., 0, 0]
        return self.changed("plan", mean=mean.tolist(), std=std.tolist())

    def differs_from(self, other: BlockPlan) -> list[str]:
        """Return what another plan would make another result of, in words."""
        mine, theirs = self._decisive(), other._decisive()
        titles = _TITLES
        if self.image != other.image or "" in (self.state, other.state):
            titles = {name: words for name, words in _TITLES.items() if name != "state"}
        return [words for name, words in titles.items() if mine[name] != theirs[name]]

    def _decisive(self) -> dict[str, Any]:
        return self.model_dump(exclude={"predict": _ANYWHERE})


class PlanFolder:
    """The folder beside a result where its plan is kept, and which blocks are done.

    A line is added for each block that is written, and flushed to the disk. A line that
    a kill cut off counts for nothing: that block is done again.

    Parameters
    ----------
    path
        The folder, which need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, out: Path) -> PlanFolder:
        """Return the folder of a result."""
        return cls(out.with_name(f"{out.name}.blocks"))

    def read(self) -> BlockPlan | None:
        """Return the plan that was begun here, if any was."""
        file = self.path / _PLAN
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(file, error) from error
        try:
            return BlockPlan.model_validate_json(text)
        except ValueError as error:
            raise InputError(
                f"{file} is no plan of this version of napari-unet: delete its folder "
                "and the labels that were begun, or choose another name for the result."
            ) from error

    def doubts(self) -> tuple[str, ...]:
        """Return what the user has to know who goes on here: one sentence, or none."""
        begun = self.read()
        if begun is None or begun.state:
            return ()
        return (
            f"{self._result} was begun by a version that did not note the state of the "
            "image: if the image was changed since, begin anew.",
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other start out while the block lasts.

        Where no plan came of it, no folder is left.

        Raises
        ------
        InputError
            When another one is at work on the result.
        """
        busy = (
            f"{self._result} is being predicted already: wait until that ends, or "
            "choose another name for the result."
        )
        with alone_in(self.path, busy):
            try:
                yield
            finally:
                if not (self.path / _PLAN).exists():
                    shutil.rmtree(self.path, ignore_errors=True)

    def begin(self, plan: BlockPlan) -> None:
        """Keep a plan, of which nothing is done yet."""
        self.forget()
        self.keep(plan)

    def keep(self, plan: BlockPlan) -> None:
        """Keep a plan with what was found since it was begun."""
        write_text(self.path / _PLAN, plan.model_dump_json(indent=1))

    def forget(self) -> None:
        """Let go of an earlier plan; of its marks first, which say nothing without."""
        for name in (_DONE, _PLAN):
            (self.path / name).unlink(missing_ok=True)
        self.clear()

    def clear(self) -> None:
        """Remove what only lay in between; plan and marks stay."""
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in (_PLAN, _DONE, LOCK):
                path.unlink()

    def kept(self) -> KeptPlan:
        """Return the plan that is kept here, to be read by whoever works on it."""
        return KeptPlan(self.path / _PLAN, _digest(self.path / _PLAN))

    def guarded(self, work: Work) -> Work:
        """Return work that writes nothing any more once another plan is here."""
        return _Guarded(work, self.kept())

    def check(self, begun: BlockPlan, asked: BlockPlan, place: Path) -> None:
        """Refuse to go on with what would not fit what is there.

        `place` is that of the labels, which may lie in the image itself.

        Raises
        ------
        InputError
            Saying what is different.
        """
        different = begun.differs_from(asked)
        if different:
            raise InputError(
                f"{place} was begun with another "
                f"{' and another '.join(different)}: choose another name for the "
                f"result, or delete it and {self.path} to begin anew."
            )

    @property
    def _result(self) -> str:
        return self.path.name.removesuffix(".blocks")

    def done(self, stage: str) -> dict[int, int]:
        """Return the blocks of a stage that are done, with what was noted of each."""
        try:
            lines = (self.path / _DONE).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return {}
        found = {}
        for line in lines:
            match line.decode("ascii", "replace").split():
                case [name, index, value] if name == stage and value.isdigit():
                    found[int(index)] = int(value)
        return found

    def mark(self, stage: str, index: int, value: int = 0) -> None:
        """Note that a block of a stage is done, and a number with it."""
        file = self.path / _DONE
        try:
            with file.open("ab+") as stream:
                size = stream.seek(0, os.SEEK_END)
                if size:
                    stream.seek(size - 1)
                cut_off = bool(size) and stream.read(1) != b"\n"
                line = f"{stage} {index} {value}\n"
                stream.write((" ?\n" * cut_off + line).encode("ascii"))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise unwritable(file, error) from error


@dataclass(frozen=True)
class KeptPlan:
    """A plan by its file, which every process reads once.

    It holds numbers for every slice of a volume. Were it to travel with every block, a
    scheduler of dask would run full of it, which keeps the last thousand messages to
    each worker.

    Attributes
    ----------
    path
        The file.
    digest
        SHA-256 of what it holds: another plan is not taken for it.
    """

    path: Path
    digest: str

    def read(self) -> BlockPlan:
        """Return the plan.

        Raises
        ------
        InputError
            When another one is here by now, or none.
        """
        return _read(self)

    def check(self) -> None:
        """Refuse to work on once another plan is here, or none.

        Raises
        ------
        InputError
            When that is so.
        """
        if _digest(self.path) != self.digest:
            raise InputError(
                f"{self.path.parent} was deleted or begun anew by another start, while "
                "a block was in hand: it is not written."
            )


@lru_cache(maxsize=1)
def _read(kept: KeptPlan) -> BlockPlan:
    kept.check()
    return BlockPlan.model_validate_json(kept.path.read_bytes())


@dataclass(frozen=True)
class _Guarded:
    """Work of a plan, which somebody may have begun anew while a worker was at it.

    Workers of a scheduler that is not ours finish what they have in hand after a stop.
    """

    work: Work
    plan: KeptPlan

    def read(self, block: Block) -> Any:
        """Read as the work does."""
        return self.work.read(block)

    def compute(self, block: Block, read: Any, stop: Event) -> Any:
        """Compute as the work does."""
        return self.work.compute(block, read, stop)

    def write(self, block: Block, made: Any) -> Any:
        """Write as the work does, unless the plan is another one by now."""
        self.plan.check()
        return self.work.write(block, made)


def _digest(plan: Path) -> str:
    """Return what belongs to a plan and no other; "" where there is none."""
    try:
        return hashlib.sha256(plan.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise unreadable(plan, error) from error


def digest_of(model: Path) -> str:
    """Return the SHA-256 of a model file, or of all files of a package's folder."""
    digest = hashlib.sha256()
    files = sorted(model.rglob("*")) if model.is_dir() else [model]
    for file in filter(Path.is_file, files):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
