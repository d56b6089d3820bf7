"""Training learns, repeats itself, and survives being stopped or killed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_unet.config import RunConfig
from napari_unet.data.stack import Stack, write_stack
from napari_unet.errors import InputError, OutOfMemoryError, TrainingError
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.model.seen import trained_slices, validation_slices
from napari_unet.predict.predictor import Predictor
from napari_unet.score.scoring import score_stack
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image

# What a killed or starved process runs: the same run as in this process.
CHILD = """
import sys
from napari_unet.config import RunConfig
from napari_unet.data.stack import read_stack
from napari_unet.errors import NapariUNetError
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image

folder, limit = RunFolder(sys.argv[1]), int(sys.argv[2])
config = RunConfig.from_yaml(folder.path.parent / "settings.yaml")
stack = read_stack(folder.path.parent / "image.tif")
labels = read_stack(folder.path.parent / "labels.tif").as_zyx()
trainer = Trainer([prepare_image(stack, labels)], config, folder=folder)
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    for step in trainer.run():
        print(step.step, flush=True)
except NapariUNetError as error:
    print(type(error).__name__, error, flush=True)
"""


def play(trainer: Trainer, stop_after: int | None = None) -> list[float]:
    losses = []
    for step in trainer.run():
        losses.append(step.loss)
        if step.step == stop_after:
            trainer.stop()
    return losses


def assert_same_weights(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def curves(trainer: Trainer) -> list[dict[str, float | None]]:
    """Return the history without its times, which are those of the clock."""
    return [{**row, "seconds": None} for row in trainer.history]


def prepare_files(folder, config: RunConfig, image, labels):
    """Write what CHILD reads, and return the same image as a training set."""
    stack = Stack(image, "ZYX", (50.0, 4.0, 4.0), "nm", "image.tif")
    write_stack(folder / "image.tif", image, like=stack)
    write_stack(folder / "labels.tif", labels, like=stack)
    (folder / "settings.yaml").write_text(config.to_yaml(), encoding="utf-8")
    return [prepare_image(stack, labels)]


def start_child(run, limit=0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(run), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def make_pair(shape=(5, 64, 64)):
    rng = np.random.default_rng(1)
    labels = np.zeros(shape, np.uint8)
    labels[:, 10:40, 20:50] = 1
    return (90 * labels + rng.integers(0, 60, shape)).astype(np.uint8), labels


def test_training_learns_what_two_classes_look_like(blobs, small):
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
def test_every_kind_of_network_trains_and_predicts(blobs, small, options):
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


def test_valid_padding_learns_the_border_of_the_image(small):
    """All that is annotated is a corner, which only a mirrored patch can answer."""
    image = np.zeros((1, 64, 64), np.uint8)
    image[:, :4, :4] = 200
    labels = np.zeros((1, 64, 64), np.uint8)
    labels[:, :3, :3], labels[:, 0, 0] = 1, 2
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", "corner")
    ready = prepare_image(stack, labels, kind="scribbles")
    config = small(padding="valid", patch_size=60, steps=4, elastic=0)
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
    blobs, small, options
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


def test_an_interrupted_run_goes_on_exactly(blobs, small, tmp_path):
    images, config = [blobs((5, 64, 64))], small(steps=14, dropout=0.3)
    whole = Trainer(images, config)
    play(whole)
    folder = RunFolder(tmp_path / "run")
    play(Trainer(images, config, folder=folder), stop_after=5)
    resumed = Trainer(images, config, folder=folder, resume=True)
    assert resumed.step == 5
    play(resumed)
    assert_same_weights(whole.network, resumed.network)
    assert curves(resumed) == curves(whole)
    assert [row["step"] for row in resumed.history] == [*range(1, 15)]


def test_a_killed_run_goes_on_exactly(small, tmp_path):
    config = small(steps=30, save_seconds=1e-6)
    images = prepare_files(tmp_path, config, *make_pair())
    folder = RunFolder(tmp_path / "run")
    with start_child(folder.path) as child:
        for line in child.stdout:
            if int(line) == 12:
                child.kill()
                break
    resumed = Trainer(images, config, folder=folder, resume=True)
    assert 12 <= resumed.step < 30, "it was killed in mid-run"
    for path in (folder.best, folder.last):
        assert load_model(path).card.step >= 10
    play(resumed)
    whole = Trainer(images, config)
    play(whole)
    assert_same_weights(whole.network, resumed.network)
    assert_same_weights(whole.model().network, resumed.model().network)
    assert curves(resumed) == curves(whole)
    assert (resumed.best, resumed.best_step) == (whole.best, whole.best_step)


def test_a_run_that_is_over_has_nothing_to_go_on_with(blobs, small, tmp_path):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs()], small(), folder=folder))
    assert play(Trainer([blobs()], small(), folder=folder, resume=True)) == []


@pytest.mark.parametrize("stop_after", [None, 1, 3])
def test_a_stopped_run_leaves_a_model_that_can_be_used(
    blobs, small, tmp_path, stop_after
):
    folder = RunFolder(tmp_path)
    trainer = Trainer([blobs((5, 64, 64))], small(), folder=folder)
    if stop_after is None:
        trainer.stop()
    play(trainer, stop_after)
    assert trainer.step == (stop_after or 0)
    model = load_model(folder.last)
    assert model.card.step == trainer.step
    assert Predictor(model).predict(np.zeros((1, 1, 32, 32))).labels.shape[0] == 1
    assert folder.best.exists() == (trainer.best is not None) == bool(stop_after)
    assert "stopped after step" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_run_in_minutes_tells_its_steps_and_ends_in_time(blobs, small):
    config = small(steps=None, minutes=2 / 60)
    steps = list(Trainer([blobs((5, 64, 64))], config).run())
    assert steps[-1].seconds == pytest.approx(2, rel=0.6)
    assert steps[-1].step == steps[-1].total
    assert steps[-1].progress == 1
    assert any("fit into the time" in step.message for step in steps)
    told = [step.progress for step in steps]
    assert told == sorted(told)


def test_a_run_in_minutes_without_held_out_slices_keeps_to_its_time_too(blobs, small):
    trainer = Trainer([blobs()], small(steps=None, minutes=100))
    for step, seconds in enumerate([1.0] * 400 + [9.0] * 30):
        trainer.step, trainer.elapsed = step + 1, trainer.elapsed + seconds
        trainer._pace.add_step(seconds)
        trainer._plan()
    total = trainer._schedule.total
    while trainer.step < total and trainer.elapsed < 20_000:
        trainer.step, trainer.elapsed = trainer.step + 1, trainer.elapsed + 9
        trainer._pace.add_step(9.0)
        trainer._plan()
        total = trainer._schedule.total
    assert trainer.elapsed == pytest.approx(6000, rel=0.25)


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


def test_epochs_count_how_often_annotated_pixels_are_seen(blobs, small):
    trainer = Trainer([blobs((4, 64, 64))], small(steps=None, epochs=2))
    # 4 x 64 x 64 pixels are 8 batches of 2 patches of 32 x 32.
    assert trainer.steps_per_epoch == 8
    assert len(play(trainer)) == 16


def test_held_out_slices_are_never_trained_on(small):
    image, labels = make_pair()
    changed, other = image.copy(), labels.copy()
    changed[4] = 255 - changed[4].T
    other[4] = 1 - other[4]
    networks = []
    for pair in ((image, labels), (changed, other)):
        stack = Stack(pair[0], "ZYX", (1.0, 1.0, 1.0), "pixel", "image")
        trainer = Trainer([prepare_image(stack, pair[1], validate="4")], small())
        play(trainer)
        networks.append(trainer.network)
    assert_same_weights(*networks)


def test_several_images_train_one_network(blobs, small):
    images = [blobs((2, 48, 80)), blobs((5, 64, 64), seed=1)]
    trainer = Trainer(images, small())
    play(trainer)
    card = trainer.model().card
    assert len(card.data) == 2
    assert {part["sha256"] for part in card.data} == {i.fingerprint for i in images}
    assert card.scores["iou"] == trainer.best


def test_a_model_tells_what_it_and_the_model_before_it_learnt_from(
    blobs, small, tmp_path
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


def test_a_model_that_does_not_tell_its_data_leaves_them_unknown(blobs, small):
    image = blobs((5, 48, 48))
    trainer = Trainer([image], small())
    play(trainer)
    before = trainer.model()
    before = Model(before.network, before.card.model_copy(update={"data": ()}))
    card = Trainer([image], small(), start=before).model().card
    assert trained_slices(card, image.image_fingerprint) == {0, 1, 2, 3}
    assert validation_slices(card, image.image_fingerprint) is None


def test_images_of_different_channels_are_refused(blobs, small):
    grey, colour = blobs(), blobs()
    object.__setattr__(colour, "image", colour.image.repeat(3, axis=0))
    with pytest.raises(InputError, match="different numbers of channels"):
        Trainer([grey, colour], small())


def test_the_model_file_says_how_it_was_made(blobs, small, tmp_path):
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


def test_fine_tuning_starts_from_the_old_weights(blobs, small, tmp_path):
    trainer = Trainer([blobs()], small())
    play(trainer)
    config = RunConfig(train=small().train)
    tuned = Trainer([blobs(seed=1)], config, start=trainer.model())
    assert tuned.notes == ("taken from the old model: all 23 layers",)
    assert tuned.step == 0
    assert_same_weights(trainer.network, tuned.network)


def test_fine_tuning_for_other_classes_names_the_new_layers(blobs, small):
    trainer = Trainer([blobs()], small())
    image, labels = make_pair()
    labels[:, 45:60] = 2
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", "image")
    ready = prepare_image(stack, labels, kind="classes")
    tuned = Trainer([ready], small(steps=2), start=trainer.model())
    words = "taken from the old model: 22 of 23 layers; new: head"
    assert tuned.notes == (words,)
    play(tuned)
    assert tuned.model().card.class_names == ("background", "class 1", "class 2")


def test_frozen_levels_stay_as_they_were_also_when_a_run_goes_on(
    blobs, small, tmp_path
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning_rate": 0.1}, "other settings"),
        ({"base_channels": 8}, "other settings"),
        ({"steps": 99}, "other settings"),
    ],
)
def test_a_run_does_not_go_on_with_other_settings(
    blobs, small, tmp_path, options, words
):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs()], small(), folder=folder), stop_after=2)
    with pytest.raises(InputError, match=words):
        Trainer([blobs()], small(**options), folder=folder, resume=True)


def test_a_run_does_not_go_on_with_other_annotations(blobs, small, tmp_path):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs()], small(), folder=folder), stop_after=2)
    with pytest.raises(InputError, match="other images or annotations"):
        Trainer([blobs(seed=1)], small(), folder=folder, resume=True)


def test_going_on_needs_a_folder(blobs, small):
    with pytest.raises(InputError, match="no run folder"):
        Trainer([blobs()], small(), resume=True)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_models(
    blobs, small, tmp_path
):
    folder = RunFolder(tmp_path)
    config = small(steps=20, save_seconds=1e-6)
    trainer = Trainer([blobs((5, 64, 64))], config, folder=folder)
    run = trainer.run()
    for _ in range(10):
        next(run)
    with torch.no_grad():
        trainer.network.head.weight.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"step 11: lower the learning rate"):
        next(run)
    for path in (folder.best, folder.last):
        weights = load_model(path).network.state_dict()
        assert all(tensor.isfinite().all() for tensor in weights.values())


def test_an_infinite_gradient_does_not_reach_the_weights(blobs, small):
    trainer = Trainer([blobs()], small())
    run = trainer.run()
    next(run)
    before = {n: t.clone() for n, t in trainer.network.named_parameters()}
    trainer.network.head.weight.register_hook(lambda grad: grad * torch.inf)
    with pytest.raises(TrainingError, match="gradient is no finite number"):
        next(run)
    for name, tensor in trainer.network.named_parameters():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_full_memory_is_told_with_what_to_do(blobs, small, monkeypatch, error):
    trainer = Trainer([blobs()], small())

    def fail(image):
        raise error

    monkeypatch.setattr(trainer.network, "forward", fail)
    with pytest.raises(OutOfMemoryError, match="Lower the patches per step"):
        play(trainer)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on file sizes")
def test_a_full_disk_ends_in_one_sentence_and_leaves_older_files_whole(small, tmp_path):
    config = small(save_seconds=1e-6)
    images = prepare_files(tmp_path, config, *make_pair())
    folder = RunFolder(tmp_path / "run")
    play(Trainer(images, config, folder=folder))
    before = {path: path.read_bytes() for path in folder.path.glob("*.[sp]*")}
    with start_child(folder.path, limit=10_000) as child:
        lines = child.stdout.read().splitlines()
    assert lines[-1].startswith("OutputError ")
    assert "cannot be written: File too large; free some space" in lines[-1]
    assert len(before) == 3
    assert {path: path.read_bytes() for path in before} == before
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".")]


def test_no_state_of_torch_leaks_between_steps(blobs, small):
    before = torch.random.get_rng_state()
    for step in Trainer([blobs((5, 64, 64))], small(steps=11)).run():
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
        assert step.loss >= 0
    assert before.shape == torch.random.get_rng_state().shape


def test_without_a_folder_nothing_is_written(blobs, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    play(Trainer([blobs((5, 64, 64))], small(steps=11)))
    assert list(tmp_path.iterdir()) == []
