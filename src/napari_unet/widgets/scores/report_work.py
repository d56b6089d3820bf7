"""Writing a report of scores, for a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.errors import InputError
from napari_unet.score.report.facts import facts_of_layers
from napari_unet.score.report.page import ReportPage
from napari_unet.train.history import curve_of
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.looks import source_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_unet.widgets.scores.subject import Scored


def report_of(scored: Scored, path: Path) -> Callable[[], Path]:
    """Read the layers that were scored; on the main thread.

    Returns
    -------
    What writes the page, on any thread, and returns where it lies.

    Raises
    ------
    InputError
        When the image has dimensions that the core does not know, or the memory does
        not hold what was scored.
    """
    subject, made = scored.subject, scored.subject.made_by
    layers: dict[str, Layer | None] = {
        "Image": subject.image,
        "Prediction": subject.prediction,
        "Ground truth": subject.truth,
    }
    names = {role: one.name for role, one in layers.items() if one is not None}
    if subject.baseline is not None:
        names["Method"] = subject.baseline.title
    if made is not None and made.threshold is not None:
        names["Threshold"] = f"{made.threshold:g}"
    paths = {role: source_of(one) for role, one in layers.items() if one is not None}
    # The file as it was opened: what was painted since is not in it.
    files = {role: f"opened from {path.name}" for role, path in paths.items() if path}
    image = None if subject.image is None else image_stack(subject.image)
    comparison = scored.comparison
    if comparison is None:
        raise InputError(
            "The memory does not hold the pictures of a report: crop prediction and "
            "ground truth to the part that it is to show."
        )

    def write() -> Path:
        facts = facts_of_layers(
            names,
            files,
            {
                "Prediction": np.asarray(subject.predicted_labels),
                "Ground truth": np.asarray(subject.truth_labels),
            },
            image="" if made is None else made.image,
            model=None if made is None else made.model,
        )
        grey = None if image is None else image.as_czyx()[0]
        fits = grey is not None and grey.shape == comparison.truth.shape
        page = ReportPage(
            scored.scores,
            comparison,
            grey if fits else None,
            facts,
            () if made is None else curve_of(made.model),
        )
        page.save(path)
        return path

    return write
