"""The folder of a training run; every file in it is whole at any moment."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from napari_unet.config import RunConfig
from napari_unet.data.files import atomic_write, unwritable, write_text
from napari_unet.data.lock import alone_in
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.model.checkpoint import Model, save_model
from napari_unet.train.checkpoints import forget_checkpoints, keep_checkpoint
from napari_unet.train.history import write_history

# Without these a run cannot go on.
_STATE = {"origin", "step", "elapsed", "history", "schedule", "network", "optimizer"}


def _is_state(state: dict[str, Any]) -> bool:
    """Return whether what is counted on later is there, and of its kind."""
    if not state.keys() >= _STATE:
        return False
    step, elapsed, rows = (state[name] for name in ("step", "elapsed", "history"))
    return (
        isinstance(step, int)
        and step >= 0
        and isinstance(elapsed, int | float)
        and 0 <= elapsed < math.inf
        and isinstance(state["origin"], dict)
        and isinstance(rows, list)
        and all(isinstance(row, dict) for row in rows)
    )


class RunFolder:
    """`run.yaml`, `best.safetensors`, `last.safetensors`, `resume.pt`, history, log.

    Every best and last model stays as a checkpoint, such as
    `checkpoints/step-000120.safetensors`, until there are too many of them.

    Parameters
    ----------
    path
        The folder; it is made when the first file is written.

    Attributes
    ----------
    best
        The model that scored best on the held-out slices.
    last
        The newest model.
    settings
        All settings of the run, `run.yaml`.

    Every method that writes raises `OutputError` when it cannot.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.best = self.path / "best.safetensors"
        self.last = self.path / "last.safetensors"
        self.settings = self.path / "run.yaml"
        self._state = self.path / "resume.pt"
        self._history = self.path / "history.csv"
        self._replaces = False

    @property
    def holds_run(self) -> bool:
        """Whether there is a run to go on with."""
        return self._state.exists()

    @property
    def is_taken(self) -> bool:
        """Whether there is a run, or the models of one that cannot go on exactly."""
        return self.holds_run or self.last.exists()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other training out of the folder while the block lasts.

        Raises
        ------
        InputError
            When another one trains into it.
        """
        busy = (
            f"Another training is writing into {self.path}: wait until it ends, or "
            "choose another folder."
        )
        with alone_in(self.path, busy):
            yield

    def write_settings(self, config: RunConfig) -> None:
        """Write `run.yaml`."""
        write_text(self.settings, config.to_yaml())

    def forget_run(self) -> None:
        """Let this run take the place of an earlier one.

        That stays whole until the first model of this run is saved.
        """
        self._replaces = True

    def save_best(self, model: Model) -> None:
        """Write `best.safetensors`."""
        self._save(self.best, model)

    def save_model(self, model: Model) -> None:
        """Write `last.safetensors` alone, of a run that cannot go on exactly."""
        self._save(self.last, model)

    def save_last(self, model: Model, state: dict[str, Any]) -> None:
        """Write `last.safetensors` and the state from which a run goes on."""
        self._save(self.last, model)
        data = io.BytesIO()
        torch.save(state, data)
        with atomic_write(self._state) as temporary:
            temporary.write_bytes(data.getbuffer())

    def load_state(self) -> dict[str, Any]:
        """Read the state that `save_last` wrote.

        Raises
        ------
        InputError
            When there is none, or it is damaged.
        """
        if not self.holds_run:
            raise InputError(
                f"{self.path} holds no run to go on with: there is no resume.pt in it."
            )
        try:
            state: Any = torch.load(self._state, map_location="cpu", weights_only=True)
        except Exception as error:
            raise self._damaged() from error
        if not isinstance(state, dict) or not _is_state(state):
            raise self._damaged()
        return state

    @contextmanager
    def taking_up(self) -> Iterator[None]:
        """Tell whatever does not fit in a state, while it is taken up, as damage."""
        try:
            yield
        except NapariUNetError:
            raise
        except Exception as error:
            raise self._damaged() from error

    def _damaged(self) -> InputError:
        return InputError(
            f"{self._state} is damaged: start a new run from {self.last} (fine-tune)."
        )

    def write_history(self, rows: Sequence[dict[str, float | None]]) -> None:
        """Write `history.csv`: one line a step."""
        write_history(self._history, rows)

    def log(self, line: str) -> None:
        """Add a line with date and time to `log.txt`."""
        path = self.path / "log.txt"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        write_text(path, f"{before}{now}  {line}\n")

    def _save(self, path: Path, model: Model) -> None:
        save_model(path, model)
        if self._replaces:
            for earlier in {self.best, self.last, self._state, self._history} - {path}:
                try:
                    earlier.unlink(missing_ok=True)
                except OSError as error:
                    raise unwritable(earlier, error) from error
            forget_checkpoints(self.path)
            self._replaces = False
        keep_checkpoint(self.path, path, model.card.step)
