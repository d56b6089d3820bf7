"""Time, memory and seams of prediction; one JSON line for each figure.

Run as::

    python benchmarks/prediction.py

Networks have weights as at the start of a training, which takes as long as a trained
one. What is compared runs in turns, and medians are reported.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from napari_unet.config import PostprocessConfig, PredictConfig, UNetConfig
from napari_unet.model import geometry
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.device import Device, choose_device
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.memory import choose
from napari_unet.predict.postprocessing import postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.samples import em_stack

WHOLE = 16384


def model(**settings: Any) -> Model:
    torch.manual_seed(0)
    config = UNetConfig(**settings)
    network = UNet(config)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            # As after training: every channel has another mean and deviation.
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean, 0, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    # Probabilities that are all 0 or 1 would hide a seam.
    side = geometry.input_size(config, 16)
    probe = torch.randn(1, config.in_channels, *(side,) * config.ndim)
    with torch.inference_mode():
        spread = float(network.eval()(probe).std())
    with torch.no_grad():
        for weight in network.head.parameters():
            weight.div_(spread)
    return Model(network, ModelCard(network=config))


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, *shape), np.uint8)


def tell(figure: str, value: float, unit: str, **more: object) -> None:
    rounded = float(f"{value:.4g}")
    print(json.dumps({"figure": figure, "value": rounded, "unit": unit, **more}))


def in_turns(
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
    **tasks: Callable[[], object],
) -> dict[str, float]:
    """Return the median seconds of each task, all of them run once in every turn."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(runs):
        for name, task in tasks.items():
            began = clock()
            task()
            times[name].append(clock() - began)
    return {name: statistics.median(each) for name, each in times.items()}


def probabilities_of(
    given: Model, stack: np.ndarray, config: PredictConfig, device: Device
) -> np.ndarray:
    found = Predictor(given, config, device).predict(stack, keep=True).probabilities
    assert found is not None
    return found


def seams() -> None:
    """Compare tiles with the whole, everywhere."""
    before = os.environ.get("NAPARI_UNET_PRECISION")
    for ndim, padding, precision in itertools.product(
        (2, 3), ("same", "valid"), ("float32", "fastest")
    ):
        os.environ["NAPARI_UNET_PRECISION"] = precision
        flat = ndim == 2
        given = model(ndim=ndim, padding=padding, depth=4 if flat else 2)
        shape = (1, 500, 620) if flat else (66, 90, 100)
        tile = {"tile_size": 128 if flat else 32, "tile_slices": 12}
        whole = {"tile_size": WHOLE, "tile_slices": 4096}
        device = Device(torch.device("cpu"), ndim)
        if precision != "float32" and not device.bfloat16:
            continue
        tiled, untiled = (
            probabilities_of(given, image(*shape), PredictConfig(**sides), device)
            for sides in (tile, whole)
        )
        error = np.abs(tiled - untiled).max()
        more = {"ndim": ndim, "padding": padding, "precision": device.precision}
        more["spread"] = round(float(untiled[1].std()), 3)
        tell("largest difference of tiled and untiled", error, "probability", **more)
    os.environ["NAPARI_UNET_PRECISION"] = before or "fastest"


def overhead(runs: int) -> None:
    """Compare a stack with the bare forward passes of its slices."""
    given, device = model(), choose_device("cpu")
    stack = image(30, 512, 512)
    predictor = Predictor(given, PredictConfig(device="cpu"), device)
    network = given.network.eval()
    layout = device.memory_format(2)
    normal = torch.from_numpy(given.card.normalization(stack)[0])
    slices = [one[None, None].contiguous(memory_format=layout) for one in normal]

    def bare() -> None:
        with torch.inference_mode(), device.autocast():
            for one in slices:
                network(one)

    predictor.predict(stack[:, :1])
    seconds = in_turns(
        runs,
        predicted=lambda: predictor.predict(stack),
        bare=bare,
        kept=lambda: predictor.predict(stack, keep=True),
    )
    more = {"stack": "30 x 512 x 512", "base_channels": 16}
    more |= {"precision": device.precision, "threads": torch.get_num_threads()}
    tell("bare forward passes", seconds["bare"], "s", **more)
    tell("prediction", seconds["predicted"], "s", **more)
    for name in ("predicted", "kept"):
        ratio = seconds[name] / seconds["bare"]
        words = f"{name.replace('kept', 'with probabilities')} / bare forward passes"
        tell(words, ratio, "ratio", **more)


def folding(runs: int) -> None:
    """Compare torch with normalisation in the convolutions and in passes of its own."""
    config = PredictConfig(device="cpu", backend="torch")
    for base, depth in ((16, 8), (64, 2)):
        given, stack = model(base_channels=base), image(depth, 512, 512)
        alone, device = Predictor(given, config), choose_device("cpu")
        passes = Predictor(given, config, device)
        seconds = in_turns(
            runs,
            folded=partial(alone.predict, stack),
            passes=partial(passes.predict, stack),
        )
        more = {"base_channels": base, "slices": depth, "precision": device.precision}
        ratio = seconds["passes"] / seconds["folded"]
        tell("passes of normalisation / folded", ratio, "ratio", **more)


