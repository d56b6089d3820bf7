"""Every network is trained, gone on with, fine-tuned and predicted with alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.config import NETWORKS, PredictConfig, RunConfig, TrainConfig
from napari_unet.errors import InputError, ModelFileError
from napari_unet.live.live_learner import LiveLearner
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.model.geometry import valid_size
from napari_unet.model.networks import build
from napari_unet.predict.predictor import Predictor
from napari_unet.train.cost import Extent, cost_of_training
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.start import agrees, origin
from napari_unet.train.trainer import Trainer
from napari_unet.train.transfer import take_layers

OTHERS = [name for name in NETWORKS if name != "unet"]
TRAIN = TrainConfig(steps=1, batch_size=2, patch_size=32, device="cpu")


def settings(name: str, **changes: object) -> RunConfig:
    network = NETWORKS[name].model_validate({"base_channels": 2, "norm": "group"})
    return RunConfig(network=network, train=TRAIN.changed("", **changes))


@pytest.mark.parametrize("name", OTHERS)
def test_a_network_is_trained_resumed_fine_tuned_and_predicts(
    tmp_path, blobs, play, name
):
    images, folder = [blobs()], RunFolder(tmp_path / "run")
    trainer = Trainer(images, settings(name, steps=2), folder=folder)
    play(trainer, stop_after=1)
    resumed = Trainer(images, settings(name, steps=2), folder=folder, resume=True)
    assert len(play(resumed)) == 1
    model = load_model(folder.last)
    assert model.card.network == resumed.config.network
    assert model.card.network.name == name
    tuned = Trainer(images, settings("unet", frozen_levels=1), start=model)
    assert tuned.config.network == model.card.network
    before = [one.clone() for one in tuned.network.encoder[0].parameters()]
    play(tuned)
    after = list(tuned.network.encoder[0].parameters())
    assert all(map(torch.equal, before, after))
    predictor = Predictor(model, PredictConfig(device="cpu", tile_size=48))
    image = np.zeros((1, 1, 50, 70), np.float32)
    assert predictor.predict(image).labels.shape == (1, 50, 70)


def test_windows_that_are_sharp_in_their_middle_are_trained_and_predicted(blobs, play):
    uneven = {"foveation": True, "nonuniform": True}
    config = settings("sliding-window", patch_size=256, batch_size=1)
    network = config.network.changed("", **uneven)
    trainer = Trainer([blobs()], config.model_copy(update={"network": network}))
    assert trainer._learner.batches.answered == (1, 16)
    play(trainer)
    cost = cost_of_training(trainer.config, [Extent((9, 512, 512))])
    assert cost.memory < 10**9
    predictor = Predictor(trainer.model(), PredictConfig(device="cpu"))
    image = np.random.default_rng(0).random((1, 1, 18, 9), np.float32)
    answer = predictor.predict(image, keep=True)
    assert answer.probabilities.shape == (2, 1, 18, 9)
    assert np.ptp(answer.probabilities[1]) > 0


@pytest.mark.parametrize("name", OTHERS)
def test_a_head_for_more_classes_keeps_those_that_it_knew(blobs, name):
    old = Trainer([blobs()], settings(name)).network
    more = old.config.model_copy(update={"num_classes": 3})
    config = RunConfig(network=more, train=TRAIN)
    network = build(config.network)
    assert take_layers(network, old).classes == 2
    for mine, theirs in zip(
        network.head.parameters(), old.head.parameters(), strict=True
    ):
        assert torch.equal(mine[:2], theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_training_takes_is_told_of_every_network(name):
    config = settings(name)
    cost = cost_of_training(config, [Extent((3, 64, 64), 3, 3 * 64**2)])
    assert cost.memory is not None
    larger = config.network.model_copy(update={"base_channels": 32})
    config = config.model_copy(update={"network": larger})
    assert cost_of_training(config, [Extent((3, 64, 64))]).memory > cost.memory


def test_a_run_of_before_the_names_goes_on(blobs):
    config, images = settings("unet"), [blobs()]
    now = origin(config, images)
    was = origin(config, images)
    del was["settings"]["network"]["name"]
    assert agrees(was, now)
    other = origin(settings("segnet"), images)
    assert not agrees(now, other)


def test_levels_that_a_network_does_not_have_cannot_be_frozen(blobs):
    old = Trainer([blobs()], settings("segnet"))
    model = Model(old.network, ModelCard(network=old.config.network))
    with pytest.raises(InputError, match="7 levels are to be frozen"):
        Trainer([blobs()], settings("segnet", frozen_levels=7), start=model)


def test_an_encoder_starts_from_weights_of_a_file(tmp_path, blobs, play):
    path, config = tmp_path / "weights.pt", settings("vgg16", frozen_levels=1)
    with pytest.raises(InputError, match="this network is new"):
        Trainer([blobs()], config)
    known = build(NETWORKS["vgg16"].model_validate({"base_channels": 64}))
    torch.save(known.encoder.state_dict(), path)
    config = config.changed("", encoder_weights=str(path))
    with pytest.raises(ModelFileError, match="with 2 channels: convolution 1 of 13"):
        Trainer([blobs()], config)
    network = known.config.model_copy(update={"norm": "group"})
    trainer = Trainer([blobs()], config.model_copy(update={"network": network}))
    assert "13 convolutions of the encoder" in trainer.notes[0]
    live = LiveLearner(trainer.config, trainer.images[0], None)
    assert live.notes == trainer.notes[:1]
    play(trainer)
    first, then = trainer.network.encoder[0][0], trainer.network.encoder[1][1]
    assert torch.equal(first.weight, known.encoder[0][0].weight)
    assert not torch.equal(then.weight, known.encoder[1][1].weight)


@pytest.mark.parametrize("name", OTHERS)
def test_patches_fit_every_network(blobs, name):
    trainer = Trainer([blobs()], settings(name, patch_size=33))
    slices, side = trainer._learner.batches.patch
    assert slices == 1
    assert side == valid_size(trainer.config.network, 33)
