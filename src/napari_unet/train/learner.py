"""A network that learns from one batch of its images after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from napari_unet.config import RunConfig
from napari_unet.config.run import NOISE
from napari_unet.errors import InputError, TrainingError
from napari_unet.model.checkpoint import Model
from napari_unet.model.device import Device, memory_errors
from napari_unet.model.losses import LOSSES
from napari_unet.model.networks import SegmentationNetwork, build
from napari_unet.model.networks.encoder_weights import take_encoder_weights
from napari_unet.train.batches import Batches
from napari_unet.train.checkpoints import model_name
from napari_unet.train.choose_finish import ChosenFinish
from napari_unet.train.distributed import Ranks
from napari_unet.train.optimizer import (
    build_optimizer,
    learn_alike,
    restore_optimizer,
    share_of_old,
)
from napari_unet.train.patches import Batch, Place, drop_z, middle
from napari_unet.train.training_image import TrainingImage
from napari_unet.train.transfer import freeze, take_layers, train_mode
from napari_unet.train.trust import is_worse_than_a_guess, may_forget, soften

_ALONE = Ranks()
ADVICE = "Lower the patches per step or the patch size, or choose the CPU as device."
_UNFIT = (
    "the model to start from is more wrong about the annotations than a guess: it was "
    "made unsure, so that it learns them sooner"
)


class Learner:
    """A network with its batches, loss and optimiser, on a device.

    Parameters
    ----------
    config
        All settings; channels and classes of the network fit the images.
    images
        The training set.
    device
        Where it learns.
    start
        A model whose layers are taken where they fit. Where it is more wrong about the
        first batch than a guess, its head is softened, and its layers learn at the
        full rate unless the settings say at which.
    ranks
        The processes that learn together.

    Attributes
    ----------
    network
        The network that learns.
    batches
        What it learns from.
    notes
        Words to the user on what was taken from `start`, or from encoder weights.
    old_rate
        Share of the learning rate for the layers of `start`.
    finish
        What is made of the predictions of `start`, where the network goes on from it
        gently, and its probabilities keep their meaning; else None.
    """

    def __init__(
        self,
        config: RunConfig,
        images: Sequence[TrainingImage],
        device: Device,
        start: Model | None = None,
        ranks: Ranks = _ALONE,
    ) -> None:
        self.batches = Batches(images, config, device.device, ranks)
        self._ranks = ranks
        self.notes: tuple[str, ...] = ()
        self._message = ""
        self._settings = config.train
        self._ndim = config.network.ndim
        self._device = device
        self._loss = LOSSES[config.train.loss]
        torch.manual_seed(config.train.seed)
        network = build(config.network)
        ranks.share_norms(network, device.device)
        transfer = None
        if start is not None:
            transfer = take_layers(network, start.network)
            named = config.start != NOISE
            name = model_name(config.start) if named else "the old model"
            self.notes = (transfer.words(name),)
        elif config.encoder_weights is not None:
            self.notes = (take_encoder_weights(network, config.encoder_weights),)
        freeze(network, config.train.frozen_levels, transfer)
        # Classes of a model that was not compared with the annotations yet; a head of
        # which nothing is left has none.
        self._unproven = 0
        if start is not None and transfer is not None and transfer.answers:
            self._unproven = start.network.config.num_classes
        with memory_errors(ADVICE):
            device.place(network, self._ndim)
        self.network: SegmentationNetwork = network
        self._parallel = ranks.parallel(self.network)
        chosen, same = 1.0, False
        if start is not None and may_forget(start.card, images):
            chosen = share_of_old(sum(image.train_pixels for image in images))
            same = start.network.config == config.network
        self.old_rate = config.train.old_rate or chosen
        self.finish: ChosenFinish | None = None
        if start is not None and same and self.old_rate < 1:
            self.finish = ChosenFinish.of(start.card)
        self._optimizer = build_optimizer(
            self.network, config.train, transfer, self.old_rate
        )

    def learn(self, step: int, rate: float, centres: Sequence[Place] = ()) -> float:
        """Take a step, counted from 0, and return its loss.

        The first patches lie around `centres`, where these are given.

        Raises
        ------
        InputError
            When batch normalisation has one pixel to measure.
        TrainingError
            When loss or gradient is no finite number; the weights stay as they were.
        OutOfMemoryError
            When the batch does not fit into the memory of the device.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self._optimizer.zero_grad(set_to_none=True)
        train_mode(self.network, self._settings.frozen_levels)
        with memory_errors(ADVICE), _batch_norm_errors():
            batch = self.batches.draw(step, centres)
            if self._unproven:
                self._prove_start(batch)
            self.batches.seed_dropout(step)
            loss = self._forward(batch)
            loss.backward()  # type: ignore[no-untyped-call]
        longest = self._settings.clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), longest)
        value = loss.item()
        # An infinite gradient would spoil the weights, and the model saved next.
        if not (math.isfinite(value) and math.isfinite(norm.item())):
            what = "gradient" if math.isfinite(value) else f"loss ({value})"
            raise TrainingError(
                f"The {what} is no finite number any more at step {step + 1}: lower "
                "the learning rate. The models saved before are kept."
            )
        self._optimizer.step()
        return value

    def take_message(self) -> str:
        """Return what there is to tell of the last step, once; else ""."""
        message, self._message = self._message, ""
        return message

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "finish": None if self.finish is None else self.finish.plain(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.trust_start()
        self.network.load_state_dict(state["network"])
        self._optimizer = restore_optimizer(
            self.network, self._settings, state["optimizer"]
        )
        kept = state.get("finish")
        self.finish = None if kept is None else ChosenFinish.of_plain(kept)

    def trust_start(self) -> None:
        """Go on from the model to start from as it is, whatever is annotated."""
        self._unproven = 0

    def _prove_start(self, batch: Batch) -> None:
        """Soften a start that does not know what is annotated."""
        self.network.eval()
        with torch.no_grad():
            unfit = self._ranks.same(
                is_worse_than_a_guess(*self._answers(batch), self._unproven)
            )
            if unfit:
                soften(self.network)
                self.finish = None
                if self._settings.old_rate is None:
                    self.old_rate = 1.0
                    learn_alike(self._optimizer)
                self._message = _UNFIT
        self._unproven = 0
        train_mode(self.network, self._settings.frozen_levels)

    def _forward(self, batch: Batch) -> torch.Tensor:
        return self._loss(*self._answers(batch), self._ranks.total)

    def _answers(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return logits, and target and weights of the pixels that they are of."""
        ndim = self._ndim
        image = drop_z(batch.image, 2, ndim)
        with self._device.autocast():
            logits = self._parallel(
                image.contiguous(memory_format=self._device.memory_format(ndim))
            )
        target = middle(drop_z(batch.target, 1, ndim).long(), logits.shape[2:])
        weight_map = middle(drop_z(batch.weight_map, 1, ndim), logits.shape[2:])
        return logits.float(), target, weight_map


@contextmanager
def _batch_norm_errors() -> Iterator[None]:
    """Turn the error of a batch of one pixel at the deepest level into a sentence."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise InputError(
            "Batch normalisation finds one pixel at the deepest level, too few to "
            "measure: take larger patches, 2 patches per step, or group normalisation."
        ) from error
