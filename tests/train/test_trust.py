"""A start that contradicts the annotations is made unsure, and no other."""

from __future__ import annotations

import math
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import torch

from napari_unet.config import AnnotationKind, PostprocessConfig, UNetConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.data.stack import Stack
from napari_unet.model.checkpoint import Model
from napari_unet.model.networks.unet import UNet
from napari_unet.train.choose_finish import ChosenFinish
from napari_unet.train.optimizer import share_of_old
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image
from napari_unet.train.trust import is_worse_than_a_guess, may_forget, soften

UNFIT = "more wrong about the annotations than a guess"


def logits(*classes: list[float]) -> torch.Tensor:
    """Of one row of pixels: (1, C, 1, X)."""
    return torch.tensor(classes)[None, :, None]


def ask(found: torch.Tensor, target: list[int], known: int = 2, weight: float = 1):
    return is_worse_than_a_guess(
        found,
        torch.tensor(target)[None, None],
        torch.full((1, 1, len(target)), weight),
        known,
    )


def test_what_is_a_little_right_is_better_than_a_guess():
    assert not ask(logits([0.1, 0.0], [0.0, 0.1]), [0, 1])
    assert ask(logits([0.0, 0.1], [0.1, 0.0]), [0, 1])


def test_every_class_counts_alike_however_many_pixels_it_has():
    right, wrong = [3.0, 0.0], [0.0, 9.0]
    found = logits([right[0]] * 9 + [wrong[1]], [right[1]] * 9 + [wrong[0]])
    assert ask(found, [0] * 9 + [1])


def test_what_is_not_annotated_and_classes_that_are_new_do_not_count():
    found = logits([5.0, 9.0, 9.0], [-5.0, -9.0, -9.0], [0.0, 0.0, 0.0])
    assert not ask(found, [0, IGNORE, 2])
    assert not ask(found, [0, 1, 1], weight=0)
    assert ask(found, [0, 1, 2])


def test_one_sigmoid_output_tells_two_classes():
    assert ask(logits([4.0, -4.0]), [0, 1], known=1)
    assert not ask(logits([-4.0, 4.0]), [0, 1], known=1)


def test_a_softened_network_says_the_same_less_surely():
    torch.manual_seed(0)
    network = UNet(UNetConfig(base_channels=2, depth=1)).eval()
    image = torch.randn(1, 1, 16, 16)
    with torch.inference_mode():
        before = network(image)
        soften(network)
        after = network(image)
    torch.testing.assert_close(after, before / 10)
    assert all(weight.requires_grad for weight in network.head.parameters())


# -------------------------------------------------------------------- in a training


@pytest.fixture
def trained(blobs, small, play):
    """A model that knows the blobs."""
    trainer = Trainer([blobs()], small(steps=40, learning_rate=0.01))
    play(trainer)
    return trainer.model()


def exchanged(model: Model) -> Model:
    """Let a model call each class what the other is."""
    with torch.no_grad():
        for weight in model.network.head.parameters():
            weight.copy_(weight.flip(0))
    return model


def first_step(image, config, start):
    trainer = Trainer([image], config, start=start)
    steps = list(trainer.run())
    return steps[0], steps[-1]


def test_a_start_that_knows_the_annotations_is_left_as_it_is(blobs, small, trained):
    first, _ = first_step(blobs(seed=1), small(steps=2), trained)
    assert UNFIT not in first.message
    assert first.loss < math.log(2)


def test_a_start_that_contradicts_them_is_told_and_made_unsure(blobs, small, trained):
    first, _ = first_step(blobs(seed=1), small(steps=2), exchanged(trained))
    assert UNFIT in first.message
    assert first.loss < 1.2 * math.log(2)


@pytest.fixture
def scribbled(blobs):
    """Blobs of which every pixel is painted as a scribble: 1 background, 2 class."""
    image = blobs(seed=1, validation="none")
    stack = Stack(
        np.asarray(image.image)[0], "ZYX", (1.0, 1.0, 1.0), "pixel", "blobs.tif"
    )
    painted = np.asarray(image.target.classes) + 1
    return prepare_image(
        stack, painted, kind=AnnotationKind.SCRIBBLES, validation="none"
    )


