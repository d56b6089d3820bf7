"""What a training takes, told before it starts."""

from __future__ import annotations

import pytest

from napari_unet.config import Preset, RunConfig
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
