"""Time the costlier measures and print JSON lines.

    python benchmarks/measures.py --data FOLDER

Borders: warping error and surface distances of each slice of the ISBI 2012 and medulla
stacks against the slice two further on, which has real errors, and of the worst case,
an empty prediction. Medians of several runs, in milliseconds.

Volume: all scores of partitions and objects of 1024 x 1024 x 100 voxels with 5,000
objects, some of them merged, split and shifted, with the memory that comes on top of
both volumes; and beside it scikit-image, which counts the adapted Rand error and the
variation of information of the same volume.

All times are those of the process on its core, so that others on the machine count
little.
"""

import argparse
import json
import math
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import tifffile
from command_line import add_data
from numpy.typing import NDArray
from skimage.metrics import adapted_rand_error, variation_of_information

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import to_target
from napari_unet.score.borders.surface import surface_distances
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.objects.instances import Instances
from napari_unet.score.objects.partition import partition

BRICKS = 10, 25, 20


def seconds(work: Callable[..., object], *arguments: object) -> float:
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began


def megabytes(work: Callable[..., object], *arguments: object) -> int:
    """Return the most memory that the arrays of some work take at once."""
    tracemalloc.start()
    work(*arguments)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(highest / 1e6)


def borders(
    name: str, truth: NDArray[np.bool_], slices: int, repeats: int
) -> dict[str, Any]:
    other, truth = truth[2 : slices + 2], truth[:slices]
    empty = np.zeros_like(truth)
    times = [
        (
            seconds(warping_error, other, truth),
            seconds(warping_error, empty, truth),
            seconds(surface_distances, other, truth),
        )
        for _ in range(repeats)
    ]
    middle = [
        round(1e3 * statistics.median(one), 1) for one in zip(*times, strict=True)
    ]
    keys = ("warping_ms", "warping_of_an_empty_prediction_ms", "surface_ms")
    shape = "x".join(map(str, truth.shape))
    return {"figure": name, "shape": shape, **dict(zip(keys, middle, strict=True))}


def objects(slices: int, side: int) -> NDArray[np.int32]:
    """Fill a volume with bricks whose sides wave, and background between them."""
    z, y, x = np.ogrid[:slices, :side, :side]
    deep, rows, columns = BRICKS
    waved = (x + 8 * np.sin(y / 20)).clip(0, side - 1).astype(np.int32)
    row, column = y * rows // side, waved * columns // side
    border = (y * rows % side < 3 * rows) | (waved * columns % side < 3 * columns)
    number = z * deep // slices * rows * columns + row * columns + column + 1
    return np.where(border, 0, number).astype(np.int32)


def mistaken(truth: NDArray[np.int32]) -> NDArray[np.int32]:
    """Shift objects by 3 pixels, merge a tenth of them and cut a tenth in two."""
    prediction = np.roll(truth, 3, axis=2)
    prediction[prediction % 10 == 3] -= 1
    lower = prediction[:, ::2]
    lower[lower % 10 == 7] += np.int32(truth.max() + 1)
    return prediction


def scores(
    prediction: NDArray[np.int32], truth: NDArray[np.int32]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    table = partition(prediction, truth)
    return table.values(), Instances.of(table).values()


def scikit_image(prediction: NDArray[np.int32], truth: NDArray[np.int32]) -> None:
    adapted_rand_error(truth, prediction)
    variation_of_information(truth, prediction)


def volume(slices: int, side: int) -> dict[str, Any]:
    truth = objects(slices, side)
    prediction = mistaken(truth)
    ours, theirs = (
        {
            "seconds": round(seconds(work, prediction, truth), 2),
            "peak_mb": megabytes(work, prediction, truth),
        }
        for work in (scores, scikit_image)
    )
    return {
        "figure": "volume",
        "shape": f"{slices}x{side}x{side}",
        "objects": math.prod(BRICKS),
        **ours,
        **{f"scikit_image_{name}": value for name, value in theirs.items()},
        "ratio": round(theirs["seconds"] / ours["seconds"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--side", type=int, default=1024)
    options = parser.parse_args()
    membranes = tifffile.imread(options.data / "isbi2012-train-labels.tif") > 0
    bodies = tifffile.imread(options.data / "medulla-bodies.tif")
    medulla = to_target(bodies, AnnotationKind.OBJECTS).objects > 0
    for name, mask, slices in (
        ("borders, ISBI 2012", membranes, 1),
        ("borders, medulla", medulla, 100),
    ):
        print(json.dumps(borders(name, mask, slices, options.repeats)), flush=True)
    print(json.dumps(volume(options.slices, options.side)), flush=True)


if __name__ == "__main__":
    main()
