"""Training without end on annotations that are being painted."""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.config import AnnotationKind, Coverage, PredictConfig, RunConfig
from napari_unet.config.coverage import NOTHING_IGNORED
from napari_unet.errors import InputError, OutOfMemoryError
from napari_unet.live.events import Idle, Kept, LiveStep, Preview
from napari_unet.live.first_look import name_of
from napari_unet.live.in_turn import InTurn
from napari_unet.live.live_learner import LiveLearner
from napari_unet.live.live_set import LiveSet
from napari_unet.live.requests import LiveRequests
from napari_unet.model.allocator import keep_freed_memory, return_freed_memory
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.device import Device
from napari_unet.model.threads import Threads
from napari_unet.predict.onlooker import NETWORK, TILE, View
from napari_unet.predict.predictor import Predictor
from napari_unet.train.choose_finish import ChosenFinish
from napari_unet.train.finish_of_network import finish_of_network
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.start import load_start, with_start
from napari_unet.train.validation import Validation

if TYPE_CHECKING:
    from napari_unet.data.sparse_slices import SparseSlices
    from napari_unet.data.stack import Stack

REFRESH_SECONDS = 1.5
"""Time after which what is looked at is predicted again while the network learns."""
_STEPS_AFTER_STROKE = 3
_VALIDATION_SHARE = 0.1
_IDLE_SECONDS = 0.15
_TIDY_SECONDS = 20.0
_RESTS = "It knows what is painted, and rests: paint where the preview is wrong."


