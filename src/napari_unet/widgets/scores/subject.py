"""What is scored: two layers as they were at one moment, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Image

from napari_unet.errors import InputError
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.used_slices import UsedSlices
from napari_unet.widgets.layers.arrays import labels_array
from napari_unet.widgets.layers.marks import (
    made_by,
)
from napari_unet.widgets.scores.baseline_box import MadeByBaseline, made_by_baseline
from napari_unet.words import sides

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_unet.score.comparison import Comparison
    from napari_unet.score.scores import Scores


@dataclass(frozen=True, eq=False)
class Subject:
    """A prediction and its ground truth, as they were when they were read.

    Attributes
    ----------
    prediction, truth
        The layers.
    told, true
        (Z, Y, X) copies of their labels.
    image
        The image layer that was predicted; None where it is not there any more.
    made_by, baseline
        What made the prediction, as far as that is known.
    learnt_from
        Indices of the slices that it had learnt from; None where that is unknown.
    """

    prediction: Labels
    truth: Labels
    told: NDArray[np.generic]
    true: NDArray[np.generic]
    image: Image | None = None
    made_by: MadeBy | None = None
    baseline: MadeByBaseline | None = None
    learnt_from: frozenset[int] | None = None

    @classmethod
    def of(
        cls,
        viewer: ViewerModel,
        prediction: Labels,
        truth: Labels,
        image: Image | None,
    ) -> Subject:
        """Read two layers; on the main thread.

        Parameters
        ----------
        viewer
            The viewer with the layers.
        prediction, truth
            The layers.
        image
            Taken for what was predicted where the prediction does not tell.

        Raises
        ------
        InputError
            When the layers are no stacks of one shape.
        """
        told, true = labels_array(prediction), labels_array(truth)
        if told.shape != true.shape:
            raise InputError(
                f"{prediction.name} is {sides(told.shape)} and {truth.name} is "
                f"{sides(true.shape)} (slices x Y x X): choose layers of one image."
            )
        made, baseline = made_by(prediction), made_by_baseline(prediction)
        maker = baseline or made
        if maker is not None and maker.of:
            image = _image_called(viewer, maker.of)
        learnt = UsedSlices.of(made).trained
        if baseline is not None:
            learnt = frozenset(baseline.learnt_from)
        return cls(prediction, truth, told, true, image, made, baseline, learnt)

    @property
    def image_name(self) -> str:
        """Name of the image that was predicted, "" where it is unknown."""
        maker = self.baseline or self.made_by
        if maker is not None and maker.of:
            return maker.of
        return "" if self.image is None else str(self.image.name)

    def is_of(self, prediction: Labels | None, truth: Labels | None) -> bool:
        """Say whether these are the layers that were read."""
        # Equal, not identical: what plugins hold may be a proxy of the layer.
        return bool(self.prediction == prediction and self.truth == truth)


@dataclass(frozen=True, eq=False)
class Scored:
    """What was scored, and how it did."""

    subject: Subject
    comparison: Comparison
    scores: Scores


def _image_called(viewer: ViewerModel, name: str) -> Image | None:
    found = (one for one in viewer.layers if one.name == name)
    return next((one for one in found if isinstance(one, Image)), None)
