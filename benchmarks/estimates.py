"""What trainings and predictions add to the memory, and what is said of it before.

Run as::

    python benchmarks/estimates.py
    python benchmarks/estimates.py --only "train 512" "predict 512"

One JSON line a case: gigabytes that were added at the peak, those that the Train tab
says beforehand or by which the tiles of a prediction are chosen, and how many times as
much is said as was measured. Each case is a process of its own, of the preset "fast"
and on the CPU; what is loaded and read beforehand does not count.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

# (Z, Y, X) of the stack, annotated slices, and settings of patches or tiles.
VOLUME = {"patch_size": 128, "patch_slices": 32, "batch_size": 1}
TILES = {"tile_size": 128, "tile_slices": 32}
TRAININGS: dict[str, tuple[tuple[int, int, int], int, dict[str, int]]] = {
    "train 512": ((4, 512, 512), 2, {}),
    "train 512, 8 patches": ((4, 512, 512), 2, {"batch_size": 8}),
    "train 4096": ((4, 4096, 4096), 2, {}),
    "train 48 x 256 x 256": ((48, 256, 256), 48, VOLUME),
}
PREDICTIONS: dict[str, tuple[tuple[int, int, int], dict[str, int]]] = {
    "predict 512": ((2, 512, 512), {}),
    "predict 1200": ((1, 1200, 1200), {"tile_size": 1200}),
    "predict 32 x 128 x 128": ((32, 128, 128), TILES),
}
BASES = (16, 64)


def memory(key: str) -> int:
    """Return a line of what the kernel knows of this process, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (one for one in text.splitlines() if one.startswith(f"{key}:"))
    return 1024 * int(line.split()[1])


def counted_from_here() -> int:
    """Begin to watch for a new peak, and return what is held now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return memory("VmRSS")


def train(case: str, base: int) -> tuple[int, int]:
    from napari_unet.config import AnnotationKind, Preset
    from napari_unet.model.device import choose_device
    from napari_unet.train.cost import Extent, cost_of_training
    from napari_unet.train.session import train_unet

    shape, annotated, patches = TRAININGS[case]
    config = Preset.FAST.settings(3 if "patch_slices" in patches else 2)
    given = {"steps": 3, "device": "cpu", "validations": 1, **patches}
    network = config.network.changed(case, base_channels=base)
    chosen = config.train.changed(case, **given)
    config = config.model_copy(update={"network": network, "train": chosen})
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    labels = np.zeros(shape, np.uint8)
    rows = np.arange(shape[1]) % 64 < 56
    for z in np.linspace(0, shape[0] - 1, annotated).astype(int):
        labels[z] = rows[:, None] & rows
    began = counted_from_here()
    train_unet(image, labels, config=config, kind=AnnotationKind.CLASSES, trust=True)
    added = memory("VmHWM") - began
    extent = Extent(shape, annotated, annotated * shape[1] * shape[2])
    half = choose_device("cpu").bfloat16
    return added, cost_of_training(config, [extent], bfloat16=half).memory or 0


def predict(case: str, base: int) -> tuple[int, int]:
    import torch

    from napari_unet.config import PredictConfig, Preset
    from napari_unet.model.checkpoint import Model, ModelCard
    from napari_unet.model.networks import build
    from napari_unet.predict.memory import choose
    from napari_unet.predict.predictor import Predictor

    shape, tiles = PREDICTIONS[case]
    ndim = 3 if "tile_slices" in tiles else 2
    settings = Preset.FAST.settings(ndim).network.changed(case, base_channels=base)
    torch.manual_seed(0)
    model = Model(build(settings).eval(), ModelCard(network=settings))
    config = PredictConfig(device="cpu", backend="torch", batch_size=1, **tiles)
    predictor = Predictor(model, config)
    small = np.zeros((1, 16 if ndim == 3 else 1, 64, 64), np.float32)
    predictor.predict(small, normalised=True)
    image = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    said = choose(shape, predictor.footprint, config, predictor.device).bytes_taken
    began = counted_from_here()
    for _ in predictor.normalised_tiles(image):
        pass
    return memory("VmHWM") - began, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cases = [*TRAININGS, *PREDICTIONS]
    parser.add_argument("--only", nargs="+", choices=cases, default=cases)
    parser.add_argument("--base-channels", type=int, nargs="+", default=BASES)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        case, base = options.child
        measure = train if case in TRAININGS else predict
        print(*measure(case, int(base)))
        return
    for case in options.only:
        for base in options.base_channels:
            words = [sys.executable, __file__, "--child", case, str(base)]
            told = subprocess.check_output(words, text=True).splitlines()[-1]
            added, said = map(int, told.split())
            line = {
                "figure": case,
                "base_channels": base,
                "measured_gigabytes": round(added / 1e9, 2),
                "said_gigabytes": round(said / 1e9, 2),
                "ratio": round(said / added, 2),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
