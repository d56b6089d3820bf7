"""What the U-Net runs on, in lines that can be copied into a bug report."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from importlib.metadata import version

import psutil
import torch

from napari_unet.config import RunConfig, TrainConfig
from napari_unet.data.machine_memory import machine_memory
from napari_unet.model import device as devices
from napari_unet.model.checkpoint import versions
from napari_unet.model.compiled import OPENVINO, has_openvino
from napari_unet.samples import em_stack
from napari_unet.steps import usable_cores
from napari_unet.train.session import open_run
from napari_unet.train.training_source import TrainingSource

_SECONDS = 2.0


def report(name: str) -> Iterator[str]:
    """Yield what was found, and the time of a training step on the device `name`."""
    yield ", ".join(f"{part} {number}" for part, number in versions().items())
    cores, usable = psutil.cpu_count(), usable_cores()
    words = f"{usable} of {cores} cores" if usable != cores else f"{cores} cores"
    yield f"system: {platform.platform()}, {words}"
    memory = machine_memory()
    yield f"memory: {_gib(memory.available)} of {_gib(memory.total)} GiB free"
    yield from _cuda()
    device = devices.choose_device(name)
    yield f"device: {device.words}"
    if has_openvino():
        yield f"prediction on CPUs: OpenVINO {version(OPENVINO)}"
    steps, seconds = _time_steps(name)
    yield (
        f"training: {1000 * seconds:.0f} ms a step (base 16, 4 patches of 256 x 256, "
        f"median of {steps} steps)"
    )


def _cuda() -> Iterator[str]:
    if not torch.cuda.is_available():
        yield f"CUDA: not used. {devices.why_no_cuda()}"
        return
    yield f"CUDA: {torch.version.cuda}, {torch.cuda.device_count()} GPU(s)"
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        yield f"  cuda:{index} {name}, {_gib(free)} of {_gib(total)} GiB free"


def _time_steps(name: str) -> tuple[int, float]:
    """Train for about two seconds, and return the number and median time of steps."""
    stack, objects = em_stack((2, 512, 512))
    config = RunConfig(train=TrainConfig(steps=10_000, device=name))
    run = open_run([TrainingSource(stack, objects)], config).trainer.run()
    times: list[float] = []
    before = time.perf_counter()
    while sum(times) < _SECONDS:
        next(run)
        now = time.perf_counter()
        times.append(now - before)
        before = now
    return len(times), sorted(times)[len(times) // 2]


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f}"
