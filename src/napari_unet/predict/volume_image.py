"""A volume on disk as networks take it: channels, slices, rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.volume import Volume, write_box
from napari_unet.errors import InputError


@dataclass(frozen=True)
class VolumeImage:
    """A (C, Z, Y, X) view of a volume, read where it is asked for.

    It travels to other processes, which open the volume themselves.

    Attributes
    ----------
    volume
        The volume, of which one time point alone can be taken.
    """

    volume: Volume

    def __post_init__(self) -> None:
        """Refuse time points.

        Raises
        ------
        InputError
            When there are several.
        """
        times = self._lengths.get("T", 1)
        if times > 1:
            raise InputError(
                f"{self.volume.path} holds {times} time points: save the one that is "
                "to be predicted as a volume."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, Z, Y, X)."""
        return tuple(self._lengths.get(axis, 1) for axis in "CZYX")

    @property
    def ndim(self) -> int:
        """4."""
        return 4

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(self.volume.dtype)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Sides of the chunks along C, Z, Y and X."""
        sides = dict(zip(self.volume.axes, self.volume.chunks, strict=True))
        return tuple(sides.get(axis, 1) for axis in "CZYX")

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        """Read a box, given as slices of the first axes."""
        parts = dict(zip("CZYX", key, strict=False))
        axes = self.volume.axes
        read = np.asarray(
            self.volume[tuple(parts.get(axis, slice(None)) for axis in axes)]
        )
        kept = [axis for axis in "CZYX" if axis in axes]
        if "T" in axes:
            read, axes = read.take(0, axes.index("T")), axes.replace("T", "")
        read = read.transpose([axes.index(axis) for axis in kept])
        missing = tuple(n for n, axis in enumerate("CZYX") if axis not in axes)
        return np.expand_dims(read, missing)

    def __array__(self) -> NDArray[Any]:
        """Read all of it."""
        return self[()]

    @property
    def _lengths(self) -> dict[str, int]:
        return dict(zip(self.volume.axes, self.volume.shape, strict=True))


def read_labels(volume: Volume, box: tuple[slice, ...]) -> NDArray[Any]:
    """Read a (Z, Y, X) box of labels, which may have no slices."""
    read: NDArray[Any] = VolumeImage(volume)[(slice(None), *box)][0]
    return read


def write_block(
    volume: Volume, box: tuple[slice, ...], values: NDArray[np.generic]
) -> None:
    """Write a (Z, Y, X) or (C, Z, Y, X) box to a volume, which may have no slices.

    One layer of chunks after the other: zarr copies ten chunks at a time.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    axes = "CZYX"[-len(box) :]
    kept = tuple(
        part for part, axis in zip(box, axes, strict=True) if axis in volume.axes
    )
    missing = tuple(n for n, axis in enumerate(axes) if axis not in volume.axes)
    values = np.squeeze(values, missing)
    if "Z" not in volume.axes:
        write_box(volume, kept, values)
        return
    axis = volume.axes.index("Z")
    depth, whole = volume.written_at_once[axis], kept[axis]
    for start in range(whole.start, whole.stop, depth):
        layer = slice(start, min(start + depth, whole.stop))
        held = slice(layer.start - whole.start, layer.stop - whole.start)
        parts = (*kept[:axis], layer, *kept[axis + 1 :])
        write_box(volume, parts, values[(*[slice(None)] * axis, held)])