def kept(model: Model) -> Model:
    """Let a model keep an unusual threshold."""
    finish = PostprocessConfig(objects="connected", min_size=7)
    changes = {"threshold": 0.35, "finish": finish, "finish_reason": "chosen before"}
    return replace(model, card=model.card.model_copy(update=changes))


@pytest.mark.parametrize("resumed", [False, True])
def test_what_suited_a_start_that_is_right_suits_the_network_on_few_scribbles(
    scribbled, small, trained, tmp_path, play, resumed
):
    folder = RunFolder(tmp_path)
    config, start = small(steps=4), kept(trained)
    trainer = Trainer([scribbled], config, folder=folder, start=start)
    play(trainer, stop_after=2 if resumed else None)
    if resumed:
        trainer = Trainer([scribbled], config, folder=folder, resume=True)
        play(trainer)
    assert trainer.chosen == ChosenFinish.of(start.card)
    assert trainer.model().card.threshold == 0.35


@pytest.mark.parametrize("change", [exchanged, None])
def test_where_a_start_is_wrong_or_learns_at_the_full_rate_it_is_chosen_anew(
    scribbled, small, trained, play, change
):
    start = kept(trained if change is None else change(trained))
    rate = 1.0 if change is None else None
    trainer = Trainer([scribbled], small(steps=2, old_rate=rate), start=start)
    play(trainer)
    assert trainer.chosen.threshold is None
    assert trainer.chosen.reason != "chosen before"


def rates(trainer, play):
    """Return the rate of old layers at the first step, as a share of the rate."""
    play(trainer, stop_after=1)
    return {one["share"] for one in trainer._learner._optimizer.param_groups}


def test_old_layers_learn_gently_from_few_pixels_unless_they_are_wrong(
    blobs, small, trained, play
):
    image, config = blobs(seed=1), small(steps=1)
    assert rates(Trainer([image], config, start=trained), play) == {0.1}
    assert rates(
        Trainer([image], small(steps=1, old_rate=0.5), start=trained), play
    ) == {0.5}
    assert rates(Trainer([image], config), play) == {1.0}
    # It has learnt from that image alone, and can forget no other.
    assert rates(Trainer([blobs()], config, start=trained), play) == {1.0}
    assert rates(Trainer([image], config, start=exchanged(trained)), play) == {1.0}


def test_only_other_images_are_forgotten_and_only_in_em(blobs, trained):
    assert may_forget(trained.card, [blobs(seed=1)])
    assert may_forget(trained.card.model_copy(update={"data": ()}), [blobs()])
    assert not may_forget(trained.card, [blobs()])
    # Nuclei under fluorescence: smooth, dark, with a bright spot.
    far = np.hypot(*np.mgrid[-32:32, -32:32])[None]
    labels = (far < 12).astype(np.uint8)
    stack = Stack(200 * np.exp(-((far / 12) ** 2)), "ZYX", (1, 1, 1), "pixel", "")
    nucleus = prepare_image(stack, labels, validation="none")
    assert not may_forget(trained.card, [nucleus])


@pytest.mark.parametrize(
    ("pixels", "share"), [(0, 0.1), (2**16, 0.1), (2**19, 0.5), (2**23, 1.0)]
)
def test_the_more_is_annotated_the_faster_old_layers_learn(pixels, share):
    assert share_of_old(pixels) == share


def test_a_run_that_goes_on_is_not_softened_again(blobs, small, trained, tmp_path):
    start, stop = exchanged(trained), Event()
    folder, config = RunFolder(tmp_path), small(steps=6)
    for _ in Trainer([blobs()], config, folder=folder, start=start).run(stop):
        stop.set()
    rest = list(Trainer([blobs()], config, folder=folder, resume=True).run())
    whole = Trainer([blobs()], config, start=start)
    losses = [step.loss for step in whole.run()]
    assert [step.loss for step in rest] == losses[1:]
    assert not any(step.message for step in rest)
