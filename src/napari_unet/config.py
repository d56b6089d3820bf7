"""Every setting that a user can choose, each declared once.

The docks' forms, the command line, `run.yaml` and the documentation take title,
description, bounds and default from the fields below.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_unet.errors import InputError


class AnnotationKind(StrEnum):
    """What the values of an annotation layer mean (see docs/annotations.md)."""

    SCRIBBLES = "scribbles"
    CLASSES = "classes"
    OBJECTS = "objects"


class Settings(BaseModel):
    """Base of all settings: immutable, and without unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)

    @classmethod
    def read(cls, data: dict[str, Any], source: str | Path) -> Self:
        """Check `data`, and say in one sentence what is wrong with it.

        Raises
        ------
        InputError
            Naming `source`, the setting, and what it may be.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "settings"
            raise InputError(
                f"{source}: {name} = {first.get('input')!r}: {first['msg']}."
            ) from error


class WeightMapConfig(Settings):
    """Weight of every pixel in the loss (paper, equation 2)."""

    w0: float = Field(
        5.0,
        ge=0,
        le=1000,
        title="Line between touching cells (w0)",
        description="Extra weight of the narrow gaps between objects. Raise it when "
        "neighbouring cells merge; 0 switches it off; the paper has 10.",
    )
    sigma: float = Field(
        5.0,
        gt=0,
        le=100,
        title="Line width (sigma, pixels)",
        description="How far the extra weight reaches from a gap, in pixels. Raise "
        "it for wide gaps or high resolution.",
    )
    balance: bool = Field(
        False,
        title="Balance classes",
        description="Give a rare class as much weight in total as a common one. It is "
        "found more often then, and drawn too large.",
    )


class UNetConfig(Settings):
    """Shape of the network (paper, figure 1)."""

    ndim: Literal[2, 3] = Field(
        2,
        title="Dimensions",
        description="2 treats every slice by itself; 3 sees neighbouring slices.",
    )
    in_channels: int = Field(
        1, ge=1, le=64, title="Image channels", description="Channels of the image."
    )
    num_classes: int = Field(
        2,
        ge=1,
        le=254,
        title="Classes",
        description="Classes, background included; 1 is a single sigmoid output "
        "for foreground against background.",
    )
    base_channels: int = Field(
        16,
        ge=1,
        le=256,
        title="Network size (channels)",
        description="Channels of the first level, doubled at every level below; the "
        "paper has 64. Larger is slower and can learn more.",
    )
    depth: int = Field(
        4,
        ge=1,
        le=7,
        title="Depth",
        description="Number of poolings; the paper has 4. Deeper sees more of the "
        "surroundings.",
    )
    padding: Literal["same", "valid"] = Field(
        "same",
        title="Padding",
        description="same: the output is as large as the input; valid: as in the "
        "paper, the output is smaller and the image is mirrored at its border.",
    )
    norm: Literal["none", "batch", "instance", "group"] = Field(
        "batch",
        title="Normalisation",
        description="Normalisation after every convolution; the paper has none.",
    )
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Dropout",
        description="Share of the channels switched off at the end of the "
        "contracting path while training.",
    )


class AugmentConfig(Settings):
    """Random changes of every training patch."""

    flip: bool = Field(True, title="Flip", description="Mirror patches at random.")
    rotate: bool = Field(
        True, title="Rotate", description="Turn patches by any angle in the plane."
    )
    scale: float = Field(
        0.1,
        ge=0,
        lt=0.9,
        title="Scale",
        description="Zoom patches in and out by up to this fraction.",
    )
    elastic: float = Field(
        10.0,
        ge=0,
        le=100,
        title="Elastic deformation (pixels)",
        description="Standard deviation of the random displacements on the coarse "
        "grid, in pixels; the paper has 10.",
    )
    elastic_grid: int = Field(
        3,
        ge=2,
        le=64,
        title="Elastic grid",
        description="Points of the coarse grid along each side; the paper has 3.",
    )
    brightness: float = Field(
        0.2,
        ge=0,
        le=2,
        title="Brightness",
        description="Largest shift of the grey values, in standard deviations.",
    )
    contrast: float = Field(
        0.2,
        ge=0,
        lt=1,
        title="Contrast",
        description="Stretch or shrink the grey values by up to this fraction.",
    )
    noise: float = Field(
        0.1,
        ge=0,
        le=2,
        title="Noise",
        description="Largest standard deviation of added Gaussian noise, in standard "
        "deviations of the image.",
    )


class TrainConfig(Settings):
    """How the network learns."""

    minutes: float | None = Field(
        4.0,
        gt=0,
        le=100_000,
        title="Minutes",
        description="Train for this long. More is better until the validation curve "
        "is flat.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        title="Epochs",
        description="Train until every annotated pixel was seen about this often; "
        "replaces minutes.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        title="Steps",
        description="Train for this number of steps; replaces minutes and epochs, "
        "and makes a run exactly repeatable.",
    )
    batch_size: int = Field(
        4,
        ge=1,
        le=1024,
        title="Patches per step",
        description="Patches seen in each step. Lower it when memory runs out.",
    )
    patch_size: int = Field(
        256,
        ge=16,
        le=4096,
        title="Patch size (pixels)",
        description="Side of the square patches that are trained on.",
    )
    patch_slices: int = Field(
        16,
        ge=1,
        le=512,
        title="Patch slices",
        description="Slices of each patch, for networks with 3 dimensions.",
    )
    loss: Literal["cross_entropy", "binary_cross_entropy"] = Field(
        "cross_entropy",
        title="Loss",
        description="cross_entropy: weighted softmax cross-entropy (paper); "
        "binary_cross_entropy: one sigmoid output for foreground.",
    )
    optimizer: Literal["adamw", "adam", "sgd"] = Field(
        "adamw",
        title="Optimiser",
        description="adamw or adam; sgd with momentum 0.99 is the paper's.",
    )
    learning_rate: float = Field(
        3e-3,
        gt=0,
        le=10,
        title="Learning rate",
        description="Size of a step. Lower it when the loss jumps.",
    )
    weight_decay: float = Field(
        1e-4,
        ge=0,
        le=1,
        title="Weight decay",
        description="Pull of the weights towards zero at every step.",
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**31,
        title="Seed",
        description="Start of the random numbers: the same seed, data and number of "
        "steps give the same network on one device.",
    )
    device: str = Field(
        "auto",
        title="Device",
        description="auto, cpu, cuda, cuda:1 or mps; auto takes the fastest.",
    )
    save_seconds: float = Field(
        30.0,
        gt=0,
        title="Save every (seconds)",
        description="How often the run is saved, so that a crash loses no more.",
    )
    validations: int = Field(
        16,
        ge=1,
        le=1000,
        title="Validations",
        description="How often the held-out slices are scored during a run.",
    )

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if self.minutes is None and self.epochs is None and self.steps is None:
            raise ValueError("one of minutes, epochs or steps is needed")
        return self


class PredictConfig(Settings):
    """How a stack is predicted."""

    tile_size: int = Field(
        1024,
        ge=16,
        le=16384,
        title="Tile size (pixels)",
        description="Side of the tiles that a slice is cut into. Lower it when memory "
        "runs out; the result is the same.",
    )
    tile_slices: int = Field(
        32,
        ge=1,
        le=4096,
        title="Tile slices",
        description="Slices of each tile, for networks with 3 dimensions.",
    )
    batch_size: int = Field(
        1,
        ge=1,
        le=256,
        title="Tiles per step",
        description="Tiles that go through the network together.",
    )
    device: str = Field(
        "auto",
        title="Device",
        description="auto, cpu, cuda, cuda:1 or mps; auto takes the fastest.",
    )


class ImageConfig(Settings):
    """One image of a training set and what belongs to it."""

    image: str = Field(title="Image", description="TIFF file or folder of slices.")
    labels: str = Field(
        title="Annotations",
        description="Annotations of the image: TIFF file or folder.",
    )
    kind: AnnotationKind | None = Field(
        None,
        title="Kind",
        description="What the values of the annotations mean: scribbles (0 "
        "unlabelled, 1 background, 2.. classes), classes (0 background, 1.. "
        "classes) or objects (0 background, one number for each object). Guessed "
        "when left out.",
    )
    train: str | None = Field(
        None,
        title="Slices to train on",
        description="Slices to train on, as start:stop counted from 0; all annotated "
        "slices that are not held out when left out, none for an image that is only "
        "held out.",
    )
    validate_: str | None = Field(
        None,
        alias="validate",
        title="Slices held out",
        description="Slices held out, as start:stop counted from 0: never trained on, "
        "they choose the best model. The last fifth of five or more slices, or of "
        "five or more images, when neither is given.",
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class RunConfig(Settings):
    """A whole training run, as `run.yaml` holds it."""

    images: tuple[ImageConfig, ...] = Field(
        (), title="Images", description="The training set."
    )
    network: UNetConfig = Field(default_factory=UNetConfig)
    weights: WeightMapConfig = Field(default_factory=WeightMapConfig)
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
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path} cannot be read as settings: {reason}.") from error
        if not isinstance(data, dict | None):
            raise InputError(f"{path} holds no settings: write lines of `name: value`.")
        return cls.read(data or {}, path)

    def to_yaml(self) -> str:
        """Return the settings as YAML text that `from_yaml` reads back equal."""
        data = self.model_dump(mode="json", by_alias=True)
        return yaml.safe_dump(data, sort_keys=False)
