"""Segment the neurons of a FIB-SEM volume in 2D and in 3D, and print JSON lines.

    python benchmarks/medulla.py --data FOLDER --minutes 10

Trains on slices 0-149 and scores the objects of slices 180-249 by the variation of
information (bits; 0 is best) against all neurons. Both networks are trained and applied
by the command line, and their objects go through the slices.

FOLDER holds medulla-raw.tif and medulla-bodies.tif (Janelia FlyEM, a Drosophila
medulla, 250 x 250 x 250 voxels of 10 nm); NAPARI_UNET_TEST_DATA is its default.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import tifffile
from command_line import add_data, run

from napari_unet.score.objects.partition import partition

TRAIN, HELD_OUT = "0:150", "180:250"
OBJECTS = ("--objects", "watershed", "--follow-slices", "--min-size", "500")


def measure(options: argparse.Namespace, ndim: int) -> dict[str, object]:
    image = options.data / "medulla-raw.tif"
    bodies = options.data / "medulla-bodies.tif"
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(
            *("train", "--out", folder / "run", "--image", image, "--labels", bodies),
            *("--kind", "objects", "--train", TRAIN, "--ndim", ndim),
            *("--minutes", options.minutes, "--seed", options.seed),
        )
        model, out = folder / "run" / "last.safetensors", folder / "out.tif"
        run(
            *("predict", model, image, "--slices", HELD_OUT, "--out", out),
            *(*OBJECTS, "--thin-borders", "20"),
        )
        found = tifffile.imread(out)
    first, last = map(int, HELD_OUT.split(":"))
    scores = partition(found, tifffile.imread(bodies)[first:last])
    return {
        "figure": f"medulla, {ndim}D",
        "voi": round(scores.voi, 3),
        "voi_split": round(scores.voi_split, 3),
        "voi_merge": round(scores.voi_merge, 3),
        "adapted_rand_error": round(scores.adapted_rand_error, 3),
        "objects": int(found.max()),
        "minutes": options.minutes,
        "seconds": round(time.perf_counter() - began),
        "seed": options.seed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--ndim", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for ndim in options.ndim:
        print(json.dumps(measure(options, ndim)), flush=True)


if __name__ == "__main__":
    main()
