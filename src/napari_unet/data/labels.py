"""How labels are read: whether they fit, and whether they are labels at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import InputError
from napari_unet.words import sides


def check_alike(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None,
) -> None:
    """Refuse arrays that differ in shape, and objects that are no whole numbers.

    Raises
    ------
    InputError
        When they do.
    """
    if prediction.shape != truth.shape:
        raise InputError(
            f"The prediction is {sides(prediction.shape)} and the ground truth is "
            f"{sides(truth.shape)}: choose the same slices of both."
        )
    if annotated is not None and annotated.shape != truth.shape:
        raise InputError(
            f"The annotated pixels are {sides(annotated.shape)} and the ground truth "
            f"is {sides(truth.shape)}: choose the same slices of both."
        )
    for name, array in (("prediction", prediction), ("ground truth", truth)):
        if array.dtype.kind not in "biu":
            raise InputError(
                f"The {name} holds {array.dtype} values: objects are whole numbers."
            )
