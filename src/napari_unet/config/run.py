"""Settings of a whole training run, as `run.yaml` holds them."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import AliasChoices, Field

from napari_unet.config.augment import AugmentConfig
from napari_unet.config.base import AnnotationKind, Settings
from napari_unet.config.coverage import Coverage
from napari_unet.config.networks import AnyNetwork, UNetConfig
from napari_unet.config.region import Region
from napari_unet.config.structured_text import parse_yaml
from napari_unet.config.train import TrainConfig
from napari_unet.config.weights import WeightMapConfig
from napari_unet.errors import InputError

NOISE = "noise"
"""What a new network starts from: random weights."""
_LIVE_SLICES = 16
"""Of a patch in live training, at most."""


class ImageConfig(Coverage):
    """One image of a training set and what belongs to it."""

    image: str = Field(title="Image")
    """Image file or folder of slices."""
    labels: str = Field(title="Annotations")
    """Annotations of the image: file or folder of slices."""
    kind: AnnotationKind | None = Field(None, title="Kind")
    """What the values of the annotations mean: scribbles (0 unlabelled, 1 background,
    2.. classes), classes (0 background, 1.. classes) or objects (0 background, one
    number for each object). Guessed when left out."""
    pixel_size: str | None = Field(None, title="Pixel size")
    """Size of a pixel along Z, Y and X, such as "50 4 4", where the file states none or
    a wrong one."""
    unit: str | None = Field(None, title="Unit")
    """Unit of that size, such as nm or um. Left out: nm."""
    axes: str | None = Field(None, title="Axes")
    """What the dimensions of the image file are, a letter for each in their order, such
    as ZCYX: C channels, T time, Z slices, Y, X. Left out: what the file says."""
    info_bar: int | None = Field(None, ge=0, title="Info bar (rows)")
    """Rows at the bottom of the image that hold writing, 0 for none: neither trained
    on, predicted nor scored. Left out: what the file says."""
    level: int = Field(0, ge=0, title="Level")
    """Resolution of what lies in OME-Zarr, 0 the finest; labels are taken in the size
    of their image."""
    train: str | None = Field(None, title="Slices to train on")
    """Slices to train on, as start:stop counted from 0. Left out: all annotated slices
    that are not held out. The word none: the image is only held out."""
    validation: str | None = Field(
        None,
        # The second is the name in settings of earlier versions.
        validation_alias=AliasChoices("validation", "validate"),
        title="Slices held out",
    )
    """Slices held out, as start:stop counted from 0: never trained on, they choose the
    best model. The word none: nothing is held out. Left out: the last fifth of five or
    more annotated slices, or of five or more images, if the slices to train on are left
    out too; else nothing."""
    regions: tuple[Region, ...] = Field((), title="Regions")
    """Boxes, polygons or slices with their role, as a YAML or JSON file holds them;
    they add to the slices given above."""
    trust_labels: bool = Field(False, title="Trust these labels")
    """Train although the labels do not look like labels of the image."""

    @property
    def coverage(self) -> Coverage:
        """Which pixels of the annotations say anything."""
        return Coverage(ignore=self.ignore, complete=self.complete)


class RunConfig(Settings):
    """A whole training run, as `run.yaml` holds it."""

    images: tuple[ImageConfig, ...] = Field((), title="Images")
    """The training set."""
    start: str = Field(NOISE, title="Start from")
    """noise: a new network, which knows nothing yet; a starter network that comes with
    the program, such as em-membranes; or a model file, to fine-tune it. Either brings
    its own network."""
    encoder_weights: str | None = Field(None, title="Encoder weights")
    """File of weights that the encoder of a new network starts from, such as a state
    dict of torchvision's VGG-16; for networks with an encoder of that kind, at full
    width. Nothing is downloaded."""
    network: AnyNetwork = Field(default_factory=UNetConfig)
    weight_map: WeightMapConfig = Field(
        default_factory=WeightMapConfig,
        validation_alias=AliasChoices("weight_map", "weights"),
    )
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)

    @classmethod
    def from_yaml(cls, path: str | Path) -> RunConfig:
        """Read settings from a YAML file; what it leaves out keeps its default.

        Raises
        ------
        InputError
            When the file cannot be read, or a setting is unknown or out of bounds.
        """
        try:
            data = parse_yaml(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{path} cannot be read as settings: {reason}.") from error
        if not isinstance(data, dict | None):
            raise InputError(f"{path} holds no settings: write lines of `name: value`.")
        return cls.read(data or {}, path)

    def with_live_patches(self) -> RunConfig:
        """Return them with the patches of live training, which take less time."""
        train = self.train
        sizes = {
            "patch_size": min(train.patch_size, train.live_patch_size),
            "patch_slices": min(train.patch_slices, _LIVE_SLICES),
        }
        return self.model_copy(update={"train": train.model_copy(update=sizes)})

    def to_yaml(self) -> str:
        """Return the settings as YAML text that `from_yaml` reads back equal."""
        data = self.model_dump(mode="json", by_alias=True)
        return yaml.safe_dump(data, sort_keys=False)
