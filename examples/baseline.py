"""Ask whether a network is worth it: score simple methods on the same slices."""

import numpy as np

from napari_unet import score_stack
from napari_unet.baselines import BASELINES, segment_stack
from napari_unet.data.annotation import IGNORE
from napari_unet.samples import em_stack


def main(size: int = 256) -> None:
    stack, objects = em_stack((4, size, size))
    truth = (objects > 0).astype(np.uint8)
    lessons = np.full_like(truth, IGNORE)  # not annotated,
    lessons[0] = truth[0]  # except for the first slice
    for name in ("otsu", "watershed", "forest"):
        mask = segment_stack(name, stack.data, lessons, slices=[2, 3])
        iou = score_stack(mask, truth[2:]).values()["iou"]
        print(f"{BASELINES[name].title}: IoU {iou:.3f}")


if __name__ == "__main__":
    main()
