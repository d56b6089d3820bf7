"""What a training takes, told before it starts."""

from __future__ import annotations

import math

import pytest

from napari_unet.config import Preset, RunConfig
from napari_unet.model.geometry import output_size, patch_size
from napari_unet.model.networks.unet import UNet
from napari_unet.model.size import size_of
from napari_unet.train.cost import Extent, TrainingCost, cost_of_live, cost_of_training

STACK = Extent((30, 512, 512), 30, 30 * 512**2)


def _config(preset: Preset = Preset.FAST, **budget: float) -> RunConfig:
    config = preset.settings()
    return config.model_copy(update={"train": config.train.changed("", **budget)})


def test_it_reads_as_one_line() -> None:
    cost = TrainingCost(30, 600_000_000, 708, 240.0)
    assert cost.words == "30 slices, 708 steps, about 0.6 GB, about 4 min"
    assert TrainingCost(1, None, 1, 9.0).words == "1 slice, 1 step, about 9 s"


@pytest.mark.parametrize(
    ("budget", "step_seconds", "expected"),
    [
        ({"minutes": 4}, None, (None, 240)),
        ({"minutes": 4}, 0.5, (480, 240)),
        ({"steps": 100}, None, (100, None)),
        ({"steps": 100}, 0.5, (100, 50)),
        ({"epochs": 2}, None, (60, None)),
    ],
)
def test_steps_and_time_follow_from_each_other(
    budget: dict[str, float],
    step_seconds: float | None,
    expected: tuple[int | None, float | None],
) -> None:
    cost = cost_of_training(_config(**budget), [STACK], step_seconds=step_seconds)
    assert (cost.steps, cost.seconds) == expected


def test_an_epoch_of_valid_convolutions_has_as_many_steps_as_they_answer_for() -> None:
    config = _config(Preset.PAPER, epochs=2)
    side = output_size(config.network, patch_size(config.network, 572))
    seen = config.train.batch_size * side**2
    steps = 2 * math.ceil(STACK.pixels / seen)
    assert cost_of_training(config, [STACK]).steps == steps


def test_memory_grows_with_network_image_and_precision() -> None:
    config, paper = _config(), _config(Preset.PAPER)
    least = cost_of_live(config.with_live_patches(), STACK, bfloat16=True).memory
    amounts = [
        least,
        cost_of_training(config, [STACK], bfloat16=True).memory,
        cost_of_training(config, [STACK]).memory,
        cost_of_training(config, [Extent((300, 512, 512), 300)]).memory,
        cost_of_training(paper, [STACK]).memory,
    ]
    assert amounts == sorted(amounts)
    assert len(set(amounts)) == len(amounts)
    # What is not annotated is not copied.
    large = Extent((300, 512, 512), STACK.slices)
    assert cost_of_training(config, [large]).memory == amounts[2]


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("base", [8, 16])
def test_the_weights_of_a_network_are_counted(ndim: int, base: int) -> None:
    network = Preset.FAST.settings(ndim).network
    network = network.model_copy(update={"base_channels": base, "flat_levels": 0})
    assert size_of(network).parameters == pytest.approx(
        UNet(network).num_parameters, rel=0.02
    )


@pytest.mark.parametrize(
    ("ndim", "base", "batch", "image", "gigabytes"),
    [
        (2, 16, 4, Extent((4, 512, 512), 2), 0.69),
        (2, 16, 1, Extent((4, 512, 512), 2), 0.28),
        (2, 32, 2, Extent((4, 512, 512), 2), 0.65),
        (2, 64, 4, Extent((4, 512, 512), 2), 2.13),
        (2, 16, 4, Extent((4, 4096, 4096), 2), 0.98),
        (2, 64, 4, Extent((4, 4096, 4096), 2), 2.42),
        (3, 16, 1, Extent((48, 256, 256), 48), 0.89),
        (3, 64, 1, Extent((48, 256, 256), 48), 3.59),
    ],
)
def test_what_is_said_of_memory_is_what_was_measured_and_a_little_more(
    ndim: int, base: int, batch: int, image: Extent, gigabytes: float
) -> None:
    config = Preset.FAST.settings(ndim)
    network = config.network.model_copy(update={"base_channels": base})
    sizes = {"patch_size": 128, "patch_slices": 32} if ndim == 3 else {}
    train = config.train.changed("", batch_size=batch, **sizes)
    config = config.model_copy(update={"network": network, "train": train})
    said = cost_of_training(config, [image]).memory
    assert said is not None
    assert 1 <= said / (gigabytes * 1e9) < 1.3


def test_large_slices_are_predicted_in_tiles_and_only_where_some_are_held_out() -> None:
    few, more = Extent((9, 4096, 4096), 4), Extent((9, 4096, 4096), 5)
    least, held_out, larger = (
        cost_of_training(_config(), [one]).memory or 0
        for one in (few, more, Extent((9, 8192, 4096), 5))
    )
    assert held_out > 1.3 * least
    asked = cost_of_training(_config(), [few], held_out=True).memory or 0
    assert held_out > asked > 1.2 * least
    assert cost_of_training(_config(), [more], held_out=False).memory < asked
    annotated = 5 * 4096**2
    assert larger - held_out < 22 * annotated
