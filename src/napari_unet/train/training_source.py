"""An image of a training set with its annotations, before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.config import (
    AnnotationKind,
    Coverage,
    ImageConfig,
    Region,
    Role,
    RunConfig,
)
from napari_unet.data.calibration import Calibration
from napari_unet.data.dimensions import of_labels
from napari_unet.data.doubts import check_looks, check_names
from napari_unet.data.label_survey import Survey
from napari_unet.data.read import read_labels, read_stack
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import survey_sparse
from napari_unet.data.stack import ArrayLike, Stack
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.data.normalize import Normalization
    from napari_unet.train.one_size import PixelSize
    from napari_unet.train.training_image import TrainingImage


@dataclass(frozen=True, eq=False)
class TrainingSource:
    """An image of a training set with its annotations, as arrays or as files.

    Attributes
    ----------
    image
        The image, or the file or folder from which it is read.
    labels
        (Z, Y, X) annotations as painted, or their file or folder.
    kind
        What the annotations mean; None is a guess.
    train, validation
        Slices, as `prepare_image` takes them.
    regions
        Boxes, polygons or slices with their role.
    class_names
        Names of the classes, background first; () where they have none.
    calibration, axes, info_bar, level
        What counts instead of what the image's file says, as `read_stack` takes it.
    coverage
        Which pixels of the annotations say anything.
    trust
        Train even where the annotations do not look like labels of the image.
    """

    image: Stack | Path
    labels: ArrayLike | SparseSlices[Any] | Path
    kind: AnnotationKind | None = None
    train: str | None = None
    validation: str | None = None
    regions: tuple[Region, ...] = ()
    class_names: tuple[str, ...] = ()
    calibration: Calibration | None = None
    axes: str | None = None
    info_bar: int | None = None
    level: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    trust: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", AnnotationKind.of(self.kind))

    @property
    def is_divided(self) -> bool:
        """Whether the user chose what of the image trains or validates."""
        drawn = {region.role for region in self.regions} & {Role.TRAIN, Role.VALIDATION}
        return bool(self.train or self.validation or drawn)

    def read(self) -> tuple[Stack, ArrayLike | SparseSlices[Any], tuple[str, ...]]:
        """Return image, annotations, and what had to be assumed of their files.

        Files are read on the thread that calls; a large one only where it is needed.

        Raises
        ------
        InputError
            When a file cannot be read.
        """
        notes: list[str] = []
        image, labels = self.image, self.labels
        painted: ArrayLike | SparseSlices[Any]
        if isinstance(image, Path):
            image = read_stack(
                image,
                self.calibration,
                axes=self.axes,
                info_bar=self.info_bar,
                level=self.level,
            )
            notes += [f"{self.image}: {note}" for note in image.notes]
        if isinstance(labels, Path):
            # Their pixels are those of the image, whatever their file says.
            stack = read_labels(labels, image, Calibration(), axes=of_labels(self.axes))
            notes += [f"{labels}: {note}" for note in stack.notes]
            painted = SparseSlices.of(stack.as_zyx()).copied()
        else:
            painted = labels
        return image, painted, tuple(notes)

    def prepare(
        self,
        config: RunConfig,
        normalization: Normalization | None = None,
        like: PixelSize | None = None,
    ) -> tuple[TrainingImage, tuple[str, ...]]:
        """Read the image, normalise it, and weigh its annotations.

        `like` is the pixel size of the first image of the set.

        Returns
        -------
        The image, and what had to be assumed of its files.

        Raises
        ------
        InputError
            When image or annotations cannot be used, or are doubtful and not trusted,
            naming their files.
        """
        opened = self.open()
        return opened.prepare(config, normalization, like), opened.notes

    def open(self) -> OpenSource:
        """Read image and annotations.

        Raises
        ------
        InputError
            When they cannot be read, or are doubtful and not trusted.
        """
        if not self.trust:
            check_names(self.image, self.labels)
        stack, painted, notes = self.read()
        with self.naming_files():
            labels = SparseSlices.of(painted)
            if not self.trust:
                check_looks(stack, labels)
        return OpenSource(self, stack, labels, notes)

    @contextmanager
    def naming_files(self) -> Iterator[None]:
        """Put the names of the files before what is wrong with them."""
        try:
            yield
        except InputError as error:
            if not isinstance(self.image, Path):
                raise
            words = f"{self.image} with {self.labels}: {error}"
            raise type(error)(words) from error


@dataclass(frozen=True)
class Meaning:
    """What annotations mean, as the whole set of which they are a part tells.

    Attributes
    ----------
    kind, coverage, mask
        As `prepare_image` takes them.
    note
        Why they are of that kind, where that is a guess.
    """

    kind: AnnotationKind | None
    coverage: Coverage
    mask: bool | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class OpenSource:
    """A source that was read.

    Attributes
    ----------
    source
        What was read.
    stack, labels
        Image and annotations.
    notes
        What had to be assumed of their files.
    """

    source: TrainingSource
    stack: Stack
    labels: SparseSlices[Any]
    notes: tuple[str, ...]

    def survey(self) -> Survey:
        """Return what occurs in the annotations, outside of the info bar.

        Raises
        ------
        InputError
            When they are no whole numbers.
        """
        with self.source.naming_files():
            return survey_sparse(self.labels.rows(self.stack.picture_rows))

    def prepare(
        self,
        config: RunConfig,
        normalization: Normalization | None = None,
        like: PixelSize | None = None,
        meaning: Meaning | None = None,
    ) -> TrainingImage:
        """Normalise the image, and weigh its annotations.

        Raises
        ------
        InputError
            When image or annotations cannot be used, naming their files.
        """
        from napari_unet.train.training_image import prepare_image

        source = self.source
        meaning = meaning or Meaning(source.kind, source.coverage)
        with source.naming_files():
            image = prepare_image(
                self.stack,
                self.labels,
                kind=meaning.kind,
                train=source.train,
                validation=source.validation,
                regions=source.regions,
                network=config.network,
                weight_map=config.weight_map,
                normalization=normalization,
                coverage=meaning.coverage,
                mask=meaning.mask,
                like=like,
            )
        notes = (*filter(None, [meaning.note]), *image.notes)
        return replace(image, class_names=source.class_names, notes=notes)


def source_of(image: ImageConfig) -> TrainingSource:
    """Return what the settings of a run say of an image as a source."""
    return TrainingSource(
        Path(image.image),
        Path(image.labels),
        kind=image.kind,
        train=image.train,
        validation=image.validation,
        regions=image.regions,
        calibration=Calibration.given(image.pixel_size, image.unit),
        axes=image.axes,
        info_bar=image.info_bar,
        level=image.level,
        coverage=image.coverage,
        trust=image.trust_labels,
    )
