"""Losses are the paper's formula, and ignored pixels have no say in them."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from napari_unet.config import TrainConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.model.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_dice,
    cross_entropy,
    cross_entropy_dice,
    dice,
    probabilities,
)

SHAPES = [(2, 5, 6), (1, 3, 4, 5)]
ENTROPY = pytest.mark.parametrize(
    ("loss", "channels"), [(cross_entropy, 3), (binary_cross_entropy, 1)]
)
EVERY_LOSS = pytest.mark.parametrize(
    ("loss", "channels"),
    [
        (cross_entropy, 3),
        (binary_cross_entropy, 1),
        (dice, 3),
        (dice, 1),
        (cross_entropy_dice, 3),
        (binary_cross_entropy_dice, 1),
    ],
)


def sample(shape, channels, ignored=0.3):
    torch.manual_seed(0)
    logits = 3 * torch.randn(shape[0], channels, *shape[1:], dtype=torch.float64)
    target = torch.randint(0, max(2, channels), shape)
    target[torch.rand(shape) < ignored] = IGNORE
    weights = torch.rand(shape, dtype=torch.float64) * 10
    return logits.requires_grad_(), target, weights


def by_hand(logits, target, weights):
    """Sum of weight times -log(probability of the truth), pixel by pixel."""
    total = weight_sum = 0.0
    for place in torch.cartesian_prod(*(torch.arange(n) for n in target.shape)):
        at = tuple(place.tolist())
        truth, weight = int(target[at]), float(weights[at])
        if truth == IGNORE:
            continue
        scores = [float(v) for v in logits[at[0], :, *at[1:]]]
        if len(scores) == 1:
            scores, truth = [0.0, scores[0]], min(truth, 1)
        total -= weight * (scores[truth] - math.log(sum(map(math.exp, scores))))
        weight_sum += weight
    return total / weight_sum


@ENTROPY
@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_equals_the_formula(loss, channels, shape):
    logits, target, weights = sample(shape, channels)
    expected = by_hand(logits.detach(), target, weights)
    assert loss(logits, target, weights).item() == pytest.approx(expected, rel=1e-10)


def dice_by_hand(logits, target, weights, number):
    """1 - 2 |P T| / (|P| + |T|) of one class, pixel by pixel."""
    both = predicted = truth = 0.0
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    chances = torch.softmax(logits, dim=1)
    for place in torch.cartesian_prod(*(torch.arange(n) for n in target.shape)):
        at = tuple(place.tolist())
        if target[at] == IGNORE:
            continue
        weight, chance = float(weights[at]), float(chances[at[0], number, *at[1:]])
        hit = float(target[at] == number)
        both += weight * chance * hit
        predicted += weight * chance
        truth += weight * hit
    return 1 - 2 * both / (predicted + truth)


@EVERY_LOSS
def test_ignored_and_weightless_pixels_have_no_gradient(loss, channels):
    logits, target, weights = sample((2, 8, 8), channels)
    weights[:, 0] = 0
    loss(logits, target, weights).backward()
    silent = ((target == IGNORE) | (weights == 0))[:, None].expand_as(logits)
    assert not logits.grad[silent].any()
    assert logits.grad[~silent].all()


@EVERY_LOSS
def test_ignored_pixels_do_not_dilute_the_others_whatever_their_weight(loss, channels):
    logits, target, weights = sample((2, 8, 8), channels)
    heavy = torch.where(target == IGNORE, 1e6, weights)
    assert loss(logits, target, heavy).item() == pytest.approx(
        loss(logits, target, weights).item()
    )


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_dice_is_the_mean_over_the_foreground_classes(channels, shape):
    logits, target, weights = sample(shape, channels)
    numbers = range(1, max(2, channels))
    each = [dice_by_hand(logits.detach(), target, weights, n) for n in numbers]
    expected = sum(each) / len(each)
    assert dice(logits, target, weights).item() == pytest.approx(expected, rel=1e-10)


def test_dice_of_the_truth_is_0_and_of_its_opposite_1():
    _, target, weights = sample((2, 6, 6), 2)
    truth = torch.nn.functional.one_hot(target.clamp(max=1), 2).movedim(-1, 1)
    sure = 100 * (truth.double() - 0.5)
    assert dice(sure, target, weights).item() == pytest.approx(0, abs=1e-12)
    assert dice(-sure, target, weights).item() == pytest.approx(1)


def test_classes_that_are_not_annotated_do_not_count_in_dice():
    logits, target, weights = sample((1, 6, 6), 4)
    target[target == 2] = IGNORE
    each = [dice_by_hand(logits.detach(), target, weights, n) for n in (1, 3)]
    assert dice(logits, target, weights).item() == pytest.approx(sum(each) / 2)
    alone = torch.where(target == IGNORE, IGNORE, 0)
    value = dice(logits, alone, weights)
    value.backward()
    assert value.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize(
    ("both", "entropy", "channels"),
    [
        (cross_entropy_dice, cross_entropy, 3),
        (binary_cross_entropy_dice, binary_cross_entropy, 1),
    ],
)
def test_a_sum_is_the_sum_of_its_losses(both, entropy, channels):
    given = sample((2, 5, 6), channels)
    torch.testing.assert_close(both(*given), entropy(*given) + dice(*given))


@EVERY_LOSS
@pytest.mark.parametrize("why", ["ignored", "weightless"])
def test_nothing_to_learn_is_a_loss_of_0_with_gradients_of_0(loss, channels, why):
    logits, target, weights = sample((1, 4, 4), channels)
    target, weights = (
        (torch.full_like(target, IGNORE), weights)
        if why == "ignored"
        else (target, torch.zeros_like(weights))
    )
    value = loss(logits, target, weights)
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@EVERY_LOSS
def test_only_the_proportion_of_weights_counts(loss, channels):
    logits, target, weights = sample((1, 6, 6), channels)
    assert loss(logits, target, 7 * weights).item() == pytest.approx(
        loss(logits, target, weights).item()
    )


def test_one_sigmoid_output_is_the_two_class_softmax_of_0_and_itself():
    z, target, weights = sample((2, 7, 7), 1)
    both = torch.cat([torch.zeros_like(z), z], dim=1)
    torch.testing.assert_close(
        binary_cross_entropy(z, target, weights), cross_entropy(both, target, weights)
    )
    torch.testing.assert_close(probabilities(z), probabilities(both))


def test_one_sigmoid_output_sees_every_class_as_foreground():
    z, target, weights = sample((1, 6, 6), 1, ignored=0)
    torch.testing.assert_close(
        binary_cross_entropy(z, 5 * target, weights),
        binary_cross_entropy(z, target, weights),
    )


@EVERY_LOSS
def test_extreme_logits_stay_finite(loss, channels):
    _, target, weights = sample((1, 4, 4), channels)
    logits = torch.full((1, channels, 4, 4), -1e4, requires_grad=True)
    value = loss(logits * (1 + torch.arange(channels))[:, None, None], target, weights)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_probabilities_are_floats_that_sum_to_1(channels, dtype):
    predicted = probabilities(torch.randn(2, channels, 4, 5).to(dtype))
    assert predicted.dtype == torch.float32
    assert predicted.shape == (2, max(2, channels), 4, 5)
    torch.testing.assert_close(predicted.sum(1), torch.ones(2, 4, 5))


def test_every_loss_of_the_settings_exists():
    names = get_args(TrainConfig.model_fields["loss"].annotation)
    assert set(names) == set(LOSSES)
