"""How many steps a run takes, and the learning rate of each."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass

from napari_unet.config import TrainConfig

_HOLD = 0.1
_FLOOR = 0.01
# A run in minutes learns how fast the machine is during this share of its time,
# while the learning rate does not yet depend on the number of steps.
_CALIBRATION = 0.06
_DRIFT = 0.2
_RECENT = 100
_FEWEST_STEPS = 10


class Pace:
    """How long steps and validations take on this machine at present.

    Attributes
    ----------
    steps, validations
        Seconds that the latest took each, steps without their validation; append more.
    """

    def __init__(self) -> None:
        self.steps: deque[float] = deque(maxlen=_RECENT)
        self.validations: deque[float] = deque(maxlen=_RECENT)

    @property
    def step(self) -> float:
        """Seconds that a step takes."""
        return statistics.median(self.steps) if self.steps else 0.0

    @property
    def validation(self) -> float:
        """Seconds that a validation takes; the first is slow, so the best tells."""
        return min(self.validations, default=0.0)

    def seconds(self, steps: int, every: int) -> float:
        """Return the time for `steps` steps with a validation after each `every`."""
        return steps * (self.step + self.validation / every)


@dataclass
class Schedule:
    """Turns a budget of minutes, epochs or steps into a number of steps.

    A run in minutes measures its steps at first and then fixes their number, so that
    it can be repeated exactly with `--steps`. Only if the run would miss its time by
    a fifth is the number changed again.

    Attributes
    ----------
    total
        Steps in all; None while they are still being measured.
    start_step, start_progress
        Where the present plan began.
    shape, warm_up
        How the learning rate goes on, and in how many steps it rises at first.
    """

    total: int | None = None
    seconds: float | None = None
    start_step: int = 0
    start_progress: float = 0.0
    shape: str = "cosine"
    warm_up: int = 20

    @classmethod
    def from_config(cls, config: TrainConfig, steps_per_epoch: int) -> Schedule:
        """Take the budget of `config`: steps before epochs before minutes."""
        made = cls(shape=config.schedule, warm_up=config.warm_up)
        if config.steps is not None:
            made.total = config.steps
        elif config.epochs is not None:
            made.total = config.epochs * steps_per_epoch
        else:
            made.seconds = 60 * (config.minutes or 0)
        return made

    def progress(self, step: int, elapsed: float) -> float:
        """Return how much of the run is done after `step` steps, 0 to 1."""
        if self.total is None:
            return min(elapsed / (self.seconds or 1), _HOLD)
        left = max(1, self.total - self.start_step)
        share = min(1.0, (step - self.start_step) / left)
        return self.start_progress + (1 - self.start_progress) * share

    def rate_factor(self, step: int) -> float:
        """Return the share of the learning rate that step number `step` takes.

        Linear warm-up; with the cosine, the full rate for a tenth of the run, then
        half a cosine.
        """
        warm_up = min(1.0, (step + 1) / max(1, self.warm_up))
        if self.total is None or self.shape != "cosine":
            return warm_up
        fall = max(0.0, self.progress(step, 0.0) - _HOLD) / (1 - _HOLD)
        return warm_up * (_FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * fall)) / 2)

    def is_over(self, step: int, elapsed: float) -> bool:
        """Whether the budget is spent."""
        if self.total is None:
            return elapsed >= (self.seconds or 0)
        return step >= self.total

    def wants_plan(self, step: int, elapsed: float) -> bool:
        """Whether enough was measured to fix the number of steps."""
        if self.total is not None or self.seconds is None or step < 5:
            return False
        return elapsed >= _CALIBRATION * self.seconds

    def validate_every(self, validations: int) -> int:
        """Return after how many steps the held-out slices are scored."""
        return max(_FEWEST_STEPS, (self.total or 0) // validations)

    def plan(self, step: int, elapsed: float, pace: Pace, validations: int) -> None:
        """Fix the number of steps that fit into the time that is left."""
        left = max(0.0, (self.seconds or 0) - elapsed)
        fitting = (left - validations * pace.validation) / max(1e-9, pace.step)
        if step + fitting < validations * _FEWEST_STEPS:
            # A short run has fewer validations, a fixed number of steps apart.
            fitting = left / max(1e-9, pace.seconds(1, _FEWEST_STEPS))
        self.total = step + max(1, round(fitting))
        held = self.shape == "cosine" and self.start_step == 0
        if held and step - 1 > _HOLD * self.total:
            # The full rate was held for longer than a run of so many steps holds it.
            self.start_step, self.start_progress = step, _HOLD

    def adapt(self, step: int, elapsed: float, pace: Pace, validations: int) -> bool:
        """Change the number of steps when the machine's speed has changed."""
        if self.total is None or self.seconds is None or step >= self.total:
            return False
        left = self.seconds - elapsed
        needed = pace.seconds(self.total - step, self.validate_every(validations))
        if abs(needed - left) < _DRIFT * self.seconds:
            return False
        # By the time, not by the steps: where too few were planned, the rate has
        # fallen too early and rises again.
        self.start_progress = min(1.0, elapsed / self.seconds)
        self.start_step = step
        self.plan(step, elapsed, pace, validations)
        return True
