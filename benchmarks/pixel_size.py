"""Predict ISBI 2012 at other pixel sizes, as it is and rescaled; print JSON lines.

    python benchmarks/pixel_size.py --data FOLDER --minutes 4

Trains on slices 0-23 at 4 nm, then predicts slices 24-29 at 4 nm, enlarged twice
(2 nm, cubic interpolation) and shrunk to half (8 nm, means of 2 x 2 pixels), each with
and without `--rescale`. Truth is resampled alike. IoU is that of the cell interior,
V_rand that of the challenge after border thinning. One line for each pixel size.

FOLDER holds isbi2012-train-volume.tif and isbi2012-train-labels.tif, the training
volume and labels of the ISBI 2012 challenge; NAPARI_UNET_TEST_DATA is its default.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data, run
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.score.objects.partition import score_slices
from napari_unet.score.pixels.overlap import overlap

TRAINED_ON, HELD_OUT = "0:24", slice(24, 30)


def save(path: Path, values: NDArray[Any], nanometres: float) -> Path:
    size = (50.0, nanometres, nanometres)
    write_stack(path, values, like=Stack(values, "ZYX", size, "nm", path.stem))
    return path


def twice(image: NDArray[np.uint8], truth: NDArray[np.bool_]) -> tuple[Any, Any]:
    large = [
        ndimage.zoom(plane.astype(np.float32), 2, order=3, grid_mode=True)
        for plane in image
    ]
    return np.clip(large, 0, 255).astype(np.uint8), truth.repeat(2, 1).repeat(2, 2)


def half(image: NDArray[np.uint8], truth: NDArray[np.bool_]) -> tuple[Any, Any]:
    depth, height, width = image.shape
    shape = (depth, height // 2, 2, width // 2, 2)
    small = image.reshape(shape).mean((2, 4)).astype(np.uint8)
    return small, truth.reshape(shape).mean((2, 4)) > 0.5


def measure(folder: Path, image: Path, truth: NDArray[np.bool_]) -> dict[str, Any]:
    found = {}
    for name, option in (("plain", "--no-rescale"), ("rescaled", "--rescale")):
        out = folder / f"{name}.tif"
        model = folder / "run" / "last.safetensors"
        run("predict", model, image, "--out", out, option)
        mask = np.asarray(read_stack(out).as_zyx()) > 0
        found[name] = {
            "iou": round(overlap(mask, truth.astype(np.uint8), 2).iou, 4),
            "v_rand": round(score_slices(mask, truth).v_rand, 4),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--minutes", type=float, default=4.0)
    options = parser.parse_args()
    image, labels = (
        np.asarray(read_stack(options.data / f"isbi2012-train-{name}.tif").as_zyx())
        for name in ("volume", "labels")
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(
            *("train", "--image", save(folder / "em.tif", image, 4)),
            *("--labels", save(folder / "labels.tif", labels, 4)),
            *("--train", TRAINED_ON, "--minutes", options.minutes),
            *("--out", folder / "run"),
        )
        held = image[HELD_OUT], labels[HELD_OUT] > 0
        for size, (values, truth) in {4: held, 2: twice(*held), 8: half(*held)}.items():
            path = save(folder / "image.tif", values, size)
            line = {"figure": "pixel size", "trained_nm": 4, "predicted_nm": size}
            line |= measure(folder, path, truth) | {"minutes": options.minutes}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
