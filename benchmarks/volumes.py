"""Time, memory and kills of predicting volumes on disk; one JSON line a figure.

Run as::

    python benchmarks/volumes.py memory --gigabytes 1 4 16
    python benchmarks/volumes.py slices speed components killed training

Volumes are synthetic EM, written to a temporary folder (`--folder` names another, with
room for twice the largest). What is compared runs in turns, and medians are reported.
"""

import argparse
import json
import math
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch

from napari_unet.config import (
    EngineConfig,
    PostprocessConfig,
    PredictConfig,
    RunConfig,
    UNetConfig,
)
from napari_unet.data.ome_zarr import open_volume
from napari_unet.data.ome_zarr_writer import create_image, create_labels, planned
from napari_unet.data.volume import Volume, write_box
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.block_objects import FacesWork, NumbersWork, join_pieces
from napari_unet.predict.block_output import scratch
from napari_unet.predict.blocks import Grid
from napari_unet.predict.engines import LocalEngine, open_engine
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.volume_image import VolumeImage
from napari_unet.predict.volume_prediction import predict_volume_steps
from napari_unet.predict.volume_request import VolumeRequest
from napari_unet.samples import em_stack
from napari_unet.steps import result_of
from napari_unet.train.session import train_unet
from napari_unet.words import sides

CHUNKS = (64, 128, 128)
ENGINES = ("local", "dask")
VICTIMS = ("driver", "worker", "scheduler")


def tell(figure: str, value: float, unit: str, **more: object) -> None:
    rounded = float(f"{value:.4g}")
    line = {"figure": figure, "value": rounded, "unit": unit, **more}
    print(json.dumps(line), flush=True)


