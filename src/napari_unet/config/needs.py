"""What settings need to have an effect: the rest is disabled, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from napari_unet.config import PostprocessConfig, RunConfig

Situation = TypeVar("Situation")


@dataclass(frozen=True)
class RunSituation:
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

    @property
    def has_slices(self) -> bool:
        """Whether patches have slices; of a model file that is not known yet."""
        return self.fine_tune or self.settings.network.ndim == 3


@dataclass(frozen=True)
class PredictSituation:
    """All that decides which settings of a prediction have an effect.

    Attributes
    ----------
    finish
        What is made of the prediction, as chosen.
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

    @property
    def looks_at_objects(self) -> bool:
        """Whether anything depends on what is one object."""
        finish = self.finish
        sizes = (finish.min_size, finish.fill_holes, finish.thin_borders)
        return finish.objects != "no" or any(sizes)


@dataclass(frozen=True)
class Need(Generic[Situation]):
    """A condition for some fields of a form.

    Attributes
    ----------
    part
        Name of the form.
    fields
        Names of its fields; () for all.
    holds
        Whether they have an effect.
    reason
        Why they have none, in a sentence.
    """

    part: str
    fields: tuple[str, ...]
    holds: Callable[[Situation], bool]
    reason: str

    def names(self, part: str, fields: Iterable[str]) -> list[str]:
        """Return those of the fields of a form that this is about."""
        if part != self.part:
            return []
        return [name for name in fields if not self.fields or name in self.fields]


def unmet(
    needs: Sequence[Need[Situation]],
    situation: Situation,
    part: str,
    fields: Iterable[str],
) -> dict[str, str]:
    """Return why fields of a form have no effect now, by their names.

    Of several reasons the first is told.
    """
    reasons: dict[str, str] = {}
    known = tuple(fields)
    for need in needs:
        if not need.holds(situation):
            for name in need.names(part, known):
                reasons.setdefault(name, need.reason)
    return reasons


RUNS = "Training goes on with what was set when it started: stop it to change this."
PREDICTS = "The prediction goes on with what was set: stop it to change this."
_OF_MODEL = "The model file to start from brings its own network."
_CHOSEN = (
    "The recipe chooses this for your data when training starts. Live training takes "
    "what stands here."
)
_NO_SLICES = "A network with 2 dimensions takes every slice by itself."

Run = Need[RunSituation]
RUN_NEEDS: tuple[Run, ...] = (
    *(
        Run(part, (), lambda now: not now.running, RUNS)
        for part in ("weight_map", "train", "network", "augment")
    ),
    Run(
        "weight_map",
        ("w0", "sigma", "balance"),
        lambda now: now.settings.weight_map.formula == "paper",
        "The formula of Fiji has constants of its own.",
    ),
    Run(
        "weight_map",
        ("sigma",),
        lambda now: now.settings.weight_map.w0 > 0,
        "Without extra weight of the line (w0 is 0) its width says nothing.",
    ),
    Run("train", ("patch_slices",), lambda now: now.has_slices, _NO_SLICES),
    Run(
        "train",
        ("batch_size", "patch_size", "patch_slices"),
        lambda now: not now.auto,
        _CHOSEN,
    ),
    Run(
        "train",
        ("momentum",),
        lambda now: now.settings.train.optimizer == "sgd",
        "Only the optimiser sgd has a momentum to set.",
    ),
    Run(
        "train",
        ("patience",),
        lambda now: now.settings.train.schedule == "plateau",
        "Only the schedule plateau waits for a better score.",
    ),
    Run(
        "train",
        ("frozen_levels", "old_rate"),
        lambda now: now.fine_tune,
        "A new network has no old layers: choose a model file in Start from.",
    ),
    Run(
        "train",
        ("threads",),
        lambda now: not now.settings.train.device.startswith(("cuda", "mps")),
        "A GPU is chosen as device, which does not ask for threads.",
    ),
    Run("network", (), lambda now: not now.fine_tune, _OF_MODEL),
    Run(
        "network",
        ("base_channels",),
        lambda now: not now.auto,
        "The recipe chooses the size of the network when training starts. Live "
        "training takes what stands here.",
    ),
    Run(
        "network",
        ("norm_last",),
        lambda now: now.settings.network.norm != "none",
        "There is no normalisation.",
    ),
    Run(
        "network",
        ("flat_levels",),
        lambda now: now.settings.network.ndim == 3,
        _NO_SLICES,
    ),
    Run(
        "augment",
        ("elastic_grid",),
        lambda now: now.settings.augment.elastic > 0,
        "The elastic deformation is 0.",
    ),
    Run("augment", ("misalignment",), lambda now: now.has_slices, _NO_SLICES),
)

Prediction = Need[PredictSituation]
PREDICT_NEEDS: tuple[Prediction, ...] = (
    *(
        Prediction(part, (), lambda now: not now.running, PREDICTS)
        for part in ("finish", "settings")
    ),
    Prediction(
        "finish",
        ("neck",),
        lambda now: now.finish.objects == "watershed",
        "Only the watershed splits objects.",
    ),
    Prediction(
        "finish",
        ("follow_slices", "smooth"),
        lambda now: now.many_slices,
        "A single slice is predicted.",
    ),
    Prediction(
        "finish",
        ("follow_slices",),
        lambda now: now.ndim != 3,
        "A network with 3 dimensions always follows objects through slices.",
    ),
    Prediction(
        "finish",
        ("follow_slices",),
        lambda now: now.looks_at_objects,
        "Nothing looks at objects: number them, drop small ones or fill holes.",
    ),
    Prediction("settings", ("tile_slices",), lambda now: now.ndim != 2, _NO_SLICES),
    Prediction(
        "settings",
        ("probabilities",),
        lambda now: now.keep,
        "Probabilities are not kept: tick them above.",
    ),
)
