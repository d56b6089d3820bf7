"""How many annotated pixels each role has, and what leaks; counted on a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.config import AnnotationKind, Coverage, Region, Role
from napari_unet.data.annotation import annotated_pixels, guess_kind
from napari_unet.data.leak import Leak, Reach, leaks, shrink_regions
from napari_unet.data.regions import VALIDATION, code, role_map, runs
from napari_unet.errors import NapariUNetError
from napari_unet.train.region_roles import NO_SLICE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NAMES = {Role.TRAIN: "training", Role.VALIDATION: "validation"}


@dataclass(frozen=True)
class Counted:
    """Words on the regions, and their leak."""

    words: str
    leak: Leak | None = None


@dataclass(frozen=True, eq=False)
class RegionCount:
    """Copies of regions and annotations, for a thread to count in.

    Attributes
    ----------
    regions
        What is drawn.
    validation
        Slices held out as a whole; "" for none set, "none" for none at all.
    labels, kind
        (Z, Y, X) annotations, and what they mean; None is a guess.
    reach
        How far a validation pixel sees (see `region_roles.seen_around`).
    coverage
        Which pixels of the annotations say anything.
    """

    regions: list[Region]
    validation: str
    labels: NDArray[np.generic]
    kind: AnnotationKind | None
    reach: Reach
    coverage: Coverage = field(default_factory=Coverage)

    def count(self) -> Counted:
        """Count the annotated pixels of every role, and those that leak."""
        try:
            annotated = self._annotated()
            roles = role_map(self._explicit(annotated), _zyx(annotated))
        except NapariUNetError as error:
            return Counted(str(error))
        leak = leaks(roles, annotated, self.reach)
        lines = [self._words_of(role, roles, annotated, leak) for role in Role]
        words = "\n".join(one for one in lines if one)
        return Counted(words, leak)

    def shrink(self) -> tuple[list[Region], str] | str:
        """Give up what leaks.

        Returns
        -------
        Regions to draw, and the slices that are then held out as a whole; a sentence
        where nothing would be left.
        """
        annotated = self._annotated()
        shrunk = shrink_regions(self._explicit(annotated), annotated, self.reach)
        roles = role_map(shrunk, _zyx(annotated))
        if (annotated & (roles == VALIDATION)).any():
            return self._drawn(shrunk)
        slices, side, _ = self.reach
        return (
            f"Nothing would be left: all validation pixels lie within {side} pixels "
            f"and {slices} slices of training pixels. Hold out a part farther away, or "
            "another image."
        )

    def _drawn(self, regions: list[Region]) -> tuple[list[Region], str]:
        held = Role.VALIDATION
        whole = [r for r in regions if r.polygon is None and r.role is held]
        drawn = [r for r in regions if r not in whole]
        if not whole:
            return drawn, NO_SLICE if self.validation else ""
        # One run of slices is held out as a whole; any other becomes boxes.
        return drawn + whole[1:], whole[0].slices or ":"

    def _annotated(self) -> NDArray[np.bool_]:
        kind = self.kind or guess_kind(self.labels, self.coverage).kind
        return annotated_pixels(self.labels, kind, self.coverage)

    def _explicit(self, annotated: NDArray[np.bool_]) -> list[Region]:
        """Return all regions, with slices that are held out as a whole or by rule."""
        if self.validation == NO_SLICE:
            return self.regions
        if self.validation:
            whole = [self.validation]
        else:
            present = np.flatnonzero(annotated.any(axis=(1, 2)))
            roles = role_map(self.regions, _zyx(annotated), present)
            drawn = role_map(self.regions, _zyx(annotated))
            whole = runs(np.flatnonzero((roles != drawn).any(axis=(1, 2))).tolist())
        return [*self.regions, *(Region(role=Role.VALIDATION, slices=z) for z in whole)]

    def _words_of(
        self,
        role: Role,
        roles: NDArray[np.uint8],
        annotated: NDArray[np.bool_],
        leak: Leak,
    ) -> str:
        pixels = int(np.count_nonzero(annotated & (roles == code(role))))
        where = self._where(role, leak)
        if not where and not pixels:
            return ""
        words = ", ".join([*where, f"{pixels:,} annotated pixels"])
        if role is Role.VALIDATION and leak.pixels:
            words += f"; {leak.pixels:,} too near to training"
        return f"{_NAMES.get(role, str(role))}: {words}"

    def _where(self, role: Role, leak: Leak) -> list[str]:
        drawn = sum(region.role is role for region in self.regions)
        where = [f"{drawn} region{'s' if drawn > 1 else ''}"] if drawn else []
        if role is Role.VALIDATION and self.validation not in ("", NO_SLICE):
            where.append(f"slices {self.validation}")
        elif role is Role.VALIDATION and leak.validation and not drawn:
            where.append("the last fifth")
        return where


def _zyx(array: NDArray[np.generic]) -> tuple[int, int, int]:
    depth, height, width = array.shape
    return depth, height, width
