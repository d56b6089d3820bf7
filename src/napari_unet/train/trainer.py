"""Training as a generator: each step is yielded, and the run can be stopped."""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from torch import Tensor

from napari_unet.config import RunConfig
from napari_unet.errors import InputError
from napari_unet.model.allocator import keep_freed_memory, return_freed_memory
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.device import choose_device
from napari_unet.model.networks import SegmentationNetwork
from napari_unet.model.threads import Threads
from napari_unet.predict.predictor import Predictor
from napari_unet.train.choose_finish import ChosenFinish, default_finish
from napari_unet.train.describe import data_before, model_card
from napari_unet.train.distributed import ranks
from napari_unet.train.finish_of_network import finish_of_network
from napari_unet.train.learner import Learner
from napari_unet.train.plateau import Plateau
from napari_unet.train.progress import TrainStep
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.schedule import Pace, Schedule
from napari_unet.train.start import (
    agrees,
    check_roles,
    fit_config,
    origin,
    tell_pixel_size,
)
from napari_unet.train.training_image import TrainingImage
from napari_unet.train.validation import Validation


class Trainer:
    """Trains a U-Net on annotated images.

    Parameters
    ----------
    images
        The training set, as `prepare_image` makes it.
    config
        All settings. Channels and classes of the network follow the images.
    folder
        Where the run is kept; nothing is written when left out.
    start
        A model to fine-tune: its layers are taken where they fit.
    resume
        Go on with the run in `folder` exactly where it was saved.

    Attributes
    ----------
    chosen
        What is made of predictions by default: what suits the annotations, and at the
        end of the run what suits the held-out slices.

    threads
        The CPU threads of its steps.

    Raises
    ------
    InputError
        When the images do not fit each other or the settings.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        config: RunConfig | None = None,
        *,
        folder: RunFolder | None = None,
        start: Model | None = None,
        resume: bool = False,
    ) -> None:
        self.images = tuple(images)
        check_roles(self.images)
        self.config = fit_config(
            config or RunConfig(), self.images, start, resume=resume
        )
        self.folder = folder
        self.device = choose_device(self.config.train.device, self.config.network.ndim)
        self.threads, self._threads_of_tiles = (self._new_threads() for _ in range(2))
        self.step = 0
        self.elapsed = 0.0
        self.best: float | None = None
        self.best_step: int | None = None
        self.history: list[dict[str, float | None]] = []
        self._best_weights: dict[str, Tensor] | None = None
        self._earlier = data_before(start)
        self._names_before = () if start is None else start.card.class_names
        self._saved_at = 0.0
        self._progress = 0.0
        self._pace = Pace()
        self._ranks = ranks()
        own = {"encoder_weights": None} if resume else {}
        given = self.config.model_copy(update=own), self.images, self.device, start
        self._learner = Learner(*given, self._ranks)
        self._validation = Validation(self.images)
        self.chosen = default_finish([image.target for image in self.images])
        self.notes = (
            *self._learner.notes,
            *tell_pixel_size(start, self.images),
            *filter(None, [self._validation.note]),
        )
        self._plateau = Plateau()
        self._schedule = Schedule.from_config(self.config.train, self.steps_per_epoch)
        if resume:
            self._restore()
        if not self._ranks.first:
            self.folder = None

    @property
    def network(self) -> SegmentationNetwork:
        """The network as it is now."""
        return self._learner.network

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which as many pixels are seen as are annotated."""
        pixels = sum(image.train_pixels for image in self.images)
        slices, side = self._learner.batches.answered
        seen = self.config.train.batch_size * slices * side**2
        return max(1, math.ceil(pixels / seen))

    @property
    def repeat_steps(self) -> int | None:
        """The number of `steps` that gives this network again; None if none does.

        A run in minutes whose plan had to change, that was stopped, or whose number of
        CPU threads was free to change, cannot be repeated to the last bit.
        """
        whole = self._schedule.start_step == 0 and self.is_over
        whole = whole and not self.threads.changes
        return self._schedule.total if whole else None

    @property
    def is_over(self) -> bool:
        """Whether the budget of the run is spent, or it got no better for long."""
        early = self.config.train.early_stopping
        if early and self._plateau.waited >= early:
            return True
        return self._schedule.is_over(self.step, self.elapsed)

    def run(self, stop: threading.Event | None = None) -> Iterator[TrainStep]:
        """Train until the budget is spent or `stop` is set; a model is kept.

        Parameters
        ----------
        stop
            Ends the run after the step in hand once it is set; from any thread.

        Raises
        ------
        TrainingError
            When the loss is no number any more; the models saved before stay.
        OutOfMemoryError
            When a step does not fit into the memory of the device.
        InputError
            When another training writes into the run folder.
        OutputError
            When the run folder cannot be written.
        """
        self.threads.take()
        with ExitStack() as while_training:
            while_training.callback(return_freed_memory)
            keep_freed_memory()
            if self.folder is not None:
                while_training.enter_context(self.folder.alone())
                if self.step == 0:
                    self.folder.forget_run()
                self.folder.write_settings(self.config)
                self.folder.log(f"training on {self.device.words}, step {self.step}")
            while not (self.is_over or self._ranks.same(bool(stop and stop.is_set()))):
                yield self._advance()
            self._finish()

    def model(self) -> Model:
        """Return a copy of the best model so far; the newest where none was scored."""
        network = copy.deepcopy(self.network).cpu()
        if self._best_weights is not None:
            network.load_state_dict(self._best_weights)
        card = self._card(self._best_weights is not None, self.chosen)
        return Model(network.eval(), card)

    def _new_threads(self) -> Threads:
        """Return those of a run: always as many where its network can be repeated."""
        train = self.config.train
        timed = train.steps is None and train.epochs is None
        return Threads(self.device, train.threads, steady=not timed)

    def _advance(self) -> TrainStep:
        """Take one step, with the validation, planning and saving that fall due."""
        began = time.perf_counter()
        rate = self._rate()
        with self.threads.fastest():
            loss = self._learner.learn(self.step, rate)
        self.step += 1
        learned = time.perf_counter()
        spent = self._ranks.same(learned - began)
        self._pace.steps.append(spent)
        self.elapsed += spent
        due = self._validation_is_due()
        score = self._validate() if due and self._validation else None
        if score is not None:
            validated = self._ranks.same(time.perf_counter() - learned)
            self._pace.validations.append(validated)
            self.elapsed += validated
        words = filter(None, (self._plan(), self._learner.take_message()))
        step = self._report(loss, rate, score, "; ".join(words))
        self.history.append(step.row())
        if due:
            self._watch(score)
        if self.elapsed - self._saved_at >= self.config.train.save_seconds:
            self._save()
        return step

    def _rate(self) -> float:
        rate = self._schedule.rate_factor(self.step) * self.config.train.learning_rate
        if self.config.train.schedule == "plateau":
            rate *= self._plateau.factor
        return rate

    def _watch(self, score: float | None) -> None:
        """Judge the run by its score; by its loss where nothing is held out."""
        if score is None:
            every = self._schedule.validate_every(self.config.train.validations)
            losses = [row["loss"] for row in self.history[-every:]]
            score = -sum(loss for loss in losses if loss is not None) / len(losses)
        self._plateau.add(score, self.config.train.patience)

    def _report(
        self, loss: float, rate: float, score: float | None, message: str
    ) -> TrainStep:
        total = self._schedule.total
        left = None
        if total is not None:
            every = self._schedule.validate_every(self.config.train.validations)
            left = self._pace.seconds(total - self.step, every)
        # A new plan can find that less is done than time had told.
        progress = self._schedule.progress(self.step, self.elapsed)
        self._progress = max(self._progress, progress)
        return TrainStep(
            step=self.step,
            total=total,
            epoch=self.step / self.steps_per_epoch,
            seconds=self.elapsed,
            seconds_left=left,
            progress=self._progress,
            loss=loss,
            learning_rate=rate,
            validation=score,
            best=self.best,
            best_step=self.best_step,
            message=message,
        )

    def _validation_is_due(self) -> bool:
        total = self._schedule.total
        if total is None:
            return self._schedule.wants_plan(self.step, self.elapsed)
        every = self._schedule.validate_every(self.config.train.validations)
        return self.step % every == 0 or self.step == total

    def _validate(self) -> float:
        """Score the held-out slices with the predictor that users get."""
        return_freed_memory()  # of the steps: whole slices need other blocks
        model, score = Model(self.network, self._card(best=False)), 0.0
        if self._ranks.first:
            score = self._validation.score(self._predictor(model))
        score = self._ranks.same(score)
        # Of equals the newest: what stays at 0 does not keep the first.
        if self.best is None or score >= self.best:
            self.best, self.best_step = score, self.step
            self._best_weights = _snapshot(self.network)
            if self.folder is not None:
                self.folder.save_best(self.model())
        return score

    def _predictor(self, model: Model) -> Predictor:
        return Predictor(model, device=self.device, threads=self._threads_of_tiles)

    def _plan(self) -> str:
        """Fix or adapt the number of steps of a run in minutes."""
        schedule, now = self._schedule, (self.step, self.elapsed, self._pace)
        validations = self.config.train.validations
        if schedule.wants_plan(self.step, self.elapsed):
            schedule.plan(*now, validations)
            return f"{schedule.total} steps fit into the time"
        due = self.step % schedule.validate_every(validations) == 0
        if due and schedule.adapt(*now, validations):
            return f"the machine's speed changed: {schedule.total} steps fit now"
        return ""

    def _finish(self) -> None:
        self._save()
        if self._validation and self.best is None and self.step > 0:
            # After the state is saved: a run that goes on does not know of this score.
            self._validate()
        if self.step > 0 and self._ranks.first:
            self._choose()
        if self.folder is not None:
            how = "finished" if self.is_over else "stopped"
            best = "" if self.best is None else f", best validation IoU {self.best:.4f}"
            self.folder.log(f"{how} after step {self.step}{best}")

    def _choose(self) -> None:
        """Choose what is made of predictions, and keep it in the models."""
        return_freed_memory()
        model = Model(self.model().network, self._card(best=False))
        before, predictor = self._learner.finish, self._predictor(model)
        self.chosen = finish_of_network(predictor, self.images, before=before)
        if self.folder is not None:
            self.folder.log(f"predictions become {self.chosen.reason}")
            for path in (self.folder.best, self.folder.last):
                if path.exists():
                    self.chosen.keep(path)

    def _save(self) -> None:
        self._saved_at = self.elapsed
        if self.folder is None:
            return
        network = copy.deepcopy(self.network).cpu()
        model = Model(network, self._card(False, self.chosen))
        self.folder.save_last(model, self._state())
        self.folder.write_history(self.history)

    def _state(self) -> dict[str, Any]:
        return {
            "origin": origin(self.config, self.images),
            "earlier": self._earlier,
            "class_names": self._card(best=False).class_names,
            "step": self.step,
            "elapsed": self.elapsed,
            "best": self.best,
            "best_step": self.best_step,
            "best_weights": self._best_weights,
            "history": self.history,
            "schedule": asdict(self._schedule),
            "plateau": asdict(self._plateau),
            **self._learner.state(),
        }

    def _restore(self) -> None:
        if self.folder is None:
            raise InputError("There is no run folder to go on with.")
        state = self.folder.load_state()
        was, now = state["origin"], origin(self.config, self.images)
        both = [name for name in now if name in was]
        changed = [name for name in both if not agrees(was[name], now[name])]
        if changed:
            raise InputError(
                f"The run in {self.folder.path} was made with other "
                f"{' and '.join(changed)}: go on with the same ones, or start a new "
                "run in another folder."
            )
        with self.folder.taking_up():
            self._take_up(state)

    def _take_up(self, state: dict[str, Any]) -> None:
        self._learner.restore(state)
        self._earlier = tuple(state.get("earlier", ()))
        self._names_before = tuple(state.get("class_names", ()))
        self.step, self.elapsed = state["step"], state["elapsed"]
        self._saved_at = self.elapsed
        self.best, self.best_step = state["best"], state["best_step"]
        self._best_weights = state["best_weights"]
        if self._best_weights is not None:
            copy.deepcopy(self.network).load_state_dict(self._best_weights)
        self.history = state["history"]
        self._schedule = Schedule(**state["schedule"])
        self._plateau = Plateau(**state["plateau"])

    def _card(self, best: bool, chosen: ChosenFinish | None = None) -> ModelCard:
        step, iou = (self.best_step, self.best) if best else (self.step, None)
        return model_card(
            self.config,
            self.images,
            step=step or 0,
            iou=iou,
            earlier=self._earlier,
            before=self._names_before,
            chosen=chosen,
        )


def _snapshot(network: SegmentationNetwork) -> dict[str, Tensor]:
    return {n: t.detach().cpu().clone() for n, t in network.state_dict().items()}
