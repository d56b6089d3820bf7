"""Compare a whole training step with the bare forward, backward and update.

    python benchmarks/training.py

Both take turns in one process, on the same network, batch, layout and precision. The
whole step is what a user waits for: drawing and augmenting the patches, checking the
loss, clipping the gradient, bookkeeping. The bare step gets a batch that lies ready and
the plain cross-entropy of torch. Prints one JSON line for each network size.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from napari_unet.config import RunConfig, TrainConfig, UNetConfig
from napari_unet.model.device import Device, choose_device
from napari_unet.model.networks.unet import UNet
from napari_unet.samples import em_stack
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import TrainingImage, prepare_image

PATCH, BATCH = 256, 4


def sample() -> TrainingImage:
    return prepare_image(*em_stack((6, 512, 512)), validation="none")


def whole(image: TrainingImage, base: int, steps: int) -> Callable[[], object]:
    """Return a function that takes one step of a training run."""
    settings = TrainConfig(steps=steps, patch_size=PATCH, batch_size=BATCH)
    config = RunConfig(network=UNetConfig(base_channels=base), train=settings)
    run = Trainer([image], config).run()
    return lambda: next(run)


def bare(base: int, device: Device) -> Callable[[], object]:
    """Return a function that goes forward and back, and updates the weights."""
    layout = torch.channels_last
    torch.manual_seed(0)
    network = UNet(UNetConfig(base_channels=base)).to(
        device.device, memory_format=layout
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    image = torch.randn(BATCH, 1, PATCH, PATCH, device=device.device)
    image = image.contiguous(memory_format=layout)
    target = torch.randint(0, 2, (BATCH, PATCH, PATCH), device=device.device)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with device.autocast():
            logits = network(image)
        loss = F.cross_entropy(logits.float(), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def measure(base: int, rounds: int) -> dict[str, object]:
    device = choose_device()
    steps = {"whole": whole(sample(), base, rounds + 3), "bare": bare(base, device)}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 2):
        for name, step in steps.items():
            took = seconds(step)
            if turn >= 2:
                times[name].append(took)
    pairs = zip(times["whole"], times["bare"], strict=True)
    middle = {name: statistics.median(values) for name, values in times.items()}
    return {
        "figure": "training step, whole over bare",
        "base_channels": base,
        "ratio": round(statistics.median(a / b for a, b in pairs), 3),
        "whole_ms": round(1000 * middle["whole"]),
        "bare_ms": round(1000 * middle["bare"]),
        "patches": f"{BATCH} x {PATCH} x {PATCH}",
        "rounds": rounds,
        "device": device.words,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    for base in options.base:
        print(json.dumps(measure(base, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
