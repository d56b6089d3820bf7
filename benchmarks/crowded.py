"""Count the steps of a build beside programs that compute as well, and beside none.

    python benchmarks/crowded.py --against ../before/src

Each number is that of a process of its own, which learns live (or trains for a time, or
predicts: `--work`) with base 16, from its first unit of work on. It runs alone, beside
a torch program that trains a small network on all cores, or beside another loop of the
same build, whose units count as well. The builds take turns. Prints a JSON line for
each situation: the medians of the units a second, all their values, and the ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1] / "src"
SITUATIONS = ("alone", "beside a torch program", "two at once")

# A usual training loop: nothing of how its threads wait is set.
BUSY = """
import torch
network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(32, 1, 3)
)
optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
image = torch.randn(4, 1, 128, 128)
print("ready", flush=True)
while True:
    optimizer.zero_grad()
    network(image).square().mean().backward()
    optimizer.step()
"""


def live() -> Iterator[object]:
    """Learn a painted slice live; a unit is a step."""
    from napari_unet.live.events import LiveStep
    from napari_unet.live.loop import LiveLoop
    from napari_unet.samples import em_stack

    stack, labels = em_stack((6, 512, 512))
    loop = LiveLoop(stack)
    loop.requests.update(0, (labels[0] > 0).astype("uint8") + 1)
    return (one for one in loop.run() if isinstance(one, LiveStep))


def training() -> Iterator[object]:
    """Train for a time; a unit is a step."""
    from napari_unet.config import RunConfig
    from napari_unet.samples import em_stack
    from napari_unet.train.trainer import Trainer
    from napari_unet.train.training_image import prepare_image

    image = prepare_image(*em_stack((6, 512, 512)), validation="none")
    return Trainer([image], RunConfig()).run()


def prediction() -> Iterator[object]:
    """Predict a stack again and again; a unit is a tile."""
    from napari_unet.config import PredictConfig
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.predictor import Predictor
    from napari_unet.samples import em_stack
    from napari_unet.starters.starter import find_starter

    image = em_stack((6, 512, 512))[0].as_czyx()
    config = PredictConfig(tile_size=256, batch_size=1)
    predictor = Predictor(load_model(find_starter("em-membranes").path), config)
    while True:
        yield from predictor.tiles(image)


WORK = {"live": live, "training": training, "prediction": prediction}


def count(work: str, seconds: float) -> None:
    """Print the units a second, counted from the end of the first one."""
    units = WORK[work]()
    next(units)
    began, done, passed = time.monotonic(), 0, 0.0
    while passed < seconds:
        next(units)
        done, passed = done + 1, time.monotonic() - began
    print(done / passed)


def start(source: Path, work: str, seconds: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(source)}
    # Somebody who sets the number of threads has settled the matter.
    environment.pop("OMP_NUM_THREADS", None)
    environment.pop("MKL_NUM_THREADS", None)
    command = [sys.executable, __file__, "--child", work, "--seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@contextmanager
def busy() -> Iterator[None]:
    """Let a torch program run meanwhile."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("NUM_THREADS")}
    command = [sys.executable, "-c", BUSY]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        assert program.stdout is not None
        program.stdout.readline()
        yield
    finally:
        program.kill()
        program.wait()


def measure(situation: str, source: Path, work: str, seconds: float) -> list[float]:
    """Return the units a second of every process of the build."""
    if situation == "beside a torch program":
        with busy():
            running = [start(source, work, seconds)]
            return [float(one.communicate()[0]) for one in running]
    together = 2 if situation == "two at once" else 1
    running = [start(source, work, seconds) for _ in range(together)]
    return [float(one.communicate()[0]) for one in running]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="folder src of another checkout")
    parser.add_argument("--work", choices=WORK, default="live")
    parser.add_argument("--situations", choices=SITUATIONS, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--child", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        from napari_unet.model.openmp import wait_briefly

        wait_briefly()
        count(options.child, options.seconds)
        return
    builds = {"here": HERE}
    if options.against is not None:
        builds["against"] = options.against.resolve()
    for situation in options.situations or SITUATIONS:
        rates: dict[str, list[float]] = {name: [] for name in builds}
        for _ in range(options.rounds):
            for name, source in builds.items():
                rates[name] += measure(situation, source, options.work, options.seconds)
        print(json.dumps(line(options.work, situation, rates)), flush=True)


def line(work: str, situation: str, rates: dict[str, list[float]]) -> dict[str, Any]:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    found: dict[str, Any] = {"figure": f"{work}, {situation}", "unit": "a second"}
    found |= {name: round(value, 3) for name, value in medians.items()}
    if "against" in medians:
        found["ratio"] = round(medians["here"] / medians["against"], 2)
    found["values"] = {k: [round(v, 3) for v in values] for k, values in rates.items()}
    return found


if __name__ == "__main__":
    main()
