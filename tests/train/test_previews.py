"""What somebody who looks at a timed training is shown, and what it costs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.predict.onlooker import Onlooker, Preview
from napari_unet.predict.predictor import Predictor
from napari_unet.train import previews
from napari_unet.train.previews import Previews
from napari_unet.train.trainer import Trainer


def run(trainer: Trainer, onlooker: Onlooker) -> list[Preview]:
    items = Previews(trainer, onlooker).among(trainer.run())
    return [item for item in items if isinstance(item, Preview)]


@pytest.fixture
def trainer(blobs: Any, small: Any) -> Trainer:
    return Trainer([blobs((4, 64, 96))], small(steps=12))


@pytest.fixture
def onlooker() -> Onlooker:
    made = Onlooker()
    made.look_at(2)
    return made


def test_the_network_learns_the_same_whoever_looks(
    blobs: Any, small: Any, trainer: Trainer, onlooker: Onlooker, monkeypatch: Any
) -> None:
    monkeypatch.setattr(previews, "SHARE", 1e9)
    assert len(run(trainer, onlooker)) == 12
    alone = Trainer([blobs((4, 64, 96))], small(steps=12))
    assert not run(alone, Onlooker())
    for one, other in zip(
        trainer.network.state_dict().values(),
        alone.network.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_a_view_is_shown_tile_by_tile_from_its_middle_on(
    trainer: Trainer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(previews, "SHARE", 1e9)
    monkeypatch.setattr(previews, "TILE", 32)
    onlooker = Onlooker()
    onlooker.look_at(1, (slice(0, 64), slice(0, 96)))
    shown = run(trainer, onlooker)
    assert shown[0].core == (slice(1, 2), slice(0, 32), slice(32, 64))
    covered = np.zeros((4, 64, 96), int)
    for one in shown:
        covered[one.core] += 1
        assert one.labels.shape == one.probabilities.shape[1:]
    assert (covered[1] == 2).all(), "six tiles, twice in twelve steps"
    assert covered.sum() == covered[1].sum()


def test_nothing_is_shown_while_the_image_is_out_of_view(
    trainer: Trainer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(previews, "SHARE", 1e9)
    onlooker = Onlooker()
    onlooker.look_at(1, (slice(70, 90), slice(0, 96)))
    assert not run(trainer, onlooker)
    assert trainer.step == 12


def test_previews_take_their_share_of_the_time_at_most(
    blobs: Any, small: Any, onlooker: Onlooker, monkeypatch: Any
) -> None:
    slow, tiles = 0.02, Predictor.normalised_tiles

    def slowly(*args: Any, **options: Any) -> Any:
        time.sleep(slow)
        return tiles(*args, **options)

    monkeypatch.setattr(Predictor, "normalised_tiles", slowly)
    trainer = Trainer([blobs((4, 64, 96))], small(steps=200))
    began = time.perf_counter()
    shown = run(trainer, onlooker)
    spent = time.perf_counter() - began
    assert 1 <= len(shown) <= 1 + spent * previews.SHARE / slow
