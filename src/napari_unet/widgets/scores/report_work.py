"""Writing a report of scores, for a worker thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.data.fingerprint import fingerprint
from napari_unet.model.card import read_card
from napari_unet.train.history import curve_of
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.marks import SOURCE

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_unet.data.stack import Stack
    from napari_unet.widgets.scores.subject import Scored


@dataclass(frozen=True, eq=False)
class ReportWork:
    """What a report is made of; layers were read on the main thread."""

    path: Path
    scored: Scored
    image: Stack | None
    names: dict[str, str]
    files: dict[str, str]

    @classmethod
    def of(cls, path: Path, scored: Scored) -> ReportWork:
        """Take what is needed from the layers that were scored.

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
            role: f"opened from {_file(one)}"
            for role, one in layers.items()
            if _file(one)
        }
        stack = None if subject.image is None else image_stack(subject.image)
        return cls(path, scored, stack, names, files)

    def write(self) -> Path:
        """Write the page, on any thread, and return where it lies."""
        from napari_unet.score.report.page import ReportPage

        made = self.scored.subject.made_by
        facts = {
            "Layers": {
                "Date": datetime.now().isoformat(" ", "seconds"),
                **self.names,
            },
            "Fingerprints of what was compared": self._fingerprints(),
            **self._facts(),
        }
        page = ReportPage(
            self.scored.scores,
            self.scored.comparison,
            self._grey(),
            {title: rows for title, rows in facts.items() if rows},
            () if made is None else curve_of(made.model),
        )
        page.save(self.path)
        return self.path

    def _fingerprints(self) -> dict[str, str]:
        """Return those of the labels that were compared, and of the image predicted."""
        subject = self.scored.subject
        image = "" if subject.made_by is None else subject.made_by.image
        return {
            **({"Image": image} if image else {}),
            "Prediction": fingerprint(subject.told[None]),
            "Ground truth": fingerprint(subject.true[None]),
        }

    def _facts(self) -> dict[str, dict[str, str]]:
        """Return what is known of the files and of the model."""
        from napari_unet.score.report.facts import file_facts, model_facts

        made = self.scored.subject.made_by
        if made is None:
            return {"Files": self.files}
        files = {**self.files, **file_facts({"Model": made.model})}
        return {"Files": files, **model_facts(read_card(made.model))}

    def _grey(self) -> NDArray[np.generic] | None:
        """Return (Z, Y, X) grey values under the pictures, where there are any."""
        image = None if self.image is None else self.image.as_czyx()[0]
        shape = self.scored.comparison.truth.shape
        return None if image is None or image.shape != shape else image


def _file(layer: Layer | None) -> str:
    if layer is None:
        return ""
    path = layer.metadata.get(SOURCE) or layer.source.path
    return Path(path).name if path else ""
