"""Let a network learn from strokes while they are painted, and look at what it sees.

What is painted by hand in the Train dock comes from the truth here.
"""

from threading import Event

import numpy as np

from napari_unet import AnnotationKind, LiveLoop, RunConfig
from napari_unet.live.events import Preview
from napari_unet.samples import em_stack


def main(config: RunConfig | None = None, steps: int = 200, size: int = 256) -> None:
    stack, objects = em_stack((6, size, size))
    scribbles = np.zeros(stack.shape[1:], np.uint8)
    scribbles[:80, :80] = (objects[2, :80, :80] > 0) + 1

    loop = LiveLoop(stack, AnnotationKind.SCRIBBLES, config)
    loop.requests.update(2, scribbles)  # slice 2: 0 unlabelled, 1 background, 2 cell
    loop.requests.look_at(3)
    stop = Event()
    for item in loop.run(stop):  # on a thread of its own; requests from any
        if isinstance(item, Preview):
            print(f"step {item.step}: {np.mean(item.labels > 0):.0%} cells in view")
            if item.step >= steps:
                stop.set()
    print(loop.model().card.class_names)


if __name__ == "__main__":
    main()
