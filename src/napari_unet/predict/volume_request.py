"""What volume is predicted to disk, how and where, and what came of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.data.addresses import is_address

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume


@dataclass(frozen=True)
class VolumeRequest:
    """What is predicted, how, and where it is written.

    Attributes
    ----------
    model
        A model file or package.
    image
        A volume on disk.
    out
        OME-Zarr of the labels that are made; the image's own gets them as its labels
        "classes" or, where they are numbered, "objects".
    config, finish
        As `segment` takes them.
    block
        Sides of the blocks; chosen when left out.
    probabilities
        OME-Zarr for the probabilities, if they are wanted.
    trust_code
        As `open_package` takes it.
    overwrite
        Whether to begin anew, whatever is at `out` and `probabilities`.
    size_told
        Whether the user knows already that the model learnt pixels of another size.
    """

    model: Path
    image: Volume
    out: Path
    config: PredictConfig = field(default_factory=PredictConfig)
    finish: PostprocessConfig | None = None
    block: tuple[int, int, int] | None = None
    probabilities: Path | None = None
    trust_code: bool = False
    overwrite: bool = False
    size_told: bool = False

    def anywhere(self) -> VolumeRequest:
        """Return it with paths that mean the same in every folder, and to all workers.

        A link that stands for a result is followed: what it points at is made.
        """
        image, likely = self.image, self.probabilities
        if not is_address(image.path):
            image = replace(image, path=str(Path(image.path).absolute()))
        return replace(
            self,
            model=self.model.absolute(),
            image=image,
            out=_followed(self.out),
            probabilities=None if likely is None else _followed(likely),
        )


@dataclass(frozen=True)
class VolumePrediction:
    """A predicted volume on disk.

    Attributes
    ----------
    labels
        OME-Zarr of the result.
    words
        How it went, in one line.
    finish
        What was made of the pixels' classes; nothing is left open.
    threshold
        Of the foreground; None for the most probable class.
    complete
        Whether it was done to the end. What was stopped goes on by the same request.
    """

    labels: Path
    words: str
    finish: PostprocessConfig
    threshold: float | None
    complete: bool = True


def _followed(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path.absolute()
