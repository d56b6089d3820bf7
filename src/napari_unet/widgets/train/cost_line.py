"""What live training, and a timed one, would take: a line of words for each."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_unet.config import RunConfig
from napari_unet.errors import InputError
from napari_unet.train.cost import Extent, cost_of_live, cost_of_training
from napari_unet.train.progress import TrainStep
from napari_unet.widgets.layers.places import shape_in_space
from napari_unet.widgets.qt.listen import later
from napari_unet.widgets.qt.parts import WrappedLabel, present

if TYPE_CHECKING:
    from napari_unet.widgets.train.run_settings import RunSettings
    from napari_unet.widgets.train.training_set import TrainingSet

_Speed = tuple[Any, ...]
_TIP = (
    "Memory beside what napari has taken already, at the peak. Steps are known once "
    "a training has shown how long one takes here."
)


class CostLine(WrappedLabel):
    """Says before a start what it will take; says nothing while something runs.

    Parameters
    ----------
    data
        The training set.
    rows
        The settings.
    """

    def __init__(self, data: TrainingSet, rows: RunSettings) -> None:
        super().__init__(hides=True)
        self.setToolTip(_TIP)
        self._data, self._rows = data, rows
        self._busy = False
        self._begun: _Speed | None = None
        self._known: tuple[_Speed, float] | None = None
        self._timer = later(self, self._show)
        rows.changed.connect(self.refresh)
        data.images.counted.connect(self.refresh)
        data.images.valueChanged.connect(self.refresh)
        data.validation.textChanged.connect(self.refresh)

    def set_busy(self, busy: bool) -> None:
        """Say nothing while something runs."""
        self._busy = busy
        self.refresh()

    def refresh(self) -> None:
        """Say it anew, in a moment."""
        self._timer.start()

    def begin(self) -> None:
        """Note with which settings a training starts."""
        self._begun = _speed(self._config())

    def learn(self, step: TrainStep) -> None:
        """Note how long a step of these settings takes."""
        if self._begun is not None:
            self._known = self._begun, step.seconds / step.step

    def _show(self) -> None:
        lines = []
        if not (self._busy or self._data.why_not_live()):
            lines.append(f"Live: {self._live()}, until you stop it")
        if not (self._busy or self._data.why_not()):
            lines.append(f"Train: {self._timed()}")
        self.setText("\n".join(lines))

    def _config(self) -> RunConfig:
        """Return the settings, with the network of the model that is started from."""
        network = {"network": self._rows.network}
        return self._rows.value().model_copy(update=network)

    def _live(self) -> str:
        config = self._config().with_live_patches()
        shape = shape_in_space(present(self._data.image.value()))
        bfloat16 = _has_bfloat16(config)
        return cost_of_live(config, Extent(shape), bfloat16=bfloat16).words

    def _timed(self) -> str:
        config, asked = self._config(), self._data.validation.text().strip()
        known = self._known is not None and self._known[0] == _speed(config)
        cost = cost_of_training(
            config,
            self._data.images.extents(),
            held_out=None if not asked else asked.lower() != "none",
            step_seconds=self._known[1] if self._known and known else None,
            bfloat16=_has_bfloat16(config),
        )
        # Sizes that are chosen for the data are known once it has started.
        return replace(cost, memory=None).words if self._rows.auto else cost.words


def _speed(config: RunConfig) -> _Speed:
    """Return the settings by which a step is fast or slow."""
    train = config.train
    sizes = (train.batch_size, train.patch_size, train.patch_slices)
    return (config.network, config.augment, *sizes, train.device, train.threads)


def _has_bfloat16(config: RunConfig) -> bool:
    """Return whether the network takes numbers of two bytes; no before torch is there.

    Only torch knows, and it is not loaded for a line of words.
    """
    choose = getattr(sys.modules.get("napari_unet.model.device"), "choose_device", None)
    if choose is None:
        return False
    with contextlib.suppress(InputError):  # the run says what is wrong with the device
        return bool(choose(config.train.device, config.network.ndim).bfloat16)
    return False
