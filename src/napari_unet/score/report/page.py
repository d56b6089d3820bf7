"""A report that can be attached to a paper: tables, pictures, settings, as a page."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import atomic_write, write_text
from napari_unet.errors import InputError
from napari_unet.score.errors.error_map import pixel_map
from napari_unet.score.measures import MEASURES, SHOWN, Measure, written
from napari_unet.score.report.overlay import errors_over
from napari_unet.words import markdown

if TYPE_CHECKING:
    from jinja2 import Environment

    from napari_unet.score.comparison import Comparison
    from napari_unet.score.scores import Scores, SliceScores

SUFFIXES = (".html", ".md")

Curve = Sequence[tuple[float, float, float | None]]
"""Minutes, loss and, at some points, the validation IoU of a training run."""


@dataclass(frozen=True, eq=False)
class ReportPage:
    """Everything that a report shows.

    Attributes
    ----------
    scores
        The scores.
    comparison
        What was scored.
    image
        (Z, Y, X) grey values under the pictures; a blank page when left out.
    facts
        Further tables by their titles: files with fingerprints, settings, the model.
    curve
        Of the training run.
    """

    scores: Scores
    comparison: Comparison
    image: NDArray[np.generic] | None = None
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    curve: Curve = ()

    def save(self, path: str | Path) -> None:
        """Write one HTML file with its pictures in it, or Markdown with a folder.

        The pictures of `NAME.md` lie in `NAME-pictures`.

        Raises
        ------
        InputError
            When the name ends neither in .html nor in .md.
        OutputError
            When a file cannot be written.
        """
        path = Path(path)
        check_page(path)
        if path.suffix.lower() == ".html":
            links = {name: _inline(png) for name, (_, png) in self._pictures.items()}
        else:
            links = self._save_pictures(path.with_name(f"{path.stem}-pictures"))
        write_text(path, self._text(path.suffix.lower(), links))

    def _save_pictures(self, folder: Path) -> dict[str, str]:
        files = {
            name: (f"{name}.png", png) for name, (_, png) in self._pictures.items()
        }
        if self._drawn:
            files["curve"] = ("training.svg", self._curve_svg.encode())
        for file, content in files.values():
            with atomic_write(folder / file) as temporary:
                temporary.write_bytes(content)
        return {name: f"{folder.name}/{file}" for name, (file, _) in files.items()}

    def _text(self, suffix: str, links: Mapping[str, str]) -> str:
        template = _environment().get_template(f"report{suffix}.j2")
        values = self.scores.values()
        return template.render(
            scores=self.scores,
            measures=[one for one in MEASURES.values() if one.name in values],
            values=values,
            shown=[MEASURES[name] for name in SHOWN],
            found=self.scores.instances.values(),
            pictures=[
                (caption, links[name]) for name, (caption, _) in self._pictures.items()
            ],
            facts=self.facts,
            curve=self._drawn,
            curve_svg=self._curve_svg,
            curve_link=links.get("curve", ""),
        )

    @cached_property
    def _drawn(self) -> dict[str, Any] | None:
        return _points(self.curve)

    @property
    def _curve_svg(self) -> str:
        from markupsafe import Markup

        template = _environment().get_template("curve.svg.j2")
        # Made of figures alone: nothing in it is to be escaped again.
        return Markup(template.render(curve=self._drawn)) if self._drawn else ""

    @cached_property
    def _pictures(self) -> dict[str, tuple[str, bytes]]:
        """Caption and PNG of the worst and the best slice, by name."""
        ranked = sorted(self.scores.slices, key=_rank)
        chosen = {"worst": ranked[0]}
        if len(ranked) > 1:
            chosen["best"] = ranked[-1]
        return {
            name: (f"The {name} slice, {row.slice}", self._picture(row))
            for name, row in chosen.items()
        }

    def _picture(self, row: SliceScores) -> bytes:
        from PIL import Image

        # By its place: slices can be numbered with gaps between them.
        z = self.comparison.slices[self.scores.slices.index(row)]
        image = self.comparison.truth_mask if self.image is None else self.image
        buffer = io.BytesIO()
        drawn = errors_over(image[z], self._map[z])
        Image.fromarray(drawn).save(buffer, "PNG")
        return buffer.getvalue()

    @cached_property
    def _map(self) -> NDArray[np.uint8]:
        return pixel_map(self.comparison)


def _rank(row: SliceScores) -> tuple[float, float]:
    """Return what worse slices have less of, of objects where there are any."""
    values = row.values()
    iou = float(np.nan_to_num(values["iou"], nan=1))
    # Cells that were made up on an empty slice leave it without a Rand score.
    return (iou if math.isnan(values["v_rand"]) else values["v_rand"], iou)


def check_page(path: Path) -> None:
    """Refuse names that promise another format than a report has.

    Raises
    ------
    InputError
        Naming the file.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a report is .html or .md, end the name in one.")


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("napari_unet.score.report"),
        autoescape=lambda name: bool(name and ".html" in name),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = written
    environment.filters["better"] = _better
    environment.filters["plain"] = markdown
    return environment


def _better(measure: Measure) -> str:
    return "higher is better" if measure.best == 1 else "lower is better"


def _inline(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _points(curve: Curve) -> dict[str, Any] | None:
    """Return points of the curves in a box of 600 by 160, and what its ends mean."""
    if len(curve) < 2:
        return None
    minutes = max(point[0] for point in curve) or 1.0
    highest = max(point[1] for point in curve) or 1.0
    step = max(1, len(curve) // 400)
    losses = [(600 * t / minutes, 160 - 160 * x / highest) for t, x, _ in curve[::step]]
    scores = [(600 * t / minutes, 160 - 160 * x) for t, _, x in curve if x is not None]
    return {
        "minutes": minutes,
        "highest": highest,
        "loss": " ".join(f"{x:.1f},{y:.1f}" for x, y in losses),
        "score": " ".join(f"{x:.1f},{y:.1f}" for x, y in scores),
        "best": max((x for _, _, x in curve if x is not None), default=None),
    }
