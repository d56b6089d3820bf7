"""Time changes of a Labels layer that napari can undo, and print JSON lines.

    python benchmarks/edits.py

A slice of a stack gets random labels on a share of its pixels, as one step of undo.
`setitem` is the same change by napari's own `Labels.data_setitem`, measured side by
side; every figure is the median of several runs, in milliseconds.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet.widgets.layers.edits import edit


def timed(work: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    work(*arguments)
    return 1e3 * (time.perf_counter() - began)


def by_napari(layer: Labels, values: NDArray[np.uint8]) -> None:
    rows, columns = np.nonzero(layer.data[1] != values)
    where = (np.ones_like(rows), rows, columns)
    layer.data_setitem(where, values[rows, columns])


def measure(side: int, share: float, repeats: int) -> dict[str, float | str]:
    plane = (slice(1, 2), slice(None), slice(None))
    random = np.random.default_rng(0)
    times: dict[str, list[float]] = {"edit": [], "undo": [], "setitem": []}
    for _ in range(repeats):
        values = (random.random((side, side)) < share).astype(np.uint8)
        layer = Labels(np.zeros((3, side, side), np.uint8))
        times["edit"].append(timed(edit, layer, plane, values[None]))
        times["undo"].append(timed(layer.undo))
        times["setitem"].append(timed(by_napari, layer, values))
    middle = {name: statistics.median(found) for name, found in times.items()}
    rounded = {f"{name}_ms": round(value, 1) for name, value in middle.items()}
    ratio = round(middle["setitem"] / middle["edit"], 1)
    return {"figure": "edit", "side": side, "share": share, **rounded, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 4096])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.002, 0.05, 0.5])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for side in options.sides:
        for share in options.shares:
            print(json.dumps(measure(side, share, options.repeats)), flush=True)


if __name__ == "__main__":
    main()
