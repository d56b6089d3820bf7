"""Writing a report of scores, for a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.data.fingerprint import fingerprint
from napari_unet.model.card import read_card
from napari_unet.score.report.facts import file_facts, model_facts
from napari_unet.score.report.page import ReportPage
from napari_unet.train.history import curve_of
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.marks import SOURCE

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_unet.data.stack import Stack
    from napari_unet.widgets.scores.subject import Scored, Subject


def report_of(scored: Scored, path: Path) -> Callable[[], Path]:
    """Read the layers that were scored; on the main thread.

    Returns
    -------
    What writes the page, on any thread, and returns where it lies.

    Raises
    ------
    InputError
        When the image has dimensions that the core does not know.
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
    # The file as it was opened: what was painted since is not in it.
    files = {
        role: f"opened from {_file(one)}" for role, one in layers.items() if _file(one)
    }
    image = None if subject.image is None else image_stack(subject.image)
    return partial(_write, scored, path, image, names, files)


def _write(
    scored: Scored,
    path: Path,
    image: Stack | None,
    names: dict[str, str],
    files: dict[str, str],
) -> Path:
    made = scored.subject.made_by
    facts = {
        "Layers": {"Date": datetime.now().isoformat(" ", "seconds"), **names},
        "Fingerprints of what was compared": _fingerprints(scored.subject),
        "Files": files,
    }
    if made is not None:
        facts["Files"] = files | file_facts({"Model": made.model})
        facts |= model_facts(read_card(made.model))
    grey = None if image is None else image.as_czyx()[0]
    fits = grey is not None and grey.shape == scored.comparison.truth.shape
    page = ReportPage(
        scored.scores,
        scored.comparison,
        grey if fits else None,
        {title: rows for title, rows in facts.items() if rows},
        () if made is None else curve_of(made.model),
    )
    page.save(path)
    return path


def _fingerprints(subject: Subject) -> dict[str, str]:
    """Return those of the labels that were compared, and of the image predicted."""
    image = "" if subject.made_by is None else subject.made_by.image
    return {
        **({"Image": image} if image else {}),
        "Prediction": fingerprint(subject.predicted_labels[None]),
        "Ground truth": fingerprint(subject.truth_labels[None]),
    }


def _file(layer: Layer | None) -> str:
    if layer is None:
        return ""
    path = layer.metadata.get(SOURCE) or layer.source.path
    return Path(path).name if path else ""
