"""What settings need to have an effect: the rest is disabled, and says why."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from napari_unet.config import PostprocessConfig, RunConfig

RUNS = "Training goes on with what was set when it started: stop it to change this."
PREDICTS = "The prediction goes on with what was set: stop it to change this."
_CHOSEN = (
    "This is chosen for your data when training starts. Live training takes what "
    "stands here."
)
_CHOSEN_SIZE = (
    "The size of the network is chosen for your data when training starts. Live "
    "training takes what stands here."
)
_NO_SLICES = "A network with 2 dimensions takes every slice by itself."

Need: TypeAlias = tuple[bool, str, *tuple[str, ...]]
"""Whether fields have an effect; why they have none, in a sentence; their names.

These are such as "train.momentum", or "train" for the whole form.
"""


class Situation(ABC):
    """All that decides which settings have an effect."""

    @abstractmethod
    def needs(self) -> tuple[Need, ...]:
        """Return what settings need; of several reasons the first is told."""

    def unmet(self, part: str, fields: Iterable[str]) -> dict[str, str]:
        """Return why fields of a form have no effect now, by their names."""
        reasons: dict[str, str] = {}
        known = tuple(fields)
        for holds, reason, *names in self.needs():
            if not holds:
                for field in known:
                    if part in names or f"{part}.{field}" in names:
                        reasons.setdefault(field, reason)
        return reasons


@dataclass(frozen=True)
class RunSituation(Situation):
    """All that decides which settings of a run have an effect.

    Attributes
    ----------
    settings
        As chosen.
    fine_tune
        Whether a model file is started from.
    auto
        Whether sizes are chosen for the data when training starts.
    running
        Whether a training is under way.
    """

    settings: RunConfig
    fine_tune: bool = False
    auto: bool = False
    running: bool = False

    def needs(self) -> tuple[Need, ...]:
        """Return what the settings of a run need."""
        network, train = self.settings.network, self.settings.train
        weights = self.settings.weight_map
        # Of a model file that is not known yet.
        has_slices = self.fine_tune or network.ndim == 3
        on_cpu = not train.device.startswith(("cuda", "mps"))
        return (
            (
                not self.running,
                RUNS,
                *("weight_map", "train", "network", "augment", "run.encoder_weights"),
            ),
            (
                weights.formula == "paper",
                "The formula of Fiji has constants of its own.",
                *("weight_map.w0", "weight_map.sigma", "weight_map.balance"),
            ),
            (
                weights.w0 > 0,
                "Without extra weight of the line (w0 is 0) its width says nothing.",
                "weight_map.sigma",
            ),
            (
                not self.fine_tune,
                "The model file to start from brings its own network.",
                *("network", "run.encoder_weights"),
            ),
            (
                has_slices,
                _NO_SLICES,
                *("train.patch_slices", "network.flat_levels", "augment.misalignment"),
            ),
            (
                not self.auto,
                _CHOSEN,
                *("train.batch_size", "train.patch_size", "train.patch_slices"),
            ),
            (not self.auto, _CHOSEN_SIZE, "network.base_channels"),
            (
                train.optimizer == "sgd",
                "Only the optimiser sgd has a momentum to set.",
                "train.momentum",
            ),
            (
                train.schedule == "plateau",
                "Only the schedule that falls without gain waits for a better score.",
                "train.patience",
            ),
            (
                self.fine_tune,
                "A new network has no old layers: choose a model file in Start from.",
                *("train.frozen_levels", "train.old_rate"),
            ),
            (
                on_cpu,
                "A GPU is chosen as device, which does not ask for threads.",
                "train.threads",
            ),
            (
                network.norm != "none",
                "There is no normalisation.",
                "network.norm_last",
            ),
            (
                self.settings.augment.elastic > 0,
                "The elastic deformation is 0.",
                "augment.elastic_grid",
            ),
        )


@dataclass(frozen=True)
class PredictSituation(Situation):
    """All that decides which settings of a prediction have an effect.

    Attributes
    ----------
    finish
        What is made of the prediction, with what is left open as of the model.
    many_slices
        Whether more than one slice is predicted.
    ndim
        Dimensions of the model; None where there is none.
    keep
        Whether probabilities are shown too.
    running
        Whether a prediction is under way.
    """

    finish: PostprocessConfig
    many_slices: bool = True
    ndim: int | None = None
    keep: bool = False
    running: bool = False

    def needs(self) -> tuple[Need, ...]:
        """Return what the settings of a prediction need."""
        finish, follow = self.finish, "finish.follow_slices"
        sizes = (finish.min_size, finish.fill_holes, finish.thin_borders)
        looks_at_objects = finish.numbers_objects or any(sizes)
        return (
            (not self.running, PREDICTS, "finish", "settings"),
            (
                finish.objects == "watershed",
                "Only the watershed splits objects.",
                "finish.neck",
            ),
            (finish.numbers_objects, "No objects are found.", "finish.core"),
            (self.many_slices, "A single slice is predicted.", follow, "finish.smooth"),
            (
                self.ndim != 3,
                "A network with 3 dimensions always follows objects through slices.",
                follow,
            ),
            (
                looks_at_objects,
                "Nothing looks at objects: number them, drop small ones or fill holes.",
                follow,
            ),
            (self.ndim != 2, _NO_SLICES, "settings.tile_slices"),
            (
                self.keep,
                "Probabilities are not kept: tick them above.",
                "settings.probabilities",
            ),
        )


@dataclass(frozen=True)
class EngineSituation(Situation):
    """All that decides which settings of an engine have an effect.

    Attributes
    ----------
    engine
        Who works on the blocks of a volume.
    running
        Whether it does.
    """

    engine: str
    running: bool = False

    def needs(self) -> tuple[Need, ...]:
        """Return what the settings of an engine need."""
        return (
            (not self.running, PREDICTS, "engine"),
            (self.engine != "local", "This program works alone.", "engine.workers"),
            (
                self.engine == "slurm",
                "Only jobs of SLURM ask for these.",
                *("engine.cpus", "engine.memory"),
            ),
        )
