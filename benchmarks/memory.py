"""Peak memory of training, prediction, scores and normalising; one JSON line a figure.

Run as::

    python benchmarks/memory.py
    python benchmarks/memory.py --against OTHER/src --only train score

Each measurement is a process of its own. Told is its highest memory, and from that of
a small and of a large stack, which differ in nothing else, the bytes of each further
voxel: data that a case makes in memory are part of them. With `--against`, the package
in another folder does the same. Networks are tiny, and see the CPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

SIDE, ANNOTATED = 1024, 6


def grey(slices: int, side: int = SIDE) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = np.empty((slices, side, side), np.uint8)
    for plane in image:
        plane[...] = rng.integers(0, 256, plane.shape, np.uint8)
    return image


def cells(slices: int, annotated: int, dtype: type = np.uint8) -> np.ndarray:
    """Return squares on evenly spread slices, numbered on each; else nothing."""
    labels: np.ndarray = np.full((slices, SIDE, SIDE), 0, dtype)
    labels += labels[:1]  # so that every page of it is there
    rows = np.arange(SIDE)
    number = 1 + rows[:, None] // 64 * (SIDE // 64) + rows // 64
    gap = (rows % 64 < 8)[:, None] | (rows % 64 < 8)
    for z in np.linspace(0, slices - 1, annotated).astype(int):
        labels[z] = np.where(gap, 0, number)
    return labels


def painted(slices: int, annotated: int = ANNOTATED) -> np.ndarray:
    """Return a mask of squares as a new layer has it, of which little is touched."""
    labels = np.zeros((slices, SIDE, SIDE), np.uint8)
    for z in np.linspace(0, slices - 1, annotated).astype(int):
        labels[z] = cells(1, 1)[0] > 0
    return labels


def on_disk(
    folder: Path,
    name: str,
    stack: Callable[[], np.ndarray],
    compression: str | None = None,
) -> Path:
    """Return a TIFF, written in a process that ends."""
    path = folder / f"{name}.tif"
    if not path.exists() and os.fork() == 0:
        options = {"photometric": "minisblack", "compression": compression}
        tifffile.imwrite(path, stack(), **options)
        os._exit(0)
    elif not path.exists():
        os.wait()
    return path


def learn(image: object, labels: object) -> None:
    import napari_unet as unet
    from napari_unet.config import AnnotationKind, RunConfig, TrainConfig

    settings = TrainConfig(steps=4, device="cpu", threads=1)
    unet.train_unet(
        image,
        labels,
        config=RunConfig(train=settings),
        kind=AnnotationKind.CLASSES,
        trust=True,
    )


def train(slices: int, folder: Path) -> None:
    """Train from files, with six annotated slices, as the command line does."""
    mask = lambda: (cells(slices, ANNOTATED, np.uint16) > 0).astype(np.uint8)  # noqa: E731
    learn(
        on_disk(folder, f"image-{slices}", lambda: grey(slices)),
        on_disk(folder, f"mask-{slices}", mask),
    )


def train_packed(slices: int, folder: Path) -> None:
    """Train as the command line does, from labels that are compressed."""
    learn(
        on_disk(folder, f"image-{slices}", lambda: grey(slices)),
        on_disk(folder, f"packed-{slices}", lambda: painted(slices), "zlib"),
    )


def train_layers(slices: int, folder: Path) -> None:
    """Train from an image and a new labels layer that is painted on six slices."""
    learn(grey(slices), painted(slices))


def train_arrays(slices: int, folder: Path) -> None:
    """Train from arrays of a byte a voxel each, of which all was written to."""
    labels = cells(slices, ANNOTATED)
    np.minimum(labels, 1, out=labels)
    learn(grey(slices), labels)


def segmented(slices: int, folder: Path, **options: object) -> None:
    import torch

    import napari_unet as unet
    from napari_unet.config import PredictConfig, UNetConfig
    from napari_unet.model.checkpoint import Model, ModelCard
    from napari_unet.model.networks.unet import UNet

    torch.manual_seed(1)  # which finds some hundred objects in the squares
    settings = UNetConfig(base_channels=2, depth=1, upsampling="linear")
    network = UNet(settings)
    model = Model(network.eval(), ModelCard(network=network.config))
    image = on_disk(folder, f"squares-{slices}", lambda: 200 * painted(slices, slices))
    config = PredictConfig(device="cpu", tile_size=512, batch_size=1)
    unet.segment(model, image, config, **options)


def predict_probabilities(slices: int, folder: Path) -> None:
    """Predict classes with their probabilities, four bytes for each of two classes."""
    segmented(slices, folder, probabilities=True)


def predict_objects(slices: int, folder: Path) -> None:
    """Predict objects that go on through the slices."""
    from napari_unet.config import PostprocessConfig

    finish = PostprocessConfig(objects="connected", core=0, follow_slices=True)
    segmented(slices, folder, finish=finish)


def score(slices: int, folder: Path) -> None:
    """Score numbered objects against others, both in memory with 16 bits a voxel."""
    import napari_unet as unet
    from napari_unet.config import AnnotationKind

    truth = cells(slices, slices, np.uint16)
    unet.score_labels(np.roll(truth, 3, axis=2), truth, kind=AnnotationKind.OBJECTS)


def normalise(slices: int, folder: Path) -> None:
    """Measure a single slice of so many million float values."""
    from napari_unet.data.normalize import Normalization

    rng = np.random.default_rng(0)
    Normalization().measure(rng.random((1, 1, slices, SIDE**2), np.float32))


CASES: dict[str, tuple[Callable[[int, Path], None], int, int]] = {
    "train": (train, ANNOTATED, 200),
    "train_packed": (train_packed, ANNOTATED, 200),
    "train_layers": (train_layers, ANNOTATED, 200),
    "train_arrays": (train_arrays, ANNOTATED, 200),
    "predict_probabilities": (predict_probabilities, 4, 36),
    "predict_objects": (predict_objects, 4, 36),
    "score": (score, 2, 18),
    "normalise": (normalise, 1, 17),
}


def measured(case: str, slices: int, folder: Path, source: Path | None) -> int:
    """Return the highest memory of a process, in bytes."""
    command = [sys.executable, __file__, "--child", case, str(slices), str(folder)]
    env = dict(os.environ)
    if source is not None:
        env["PYTHONPATH"] = str(source)
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


def child(case: str, slices: str, folder: str) -> None:
    CASES[case][0](int(slices), Path(folder))
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM"))
    print(1024 * int(line.split()[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="src of another build")
    parser.add_argument("--only", nargs="+", choices=CASES, default=[*CASES])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.only:
            _, few, many = CASES[case]
            for source in filter(None, (Path(), arguments.against)):
                build = None if source == Path() else source
                small, large = (
                    measured(case, slices, Path(folder), build)
                    for slices in (few, many)
                )
                line = {
                    "figure": case,
                    "build": str(build or "this"),
                    "peak_megabytes": round(large / 1e6),
                    "bytes_a_voxel": round(
                        (large - small) / ((many - few) * SIDE**2), 2
                    ),
                }
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
