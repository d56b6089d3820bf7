"""Training learns, repeats itself, and tells how far it is and what it made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.config import AnnotationKind, RunConfig
from napari_unet.data.normalize import Normalization
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.model.seen import trained_slices, validation_slices
from napari_unet.model.threads import PROCESS
from napari_unet.predict.predictor import Predictor
from napari_unet.score.scoring import score_stack
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image

from .conftest import make_blobs, make_stack


def test_training_learns_what_two_classes_look_like(blobs, small, play):
    config = small(steps=30, batch_size=4, learning_rate=0.02, elastic=0, scale=0)
    trainer = Trainer([blobs((4, 64, 64))], config)
    losses = play(trainer)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    unseen = blobs((2, 64, 64), seed=9)
    model = trainer.model()
    labels = np.zeros(unseen.target.classes.shape, np.uint8)
    for tile in Predictor(model).normalised_tiles(unseen.image):
        labels[tile.core] = tile.labels
    assert score_stack(labels, unseen.target.classes).values()["iou"] > 0.9


VALID_3D = {"padding": "valid", "patch_size": 48, "patch_slices": 44, "depth": 1}


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "binary_cross_entropy"},
        {"padding": "valid", "patch_size": 60},
        {"optimizer": "sgd", "norm": "group"},
        {"ndim": 3, "patch_slices": 4, "patch_size": 16},
        {"ndim": 3, "base_channels": 2, "batch_size": 1, **VALID_3D},
        {"norm": "instance", "dropout": 0.2},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_every_kind_of_network_trains_and_predicts(blobs, small, options, play):
    config = small(**{"steps": 3, "weight_decay": 0, **options})
    trainer = Trainer([blobs((5, 48, 48), network=config.network)], config)
    before = {n: t.clone() for n, t in trainer.network.named_parameters()}
    losses = play(trainer)
    assert np.isfinite(losses).all()
    for name, tensor in trainer.network.named_parameters():
        if name.endswith("weight"):
            assert not torch.equal(tensor, before[name]), f"{name} did not learn"
    prediction = Predictor(trainer.model()).predict(np.zeros((1, 4, 40, 40)))
    assert prediction.labels.shape == (4, 40, 40)


def test_valid_padding_learns_the_border_of_the_image(small, play):
    """All that is annotated is a corner, which only a mirrored patch can answer."""
    image = np.zeros((1, 64, 64), np.uint8)
    image[:, :4, :4] = 200
    labels = np.zeros((1, 64, 64), np.uint8)
    labels[:, :3, :3], labels[:, 0, 0] = 1, 2
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", "corner")
    ready = prepare_image(stack, labels, kind=AnnotationKind.SCRIBBLES)
    still = {"elastic": 0, "rotate": False}
    config = small(padding="valid", patch_size=60, steps=4, **still)
    losses = play(Trainer([ready], config))
    assert min(losses) > 0, "a batch without an annotated pixel has a loss of 0"


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.3},
        {"ndim": 3, "patch_slices": 4, "patch_size": 16},
    ],
    ids=["2D", "3D"],
)
def test_the_same_seed_and_steps_give_the_same_network_bit_by_bit(
    blobs, small, options, play, assert_same_weights
):
    config = small(**options)
    first, again = (Trainer([blobs()], config) for _ in range(2))
    torch.manual_seed(5)
    losses = play(first)
    torch.manual_seed(6)
    assert play(again) == losses
    assert_same_weights(first.network, again.network)
    other = Trainer([blobs()], small(**options, seed=1, steps=2))
    assert play(other) != losses[:2]


def test_a_run_in_minutes_tells_its_steps_and_ends_in_time(blobs, small):
    config = small(steps=None, minutes=2 / 60)
    steps = list(Trainer([blobs((5, 64, 64))], config).run())
    assert steps[-1].seconds == pytest.approx(2, rel=0.6)
    assert steps[-1].step == steps[-1].total
    assert steps[-1].progress == 1
    assert any("fit into the time" in step.message for step in steps)
    shares = [step.progress for step in steps]
    assert shares == sorted(shares)


def test_progress_never_goes_back_after_a_slow_start(blobs, small):
    trainer = Trainer([blobs()], small(steps=None, minutes=100))
    shares = []
    for seconds in [500.0] + [1.0] * 600:
        trainer.step, trainer.elapsed = trainer.step + 1, trainer.elapsed + seconds
        trainer._pace.steps.append(seconds)
        shares.append(trainer._report(0.5, 0.1, None, trainer._plan()).progress)
    assert shares == sorted(shares)
    assert shares[0] < shares[-1] == trainer.step / trainer._schedule.total


def test_a_run_in_minutes_without_held_out_slices_keeps_to_its_time_too(blobs, small):
    trainer = Trainer([blobs()], small(steps=None, minutes=100))
    for step, seconds in enumerate([1.0] * 400 + [9.0] * 30):
        trainer.step, trainer.elapsed = step + 1, trainer.elapsed + seconds
        trainer._pace.steps.append(seconds)
        trainer._plan()
    total = trainer._schedule.total
    while trainer.step < total and trainer.elapsed < 20_000:
        trainer.step, trainer.elapsed = trainer.step + 1, trainer.elapsed + 9
        trainer._pace.steps.append(9.0)
        trainer._plan()
        total = trainer._schedule.total
    assert trainer.elapsed == pytest.approx(6000, rel=0.25)


def test_the_model_predicts_with_the_normalisation_it_learnt_with(blobs, small):
    by_image = Normalization(per="image")
    trainer = Trainer([blobs(normalization=by_image)], small(steps=1))
    list(trainer.run())
    assert trainer.model().card.normalization == by_image


def test_one_pixel_is_too_few_for_batch_normalisation(blobs, small):
    config = small(patch_size=16, batch_size=1, depth=4, norm="batch", steps=1)
    with pytest.raises(InputError, match="2 patches per step"):
        list(Trainer([blobs()], config).run())


def test_every_step_tells_how_far_the_run_is(blobs, small):
    trainer = Trainer([blobs((5, 64, 64))], small(steps=12))
    steps = list(trainer.run())
    assert [step.step for step in steps] == [*range(1, 13)]
    assert {step.total for step in steps} == {12}
    assert steps[-1].seconds_left == 0
    assert [s.step for s in steps if s.validation is not None] == [10, 12]
    assert steps[-1].best == max(step.validation or 0 for step in steps)
    assert steps[-1].best_step in (10, 12)
    assert steps[-1].epoch == pytest.approx(12 / trainer.steps_per_epoch)


def test_epochs_count_how_often_annotated_pixels_are_seen(blobs, small, play):
    trainer = Trainer([blobs((4, 64, 64))], small(steps=None, epochs=2))
    # 4 x 64 x 64 pixels are 8 batches of 2 patches of 32 x 32.
    assert trainer.steps_per_epoch == 8
    assert len(play(trainer)) == 16


def test_held_out_slices_are_never_trained_on(small, block, play, assert_same_weights):
    image, labels = block
    changed, other = image.copy(), labels.copy()
    changed[4] = 255 - changed[4].T
    other[4] = 1 - other[4]
    networks = []
    for pair in ((image, labels), (changed, other)):
        stack = Stack(pair[0], "ZYX", (1.0, 1.0, 1.0), "pixel", "image")
        trainer = Trainer([prepare_image(stack, pair[1], validation="4")], small())
        play(trainer)
        networks.append(trainer.network)
    assert_same_weights(*networks)


def test_several_images_train_one_network(blobs, small, play):
    images = [blobs((2, 48, 80)), blobs((5, 64, 64), seed=1)]
    trainer = Trainer(images, small())
    play(trainer)
    card = trainer.model().card
    assert len(card.data) == 2
    assert {part["sha256"] for part in card.data} == {i.fingerprint for i in images}
    assert card.scores["iou"] == trainer.best


def test_a_model_tells_what_it_and_the_model_before_it_learnt_from(
    blobs, small, tmp_path, play
):
    first, second = blobs((5, 48, 48)), blobs((2, 48, 48), seed=1)
    trainer = Trainer([first], small())
    play(trainer)
    folder = RunFolder(tmp_path)
    play(Trainer([second], small(), folder=folder, start=trainer.model()), stop_after=2)
    resumed = Trainer([second], small(), folder=folder, resume=True)
    play(resumed)
    card = resumed.model().card
    assert trained_slices(card, first.image_fingerprint) == {0, 1, 2, 3}
    assert validation_slices(card, first.image_fingerprint) == {4}
    assert trained_slices(card, second.image_fingerprint) == {0, 1}


def test_a_model_that_does_not_tell_its_data_leaves_them_unknown(blobs, small, play):
    image = blobs((5, 48, 48))
    trainer = Trainer([image], small())
    play(trainer)
    before = trainer.model()
    before = Model(before.network, before.card.model_copy(update={"data": ()}))
    card = Trainer([image], small(), start=before).model().card
    assert trained_slices(card, image.image_fingerprint) == {0, 1, 2, 3}
    assert validation_slices(card, image.image_fingerprint) is None


def test_a_set_without_anything_held_out_is_told_once(blobs, small):
    sentence = "nothing is held out: the last state of the network is kept"
    images = [blobs(validation="none"), blobs(seed=1, validation="none")]
    assert Trainer(images, small()).notes.count(sentence) == 1
    assert sentence not in Trainer([*images, blobs((5, 64, 64))], small()).notes


def test_background_alone_does_not_choose_the_best_network(blobs, small, play):
    image, labels = make_blobs((5, 64, 64))
    strokes = (labels + 1).astype(np.uint8)
    strokes[4] = labels[4] == 0
    ready = prepare_image(make_stack(image), strokes, kind=AnnotationKind.SCRIBBLES)
    assert ready.validation.tolist() == [4]
    trainer = Trainer([ready], small(steps=20))
    (note,) = trainer.notes
    assert note.startswith("only background is held out")
    play(trainer)
    assert trainer.best is None
    assert trainer.model().card.step == 20
    both = Trainer([ready, blobs((5, 64, 64))], small(steps=20))
    assert both.notes == ()


def test_of_networks_with_equal_scores_the_newest_is_the_best(blobs, small, play):
    trainer = Trainer([blobs((5, 64, 64))], small(steps=20, learning_rate=1e-9))
    with torch.no_grad():
        trainer.network.head.weight.zero_()
        trainer.network.head.bias.copy_(torch.tensor([99.0, 0.0]))
    play(trainer)
    assert (trainer.best, trainer.best_step) == (0, 20)


def test_images_of_different_channels_are_refused(blobs, small):
    grey, colour = blobs(), blobs()
    object.__setattr__(colour, "image", np.repeat(colour.image, 3, axis=0))
    with pytest.raises(InputError, match="different numbers of channels"):
        Trainer([grey, colour], small())


def test_the_model_file_says_how_it_was_made(blobs, small, tmp_path, play):
    folder = RunFolder(tmp_path)
    config = small(steps=12, seed=4)
    trainer = Trainer([blobs((5, 64, 64))], config, folder=folder)
    play(trainer)
    best, last = load_model(folder.best).card, load_model(folder.last).card
    assert best.train == config.train
    assert best.pixel_size == (50.0, 4.0, 4.0)
    assert (best.unit, best.step, last.step) == ("nm", trainer.best_step, 12)
    assert best.scores == {"iou": trainer.best}
    assert best.class_names == ("background", "foreground")
    assert RunConfig.from_yaml(folder.settings) == trainer.config


def test_the_best_model_is_kept_when_later_ones_are_worse(blobs, small, tmp_path):
    folder = RunFolder(tmp_path)
    trainer = Trainer(
        [blobs((5, 64, 64))], small(steps=20, learning_rate=0.02), folder=folder
    )
    for step in trainer.run():
        if step.step == 10:
            good = {n: t.clone() for n, t in trainer.network.state_dict().items()}
            score = step.best
            with torch.no_grad():
                trainer.network.head.weight.zero_()
                trainer.network.head.bias.copy_(torch.tensor([99.0, 0.0]))
    assert trainer.history[-1]["validation_iou"] < score
    assert (trainer.best, trainer.best_step) == (score, 10)
    for model in (trainer.model(), load_model(folder.best)):
        assert torch.equal(model.network.head.weight, good["head.weight"].cpu())


def test_fine_tuning_starts_from_the_old_weights(
    blobs, small, tmp_path, play, assert_same_weights
):
    trainer = Trainer([blobs()], small())
    play(trainer)
    config = RunConfig(train=small().train)
    tuned = Trainer([blobs(seed=1)], config, start=trainer.model())
    assert tuned.notes == (
        "starts from the old model (all layers fit)",
        "nothing is held out: the last state of the network is kept",
    )
    assert tuned.step == 0
    assert_same_weights(trainer.network, tuned.network)


def test_fine_tuning_for_other_classes_names_the_new_layers(blobs, small, block, play):
    trainer = Trainer([blobs()], small())
    image, labels = block
    labels[:, 45:60] = 2
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", "image")
    ready = prepare_image(stack, labels, kind="classes")
    tuned = Trainer([ready], small(steps=2), start=trainer.model())
    (words,) = tuned.notes
    assert words.endswith(
        "22 of 23 layers fit; new: the last one, for the classes, 2 of which are kept)"
    )
    play(tuned)
    assert tuned.model().card.class_names == ("background", "class 1", "class 2")


def test_frozen_levels_stay_as_they_were_also_when_a_run_goes_on(
    blobs, small, tmp_path, play, assert_same_weights
):
    old = Trainer([blobs()], small())
    play(old)
    config = small(frozen_levels=2, old_rate=0.1, steps=6)
    images, start = [blobs(seed=1)], old.model()
    whole = Trainer(images, config, start=start)
    play(whole)
    before = start.network.state_dict()
    for name, tensor in whole.network.state_dict().items():
        frozen = name.startswith(("encoder.0.", "encoder.1."))
        assert torch.equal(tensor, before[name]) == frozen, name
    folder = RunFolder(tmp_path / "run")
    play(Trainer(images, config, start=start, folder=folder), stop_after=3)
    resumed = Trainer(images, config, folder=folder, resume=True)
    play(resumed)
    assert_same_weights(whole.network, resumed.network)


def test_no_state_of_torch_leaks_between_steps(blobs, small):
    before = torch.random.get_rng_state()
    for step in Trainer([blobs((5, 64, 64))], small(steps=11)).run():
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
        assert step.loss >= 0
    assert before.shape == torch.random.get_rng_state().shape


def test_without_a_folder_nothing_is_written(blobs, small, tmp_path, monkeypatch, play):
    monkeypatch.chdir(tmp_path)
    play(Trainer([blobs((5, 64, 64))], small(steps=11)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("budget", "changes"),
    [
        ({"minutes": 1}, True),
        ({"minutes": 1, "threads": 2}, False),
        ({"steps": 9}, False),
        ({"epochs": 9}, False),
    ],
    ids=str,
)
def test_threads_change_only_where_nobody_expects_the_same_network_again(
    blobs, small, monkeypatch, budget, changes
):
    monkeypatch.setattr(PROCESS, "given", False)
    monkeypatch.setattr(PROCESS, "most", 2)
    trainer = Trainer([blobs()], small(**{"steps": None, **budget}))
    assert trainer.threads.changes == changes


def test_a_timed_run_whose_steps_had_to_change_cannot_be_repeated(blobs, small):
    """Something else takes half of its time, and then the rest."""
    config = small(steps=None, minutes=0.1, threads=1, validations=100)
    trainer = Trainer([blobs((1, 32, 32))], config)
    messages = []
    for step in trainer.run():
        messages.append(step.message)
        if step.step == 5:
            trainer.elapsed = 1.0
        elif step.message:
            trainer.elapsed = 3.0 if trainer.elapsed < 3 else 5.99
    assert "machine's speed changed" in "".join(messages)
    assert trainer.is_over
    assert trainer.repeat_steps is None
