"""At the end of training, a model knows what its predictions are to become."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_unet.config import (
    AnnotationKind,
    Coverage,
    PostprocessConfig,
    Region,
    Role,
    RunConfig,
    TrainConfig,
    UNetConfig,
)
from napari_unet.model.card import read_card
from napari_unet.predict import predictor as predictor_module
from napari_unet.predict.predictor import Predictor
from napari_unet.samples import em_stack
from napari_unet.train import finish_of_network as finish_module
from napari_unet.train.finish_of_network import finish_of_network
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import TrainingImage, prepare_image
from napari_unet.train.validation import Validation

STACK, CELLS = em_stack((5, 96, 96), seed=0)
USUAL = PostprocessConfig(objects="watershed", core=0.7).settled()


def image(labels: NDArray[Any] = CELLS, **options: Any) -> TrainingImage:
    return prepare_image(STACK, labels, **options)


def trainer(images: list[TrainingImage], steps: int = 1, **options: Any) -> Trainer:
    train = TrainConfig(
        minutes=None, steps=steps, patch_size=64, batch_size=2, device="cpu"
    )
    network = UNetConfig(base_channels=4, depth=2)
    return Trainer(images, RunConfig(network=network, train=train), **options)


def trained(images: list[TrainingImage], **options: Any) -> Trainer:
    made = trainer(images, **options)
    for _ in made.run():
        pass
    return made


def test_cores_and_necks_of_held_out_slices_lie_in_the_model_files(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path / "run")
    made = trained([image()], steps=30, folder=folder)
    model = made.model()
    for card in (read_card(folder.best), read_card(folder.last), model.card):
        assert card.finish is not None
        assert card.finish.objects == "watershed"
        assert card.finish == made.chosen.finish
        assert "held-out slice" in card.finish_reason
    log = (folder.path / "log.txt").read_text(encoding="utf-8")
    assert f"predictions become {made.chosen.reason}" in log


def test_a_run_that_is_killed_leaves_models_that_suit_the_annotations(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path / "run")
    run = trainer([image()], steps=9, folder=folder).run()
    while not folder.best.exists():
        next(run)
    card = read_card(folder.best)
    assert (card.finish, card.threshold) == (USUAL, None)
    assert "nothing is held out" in card.finish_reason


def test_scores_in_training_are_those_of_the_most_probable_class() -> None:
    made = trained([image()])
    model = made.model()
    validation = Validation(made.images)
    plain = replace(model, card=model.card.model_copy(update={"threshold": None}))
    # With a device, as in training: what is folded rounds otherwise in bfloat16.
    assert validation.score(Predictor(plain, device=made.device)) == made.best
    strict = replace(model, card=model.card.model_copy(update={"threshold": 0.99}))
    assert validation.score(Predictor(strict, device=made.device)) != made.best


def test_where_nothing_is_held_out_the_usual_is_taken_and_said() -> None:
    made = trained([image(validation="none")])
    assert made.chosen.finish == USUAL
    assert made.chosen.reason.endswith("nothing is held out to choose them by")


def test_where_only_background_is_held_out_the_training_data_decide() -> None:
    y, x = np.argwhere(CELLS[0] == 0)[0]
    pixel = ((y - 0.4, x - 0.4), (y - 0.4, x + 0.4), (y + 0.4, x))
    held = Region(role=Role.VALIDATION, slices="0", polygon=pixel)
    made = trained([image(regions=[held])])
    assert made.images[0].validation.tolist() == [0]
    assert made.chosen.finish == USUAL


def box(first: int, last: int) -> Region:
    corners = ((first, first), (first, last), (last, last), (last, first))
    return Region(role=Role.VALIDATION, polygon=corners)


@pytest.mark.parametrize(
    ("ndim", "regions"),
    [(2, [box(0, 12), box(84, 95)]), (3, [])],
    ids=["boxes in two corners", "slices far apart"],
)
def test_what_is_held_out_far_apart_is_looked_at_where_it_is(
    ndim: Literal[2, 3], regions: list[Region]
) -> None:
    stack, cells = em_stack((5, 96, 96), seed=0)
    if ndim == 3:
        stack = replace(stack, data=np.repeat(stack.data[:1], 161, axis=0))
        cells = np.zeros(stack.data.shape, np.int32)
        cells[::20] = CELLS[0]
    network = UNetConfig(ndim=ndim, base_channels=2, depth=1)
    known = prepare_image(stack, cells, regions=regions, network=network)
    train = TrainConfig(steps=1, patch_size=32, batch_size=2, device="cpu")
    made = Trainer([known], RunConfig(network=network, train=train))
    predictor = Predictor(made.model(), device=made.device)
    chosen = finish_of_network(predictor, made.images, pixels=32 * 32)
    assert "held-out slice" in chosen.reason


def test_only_what_is_held_out_is_predicted_to_choose_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = trained([image(train="0:4", validation="4")])
    seen: list[Any] = []
    plain = predictor_module.Predictor.predict

    def look(self: Predictor, part: Any, **options: Any) -> Any:
        seen.append(part)
        return plain(self, part, **options)

    monkeypatch.setattr(predictor_module.Predictor, "predict", look)
    predictor = Predictor(made.model(), device=made.device)
    assert finish_of_network(predictor, made.images) == made.chosen
    (part,) = seen
    np.testing.assert_array_equal(part, made.images[0].image[:, 4:5])


def test_of_scribbles_the_network_is_asked() -> None:
    scribbles = np.where(CELLS > 0, 2, 1).astype(np.uint8)
    scribbles[:, ::2] = 0
    known = image(scribbles, kind=AnnotationKind.SCRIBBLES, validation="none")
    early, late = (trained([known], steps=steps) for steps in (1, 60))
    assert "that is predicted" in early.chosen.reason
    assert late.chosen.finish == USUAL


def test_several_classes_stay_classes() -> None:
    classes = (CELLS > 0).astype(np.uint8)
    classes[:, :, :48] *= 2
    made = trained([image(classes, kind=AnnotationKind.CLASSES)])
    assert made.chosen.finish.objects == "no"


def test_of_networks_in_three_dimensions_a_block_is_looked_at() -> None:
    train = TrainConfig(
        minutes=None, steps=1, patch_size=32, patch_slices=4, batch_size=1, device="cpu"
    )
    network = UNetConfig(base_channels=2, depth=2, ndim=3)
    made = Trainer([image(network=network)], RunConfig(network=network, train=train))
    for _ in made.run():
        pass
    assert made.chosen.finish.objects == "watershed"


def test_of_many_images_those_looked_at_are_spread_and_show_foreground(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [replace(image(validation="4"), name=f"image {n}") for n in range(15)]
    looked = Coverage(complete="0:5")
    blank = image(np.zeros_like(CELLS), coverage=looked, validation="4")
    made = trained([many[0]])
    looked_at: list[str] = []
    plain = finish_module._held_out

    def look(predictor: Predictor, one: Any, pixels: int) -> Any:
        looked_at.append(one.name)
        return plain(predictor, one, pixels)

    monkeypatch.setattr(finish_module, "_held_out", look)
    predictor = Predictor(made.model(), device=made.device)
    finish_of_network(predictor, [blank, *many, blank])
    assert looked_at == [f"image {n}" for n in range(0, 15, 2)]
