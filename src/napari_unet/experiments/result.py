"""What a finished experiment says: `result.json`."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import AliasChoices, ConfigDict, Field

from napari_unet.config import Settings
from napari_unet.config.structured_text import parse_json
from napari_unet.data.files import unreadable, write_text
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.experiments.study import EXPERIMENTS, Experiment

FILE = "result.json"


class Result(Settings):
    """The figures of a run, and what they were measured on.

    Attributes
    ----------
    experiment
        Number of the experiment.
    image, labels
        Names of the files.
    fingerprints
        Of image and labels; none in files of older versions.
    slices, size
        Slices that have labels, and Y and X of the images that were trained on.
    block
        Side of the blocks of pixels that were averaged to one; 1 for none.
    split, train, validation
        Name of the split, and its slices.
    measured
        Every figure of the study by name, after training, with the last network: it
        was not chosen on what it is measured on.
    parameters
        Of the network, as the study counts them.
    steps, epochs, minutes
        How long it was trained.
    full
        Whether as many steps were trained as the preset has.
    seed, device
        Of the run.
    """

    # A figure that is not defined is NaN, which must come back from the file.
    model_config = ConfigDict(ser_json_inf_nan="constants")

    format_version: int = 1
    experiment: int
    image: str
    labels: str
    fingerprints: tuple[str, ...] = ()
    slices: int
    size: tuple[int, int]
    block: int = 1
    split: str
    train: tuple[str, ...]
    # The second is the name in results of earlier versions.
    validation: tuple[str, ...] = Field(
        validation_alias=AliasChoices("validation", "held_out")
    )
    measured: dict[str, float]
    parameters: int
    steps: int
    epochs: float
    minutes: float
    full: bool
    seed: int
    device: str
    date: str = ""

    @property
    def preset(self) -> Experiment:
        """The experiment that was run."""
        return EXPERIMENTS[self.experiment]

    def is_of(self, image: Stack, labels: Stack) -> bool:
        """Whether these were measured, as far as the file tells."""
        return self.fingerprints in ((), fingerprints_of(image, labels))

    def save(self, folder: Path) -> Path:
        """Write `result.json` into the folder of the run, and return its path.

        Raises
        ------
        OutputError
            When it cannot be written.
        """
        path = folder / FILE
        text = json.dumps(self.model_dump(mode="json"), indent=1)
        write_text(path, f"{text}\n")
        return path


def fingerprints_of(image: Stack, labels: Stack) -> tuple[str, str]:
    """Return what tells an image and its labels from others of the same name."""
    return fingerprint(image.as_czyx()), fingerprint(labels.as_czyx())


def read_result(folder: str | Path) -> Result:
    """Read the result of a run from its folder.

    Raises
    ------
    InputError
        When there is none, or the file is damaged.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise InputError(
            f"{folder} holds no finished experiment: there is no {FILE} in it. Run "
            "`napari-unet experiment run` with this folder as --out first."
        )
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError:
        data = None
    if isinstance(data, dict):
        result = Result.read(data, path)
        known = EXPERIMENTS.get(result.experiment)
        if known is not None and result.measured.keys() >= set(known.columns):
            return result
    raise InputError(f"{path} is damaged: run the experiment again.")
