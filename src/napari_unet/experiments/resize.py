"""Images and masks made smaller, as the study did before training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.stack import ArrayLike, Stack


def block_side(shape: tuple[int, ...], side: int | None) -> int:
    """Return the side of the blocks of pixels that become one; 1 for none.

    `shape` ends in Y and X. The result is at least `side` pixels along the longer one.
    """
    return 1 if side is None else max(1, max(shape[-2:]) // side)


def average_blocks(stack: Stack, block: int) -> Stack:
    """Return a stack whose pixels are the means of blocks of an image.

    Rows and columns beyond the last whole block are left out. Pixels become as much
    larger as the block. A block is on the info bar where any of its rows is.
    """
    if block == 1:
        return stack
    rows = stack.as_czyx().shape[-2]
    planes = np.asarray(_whole(stack.as_czyx(), block), np.float32)
    z, y, x = stack.zyx_size
    return Stack(
        data=_blocks(planes, block).mean((-3, -1), dtype=np.float32),
        axes="CZYX",
        pixel_size=(z, y * block, x * block),
        unit=stack.unit,
        source=stack.source,
        notes=stack.notes,
        info_bar=rows // block - stack.picture_rows.stop // block,
    )


def majority(mask: NDArray[np.bool_], block: int) -> NDArray[np.bool_]:
    """Return what most pixels of each block of a (Z, Y, X) mask are.

    Where both are as many, the first pixel of the block decides, so that neither
    gains.
    """
    if block == 1:
        return mask
    whole = _whole(mask, block)
    share = _blocks(whole, block).mean((-3, -1), dtype=np.float32)
    first = whole[..., ::block, ::block]
    return np.asarray(np.where(share == 0.5, first, share > 0.5))


def _whole(array: ArrayLike, block: int) -> NDArray[np.generic]:
    """Cut off what does not fill a block."""
    height, width = (side - side % block for side in array.shape[-2:])
    return np.asarray(array[..., :height, :width])


def _blocks(array: NDArray[np.generic], block: int) -> NDArray[np.generic]:
    *front, height, width = array.shape
    return array.reshape(*front, height // block, block, width // block, block)
