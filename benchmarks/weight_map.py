"""Time the weight map against the usual recipe, by objects, pixels and strokes.

Prints one JSON line for each figure::

    python benchmarks/weight_map.py [--data FOLDER]

The usual recipe is one distance map of the whole frame for each object, of which the
two smallest are kept. Every comparison is made side by side in one run. FOLDER holds
isbi2012-train-labels.tif and medulla-bodies.tif; NAPARI_UNET_TEST_DATA is its default,
and without it the real stacks are left out.
"""

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from command_line import add_data
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.config import AnnotationKind, WeightMapConfig
from napari_unet.data.annotation import to_target
from napari_unet.data.weight_map import background_gain, weight_map
from napari_unet.live.live_weight_map import LiveWeightMap

CONFIG = WeightMapConfig(w0=10, sigma=5)
Objects = NDArray[np.int32]


def say(figure: str, **values: object) -> None:
    rounded = {
        k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in values.items()
    }
    print(json.dumps({"figure": figure, **rounded}), flush=True)


def cells(side: int, count: int, seed: int = 0) -> Objects:
    """Cells that fill the frame, 4 pixels apart, as in EM."""
    rng = np.random.default_rng(seed)
    centres = np.zeros((side, side), np.int32)
    centres.flat[rng.choice(side**2, count, replace=False)] = np.arange(1, count + 1)
    place = ndimage.distance_transform_edt(
        centres == 0, return_distances=False, return_indices=True
    )
    objects = centres[tuple(place)]
    edge = ndimage.grey_dilation(objects, 3) != ndimage.grey_erosion(objects, 3)
    return np.where(ndimage.distance_transform_edt(~edge) < 1.5, 0, objects)


def nuclei(side: int, count: int, seed: int = 0) -> Objects:
    """Cells shrunk to half their radius: most of the frame is background."""
    objects = cells(side, count, seed)
    depth = ndimage.distance_transform_edt(objects)
    radius = ndimage.maximum(depth, objects, np.arange(count + 1))
    return np.where(depth < 0.5 * radius[objects], 0, objects)


LAYOUTS = {"cells": cells, "nuclei": nuclei}


def usual(objects: Objects) -> NDArray[np.float64]:
    near = np.full(objects.shape, np.inf)
    second = near.copy()
    for value in np.unique(objects)[1:]:
        distance = ndimage.distance_transform_edt(objects != value)
        np.minimum(second, np.maximum(near, distance), out=second)
        np.minimum(near, distance, out=near)
    border = CONFIG.w0 * np.exp(-((near + second) ** 2) / (2 * CONFIG.sigma**2))
    return border * (objects == 0)


def ours(objects: Objects) -> NDArray[np.float32]:
    return background_gain(objects, objects == 0, CONFIG, (1.0, 1.0))


def milliseconds(run: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def against_the_usual_recipe(repeats: int) -> None:
    for layout, make in LAYOUTS.items():
        objects = make(512, 300)
        pairs = [
            (
                milliseconds(lambda o=objects: ours(o), 5),
                milliseconds(lambda o=objects: usual(o), 1),
            )
            for _ in range(repeats)
        ]
        mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        error = float(np.abs(ours(objects) - usual(objects)).max() / CONFIG.w0)
        say(
            "weight map against the usual recipe, 512 x 512, 300 objects",
            layout=layout,
            value=mine,
            usual=other,
            unit="ms",
            ratio=other / mine,
            largest_difference_of_w0=error,
        )


def by_objects(repeats: int) -> None:
    for layout, make in LAYOUTS.items():
        for count in (30, 300, 3000):
            objects = make(512, count)
            tracemalloc.start()
            ours(objects)
            peak = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
            taken = milliseconds(lambda o=objects: ours(o), 5 * repeats)
            say(
                "weight map by number of objects, 512 x 512",
                layout=layout,
                objects=count,
                value=taken,
                unit="ms",
                peak_memory_mib=peak,
            )


def by_pixels(repeats: int) -> None:
    for side in (256, 512, 1024, 2048):
        objects = cells(side, 300 * side**2 // 512**2)
        taken = milliseconds(lambda o=objects: ours(o), 2 * repeats)
        say(
            "weight map by pixels, cells of one size",
            side=side,
            value=taken,
            unit="ms",
            nanoseconds_per_pixel=taken * 1e6 / side**2,
        )


def brush(labels: NDArray[np.generic], value: int, seed: int) -> None:
    """Move a brush of 12 pixels a little, somewhere."""
    rng = np.random.default_rng(seed)
    y, x = rng.integers(8, np.array(labels.shape) - 24)
    for step in range(0, 12, 3):
        labels[y + step : y + step + 12, x : x + 12] = value


def strokes(name: str, labels: NDArray[np.generic], kind: AnnotationKind) -> None:
    for config in (
        CONFIG,
        WeightMapConfig(balance=True),
        WeightMapConfig(formula="fiji"),
    ):
        painted = labels.copy()
        values = [0, int(painted.max())]
        began = time.perf_counter()
        live = LiveWeightMap(painted, kind, config)
        whole = 1000 * (time.perf_counter() - began)
        taken = []
        for seed in range(200):
            brush(painted, values[seed % 2] if kind == "classes" else seed % 300, seed)
            began = time.perf_counter()
            live.update(painted)
            taken.append(1000 * (time.perf_counter() - began))
        anew = weight_map(to_target(painted[None], kind), config)[0]
        say(
            "one brush stroke at 1024 x 1024",
            labels=name,
            kind=str(kind),
            formula=config.formula,
            balance=config.balance,
            value=statistics.median(taken),
            p95=float(np.percentile(taken, 95)),
            worst=max(taken),
            whole_slice=whole,
            unit="ms",
            largest_difference=float(np.abs(live.values - anew).max()),
        )


def real_stacks(data: Path) -> None:
    for name, kind, ndim in (
        ("isbi2012-train-labels.tif", AnnotationKind.CLASSES, 2),
        ("medulla-bodies.tif", AnnotationKind.OBJECTS, 3),
    ):
        target = to_target(tifffile.imread(data / name), kind, ndim=ndim)
        taken = milliseconds(lambda t=target, n=ndim: weight_map(t, CONFIG, ndim=n), 3)
        say(
            "weight map of a whole stack",
            labels=name,
            ndim=ndim,
            shape=list(target.classes.shape),
            objects=len(np.unique(target.objects)) - 1,
            value=taken / 1000,
            unit="s",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser, required=False)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    against_the_usual_recipe(options.repeats)
    by_objects(options.repeats)
    by_pixels(options.repeats)
    objects = cells(1024, 1200)
    strokes("cells", (objects > 0).astype(np.uint8), AnnotationKind.CLASSES)
    strokes("cells", objects, AnnotationKind.OBJECTS)
    if options.data is not None:
        real = tifffile.imread(options.data / "isbi2012-train-labels.tif", key=0)
        strokes("isbi2012, four times", np.tile(real, (2, 2)), AnnotationKind.CLASSES)
        real_stacks(options.data)


if __name__ == "__main__":
    main()
