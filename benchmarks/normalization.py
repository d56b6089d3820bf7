"""Score networks on ISBI 2012 with black filling and hot pixels, as JSON lines.

    python benchmarks/normalization.py --data FOLDER --steps 600

One network is trained on slices 0-23 as they are for each kind of moments, plain and
robust, and predicts slices 24-29 with faults: a part of every slice black, as aligned
sections have it, a part white, and pixels of the highest value that 16 bits hold. IoU
is that of the cell interior over the pixels that are not filled; `clean` is that of
the same pixels where nothing is filled.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from command_line import add_data
from numpy.typing import NDArray

from napari_unet.config import RunConfig, TrainConfig
from napari_unet.data.normalize import Normalization
from napari_unet.data.read import read_stack
from napari_unet.model.checkpoint import Model
from napari_unet.predict.segment import segment
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_source import TrainingSource

SCORED = slice(24, 30)
HOT = np.iinfo(np.uint16).max


def trained(data: Path, normalization: Normalization, steps: int, seed: int) -> Model:
    source = TrainingSource(
        data / "isbi2012-train-volume.tif",
        data / "isbi2012-train-labels.tif",
        train="0:24",
    )
    config = RunConfig(train=TrainConfig(steps=steps, seed=seed))
    image, _ = source.prepare(config, normalization)
    trainer = Trainer([image], config)
    for _ in trainer.run():
        pass
    return trainer.model()


def faults(
    clean: NDArray[np.uint8],
) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.bool_]]]:
    """Yield a name, the slices with the fault, and which pixels are no filling."""
    whole = np.ones(clean.shape, bool)
    yield "none", clean, whole
    width = clean.shape[-1]
    for share, value in ((0.1, 0), (0.25, 0), (0.5, 0), (0.5, 255)):
        filled, kept = clean.copy(), whole.copy()
        part = np.s_[..., : int(share * width)]
        filled[part], kept[part] = value, False
        yield f"{share:.0%} of value {value}", filled, kept
    wide = clean.astype(np.uint16)
    hot = wide.copy()
    hot[:, 100, 200] = 60_000
    yield "a pixel of 60000", hot, whole
    rng = np.random.default_rng(0)
    hot = np.where(rng.random(wide.shape) < 2e-4, np.uint16(HOT), wide)
    yield "2 in 10000 pixels hot", hot, whole


def iou(
    found: NDArray[np.bool_], truth: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> float:
    both, either = (found & truth)[kept], (found | truth)[kept]
    return round(float(both.sum() / either.sum()), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    clean, truth = (
        np.asarray(read_stack(options.data / f"isbi2012-train-{name}.tif").as_zyx())
        for name in ("volume", "labels")
    )
    clean, truth = clean[SCORED], truth[SCORED] > 0
    for normalization in (Normalization(moments="plain"), Normalization()):
        model = trained(options.data, normalization, options.steps, options.seed)
        untouched = segment(model, clean).labels > 0
        for name, image, kept in faults(clean):
            found = segment(model, image).labels > 0
            row = {
                "figure": "normalisation, ISBI 2012",
                "moments": normalization.moments,
                "fault": name,
                "iou": iou(found, truth, kept),
                "clean": iou(untouched, truth, kept),
                "steps": options.steps,
                "seed": options.seed,
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
