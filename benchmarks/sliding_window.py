"""What it costs to look at every window by itself: seconds for 512 x 512 pixels.

    python benchmarks/sliding_window.py [--window 65] [--base-channels 16]

The sliding-window network answers for all windows of a mirrored image at once, and for
every window by itself as in 2012, in batches; of these `--pixels` are timed, and the
seconds are those of as many as the image has. Random weights; one JSON line.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F

from napari_unet.config import SlidingWindowConfig
from napari_unet.model.networks import build
from napari_unet.model.networks.sliding_window import SlidingWindow

SIDE, BATCH = 512, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window", type=int, choices=(65, 95), default=65)
    parser.add_argument("--base-channels", type=int, default=16)
    parser.add_argument("--pixels", type=int, default=2048)
    options = parser.parse_args()
    config = SlidingWindowConfig(
        window=options.window, base_channels=options.base_channels
    )
    network = build(config).eval()
    assert isinstance(network, SlidingWindow)
    margin = options.window // 2
    image = F.pad(torch.randn(1, 1, SIDE, SIDE), (margin,) * 4, mode="reflect")
    with torch.inference_mode():
        network(image)
        began = time.perf_counter()
        network(image)
        dense = time.perf_counter() - began
        rows = -(-options.pixels // SIDE)
        strip = image[..., : 2 * margin + 1, :]
        parts = [
            strip[..., at : at + BATCH + 2 * margin] for at in range(0, SIDE, BATCH)
        ]
        began = time.perf_counter()
        for _ in range(rows):
            for part in parts:
                network.one_by_one(part)
        alone = (time.perf_counter() - began) * SIDE / rows
    line = {
        "figure": "sliding window, 512 x 512",
        "window": options.window,
        "base_channels": options.base_channels,
        "threads": torch.get_num_threads(),
        "parameters": network.num_parameters,
        "seconds_at_once": round(dense, 2),
        "seconds_window_by_window": round(alone, 1),
        "times": round(alone / dense),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
