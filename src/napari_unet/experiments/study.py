"""The ten experiments as settings of a run.

The study says what data, network, loss, optimiser and random changes an experiment
has. What it leaves open is chosen here, the same for all:

- Whole images are trained on, no patches: one of 512 x 512 in each step, as in the
  paper, or four of 256 x 256, which are as many pixels. SGD takes one image of the
  lungs: with four it stayed short of the study's IoU in as many epochs.
- As many pixels for all as 1,440 images of 512 x 512 have: sixty epochs of 24 images of
  ISBI 2012, one by one. With half of them the lungs stayed short of the printed Dice.
- The rate of Adam is 0.001, its authors' own; it falls along a cosine, so that the last
  network, the one that is measured, is not caught in mid-swing.
- SGD for ISBI, where only its rate and momentum stand beside the paper's optimiser.
  Gradients are clipped at 1, without which the paper's recipe ends in NaN.
- ReLU, no dropout, no weight decay and no weight map: all of them are the plain choice.
- 16 filters where the study names none (5, 9, 10), so that 5, 9 and 10 are 3, 8 and 6
  with other measures.
- No normalisation where it is not named: 16 filters have the 1,940,817 parameters of
  the study only so, and 7 follows them.
- "Shifts" are up to a twentieth of the side, "rotations" by any angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_unet.config import (
    AugmentConfig,
    RunConfig,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.errors import InputError
from napari_unet.experiments.printed import IOU, JACCARD, PRINTED, PrintedTable, columns

Data = Literal["ISBI 2012", "lungs"]

STUDY_DATA: dict[str, str] = {
    "ISBI 2012": "the training stack of the ISBI 2012 challenge, split unknown",
    "lungs": "1,021 CT images of 256 x 256, split unknown, probably at random",
}
"""What the study trained and measured on."""


@dataclass(frozen=True)
class Experiment:
    """One experiment of the study.

    Attributes
    ----------
    number
        1 to 10.
    data
        What it is made for.
    title
        What is special about it, in some words.
    settings
        Of the run: network, loss, optimiser, random changes and budget.
    measures
        What the study reports of it beside the loss.
    side
        Larger images are averaged down to about this side, in pixels; None for never.
    """

    number: int
    data: Data
    title: str
    settings: RunConfig
    measures: tuple[str, ...]
    side: int | None = None

    @property
    def name(self) -> str:
        """Data and title, as a list shows them."""
        return f"{self.data}: {self.title}"

    @property
    def parameters(self) -> int:
        """Numbers in the network as the study counts them.

        Running means and variances of batch normalisation are among them.
        """
        return _PARAMETERS.get(self.number, 1_940_817)

    @property
    def description(self) -> str:
        """What it is, and what it was measured on, in some words."""
        train, network = self.settings.train, self.settings.network
        norm = "" if network.norm == "none" else ", batch normalisation"
        if norm and isinstance(network, UNetConfig) and not network.norm_last:
            norm += " but for the last"
        optimizer = "SGD" if train.optimizer == "sgd" else "Adam"
        text = (
            f"{network.base_channels} filters ({self.parameters:,} parameters){norm}; "
            f"{optimizer}, rate {train.learning_rate:g}; {train.steps:,} steps, which "
            f"the study leaves open. The study had {STUDY_DATA[self.data]}."
        )
        if self.side:
            text += (
                f" Its images were {self.side} pixels wide: napari-unet experiment run "
                f"{self.number} makes yours as small, the dock takes them as they are."
            )
        return text

    @property
    def printed(self) -> PrintedTable | None:
        """The table that the study printed, if it did."""
        return PRINTED.get(self.number)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the figures: on training data, then on validation data."""
        return columns(self.measures)

    @property
    def split(self) -> str:
        """How slices are held out where nothing else is asked for.

        The lungs of the study were probably split at random, which every fifth slice
        resembles; of ISBI 2012 the last fifth is held out in one block.
        """
        return "block" if self.data == "ISBI 2012" else "every-fifth"


def find_experiment(number: int) -> Experiment:
    """Return the experiment of a number.

    Raises
    ------
    InputError
        When there is none.
    """
    if number not in EXPERIMENTS:
        raise InputError(
            f"There is no experiment {number}: the study has 1 to {len(EXPERIMENTS)}."
        )
    return EXPERIMENTS[number]


_IMAGES = 1440
_RATES = {"adam": 1e-3, "sgd": 1e-2}
_ACCURACY = ("accuracy",)
_PARAMETERS = {1: 31_054_145, 2: 31_053_889, 7: 31_030_593}
_UNCHANGED = AugmentConfig(
    flip=False, rotate=False, scale=0, elastic=0, brightness=0, contrast=0, noise=0
)


def _settings(
    optimizer: Literal["adam", "sgd"],
    side: int,
    filters: int,
    batch: int,
    *,
    augment: bool,
) -> RunConfig:
    changes = {"flip": True, "rotate": True, "shift": side / 20}
    images = _IMAGES * (512 // side) ** 2
    return RunConfig(
        network=UNetConfig(base_channels=filters, norm="none", num_classes=1),
        weight_map=WeightMapConfig(w0=0),
        augment=_UNCHANGED.model_copy(update=changes if augment else {}),
        train=TrainConfig(
            minutes=None,
            steps=images // batch,
            batch_size=batch,
            patch_size=side,
            loss="binary_cross_entropy",
            optimizer=optimizer,
            learning_rate=_RATES[optimizer],
            weight_decay=0,
            validations=8,
        ),
    )


def _isbi(
    number: int,
    title: str,
    filters: int = 16,
    measures: tuple[str, ...] = IOU,
    *,
    side: int | None = None,
    norm_last: bool = True,
) -> Experiment:
    """Return an experiment on ISBI 2012; 64 filters have batch normalisation."""
    pixels = side or 512
    batch = (512 // pixels) ** 2
    settings = _settings("sgd", pixels, filters, batch, augment=True)
    norm = {"norm": "batch" if filters == 64 else "none", "norm_last": norm_last}
    network = settings.network.model_copy(update=norm)
    settings = settings.model_copy(update={"network": network})
    return Experiment(number, "ISBI 2012", title, settings, measures, side)


def _lungs(
    number: int,
    title: str,
    optimizer: Literal["adam", "sgd"],
    filters: int = 16,
    measures: tuple[str, ...] = IOU,
) -> Experiment:
    batch = 1 if optimizer == "sgd" else 4
    settings = _settings(optimizer, 256, filters, batch, augment=False)
    return Experiment(number, "lungs", title, settings, measures, side=256)


EXPERIMENTS: dict[int, Experiment] = {
    one.number: one
    for one in (
        _isbi(1, "64 filters, batch normalisation", 64),
        _isbi(2, "64 filters, last batch normalisation removed", 64, norm_last=False),
        _isbi(3, "16 filters"),
        _isbi(
            4,
            "16 filters, images of 256 x 256, Jaccard and Dice",
            measures=JACCARD,
            side=256,
        ),
        _isbi(5, "16 filters, accuracy", 16, _ACCURACY),
        _lungs(6, "16 filters, Adam", "adam"),
        _lungs(7, "64 filters, Adam", "adam", 64),
        _lungs(8, "16 filters, SGD", "sgd"),
        _lungs(9, "16 filters, SGD, accuracy", "sgd", 16, _ACCURACY),
        _lungs(10, "16 filters, Adam, Jaccard and Dice", "adam", 16, JACCARD),
    )
}
"""The experiments by their number."""