def write_volume(path: Path, shape: tuple[int, int, int]) -> Volume:
    """Write a cube of synthetic EM of 8 bits; every further one has its files again."""
    if path.exists():
        return open_volume(path)
    side = min(512, shape[1])
    cube = np.asarray(em_stack((min(64, shape[0]), side, side), seed=0)[0].data, "u1")
    chunks = tuple(map(min, shape, CHUNKS))
    first = planned(path, "ZYX", shape, np.uint8, (8.0, 8.0, 8.0), "nm")
    volume = create_image(replace(first, chunks=chunks))[0]
    write_box(volume, tuple(map(slice, cube.shape)), cube)
    own = [a // b for a, b in zip(cube.shape, chunks, strict=True)]
    files = Path(volume.path, volume.inside, "c")
    for place in np.ndindex(
        *(math.ceil(a / b) for a, b in zip(shape, chunks, strict=True))
    ):
        source = [str(a % b) for a, b in zip(place, own, strict=True)]
        target = files.joinpath(*map(str, place))
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(files.joinpath(*source), target)
    return volume


def write_model(path: Path, **settings: Any) -> Path:
    """Write a network as at the start of a training, which takes as long."""
    torch.manual_seed(0)
    network = UNet(UNetConfig(**settings)).eval()
    save_model(path, Model(network, ModelCard(network=network.config)))
    return path


def teach_model(path: Path, base_channels: int, depth: int) -> None:
    """Train for some seconds: a network of noise leaves a million pieces in a block."""
    image, labels = em_stack((4, 256, 256), seed=0)
    network = UNetConfig(base_channels=base_channels, depth=depth)
    config = RunConfig(network=network)
    given: dict[str, Any] = {"patch_size": 128, "batch_size": 4, "steps": 100}
    model = train_unet(image, labels, config=config, **given)
    save_model(path, model)


def request(folder: Path, volume: Volume, out: str, **options: Any) -> VolumeRequest:
    config = options.pop("config", PredictConfig(device="cpu"))
    path = folder / "model.safetensors"
    return VolumeRequest(path, volume, folder / out, config, **options)


def forget(asked: VolumeRequest) -> None:
    for path in (asked.out, asked.out.with_name(f"{asked.out.name}.blocks")):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def engine_of(name: str, workers: int = 2) -> Iterator[Any]:
    with open_engine(EngineConfig(engine=name, workers=workers)) as engine:
        yield engine


# -------------------------------------------------------------------------- memory


def memory(folder: Path, options: argparse.Namespace) -> None:
    """Predict volumes of several sizes, each in a process of its own."""
    teach_model(folder / "model.safetensors", base_channels=2, depth=2)
    for gigabytes in options.gigabytes:
        shape = (round(1024 * gigabytes), 1024, 1024)
        volume = write_volume(folder / f"{gigabytes}.ome.zarr", shape)
        for engine in options.engine:
            peak(folder, volume, engine, gigabytes=gigabytes, base_channels=2)
        shutil.rmtree(volume.path)


def slices(folder: Path, options: argparse.Namespace) -> None:
    """Predict a large slice in a process of its own."""
    volume = write_volume(folder / "slice.ome.zarr", (1, options.side, options.side))
    for base in options.base_channels:
        depth = 2 if base == 2 else 4
        teach_model(folder / "model.safetensors", base, depth)
        peak(folder, volume, "local", side=options.side, base_channels=base)
    shutil.rmtree(volume.path)


def training(folder: Path, options: argparse.Namespace) -> None:
    """Train on boxes that are annotated in six slices of a large volume."""
    side = options.training_side
    volume = write_volume(folder / "large.ome.zarr", (4096, side, side))
    labels = create_labels(volume.path, volume, np.uint16, "cells", chunks=CHUNKS)[0]
    cells = em_stack((64, 512, 512), seed=0)[1].astype("u2")
    for z in range(10, 4096, 700):
        write_box(labels, np.s_[z : z + 1, :512, :512], cells[z % 64][None])
    words = [sys.executable, "-m", "napari_unet", "train", "--image", volume.path]
    words += ["--labels", f"{volume.path}/labels/cells", "--kind", "objects"]
    words += ["--steps", "20", "--base-channels", "8", "--validation", "none"]
    words += ["--device", "cpu", "--out", str(folder / "run")]
    began = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    seconds = round(time.monotonic() - began, 1)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    more = {"volume": sides(volume.shape), "steps": 20, "seconds": seconds}
    tell("peak memory of a training on a large volume", largest, "GB", **more)


def peak(folder: Path, volume: Volume, engine: str, **more: object) -> None:
    words = [sys.executable, __file__, "memory", "--peak", volume.path, engine]
    words += ["--folder", str(folder)]
    found = json.loads(subprocess.check_output(words, text=True))
    seconds = found.pop("seconds")
    more |= {"engine": engine, "seconds": seconds}
    tell("peak memory of the largest process", found["gigabytes"], "GB", **more)


def predict_and_tell(folder: Path, path: str, engine_name: str) -> None:
    finish = PostprocessConfig(objects="connected", core=0, follow_slices=True)
    asked = request(folder, open_volume(path), "out.ome.zarr", finish=finish)
    began = time.monotonic()
    with engine_of(engine_name) as engine:
        result_of(predict_volume_steps(asked, engine))
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    largest = max(resource.getrusage(one).ru_maxrss for one in who)
    forget(asked)
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"gigabytes": largest * 1024 / 1e9, "seconds": seconds}))


# --------------------------------------------------------------------------- speed


def speed(folder: Path, options: argparse.Namespace) -> None:
    """Compare a volume on disk with the bare forward passes of the same tiles."""
    path = write_model(folder / "model.safetensors", base_channels=16, depth=4)
    shape = (options.depth, 1024, 1024)
    volume = write_volume(folder / "speed.ome.zarr", shape)
    config = PredictConfig(device="cpu", tile_size=512, backend=options.backend)
    block = (8, 1024, 1024)
    asked = request(folder, volume, "out.ome.zarr", config=config, block=block)
    bare = bare_passes(path, volume, config)

    def through(engine: Any) -> Callable[[], float]:
        def run() -> float:
            forget(asked)
            began = time.perf_counter()
            result_of(predict_volume_steps(asked, engine))
            return time.perf_counter() - began

        return run

    with engine_of("dask") as dask:
        ways = {"local": through(LocalEngine()), "dask": through(dask)}
        tasks = {"bare": bare} | {name: ways[name] for name in options.engine}
        times: dict[str, list[float]] = {name: [] for name in tasks}
        for turn in range(options.runs + 1):
            for name, task in tasks.items():
                seconds = task()
                if turn:
                    times[name].append(seconds)
    forget(asked)
    medians = {name: statistics.median(each) for name, each in times.items()}
    more: dict[str, object] = {"volume": sides(shape), "base_channels": 16}
    more |= {"threads": torch.get_num_threads(), "runs": options.runs}
    more["backend"] = options.backend
    tell("bare forward passes", medians["bare"], "s", **more)
    for name in options.engine:
        ratios = [a / b for a, b in zip(times[name], times["bare"], strict=True)]
        more["of_turns"] = [round(one, 3) for one in ratios]
        ratio = statistics.median(ratios)
        tell(f"engine {name} / bare forward passes", ratio, "ratio", **more)


