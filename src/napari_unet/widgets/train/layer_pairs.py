"""Pairs of image and annotations as the window has them: layers, or files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels

from napari_unet.config import AnnotationKind, Coverage, NetworkConfig, UNetConfig
from napari_unet.train.pairs import PairCount, Part, count_annotations, count_files
from napari_unet.train.training_source import TrainingSource
from napari_unet.widgets.layers.arrays import image_stack, painted_slices
from napari_unet.widgets.layers.places import lies_on
from napari_unet.widgets.layers.roles import Role, is_picture, role_of

if TYPE_CHECKING:
    from napari.components import ViewerModel


@dataclass(frozen=True)
class Place:
    """What is chosen in the dock: what to train on, and what decides on leaks.

    Attributes
    ----------
    image, annotations, kind
        As chosen in the dock; `kind` None is a guess.
    validation
        Slices held out as a whole, as the user wrote them; "" where nothing is.
    network
        The network to train: how far it sees.
    coverage
        Which pixels of the annotations say anything.
    """

    image: Image | None = None
    annotations: Labels | None = None
    kind: AnnotationKind | None = None
    validation: str = ""
    network: NetworkConfig = field(default_factory=UNetConfig)
    coverage: Coverage = field(default_factory=Coverage)

    @property
    def pair(self) -> tuple[Image | None, Labels | None]:
        """Image and annotations."""
        return self.image, self.annotations


@dataclass(frozen=True)
class TrainingPair:
    """An image and its annotations as chosen, before anything is copied or read.

    Attributes
    ----------
    name
        Of the image.
    image, labels
        Both layers of the viewer, or both files or folders.
    part
        Train with all of it, hold all of it out, or let regions and slices decide.
    kind
        What the annotations mean; None is a guess.
    coverage
        Which pixels of the annotations say anything.
    """

    name: str
    image: Image | Path
    labels: Labels | Path
    part: Part = Part.AUTOMATIC
    kind: AnnotationKind | None = None
    coverage: Coverage = field(default_factory=Coverage)

    def source(self) -> TrainingSource:
        """Copy what is painted, on the main thread; files are read later.

        Images, which nobody paints, are read where they are.
        """
        image, labels = self.image, self.labels
        train, validation = self.part.slices
        return TrainingSource(
            image if isinstance(image, Path) else image_stack(image),
            labels if isinstance(labels, Path) else painted_slices(labels),
            self.kind,
            train,
            validation,
            coverage=self.coverage,
        )


def counting(pair: TrainingPair) -> Callable[[], PairCount]:
    """Take copies of layers, and return what counts their pixels on a thread."""
    image, labels = pair.image, pair.labels
    if isinstance(image, Path) and isinstance(labels, Path):
        return partial(count_files, image, labels, pair.kind, pair.coverage)
    painted = painted_slices(labels)
    kind, coverage = pair.kind, pair.coverage
    return partial(count_annotations, painted, kind, coverage)


def find_pairs(
    viewer: ViewerModel, chosen: tuple[Image | None, Labels | None]
) -> list[TrainingPair]:
    """List the labels layers of a viewer, each with the image on which it lies.

    Where several images have its shape and place, it goes with the one that was
    `chosen` for it, or else with the one whose name is most like its own.
    What is known to be no annotations is left out, unless it was chosen.
    """
    images: list[Any] = [layer for layer in viewer.layers if is_picture(layer)]
    found = []
    for labels in viewer.layers:
        if not isinstance(labels, Labels):
            continue
        if labels != chosen[1] and role_of(labels) not in (None, Role.ANNOTATIONS):
            continue
        under = [image for image in images if lies_on(labels, image)]
        if labels == chosen[1] and chosen[0] in under:
            under = [image for image in under if image == chosen[0]]
        if under:
            image = max(under, key=lambda one: _likeness(one.name, labels.name))
            found.append(TrainingPair(image.name, image, labels))
    return found


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()
