"""From minutes, epochs or steps to a number of steps, and their learning rates."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import pytest

from napari_unet.config import TrainConfig
from napari_unet.train.schedule import Pace, Schedule


def make_schedule(epoch=7, **budget) -> Schedule:
    return Schedule.from_config(TrainConfig(**{"minutes": None, **budget}), epoch)


def run(minutes: float, seconds_of, validation=0.0, validations=16):
    """Play a run in minutes; `seconds_of(step)` is how long a step takes.

    Yields the schedule, the step, the time and the learning rate of each step.
    """
    schedule, pace = make_schedule(minutes=minutes), Pace()
    step, elapsed = 0, 0.0
    while not schedule.is_over(step, elapsed):
        rate = schedule.rate_factor(step)
        took = seconds_of(step)
        step, elapsed = step + 1, elapsed + took
        pace.steps.append(took)
        if schedule.wants_plan(step, elapsed):
            # Planned right after a first validation, so that its cost is known.
            elapsed += validation
            pace.validations.append(validation)
            schedule.plan(step, elapsed, pace, validations)
        elif schedule.total and step % schedule.validate_every(validations) == 0:
            elapsed += validation
            pace.validations.append(validation)
            schedule.adapt(step, elapsed, pace, validations)
        yield schedule, step, elapsed, rate


@pytest.mark.parametrize(
    ("budget", "total"),
    [
        ({"steps": 30}, 30),
        ({"epochs": 3}, 21),
        ({"steps": 30, "epochs": 3, "minutes": 9}, 30),
        ({"epochs": 3, "minutes": 9}, 21),
    ],
)
def test_steps_come_before_epochs_and_epochs_before_minutes(budget, total):
    schedule = make_schedule(**budget)
    assert schedule.total == total
    assert not schedule.is_over(total - 1, elapsed=1e9)
    assert schedule.is_over(total, elapsed=0)


def test_a_run_in_minutes_has_no_number_of_steps_at_first():
    schedule = make_schedule(minutes=2)
    assert schedule.total is None
    assert not schedule.is_over(10**6, elapsed=119)
    assert schedule.is_over(1, elapsed=120)


def test_the_learning_rate_warms_up_holds_and_falls_like_a_cosine():
    schedule = make_schedule(steps=1000)
    rates = [schedule.rate_factor(step) for step in range(1000)]
    assert rates[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert rates[20:100] == pytest.approx([1.0] * 80)
    assert rates[550] == pytest.approx(0.505, abs=0.01)
    assert rates[-1] == pytest.approx(0.01, abs=0.001)
    falling = rates[100:]
    assert all(a >= b for a, b in itertools.pairwise(falling))


def test_even_a_single_step_has_a_learning_rate():
    assert 0 < make_schedule(steps=1).rate_factor(0) <= 1


def test_minutes_become_as_many_steps_as_fit():
    *_, (schedule, step, elapsed, _) = run(1, lambda step: 0.1)
    assert schedule.total == step == pytest.approx(600, abs=2)
    assert elapsed == pytest.approx(60, abs=0.5)


def test_the_time_of_validations_is_planned_for():
    *_, (_, step, elapsed, _) = run(1, lambda step: 0.1, validation=1.5)
    assert elapsed == pytest.approx(60, rel=0.1)
    assert step == pytest.approx((60 - 16 * 1.5) / 0.1, rel=0.1)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.0])
def test_a_run_that_kept_its_plan_is_repeated_by_its_steps(seconds):
    pace = Pace()
    schedule, step = make_schedule(minutes=0.5), 0
    rates = []
    while not schedule.is_over(step, step * seconds):
        rates.append(schedule.rate_factor(step))
        step += 1
        pace.steps.append(seconds)
        if schedule.wants_plan(step, step * seconds):
            schedule.plan(step, step * seconds, pace, 16)
    again = make_schedule(steps=schedule.total)
    same = rates == [again.rate_factor(step) for step in range(len(rates))]
    assert same == (schedule.start_step == 0) == (seconds < 1)


def test_slow_first_steps_do_not_shorten_the_run():
    """The first steps load libraries and find the fastest convolutions."""
    *_, (_, step, elapsed, _) = run(1, lambda step: 2.0 if step < 2 else 0.1)
    assert elapsed == pytest.approx(60, rel=0.1)
    assert step > 520


@pytest.mark.parametrize("change", [3.0, 0.3])
def test_a_machine_that_changes_its_speed_still_keeps_to_the_time(change):
    *_, (_, _, elapsed, _) = run(1, lambda step: 0.1 * (change if step > 200 else 1))
    assert elapsed == pytest.approx(60, rel=0.15)


@pytest.mark.parametrize("change", [3.0, 0.3])
def test_a_new_plan_takes_the_learning_rate_that_its_time_asks_for(change):
    """Too few steps planned on a busy machine must not end the learning early."""
    played = list(run(1, lambda step: 0.1 * (change if step > 200 else 1)))
    plans = [
        (schedule.progress(step, elapsed), elapsed / 60)
        for schedule, step, elapsed, _ in played
        if step == schedule.start_step
    ]
    assert plans
    for progress, time in plans:
        assert progress == pytest.approx(time)
    schedule, step, elapsed, rate = played[-1]
    assert schedule.progress(step, elapsed) == 1
    assert rate < 0.02


def test_a_steady_machine_keeps_its_number_of_steps():
    """So that the run can be repeated exactly with --steps."""
    totals = {one[0].total for one in run(1, lambda step: 0.1 + 0.01 * (step % 3))}
    assert len(totals - {None}) == 1


def test_few_slow_steps_still_end_in_time():
    *_, (_, step, elapsed, _) = run(0.5, lambda step: 9.0)
    assert step == 4
    assert elapsed == 36


def test_validations_are_spread_over_the_run_but_never_crowd_it():
    assert make_schedule(steps=1600).validate_every(16) == 100
    assert make_schedule(steps=20).validate_every(16) == 10


def test_the_state_comes_back_from_a_dictionary():
    for schedule, step, elapsed, _ in run(0.1, lambda step: 0.1):
        again = Schedule(**asdict(schedule))
        assert again.progress(step, elapsed) == schedule.progress(step, elapsed)
        assert again.rate_factor(step) == schedule.rate_factor(step)


def test_without_a_measured_step_nothing_is_foretold():
    assert Pace().seconds(100, 10) == 0
