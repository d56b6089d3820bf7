"""Writing a report of scores, for a worker thread."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.train.history import curve_of
from napari_unet.widgets.layers import image_stack
from napari_unet.widgets.looks import SOURCE
from napari_unet.widgets.made_by import made_by

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

    from napari_unet.data.stack import Stack
    from napari_unet.score.comparison import Comparison
    from napari_unet.score.report import Scores


@dataclass(frozen=True, eq=False)
class ReportWork:
    """What a report is made of; layers were read on the main thread."""

    path: Path
    scores: Scores
    comparison: Comparison
    image: Stack | None
    model: Path | None
    names: dict[str, str]
    files: dict[str, Path | None]

    @classmethod
    def of(
        cls,
        path: Path,
        scores: Scores,
        comparison: Comparison,
        image: Image | None,
        prediction: Labels | None,
        truth: Labels | None,
    ) -> ReportWork:
        """Take what is needed from the layers."""
        made = made_by(prediction)
        layers = {"Image": image, "Prediction": prediction, "Ground truth": truth}
        names = {role: one.name for role, one in layers.items() if one is not None}
        if made is not None and made.threshold is not None:
            names["Threshold"] = f"{made.threshold:g}"
        files = {role: _file(one) for role, one in layers.items()}
        model = None if made is None else made.model
        stack = None if image is None else image_stack(image)
        return cls(
            path, scores, comparison, stack, model, names, {**files, "Model": model}
        )

    def run(self) -> Generator[None, None, Path]:
        """Write it."""
        from napari_unet.score.facts import file_facts, model_facts
        from napari_unet.score.page import ReportPage

        yield
        made = {"Date": datetime.now().isoformat(" ", "seconds")}
        facts = {"Layers": {**made, **self.names}, "Files": file_facts(self.files)}
        if self.model is not None:
            from napari_unet.model.card import read_card

            facts |= model_facts(read_card(self.model))
        shape = self.comparison.truth.shape
        image = None if self.image is None else self.image.as_czyx()[0]
        if image is not None and image.shape != shape:
            image = None
        page = ReportPage(
            self.scores,
            self.comparison,
            image,
            {title: rows for title, rows in facts.items() if rows},
            () if self.model is None else curve_of(self.model),
        )
        page.save(self.path)
        return self.path


def _file(layer: Layer | None) -> Path | None:
    if layer is None:
        return None
    path = layer.metadata.get(SOURCE) or layer.source.path
    return Path(path) if path else None
