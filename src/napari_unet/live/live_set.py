"""The training set of one image whose annotations are being painted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage, WeightMapConfig
from napari_unet.config.coverage import NOTHING_IGNORED
from napari_unet.data.annotation import IGNORE
from napari_unet.data.boxes import box_of
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.labels import label_values, reads_as_mask
from napari_unet.data.normalize import Normalization
from napari_unet.data.regions import TRAIN, VALIDATION
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import SparseTarget
from napari_unet.data.stack import Stack, list_slices
from napari_unet.errors import InputError
from napari_unet.live.live_weight_map import LiveWeightMap
from napari_unet.train.patches import Place
from napari_unet.train.training_image import TrainingImage

# A weight map that is kept up to date takes some 20 bytes a pixel.
_MAPS = 3
_FRESH_PIXELS = 4096


class LiveSet:
    """An image with annotations that change slice by slice.

    The weight map of every slice is that of the slice by itself, also for networks of
    three dimensions.

    Parameters
    ----------
    stack
        The image; normalised where it is cut, without its info bar.
    kind
        What the annotations mean.
    weight_map
        Settings of the weight map.
    roles
        (Z, Y, X) uint8: what each pixel is for, as `roles_on` makes it; all are
        trained on where it is left out.
    class_names
        Names of the classes that are known beforehand, background first.
    normalization
        How the image is normalised; the default where it is left out.
    coverage
        Which pixels of the annotations say anything; the value to ignore is not
        guessed here.

    Attributes
    ----------
    image
        What patches are drawn from. Its arrays change in place.
    left_out
        Why slices are not learnt from until they are painted otherwise, by slice.
    touched
        Slices that are read otherwise since the last update: the one that it was of,
        and all others where its values tell that they are, or are no, mask.
    """

    def __init__(
        self,
        stack: Stack,
        kind: AnnotationKind,
        weight_map: WeightMapConfig,
        roles: SparseSlices[np.uint8] | None = None,
        class_names: Sequence[str] = (),
        normalization: Normalization | None = None,
        coverage: Coverage = NOTHING_IGNORED,
    ) -> None:
        self._kind, self._settings = kind, weight_map
        self._maps: OrderedDict[int, LiveWeightMap] = OrderedDict()
        self._train: set[int] = set()
        self._validation: set[int] = set()
        self._ever: set[int] = set()
        self._classes: dict[int, frozenset[int]] = {}
        self.left_out: dict[int, str] = {}
        self.touched: set[int] = set()
        # Classes as they were painted: what one slice holds can tell how all are read.
        self._painted: dict[int, NDArray[np.generic]] = {}
        self._values: dict[int, frozenset[int]] = {}
        self._mask: bool | None = None
        normalization = normalization or Normalization()
        image = normalization.where_read(stack.picture.as_czyx())
        shape, self._rows = image.shape[1:], stack.picture_rows
        self._height = shape[1] + stack.info_bar
        every = SparseSlices[np.uint8](shape, np.uint8, TRAIN)
        roles = every if roles is None else roles.rows(self._rows)
        self._complete = frozenset(
            list_slices(coverage.complete, shape[0]) if coverage.complete else ()
        )
        classes = SparseSlices[np.uint8](shape, np.uint8, IGNORE)
        # Objects are only needed for weight maps, which are made slice by slice.
        objects = SparseSlices[np.int32](shape, np.int32)
        self.image = TrainingImage(
            name=stack.source,
            image=image,
            target=SparseTarget(classes, objects, max(2, len(class_names)), kind=kind),
            weight_map=SparseSlices(shape, np.float32),
            train=np.empty(0, np.intp),
            validation=np.empty(0, np.intp),
            kind=kind,
            pixel_size=stack.zyx_size,
            unit=stack.unit,
            roles=roles,
            image_fingerprint=fingerprint(stack.as_czyx()),
            normalization=normalization,
            class_names=tuple(class_names),
            coverage=coverage,
        )

    @property
    def num_classes(self) -> int:
        """Classes so far, background included; it only grows."""
        return self.image.target.num_classes

    @property
    def classes(self) -> frozenset[int]:
        """The classes that are trained on now, 0 for background."""
        return frozenset().union(*self._classes.values())

    def note_step(self) -> None:
        """Note that a step has learnt from the slices that are trained on now."""
        self._ever |= self._train

    @property
    def used(self) -> TrainingImage:
        """The image with every slice that a step has learnt from, erased ones too."""
        return replace(self.image, train=np.array(sorted(self._ever), np.intp))

    def update(
        self, z: int, labels: NDArray[np.generic], rows: slice | None = None
    ) -> list[Place]:
        """Take the annotations of a slice, (Y, X), as they are now.

        `rows` are those outside of which nothing has changed, where that is known.

        Returns
        -------
        Pixels that are annotated otherwise than before, a sample of them.

        Raises
        ------
        InputError
            When the labels do not fit the image or the kind of annotations; the slice
            is not trained on until it is updated with labels that do.
        """
        self.touched = {z}
        self._check(z, labels)
        labels = labels[self._rows]
        before = self.image.target.classes[z].copy()
        if self._kind is AnnotationKind.CLASSES:
            self._settle_mask(z, labels)
        self._read(z, labels, rows)
        self._list_slices()
        if z in self.left_out:
            raise InputError(self.left_out[z])
        return self._changed(z, before)

    def _check(self, z: int, labels: NDArray[np.generic]) -> None:
        depth, _, width = self.image.weight_map.shape
        known = 0 <= z < depth
        if known and tuple(labels.shape) == (self._height, width):
            return
        words = (
            f"The annotations of slice {z} are {labels.shape[-2]} x "
            f"{labels.shape[-1]} pixels and the image is {self._height} x {width}: "
            "choose annotations made on this image."
        )
        if known:
            self._drop_values(z)
            self._forget(z)
            self._list_slices()
        self.left_out[z] = words
        raise InputError(words)

    def _settle_mask(self, z: int, labels: NDArray[np.generic]) -> None:
        """Note the values of a slice; read all others anew where they tell of them."""
        ignored = self.image.coverage.ignored
        found = frozenset(label_values(labels).tolist()) - {ignored}
        self._painted[z], self._values[z] = labels, found
        if not found:
            self._drop_values(z)
        values = np.array(sorted(frozenset().union(*self._values.values())), np.int64)
        mask = reads_as_mask(values, self.num_classes)
        if mask == self._mask:
            return
        self._mask = mask
        self._maps.clear()
        for other in self._painted.keys() - {z}:
            self.touched.add(other)
            self._read(other, self._painted[other])

    def _drop_values(self, z: int) -> None:
        self._painted.pop(z, None)
        self._values.pop(z, None)

    def _read(
        self, z: int, labels: NDArray[np.generic], rows: slice | None = None
    ) -> None:
        """Weigh a slice, or note why it is left out."""
        self.left_out.pop(z, None)
        try:
            self._weigh(z, labels, rows)
        except InputError as error:
            self._forget(z)
            self.left_out[z] = f"Slice {z}: {error}"

    def _weigh(self, z: int, labels: NDArray[np.generic], rows: slice | None) -> None:
        complete, ignored = z in self._complete, self.image.coverage.ignored
        if not complete and not np.any((labels != 0) & (labels != ignored)):
            self._forget(z)
            return
        live = self._maps.get(z)
        if live is None:
            live = LiveWeightMap(
                labels,
                self._kind,
                self._settings,
                mask=self._mask,
                coverage=Coverage(
                    ignore=self.image.coverage.ignore,
                    complete="all" if complete else None,
                ),
            )
            self._maps[z] = live
        else:
            columns = slice(0, labels.shape[1])
            live.update(labels, None if rows is None else (rows, columns))
        self._maps.move_to_end(z)
        if len(self._maps) > _MAPS:
            self._maps.popitem(last=False)
        classes = live.classes
        self.image.target.classes[z] = classes
        trained = self.image.roles[z] == TRAIN
        self.image.weight_map[z] = np.where(trained, live.values, np.float32(0))
        self._note_roles(z)
        highest = int(classes[classes != IGNORE].max(initial=0)) + 1
        if highest > self.num_classes:
            target = replace(self.image.target, num_classes=highest)
            self.image = replace(self.image, target=target)

    def _forget(self, z: int) -> None:
        self._maps.pop(z, None)
        self.image.target.classes[z] = IGNORE
        self.image.weight_map[z] = 0
        self._classes.pop(z, None)
        self._train.discard(z)
        self._validation.discard(z)

    def _note_roles(self, z: int) -> None:
        """Note which classes of a slice are trained on, and whether it is held out."""
        weight_map, roles = self.image.weight_map[z], self.image.roles[z]
        known = self.image.target.classes[z] != IGNORE
        counts = np.bincount(self.image.target.classes[z][weight_map > 0])
        self._classes[z] = frozenset(np.flatnonzero(counts).tolist())
        for slices, there in (
            (self._train, weight_map.any()),
            (self._validation, (known & (roles == VALIDATION)).any()),
        ):
            (slices.add if there else slices.discard)(z)

    def _list_slices(self) -> None:
        train, validation = (
            np.array(sorted(slices), np.intp)
            for slices in (self._train, self._validation)
        )
        self.image = replace(self.image, train=train, validation=validation)

    def _changed(self, z: int, before: NDArray[np.uint8]) -> list[Place]:
        now = self.image.target.classes[z]
        changed = np.not_equal(now, before)
        box = box_of(changed)
        if box is None:
            return []
        learnt = changed[box] & (self.image.weight_map[z][box] > 0)
        rows, columns = np.nonzero(learnt)
        every = -(-rows.size // _FRESH_PIXELS) or 1
        top, left = box[0].start, box[1].start
        return [
            (0, z, int(y) + top, int(x) + left)
            for y, x in zip(rows[::every], columns[::every], strict=True)
        ]
