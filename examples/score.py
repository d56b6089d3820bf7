"""Score a prediction against the truth: pixels, objects, and as ISBI 2012 did."""

import numpy as np
from scipy import ndimage

from napari_unet import (
    AnnotationKind,
    Scores,
    compare,
    partition,
    score_labels,
    score_slices,
    score_stack,
)
from napari_unet.samples import em_stack
from napari_unet.score.scoring import score


def show(what: str, scores: Scores) -> None:
    values = scores.values()
    print(f"{what}: IoU {values['iou']:.3f}, V_rand {values['v_rand']:.3f}")


def main() -> None:
    _, objects = em_stack((4, 256, 256))
    truth = (objects > 0).astype(np.uint8)
    # A prediction whose cells are two pixels too small.
    predicted = ndimage.binary_erosion(truth, np.ones((1, 5, 5))).astype(np.uint8)

    scores = score_stack(predicted, truth)  # both are class indices
    scores.save("scores.json")
    show("classes", scores)
    show("objects", score_labels(predicted, objects, AnnotationKind.OBJECTS))
    # The network has learnt from the first slice: the scores say so.
    comparison = compare(predicted, objects, trained_on=frozenset({0}))
    print("learnt from:", score(comparison).trained_on)

    challenge = score_slices(predicted, truth)
    print(f"V_rand {challenge.v_rand:.3f}, V_info {challenge.v_info:.3f}")

    one = partition(ndimage.label(predicted[0])[0], objects[0])
    print(f"variation of information in the first slice: {one.voi:.3f}")


if __name__ == "__main__":
    main()
