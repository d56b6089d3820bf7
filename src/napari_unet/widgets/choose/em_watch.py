"""Whether the image that is chosen looks like EM, found out beside the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_unet.predict.em_look import looks_like_em
from napari_unet.widgets.layers.arrays import image_stack, misfit
from napari_unet.widgets.qt.job import Job, once

if TYPE_CHECKING:
    from napari_unet.widgets.choose.layer_box import LayerBox


class EmWatch(QObject):
    """Looks at every image that is chosen, on a thread.

    Parameters
    ----------
    images
        Where images are chosen.
    parent
        What it ends with.

    Signals
    -------
    answered(bool)
        Whether the image that is chosen now looks like EM.
    """

    answered = Signal(bool)

    def __init__(self, images: LayerBox, parent: QObject) -> None:
        super().__init__(parent)
        self._images = images
        self._asked: Image | None = None
        self._job = Job(self, quiet=True)
        self._job.ended.connect(self._on_ended)
        self._then: Callable[[], object] | None = None
        images.valueChanged.connect(self._look)
        self._look()

    @property
    def looking(self) -> bool:
        """Whether the answer is still to come."""
        return self._job.running

    def then(self, act: Callable[[], object]) -> None:
        """Act once the answer is there: at once where none is to come."""
        self._then = act
        if not self.looking:
            self._act()

    def _look(self, *_changed: Any) -> None:
        image = self._images.value()
        if self.looking or image is None or image == self._asked or misfit(image):
            return
        self._asked = image
        # No copy: nothing is lost where its values change under three slices of it.
        work = once(partial(looks_like_em, image_stack(image)))
        self._job.start("Looking at the image", work, on_done=self._on_done)

    def _on_done(self, looks: bool) -> None:
        if self._images.value() == self._asked:
            self.answered.emit(looks)

    def _on_ended(self) -> None:
        self._look()
        if not self.looking:
            self._act()

    def _act(self) -> None:
        act, self._then = self._then, None
        if act is not None:
            act()
