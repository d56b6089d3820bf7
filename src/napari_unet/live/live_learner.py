"""A network that learns from annotations that keep changing."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from napari_unet.config import RunConfig
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.device import choose_device
from napari_unet.model.networks import SegmentationNetwork
from napari_unet.train.choose_finish import ChosenFinish
from napari_unet.train.describe import data_before, model_card
from napari_unet.train.learner import Learner
from napari_unet.train.patches import Place
from napari_unet.train.start import fit_config
from napari_unet.train.training_image import TrainingImage

_WARM_UP = 10
# While nothing new is painted the rate falls, as one over the square root of this
# many steps; a stroke brings it back.
_CALM = 200
_LEAST_RATE = 0.1
# For so many steps after a stroke, half of the patches lie where it was made.
_FRESH_STEPS = 8
# Where none of so many steps on the same annotations found more wrong, further ones
# learn these by heart, and what the start knew of all else gets worse.
_CALM_STEPS = 30
_LITTLE = 0.1


class LiveLearner:
    """Takes steps on the annotations as they are, new ones first.

    Parameters
    ----------
    config
        All settings; channels and classes of the network follow the image.
    image
        The image with its annotations, as `LiveSet` keeps it.
    start
        A model whose layers are taken where they fit.

    Attributes
    ----------
    step
        Steps so far.
    num_pixels
        Annotated pixels that are trained on.
    steps_since_update
        Steps since annotations changed.
    knows_something
        Whether the network has learnt before its first step here.
    message
        A word to the user on what was changed for the next step, or "".
    """

    def __init__(
        self, config: RunConfig, image: TrainingImage, start: Model | None
    ) -> None:
        self._given = config.with_live_patches()
        self.config = fit_config(self._given, [image], start)
        self.device = choose_device(config.train.device, self.config.network.ndim)
        self.step, self.num_pixels, self.steps_since_update = 0, 0, 0
        self.knows_something = start is not None
        self.message = ""
        self._fresh: list[Place] = []
        self._losses: deque[float] = deque(maxlen=_CALM_STEPS)
        self._image = image
        self._earlier = data_before(start)
        self._names = () if start is None else start.card.class_names
        self._learner = Learner(self.config, [image], self.device, start)
        self.notes = self._learner.notes

    @property
    def network(self) -> SegmentationNetwork:
        """The network as it is now."""
        return self._learner.network

    @property
    def knows_annotations(self) -> bool:
        """Whether a start that is not to be forgotten has little left to learn.

        The largest loss tells, since in the mean a stroke that is wrong hardly shows.
        """
        if not self.knows_something or self._learner.old_rate == 1:
            return False
        return len(self._losses) == _CALM_STEPS and max(self._losses) < _LITTLE

    @property
    def finish(self) -> ChosenFinish | None:
        """What is made of predictions, as of the start, while that is kept."""
        return self._learner.finish

    def card(
        self, image: TrainingImage, chosen: ChosenFinish | None = None
    ) -> ModelCard:
        """Describe the network as it is now, trained on `image`.

        `chosen` is what is made of its predictions.
        """
        return model_card(
            self.config,
            [image],
            step=self.step,
            earlier=self._earlier,
            before=self._names,
            chosen=chosen,
        )

    def renew(
        self, image: TrainingImage, slices: Iterable[int], fresh: Sequence[Place]
    ) -> None:
        """Take annotations that changed on some slices, at the pixels `fresh` too."""
        known = self._image.target.num_classes
        if image.target.num_classes > known:
            self._grow(image)
        else:
            self._learner.batches.sampler.renew(0, image, slices)
        self._image = image
        self._losses.clear()
        self.num_pixels = image.train_pixels
        if fresh:
            newer = self._fresh if self.steps_since_update == 0 else []
            self._fresh = [*newer, *fresh]
            self.steps_since_update = 0

    def learn(self) -> tuple[float, float]:
        """Take a step; return the loss and the learning rate.

        Raises
        ------
        TrainingError
            When the loss is no number any more.
        OutOfMemoryError
            When the step does not fit into the memory of the device.
        """
        rate = self._rate()
        loss = self._learner.learn(self.step, rate, self._centres())
        self._losses.append(loss)
        self.message = self._learner.take_message()
        self.step += 1
        self.steps_since_update += 1
        return loss, rate

    def _grow(self, image: TrainingImage) -> None:
        """Give the network an output for a class that was not known yet."""
        before = Model(self.network, self.card(self._image))
        self.config = fit_config(self._given, [image], before)
        # What it does not know is the new class alone: all else goes on as it did.
        going = {"old_rate": self._learner.old_rate}
        train = self.config.train.model_copy(update=going)
        config = self.config.model_copy(update={"train": train})
        self._learner = Learner(config, [image], self.device, before)
        self._learner.trust_start()
        classes = self.config.network.num_classes
        self.message = f"the network now tells {classes} classes apart"

    def _rate(self) -> float:
        rate = self.config.train.learning_rate * min(1, (self.step + 1) / _WARM_UP)
        falling = 1 / math.sqrt(1 + self.steps_since_update / _CALM)
        return rate * max(_LEAST_RATE, falling)

    def _centres(self) -> list[Place]:
        """Return where half of the patches lie while a stroke is new."""
        if not self._fresh or self.steps_since_update >= _FRESH_STEPS:
            return []
        rng = np.random.default_rng([self.config.train.seed, self.step])
        count = max(1, self.config.train.batch_size // 2)
        return [self._fresh[i] for i in rng.integers(len(self._fresh), size=count)]
