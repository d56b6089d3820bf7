"""Compare what a training step of the network costs with what it would cost otherwise.

    python benchmarks/network.py

On the CPU, base 16, 4 patches of 256 x 256: threads that wait briefly, as the program
lets them, or as GNU's OpenMP does by default, on an idle machine and beside a program
that keeps a core busy; freed memory kept or handed back; the gradient of the
up-convolutions; the update of the weights in one pass; and the weighted loss beside
torch's own with class weights. The ways take turns. CPU time is measured, which other
programs disturb less than they disturb the clock, but the clock for the threads, which
burn CPU time while they wait. Prints JSON lines.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from napari_unet.config import TrainConfig, UNetConfig
from napari_unet.model.allocator import keep_freed_memory
from napari_unet.model.device import choose_device
from napari_unet.model.layers import UpConv2d
from napari_unet.model.losses import LOSSES
from napari_unet.model.networks.unet import UNet
from napari_unet.train.optimizer import build_optimizer

LAYOUT = torch.channels_last
SHAPE = (4, 256, 256)


def tell(figure: str, ways: dict[str, float], **more: object) -> None:
    """Print medians in ms, and the first way's share of the second's time."""
    ours, other = list(ways.values())[:2]
    times = {f"{name}_ms": round(1e3 * value, 2) for name, value in ways.items()}
    line = {"figure": figure, "value": round(ours / other, 3), "unit": "ratio"}
    print(json.dumps({**line, **times, **more}), flush=True)


def take_turns(
    ways: dict[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 2):
        for name, way in ways.items():
            began = clock()
            way()
            if turn >= 2:
                times[name].append(clock() - began)
    return {name: statistics.median(took) for name, took in times.items()}


def whole_step() -> Callable[[], object]:
    device, loss = choose_device("cpu"), LOSSES["cross_entropy"]
    network = UNet(UNetConfig()).to(memory_format=LAYOUT)
    optimizer = build_optimizer(network, TrainConfig())
    image = torch.randn(SHAPE[0], 1, *SHAPE[1:]).contiguous(memory_format=LAYOUT)
    target, weights = torch.randint(0, 2, SHAPE), torch.rand(SHAPE)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with device.autocast():
            logits = network(image)
        loss(logits.float(), target, weights).backward()
        optimizer.step()

    return step


def in_processes(
    ways: dict[str, dict[str, str]], rounds: int, only: str | None = None
) -> dict[str, float]:
    """Run steps in processes with other environments: none can be changed later."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3):
        for name, variables in ways.items():
            command = [sys.executable, __file__, "--only", only or name]
            done = subprocess.run(
                [*command, "--rounds", str(rounds)],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, **variables},
            )
            times[name].append(float(done.stdout))
    return {name: statistics.median(each) for name, each in times.items()}


def memory(rounds: int) -> None:
    tell("step_memory", in_processes({"kept": {}, "handed_back": {}}, rounds))


def threads(rounds: int) -> None:
    """Let steps run alone, and beside a program that keeps a core busy."""
    os.environ.pop("OMP_WAIT_POLICY", None)
    # 300,000 is what libgomp spins for where nothing is set.
    ways = {
        "brief": {"GOMP_SPINCOUNT": "10000"},
        "default": {"GOMP_SPINCOUNT": "300000"},
        "asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
    }
    tell("step_threads", in_processes(ways, rounds, "clock"), beside="nothing")
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        tell("step_threads", in_processes(ways, rounds, "clock"), beside="a busy core")
    finally:
        busy.kill()
        busy.wait()


def up_convolutions(rounds: int) -> None:
    """Go forward and back through the four up-convolutions."""
    device = choose_device("cpu")

    def way(kind: type[nn.ConvTranspose2d]) -> Callable[[], object]:
        layers, images = [], []
        for level in range(1, 5):
            channels, side = 16 * 2**level, SHAPE[1] // 2**level
            up = kind(channels, channels // 2, 2, stride=2).to(memory_format=LAYOUT)
            layers.append(up)
            image = torch.randn(SHAPE[0], channels, side, side).bfloat16()
            images.append(image.contiguous(memory_format=LAYOUT).requires_grad_())

        def both_ways() -> None:
            for layer, image in zip(layers, images, strict=True):
                with device.autocast():
                    answer = layer(image)
                answer.backward(torch.ones_like(answer))

        return both_ways

    ways = {"linear": way(UpConv2d), "torch": way(nn.ConvTranspose2d)}
    tell("up_convolutions", take_turns(ways, rounds), precision=device.precision)


def updates(rounds: int) -> None:
    ways: dict[str, Callable[[], object]] = {}
    for name, fused in (("one_pass", True), ("torch_default", None)):
        network = UNet(UNetConfig()).to(memory_format=LAYOUT)
        for weight in network.parameters():
            weight.grad = torch.randn_like(weight)
        ways[name] = torch.optim.AdamW(network.parameters(), fused=fused).step
    tell("update", take_turns(ways, 3 * rounds))


def losses(rounds: int) -> None:
    target, weights = torch.randint(0, 2, SHAPE), torch.rand(SHAPE)
    logits = torch.randn(SHAPE[0], 2, *SHAPE[1:]).contiguous(memory_format=LAYOUT)
    classes = torch.tensor([0.5, 1.5])

    def way(loss: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], object]:
        return lambda: loss(logits.clone().requires_grad_()).backward()

    ours = ("cross_entropy", "dice", "cross_entropy_dice")
    ways = {name: way(lambda z, n=name: LOSSES[n](z, target, weights)) for name in ours}
    theirs = way(lambda z: F.cross_entropy(z, target, weight=classes))
    ways = {"cross_entropy": ways.pop("cross_entropy"), "torch": theirs, **ways}
    tell("weighted_loss", take_turns(ways, 3 * rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["kept", "handed_back", "clock"])
    given = parser.parse_args()
    if given.only is not None:
        if given.only != "handed_back":
            keep_freed_memory()
        clock = time.perf_counter if given.only == "clock" else time.process_time
        print(take_turns({"step": whole_step()}, given.rounds, clock)["step"])
        return
    threads(given.rounds)
    memory(given.rounds)
    keep_freed_memory()
    up_convolutions(given.rounds)
    updates(given.rounds)
    losses(given.rounds)


if __name__ == "__main__":
    main()
