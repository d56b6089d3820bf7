"""The layers that a prediction is shown in, filled tile by tile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet.predict.postprocessing import numbered_after
from napari_unet.widgets.layers.arrays import (
    in_hand,
    lay_on,
    placed_like,
    plane_shape,
    put,
)
from napari_unet.widgets.layers.axes import finest
from napari_unet.widgets.layers.edits import Region, edit, make_room
from napari_unet.widgets.layers.eye import Eye
from napari_unet.widgets.layers.maps import add_slice, make_maps
from napari_unet.widgets.layers.marks import (
    INFO_BAR,
    MADE_FOR,
    NUMBERED,
    PREDICTED,
    ROLE,
    is_made_of,
    remember,
    untouched,
)
from napari_unet.widgets.layers.names import keeps_name, short_name
from napari_unet.widgets.layers.places import bring_to
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.layers.undo import convert, protect, undo_of
from napari_unet.widgets.qt.listen import Subscriptions

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_unet.predict.made_by import MadeBy
    from napari_unet.predict.prediction import TileDone
    from napari_unet.predict.segment import Segmentation

_WHAT = "prediction"
_REFRESH_SECONDS = 0.2


class PredictedLayers:
    """Shows a prediction of an image: as labels and, if wanted, as maps of probability.

    Slices that were predicted before stay where model, threshold and finish are the
    same. A layer that the user has changed since is left alone.

    Parameters
    ----------
    viewer
        The viewer with the image.
    image
        The layer that is predicted.
    made_by
        How; image and slices are filled in at the end.
    only
        Index of the slice that is predicted; None for all of the image.
    maps
        Show the probabilities too.

    Attributes
    ----------
    labels
        The layer of the prediction; None before the first tile.
    maps
        The layers of the probabilities.
    broken
        Why nothing is filled any more, in a sentence; "" while it is.
    undo
        Takes the prediction back in a layer that was predicted into before; None where
        nothing was there, or nothing changed.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        made_by: MadeBy,
        *,
        only: int | None = None,
        maps: bool = False,
    ) -> None:
        self.labels: Labels | None = None
        self.undo: Callable[[], None] | None = None
        self.broken = ""
        self._viewer, self._image, self._made_by = viewer, image, made_by
        self._only, self._first = only, only or 0
        self._wants_maps, self.maps = maps, list[Image]()
        # Classes and numbers of objects in one layer would be scored as one.
        self._numbers = made_by.finish.numbers_objects
        self._slices: set[int] = set()
        self._seen: Counter[int] = Counter()
        # Tiles cover what lies above the info bar, as that is now.
        self._shape, self._data = plane_shape(image), finest(image)
        height, width = self._shape[-2:]
        self._area = (height - image.metadata.get(INFO_BAR, 0)) * width
        self._before: tuple[Region, NDArray[np.integer]] | None = None
        self._earlier, self._marks = made_by, dict[str, Any]()
        self._drawn, self._is_new = 0.0, False
        removing = viewer.layers.events.removing
        self._removals = Subscriptions(None, self._on_removing, removing)

    @property
    def model(self) -> Path:
        """The model that it is predicted with."""
        return self._made_by.model

    def add(self, tile: TileDone) -> bool:
        """Show a tile; False where it has no place any more, as `broken` says."""
        self.broken = self.broken or self._why_broken()
        if self.broken:
            return False
        labels = self.labels or self._make_layers(tile)
        z, *plane = tile.core
        core = (slice(z.start + self._first, z.stop + self._first), *plane)
        put(labels, core, tile.labels)
        for layer, values in zip(self.maps or (), tile.probabilities[1:], strict=False):
            put(layer, core, values)
        self._count(core)
        if time.monotonic() - self._drawn > _REFRESH_SECONDS:
            self.draw()
        return True

    def finish(self, result: Segmentation) -> None:
        """Put what was made of all tiles into their place, and note how it was made."""
        self._removals.end()
        self._is_new = False
        if self.labels is not None and self._is_there(self.labels):
            if result.complete and not self._made_by.finish.keeps_classes:
                self._replace(self.labels, result.labels)
            self.keep_step()
            slices = sorted(self._slices)
            self.labels.metadata[PREDICTED] = slices
            made = replace(self._made_by, image=result.image, slices=tuple(slices))
            remember(self.labels, made)
            protect(self.labels)
        self.draw()

    def keep_step(self) -> None:
        """Make one step of undo of all tiles, back to what was there before them."""
        if self._before is None or self.labels is None:
            return
        if not self._is_there(self.labels):
            return
        (region, kept), self._before = self._before, None
        dtype = kept.dtype
        kept = kept.astype(self.labels.data.dtype, copy=False)
        # Exchanged plane by plane: another copy would take as much memory again.
        for shown, old in zip(self.labels.data[region], kept, strict=True):
            shown[...], old[...] = old.copy(), shown.copy()
        if kept.dtype != dtype:
            # In another type the same labels would not be known again by an undo.
            remember(self.labels, self._earlier)
        if edit(self.labels, region, kept):
            self.undo = partial(_take_back, self.labels, undo_of(self.labels))

    def put_back(self) -> None:
        """Undo all tiles: of what was there before, the layer holds all again."""
        self._removals.end()
        if self._before is None or self.labels is None:
            return
        if not self._is_there(self.labels):
            return
        (region, kept), self._before = self._before, None
        self.labels.data[region] = kept
        convert(self.labels, kept.dtype)
        self.labels.metadata.update(self._marks)
        self.draw()

    def discard(self) -> None:
        """Undo all tiles; a layer that was made for them goes, as nobody asked for it.

        What is left of it would pass for changed by hand, and be predicted no further.
        """
        self.put_back()
        if self._is_new and self.labels is not None and self._is_there(self.labels):
            self._viewer.layers.remove(self.labels)

    def draw(self) -> None:
        """Draw what is there."""
        self._drawn = time.monotonic()
        for layer in (self.labels, *self.maps):
            if layer is not None:
                layer.refresh()

    def _on_removing(self, event: Any) -> None:
        # Also with the window: a project keeps a layer once more as it goes.
        if self._viewer.layers[event.index] == self.labels:
            self.put_back()

    def _why_broken(self) -> str:
        changed = [one for one in (self.labels, *self.maps) if not self._fits(one)]
        if finest(self._image) is not self._data:
            changed = [self._image]
        if changed:
            return f"The layer {changed[0].name} has other data now: predict again."
        if self.labels is not None and self.labels not in self._viewer.layers:
            return f"The layer {self.labels.name} was removed: predict again."
        return ""

    def _fits(self, layer: Labels | Image | None) -> bool:
        return layer is None or layer.data.shape == self._shape

    def _is_there(self, labels: Labels) -> bool:
        return labels in self._viewer.layers and self._fits(labels)

    def _count(self, core: Region) -> None:
        """Take a slice for predicted once all of its pixels are."""
        _, rows, columns = core
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        for z in range(core[0].start, core[0].stop):
            self._seen[z] += area
            if self._seen[z] >= self._area:
                self._slices.add(z)
                for layer in self.maps:
                    add_slice(layer, z)

    def _replace(self, layer: Labels, labels: NDArray[np.unsignedinteger]) -> None:
        """Put what was made of all tiles into their place."""
        slices = slice(self._first, self._first + len(labels))
        core = (slices, slice(None), slice(None))
        if self._numbers:
            put(layer, core, np.zeros(1, labels.dtype))
            if last := int(layer.data.max()):
                # Objects of slices that were predicted before keep their numbers.
                labels = numbered_after(last, labels)
            make_room(layer, labels)
        put(layer, core, labels)

    def _make_layers(self, tile: TileDone) -> Labels:
        """Find the layers that these tiles may go into, or make new ones."""
        shape = self._shape
        dtype = np.uint16 if self._numbers else np.uint8
        for old in reversed(self._viewer.layers):
            before = _made_here(old, self._image, shape)
            if before is not None:
                labels = old
                self._make_room(old, before, dtype)
                break
        else:
            # What the user has corrected stays; napari numbers the new layer.
            with in_hand(self._viewer):
                labels = self._viewer.add_labels(
                    np.zeros(shape, dtype),
                    name=short_name(self._viewer, _WHAT, self._image),
                    metadata={PREDICTED: [], ROLE: Role.PREDICTION},
                    **placed_like(self._image),
                )
            self._is_new = True
        lay_on(labels, self._image)
        # It may be corrected by hand.
        bring_to(labels, self._viewer.dims.units)
        labels.metadata[MADE_FOR] = _WHAT, str(self._image.unique_id)
        labels.metadata[NUMBERED] = self._numbers
        set_role(labels, Role.PREDICTION)
        protect(labels)
        Eye.of(self._viewer).bring(labels)
        self.labels = labels
        if self._wants_maps:
            count, model = len(tile.probabilities) - 1, self._made_by.model
            with in_hand(self._viewer):
                self.maps = make_maps(self._viewer, self._image, model, count, shape)
        return labels

    def _make_room(
        self, layer: Labels, before: MadeBy, dtype: type[np.unsignedinteger]
    ) -> None:
        """Remember what the tiles will change in a layer that was predicted into."""
        region = (slice(None),) * layer.ndim
        goes_on = self._made_by.goes_with(before)
        if goes_on:
            self._slices = set(before.slices)
            if layer.ndim > 2 and self._only is not None:
                region = (slice(self._only, self._only + 1), *region[1:])
        self._before, self._earlier = (region, layer.data[region].copy()), before
        self._marks = {key: layer.metadata.get(key) for key in (PREDICTED, NUMBERED)}
        convert(layer, np.promote_types(layer.data.dtype, dtype))
        if not goes_on:
            # Slices of two models in one layer would be scored as one.
            layer.data[...] = 0


def _take_back(layer: Labels, undo: Callable[[], None]) -> None:
    """Take a prediction back; slices that were none before are none again."""
    undo()
    made = untouched(layer)
    if made is not None:
        layer.metadata[PREDICTED] = list(made.slices)
        layer.metadata[NUMBERED] = made.finish.numbers_objects


def _made_here(layer: Any, image: Image, shape: tuple[int, ...]) -> MadeBy | None:
    """Return how a layer was predicted that holds nothing else, now or by an undo.

    It still has the name that was given here: the user may keep it under another.
    """
    if (
        isinstance(layer, Labels)
        and keeps_name(layer, _WHAT)
        and isinstance(layer.data, np.ndarray)
        and layer.data.shape == shape
    ):
        made = untouched(layer)
        return made if made and is_made_of(layer, image, made.of) else None
    return None