def single(runs: int) -> None:
    """Time the paper's size on one slice, and averaging beside it."""
    stack = image(1, 512, 512)
    for base in (16, 64):
        device = choose_device("cpu")
        given = model(base_channels=base)
        plain, mean = (
            Predictor(given, PredictConfig(average=average), device)
            for average in (False, True)
        )
        tasks = {"plain": lambda one=plain: one.predict(stack)}
        if base == 16:
            tasks["averaged"] = lambda one=mean: one.predict(stack)
        seconds = in_turns(runs, **tasks)
        more = {"precision": device.precision, "threads": torch.get_num_threads()}
        more |= {"base_channels": base}
        tell("prediction of 512 x 512", seconds["plain"], "s", **more)
        if base == 16:
            ratio = seconds["averaged"] / seconds["plain"]
            tell("averaged over 8 turns / plain", ratio, "ratio", **more)


def batches(runs: int) -> None:
    """Compare numbers of slices at once, which the CPU's default of 1 rests on."""
    device, given = choose_device("cpu"), model()
    stack = image(8, 512, 512)
    tasks = {}
    for size in (1, 2, 4, 8):
        predictor = Predictor(given, PredictConfig(batch_size=size), device)
        tasks[str(size)] = lambda one=predictor: one.predict(stack)
    seconds = in_turns(runs, **tasks)
    for size in (2, 4, 8):
        ratio = seconds[str(size)] / seconds["1"]
        tell(f"{size} slices at once / one by one", ratio, "ratio")


def backends(runs: int) -> None:
    """Compare OpenVINO with torch on whole stacks, compiled before.

    Seconds of all processors too, which other programs disturb less.
    """
    clocks = {"s": time.perf_counter, "processor s": time.process_time}
    for base, slices in ((16, 30), (64, 8)):
        given, stack = model(base_channels=base), image(slices, 512, 512)
        torchs, openvinos = (
            Predictor(given, PredictConfig(device="cpu", backend=name))
            for name in ("torch", "openvino")
        )
        more: dict[str, object] = {"base_channels": base, "slices": slices}
        more["precision"] = torchs.device.precision
        more["threads"] = torch.get_num_threads()
        one = stack[:, :1]
        truth = next(torchs.tiles(one)).probabilities
        began = time.process_time()
        found = next(openvinos.tiles(one)).probabilities
        first = time.process_time() - began
        tell("first slice by OpenVINO", first, "processor s", **more)
        difference = float(np.abs(found - truth).mean())
        tell("mean difference", difference, "probability", **more)
        for unit, clock in clocks.items():
            seconds = in_turns(
                runs,
                clock,
                torch=partial(torchs.predict, stack),
                openvino=partial(openvinos.predict, stack),
            )
            for name, spent in seconds.items():
                tell(f"stack by {name}", spent, unit, **more)
            ratio = seconds["torch"] / seconds["openvino"]
            tell("torch / openvino", ratio, f"ratio of {unit}", **more)


def memory() -> None:
    """Predict large slices, each in a process of its own, and tell their peaks."""
    for side, base, keep in ((512, 16, 0), (4096, 16, 0), (4096, 16, 1), (2048, 64, 0)):
        command = [sys.executable, __file__, "--peak", *map(str, (side, base, keep))]
        print(subprocess.check_output(command, text=True), end="", flush=True)


def peak(side: int, base: int, keep: int) -> None:
    given, stack = model(base_channels=base), image(1, side, side)
    predictor = Predictor(given, PredictConfig(device="cpu"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    predictor.predict(stack, keep=bool(keep))
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    free = predictor.device.free_memory()
    chosen = choose(
        stack.shape[1:], predictor.footprint, PredictConfig(), predictor.device
    )
    tell(
        "peak memory of the process",
        after * 1024 / 1e9,
        "GB",
        side=side,
        base_channels=base,
        keep=bool(keep),
        before=round(before * 1024 / 1e9, 2),
        free_after=round(free / 1e9, 2),
        tile_size=chosen.config.tile_size,
        precision=predictor.device.precision,
        seconds=round(seconds, 1),
    )


def finishing(runs: int) -> None:
    """Time what is made of a predicted stack."""
    _, cells = em_stack((30, 512, 512), seed=0)
    foreground = np.where(cells > 0, np.float32(0.9), np.float32(0.1))
    likely = np.stack([1 - foreground, foreground])
    classes = (cells > 0).astype(np.uint8)
    finishes: dict[str, dict[str, Any]] = {
        "fill holes and drop small": {"fill_holes": 50, "min_size": 50},
        "number what is connected": {"objects": "connected"},
        "split by the watershed": {"objects": "watershed", "min_size": 50},
        "thin borders": {"thin_borders": 5},
        "smooth across slices": {"smooth": 1.0},
    }
    for name, options in finishes.items():
        config = PostprocessConfig(**options)
        run = lambda: postprocess(classes, config, probabilities=likely)  # noqa: B023, E731
        seconds = in_turns(min(runs, 3), run=run)["run"]
        tell(name, seconds, "s", stack="30 x 512 x 512")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts: dict[str, Callable[..., None]] = {
        "seams": seams,
        "overhead": overhead,
        "folding": folding,
        "single": single,
        "batches": batches,
        "backends": backends,
        "memory": memory,
        "finishing": finishing,
    }
    parser.add_argument("--only", choices=parts, action="append", help="some figures")
    parser.add_argument("--runs", type=int, default=5, help="turns of each timing")
    parser.add_argument("--peak", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        peak(*options.peak)
        return
    for name in options.only or parts:
        timed = parts[name] in (overhead, folding, single, batches, backends, finishing)
        parts[name](options.runs) if timed else parts[name]()


if __name__ == "__main__":
    main()
