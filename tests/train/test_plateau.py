"""The learning rate falls, and a run ends, when nothing gets better any more."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.train.plateau import Plateau
from napari_unet.train.trainer import Trainer


def after(scores, patience=3) -> Plateau:
    plateau = Plateau()
    for score in scores:
        plateau.add(score, patience)
    return plateau


def test_a_rising_score_keeps_the_rate():
    assert after([0.1, 0.2, 0.3, 0.4]).factor == 1


def test_the_rate_falls_after_each_patience_without_a_better_score():
    assert after([0.5, 0.4, 0.4]).factor == 1
    assert after([0.5, 0.4, 0.4, 0.5]).factor == pytest.approx(0.3)
    assert after([0.5, *[0.4] * 6]).factor == pytest.approx(0.09)


def test_a_better_score_starts_the_count_again():
    plateau = after([0.5, 0.4, 0.4, 0.6, 0.4, 0.4])
    assert (plateau.factor, plateau.waited) == (1, 2)


def rates(trainer) -> list[float]:
    return [step.learning_rate for step in trainer.run()]


def test_a_constant_rate_stays_after_the_warm_up(blobs, small):
    config = small(steps=6, schedule="constant", warm_up=2, learning_rate=0.01)
    found = rates(Trainer([blobs((2, 32, 32))], config))
    assert found == pytest.approx([0.005, 0.01, 0.01, 0.01, 0.01, 0.01])


@pytest.mark.parametrize("slices", [3, 5])
def test_the_rate_falls_on_a_plateau_with_and_without_held_out_slices(
    blobs, small, slices
):
    # Without learning, no score can rise; validations are ten steps apart.
    config = small(
        steps=50, schedule="plateau", patience=2, warm_up=0, learning_rate=1e-30
    )
    config = config.model_copy(
        update={"train": config.train.model_copy(update={"validations": 5})}
    )
    found = rates(Trainer([blobs((slices, 32, 32))], config))
    assert found[0] == 1e-30
    assert found[-1] < 0.5e-30
    assert (np.diff(found) <= 0).all()


def test_a_run_ends_early_when_it_gets_no_better(blobs, small):
    config = small(steps=200, early_stopping=2, learning_rate=1e-30, weight_decay=0)
    trainer = Trainer([blobs((5, 32, 32))], config)
    steps = list(trainer.run())
    assert trainer.is_over
    assert steps[-1].step < 200
    assert trainer.repeat_steps == 200