class LiveLoop:
    """A network that learns while its annotations are painted.

    `run` is a generator for a thread of its own; what is painted and looked at
    meanwhile is handed to `requests`, from any thread.

    Parameters
    ----------
    stack
        The image.
    kind
        What the annotations mean.
    config
        All settings; those of the budget are not used.
    start
        What to start from, as `load_start` takes it; that of `config` when left out. A
        starter network or a model draws previews before anything is painted.
    folder
        Where model, settings and curves are kept; nothing is written when left out.
    roles
        (Z, Y, X) uint8: what each pixel is for, as `roles_on` makes it.
    class_names
        Names of the classes, background first, where they are known.
    coverage
        Which pixels of the annotations say anything; nothing is guessed.
    requests
        What is asked of the loop; one of its own where it is left out. It is an
        attribute, too.

    Raises
    ------
    InputError
        When the image, the model and the settings do not fit each other, or a network
        of 3 dimensions is to learn slices whose distance is unknown.
    """

    def __init__(  # noqa: PLR0913 (every option is one argument)
        self,
        stack: Stack,
        kind: AnnotationKind = AnnotationKind.SCRIBBLES,
        config: RunConfig | None = None,
        *,
        start: str | Path | Model | None = None,
        folder: RunFolder | None = None,
        roles: SparseSlices[np.uint8] | None = None,
        class_names: Sequence[str] = (),
        coverage: Coverage = NOTHING_IGNORED,
        requests: LiveRequests | None = None,
    ) -> None:
        config = config or RunConfig()
        self.folder = folder
        start = config.start if start is None else start
        config, model = with_start(config, start), load_start(start)
        shape = config.network if model is None else model.network.config
        stack.size_for(shape.ndim)  # refused now, and not once it has learnt
        self._start_name = name_of(start)
        self.history: list[dict[str, float | None]] = []
        seen_as = None if model is None else model.card.normalization
        self._set = LiveSet(
            stack, kind, config.weight_map, roles, class_names, seen_as, coverage
        )
        # That of the weights as they are; learning at the full rate moves it.
        self._threshold = None if model is None else model.card.threshold
        self._learner = LiveLearner(config, self._set.image, model)
        count = config.train.threads
        self._threads, self._threads_of_tiles = (
            Threads(self.device, count) for _ in range(2)
        )
        self.requests = requests or LiveRequests()
        self.requests.model = self._model_that_knows
        self._between_steps = InTurn()
        self._seconds, self._saved_at, self._validated_at = 0.0, 0.0, 0.0
        self._validation_seconds = 0.0
        self._shown: tuple[View | None, int] = (None, 0)
        self._shown_at = -math.inf
        self._taken, self._learnt = 0, 0
        self._tidied_at = 0.0
        self._chosen = None if model is None else ChosenFinish.of(model.card)

    @property
    def device(self) -> Device:
        """Where the network learns."""
        return self._learner.device

    @property
    def notes(self) -> tuple[str, ...]:
        """Words to the user on what was taken from the model to start from."""
        return self._learner.notes

    def model(self) -> Model:
        """Return a copy of the network for predicting, as it is between two steps.

        From another thread than that of `run`, this waits for the step in hand.
        """
        with self._between_steps:
            network = copy.deepcopy(self._learner.network).cpu()
            return Model(network.eval(), self._card())

    def _model_that_knows(self) -> Model | None:
        return self.model() if self._knows_something else None

    def run(
        self, stop: threading.Event | None = None
    ) -> Iterator[LiveStep | Preview | Idle | Kept]:
        """Train until `stop` is set; the model is kept then, and before an error.

        Parameters
        ----------
        stop
            Ends the training after the step in hand once it is set; from any thread.

        Raises
        ------
        TrainingError
            When the loss is no number any more; the model saved before stays.
        OutOfMemoryError
            When a step does not fit into the memory of the device.
        InputError
            When another training writes into the run folder, or the loss takes no
            further class that is painted.
        OutputError
            When the run folder cannot be written.
        """
        self._stop = stop or threading.Event()
        self._threads.take()
        with ExitStack() as while_training:
            while_training.callback(return_freed_memory)
            keep_freed_memory()
            self._tidied_at = time.monotonic()
            if self.folder is not None:
                while_training.enter_context(self.folder.alone())
                self.folder.forget_run()
                self.folder.write_settings(self._learner.config)
                self.folder.log(f"live training on {self.device.words}")
            try:
                yield from self._learn()
            except (InputError, OutOfMemoryError):
                self._save()
                raise
            self._save()
            self._choose()

    def _learn(self) -> Iterator[LiveStep | Preview | Idle | Kept]:
        """Do what there is to do, until the end."""
        reported: Idle | None = None
        while not self._stop.is_set():
            self._take_annotations()
            yield from self._previews()
            yield from self._keep()
            idle = self._idle()
            if idle is None:
                yield self._advance()
                self._tidy()
            else:
                if idle != reported:
                    yield idle
                self.requests.wait(_IDLE_SECONDS, self._can_act)
            reported = idle

    def _view(self) -> View | None:
        """Return what is looked at, within the image and in whole blocks."""
        view = self.requests.view
        return None if view is None else view.within(self._set.image.weight_map.shape)

    def _can_act(self) -> bool:
        """Return whether something that is asked for can be done without a step."""
        must_keep = self.requests.kept and self._can_keep
        return must_keep or self._preview_is_due(self._view())

    @property
    def _can_keep(self) -> bool:
        return self.folder is not None and self._knows_something

    @property
    def _knows_something(self) -> bool:
        """Whether the network has learnt, here or before."""
        return self._learner.step > 0 or self._learner.knows_something

    def _keep(self) -> Iterator[Kept]:
        if self.requests.kept and self.folder is not None and self._can_keep:
            self.requests.kept = False
            self._write()
            self._choose()
            yield Kept(self.folder.last)

    def _idle(self) -> Idle | None:
        """Return why no step is taken now; None where one is."""
        if reason := self._why_not():
            return Idle(reason)
        return Idle(_RESTS, rests=True) if self._learner.knows_annotations else None

    def _why_not(self) -> str:
        if self._set.image.train.size == 0:
            return self._left_out or self._why_nothing_is_learnt
        if len(self._set.classes) < 2 and not self._learner.knows_something:
            # It would find that class everywhere.
            return "Only one class is painted: paint background and every class."
        return "Paused" if self.requests.paused else ""

    @property
    def _why_nothing_is_learnt(self) -> str:
        if self._learner.knows_something and self._learner.step == 0:
            return f"Preview of {self._start_name}; paint to correct it."
        return "Paint background and every class to begin."

    @property
    def _left_out(self) -> str:
        return next(iter(self._set.left_out.values()), "")

    def _take_annotations(self) -> None:
        """Take over what was painted since the last step."""
        slices, updates = self.requests.take()
        for z, painted in slices.items():
            with self._between_steps:
                try:
                    fresh = self._set.update(z, painted.labels, painted.rows)
                except InputError:  # the set notes why
                    fresh = []
                self._learner.renew(self._set.image, self._set.touched, fresh)
        self._taken = updates

    def _advance(self) -> LiveStep:
        began = time.perf_counter()
        message, self._learner.message = self._learner.message, ""
        with self._between_steps, self._threads.fastest():
            loss, rate = self._learner.learn()
            self._set.note_step()
        self._learnt = self._taken
        self._seconds += time.perf_counter() - began
        score = self._validate() if self._validation_is_due() else None
        step = LiveStep(
            step=self._learner.step,
            seconds=self._seconds,
            loss=loss,
            learning_rate=rate,
            pixels=self._learner.num_pixels,
            slices=int(self._set.image.train.size),
            validation=score,
            message=message,
            left_out=self._left_out,
        )
        self.history.append(step.row())
        if self._seconds - self._saved_at >= self._learner.config.train.save_seconds:
            self._save()
        return step

    def _tidy(self) -> None:
        """Hand back, now and then, what was freed: views of many sizes leave gaps."""
        if time.monotonic() - self._tidied_at > _TIDY_SECONDS:
            return_freed_memory()
            self._tidied_at = time.monotonic()

    def _validation_is_due(self) -> bool:
        pause = max(10.0, self._validation_seconds / _VALIDATION_SHARE)
        validation = self._set.image.validation.size > 0
        return validation and self._seconds - self._validated_at >= pause

    def _validate(self) -> float | None:
        """Score the held-out slices; None where they show background alone so far."""
        began = time.perf_counter()
        validation = Validation([self._set.image])
        score = validation.score(self._predictor()) if validation else None
        self._validation_seconds = time.perf_counter() - began
        self._validated_at = self._seconds
        return score

    def _previews(self) -> Iterator[Preview]:
        """Predict what is looked at, where that is new or the network has learnt."""
        while not self._stop.is_set():
            view = self._view()
            if view is None or not self._preview_is_due(view):
                return
            yield from self._predict(view)

    def _predict(self, view: View) -> Iterator[Preview]:
        """Predict a view tile by tile, until another one is looked at."""
        step, learnt = self._learner.step, self._learnt
        drawn_by = NETWORK if step else self._start_name
        tiles = self._predictor().normalised_tiles(
            self._set.image.image, view.box, middle_first=True
        )
        for tile in tiles:
            yield Preview(
                tile.core, tile.labels, tile.probabilities, step, learnt, drawn_by
            )
            if self._view() != view or self._stop.is_set():
                return
        self._shown, self._shown_at = (view, step), time.perf_counter()

    def _preview_is_due(self, view: View | None) -> bool:
        step = self._learner.step
        if view is None or not self._knows_something:
            return False
        if view != self._shown[0]:
            return True
        if self._learner.steps_since_update == _STEPS_AFTER_STROKE:
            return step != self._shown[1]
        waited = time.perf_counter() - self._shown_at
        return step != self._shown[1] and waited >= REFRESH_SECONDS

    def _predictor(self) -> Predictor:
        finish, threshold = self._learner.finish, self._threshold
        if self._learner.step:
            threshold = None if finish is None else finish.threshold
        config = PredictConfig(tile_size=TILE, batch_size=1, threshold=threshold)
        model = Model(self._learner.network, self._card())
        return Predictor(model, config, self.device, self._threads_of_tiles)

    def _card(self, chosen: ChosenFinish | None = None) -> ModelCard:
        return self._learner.card(self._set.used, chosen)

    def _choose(self) -> None:
        """Choose what is made of predictions; a look at one slice is soon done."""
        if self.folder is not None and self._learner.step > 0:
            images = [self._set.used]
            self._chosen = finish_of_network(
                self._predictor(), images, TILE**2, self._learner.finish
            )
            self._chosen.keep(self.folder.last)

    def _save(self) -> None:
        self._saved_at = self._seconds
        if self._learner.step > 0:
            self._write()

    def _write(self) -> None:
        if self.folder is not None:
            model = self.model()
            self.folder.save_model(replace(model, card=self._card(self._chosen)))
            self.folder.write_history(self.history)
