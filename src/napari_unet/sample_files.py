"""The synthetic sample as files, to be annotated and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.data.write import write_stack
from napari_unet.samples import em_stack

SHAPE = (12, 256, 256)


def write_sample(folder: Path) -> dict[str, Path]:
    """Write the image of the sample, and its truth, with nothing painted.

    Parameters
    ----------
    folder
        Where they go; it is made where it is missing. Files of before are kept.

    Returns
    -------
    paths
        The path of each role, "image" and "truth".
    """
    paths = {"image": folder / "synthetic EM.tif"}
    paths["truth"] = folder / "synthetic EM truth.tif"
    if not all(path.is_file() for path in paths.values()):
        folder.mkdir(parents=True, exist_ok=True)
        stack, truth = em_stack(SHAPE)
        for role, data in (("image", stack.data), ("truth", truth.astype(np.uint16))):
            write_stack(paths[role], data, like=stack)
    return paths