def bare_passes(
    path: Path, volume: Volume, config: PredictConfig
) -> Callable[[], float]:
    """Return what runs the network on tiles in memory, as large as the blocks' own."""
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.tiles import plan_tiles

    model = load_model(path)
    predictor = Predictor(model, config)
    shape = VolumeImage(volume).shape[1:]
    tiles = plan_tiles(shape, predictor.footprint, config)
    layout = predictor.device.memory_format(2)
    network, inputs = model.network.eval().to(memory_format=layout), {}
    for tile in tiles:
        size = tile.sizes[1:]
        if size not in inputs:
            values = torch.randn(1, 1, *size)
            inputs[size] = values.contiguous(memory_format=layout)

    def run() -> float:
        began = time.perf_counter()
        with torch.inference_mode(), predictor.device.autocast():
            for tile in tiles:
                network.probabilities(inputs[tile.sizes[1:]])
        return time.perf_counter() - began

    return run


# ----------------------------------------------------------------------- components


def components(folder: Path, options: argparse.Namespace) -> None:
    """Compare objects over 32 blocks with dask-image's label, from disk to disk."""
    import dask.array as da
    from dask_image.ndmeasure import label

    shape, block = (64, 256, 512), (16, 128, 128)
    rng = np.random.default_rng(0)
    small = rng.random([side // 8 + 1 for side in shape]) < 0.3
    mask = np.kron(small, np.ones((8, 8, 8), bool))[tuple(map(slice, shape))]
    source = scratch(folder / "mask", shape, np.uint8, block)
    write_box(source, tuple(map(slice, shape)), mask.astype(np.uint8))

    def ours() -> int:
        room, out = folder / "ours", folder / "ours" / "out"
        shutil.rmtree(room, ignore_errors=True)
        target, grid = scratch(out, shape, np.uint32, block), Grid(shape, block)
        engine = LocalEngine()
        list(engine.run(FacesWork(source, room, grid, 3), grid, Event()))
        number = join_pieces(room, grid)
        work = NumbersWork(source, room, 3, target)
        list(engine.run(work, grid, Event()))
        return number

    def theirs() -> int:
        out = folder / "theirs"
        shutil.rmtree(out, ignore_errors=True)
        target = scratch(out, shape, np.uint32, block)
        found, number = label(da.from_array(source, chunks=block, name=False) > 0)
        sink = Sink(target)
        da.store(found.astype(np.uint32), sink, lock=False)
        return int(number.compute())

    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    numbers = {}
    for turn in range(options.runs + 1):
        for name, task in {"ours": ours, "theirs": theirs}.items():
            began = time.perf_counter()
            numbers[name] = task()
            if turn:
                times[name].append(time.perf_counter() - began)
    assert numbers["ours"] == numbers["theirs"]
    medians = {name: statistics.median(each) for name, each in times.items()}
    more = {"volume": "64 x 256 x 512", "blocks": 32, "objects": numbers["ours"]}
    tell("objects over blocks", medians["ours"], "s", **more)
    tell("dask-image's label", medians["theirs"], "s", **more)
    ratio = medians["theirs"] / medians["ours"]
    tell("dask-image's label / objects over blocks", ratio, "ratio", **more)


class Sink:
    """What dask stores to."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume

    def __setitem__(self, box: tuple[slice, ...], values: np.ndarray) -> None:
        write_box(self._volume, box, values)


# ---------------------------------------------------------------------------- kills


def killed(folder: Path, options: argparse.Namespace) -> None:
    """Kill at random moments, start again, and compare with the undisturbed result."""
    write_model(folder / "model.safetensors", base_channels=2, depth=2)
    volume = write_volume(folder / "killed.ome.zarr", (64, 512, 512))
    began = time.monotonic()
    command(folder, volume, "undisturbed", "local").wait()
    long = time.monotonic() - began
    expected = open_volume(folder / "undisturbed.ome.zarr")[...]
    for whom in options.victim:
        same = sum(
            np.array_equal(kill_once(folder, volume, whom, long), expected)
            for _ in range(options.kills)
        )
        figure = f"results as the undisturbed one, {whom} killed"
        tell(figure, same, f"of {options.kills}")


def kill_once(folder: Path, volume: Volume, whom: str, long: float) -> np.ndarray:
    forget(request(folder, volume, "killed.out.ome.zarr"))
    engine, address = "local", None
    others: list[subprocess.Popen[bytes]] = []
    if whom == "scheduler":
        engine, (address, others) = "dask", start_cluster(folder)
    elif whom == "worker":
        engine = "dask"
    driver = command(folder, volume, "killed.out", engine, address)
    time.sleep(random.uniform(2, 2 + 1.5 * long))
    victims = [driver.pid]
    if whom == "worker":
        victims = workers_of(driver.pid)
    elif whom == "scheduler":
        victims = [others[0].pid]
    for pid in victims[:1]:
        if driver.poll() is None:
            os.kill(pid, signal.SIGKILL)
    driver.wait()
    for one in others:
        one.kill()
        one.wait()
    command(folder, volume, "killed.out", "local").wait()
    return open_volume(folder / "killed.out.ome.zarr")[...]


def command(
    folder: Path, volume: Volume, out: str, engine: str, address: str | None = None
) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "napari_unet", "predict"]
    words += [str(folder / "model.safetensors"), volume.path, "--device", "cpu"]
    words += ["--out", str(folder / f"{out}.ome.zarr"), "--engine", engine]
    words += ["--block", "8", "128", "128", "--objects", "connected", "--core", "0"]
    words += ["--follow-slices"]
    if address is not None:
        words += ["--scheduler", address]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(words, stdout=nowhere, stderr=nowhere)


def start_cluster(folder: Path) -> tuple[str, list[subprocess.Popen[bytes]]]:
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    words = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    started = [subprocess.Popen([*dask, *words], **nowhere)]
    while not file.exists() or not file.read_text():
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address]
    words = ["--nthreads", "2", "--no-dashboard", "--death-timeout", "10", "--no-nanny"]
    started += [subprocess.Popen([*worker, *words], **nowhere) for _ in range(2)]
    return address, started


def workers_of(pid: int) -> list[int]:
    import psutil

    children = psutil.Process(pid).children(recursive=True)
    return [one.pid for one in children if "spawn_main" in " ".join(one.cmdline())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = {
        "memory": memory,
        "slices": slices,
        "speed": speed,
        "components": components,
        "killed": killed,
        "training": training,
    }
    parser.add_argument("figures", choices=parts, nargs="+")
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.25, 1, 4])
    parser.add_argument("--engine", nargs="+", default=ENGINES, choices=ENGINES)
    parser.add_argument("--side", type=int, default=20_000, help="of the large slice")
    parser.add_argument(
        "--training-side", type=int, default=5120, help="of 4096 slices"
    )
    parser.add_argument("--base-channels", type=int, nargs="+", default=[2, 16])
    parser.add_argument("--depth", type=int, default=32, help="slices of the timings")
    parser.add_argument("--runs", type=int, default=3, help="turns of each timing")
    parser.add_argument(
        "--backend", default="torch", help="of the timings; bare passes are torch's"
    )
    parser.add_argument("--kills", type=int, default=20, help="of each kind")
    parser.add_argument("--victim", nargs="+", default=VICTIMS, choices=VICTIMS)
    parser.add_argument("--folder", type=Path, help="where the volumes are written")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        predict_and_tell(options.folder, *options.peak)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name in options.figures:
            parts[name](Path(folder), options)


if __name__ == "__main__":
    main()
