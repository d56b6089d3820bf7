"""Measure 5,000 objects of a volume, beside scikit-image's table; JSON lines.

    python benchmarks/measuring.py --objects 5000 --shape 100 1024 1024

The objects are balls and boxes of many sizes at random places. `regionprops` is
skimage.measure.regionprops_table asked for the same columns: size, middle, equivalent
diameter, Feret diameter, axes, orientation of the axes, extent, grey values, and the
surface as the area of marching cubes' triangles. It is asked for the first `--peer`
objects only, and its time is counted up. `distances` adds neighbours and the distance
to the nearest object, which scikit-image does not have.

    python benchmarks/measuring.py --surfaces

tells instead how far the surfaces of balls and boxes are from the true ones, for voxels
that are deeper than wide, and how far those of marching cubes' triangles.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.measure.measuring import measure_objects
from napari_unet.measure.numbered import number_objects
from napari_unet.measure.surface_area import surface_area

OBJECTS = AnnotationKind.OBJECTS
_PEER = (
    *("label", "area", "centroid", "equivalent_diameter_area", "feret_diameter_max"),
    *("axis_major_length", "axis_minor_length", "inertia_tensor", "extent"),
    *("intensity_mean", "intensity_std"),
)


def scene(count: int, shape: tuple[int, int, int], seed: int) -> NDArray[np.int32]:
    """Draw objects that fill about half of a volume."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    side = (np.prod(shape) / count) ** (1 / 3)
    for number in range(1, count + 1):
        radii = rng.uniform(0.35, 0.65, 3) * side
        middle = rng.uniform(0, shape)
        low = np.maximum(0, middle - radii).astype(int)
        high = np.minimum(shape, middle + radii + 1).astype(int)
        box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
        grid = np.ogrid[box]
        away = sum(
            ((axis - centre) / radius) ** 2
            for axis, centre, radius in zip(grid, middle, radii, strict=True)
        )
        labels[box][np.asarray(away) <= 1] = number
    return labels


def triangles(
    mask: NDArray[np.bool_], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> float:
    """Return the surface as scikit-image measures it."""
    corners, faces, *_ = skimage.measure.marching_cubes(
        np.pad(mask, 1).astype(np.float32), 0.5, spacing=spacing
    )
    return float(skimage.measure.mesh_surface_area(corners, faces))


def tell_surfaces() -> None:
    for depth in (1, 3, 5):
        spacing = (float(depth), 1.0, 1.0)
        sides = np.array([60 // depth, 60, 90])
        a, b, c = sides * spacing
        shapes = {"box": (np.ones(sides, bool), 2 * (a * b + b * c + a * c))}
        for radius in (20, 60):
            ends = [radius // int(size) + 1 for size in spacing]
            grid = np.ogrid[tuple(slice(-end, end + 1) for end in ends)]
            away = sum(
                (axis * size) ** 2 for axis, size in zip(grid, spacing, strict=True)
            )
            ball = np.asarray(away) <= radius**2
            shapes[f"ball {radius}"] = ball, 4 * np.pi * radius**2
        for name, (mask, true) in shapes.items():
            row = {
                "depth": depth,
                "shape": name,
                "surface": round(surface_area(mask, spacing) / true, 3),
                "triangles": round(triangles(mask, spacing) / true, 3),
            }
            print(json.dumps(row))


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--shape", type=int, nargs=3, default=(100, 1024, 1024))
    parser.add_argument("--peer", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--surfaces", action="store_true")
    options = parser.parse_args()
    if options.surfaces:
        tell_surfaces()
        return
    labels = scene(options.objects, tuple(options.shape), options.seed)
    image = np.random.default_rng(0).integers(0, 255, labels.shape, np.uint8)
    surface_area(np.ones((1, 1, 1), bool), (1.0, 1.0, 1.0))

    def ours(distances: bool) -> float:
        objects = number_objects(labels, OBJECTS, volume=True)
        return seconds(
            lambda: measure_objects(objects, image[None], distances=distances)
        )

    few = np.where(labels <= options.peer, labels, 0)
    there = len(np.unique(few)) - 1
    every = len(np.unique(labels)) - 1
    for run in range(options.runs):
        numbering = seconds(lambda: number_objects(labels, OBJECTS, volume=True))
        plain = numbering + ours(distances=False)
        peer = seconds(
            lambda: skimage.measure.regionprops_table(
                few, image, properties=_PEER, extra_properties=(triangles,)
            )
        )
        whole = peer * every / there
        row = {
            "run": run,
            "objects": every,
            "seconds": round(plain, 2),
            "regionprops": round(whole, 1),
            "ratio": round(whole / plain, 1),
        }
        if run == 0:
            row["with_distances"] = round(numbering + ours(distances=True), 2)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
