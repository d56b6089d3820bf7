"""Which resolution of an OME-Zarr is loaded."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QComboBox

from napari_unet.config import ImageConfig
from napari_unet.data.addresses import is_address, is_zarr
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.qt.parts import steady
from napari_unet.words import sides

_ONE = "full size"


class LevelBox(QComboBox):
    """Offers the resolutions of an image, the finest that the memory holds chosen."""

    def __init__(self) -> None:
        super().__init__()
        steady(self)
        self.setToolTip(ImageConfig.model_fields["level"].description or "")
        self._shown: tuple[Path | None, str | None] = None, None
        self._show(())

    def look_at(
        self, path: Path | None, axes: str | None, *, far: bool = False
    ) -> None:
        """Offer what is at a path; `far` looks at addresses, too, which takes a while.

        What cannot be opened has no levels: reading it says why.
        """
        if (path, axes) == self._shown:
            return
        near = path is not None and (far or not is_address(path))
        if path is None or not near or not is_zarr(path):
            self._shown = None, None
            self._show(())
            return
        from napari_unet.data.ome_zarr import open_zarr

        try:
            found = open_zarr(path, axes)
        except NapariUNetError:
            self._show(())
            return
        self._shown = path, axes
        self._show([sides(one.shape) for one in found.levels], found.fitting())

    def value(self) -> int:
        """Return the level, 0 the finest."""
        return max(0, self.currentIndex())

    @property
    def words(self) -> str:
        """Which of how many it is; "" where there is one."""
        if self.count() < 2:
            return ""
        return f"level {self.value()} of 0 to {self.count() - 1}, 0 the finest"

    def _show(self, shapes: list[str] | tuple[str, ...], level: int = 0) -> None:
        self.clear()
        self.addItems([f"{n}: {shape}" for n, shape in enumerate(shapes)] or [_ONE])
        self.setCurrentIndex(level)
        self.setEnabled(len(shapes) > 1)
