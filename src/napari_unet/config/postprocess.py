"""Settings of what is made of a prediction."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_unet.config.base import Settings

NECK = 0.4
"""Necks that are split where nothing else is known."""
SPECK = 10
"""Pixels below which a numbered object is none, where nothing else is known: of EM,
that leaves out half of all objects, and no score falls (docs/prediction.md)."""


class PostprocessConfig(Settings):
    """What is made of a predicted stack.

    What is left open (auto) comes from the model; of one that keeps nothing, every
    pixel has its class.
    """

    objects: Literal["auto", "no", "connected", "watershed"] = Field(
        "auto", title="Number the objects"
    )
    """auto: as the model was taught, which keeps what suits its annotations; no: every
    pixel has its class; connected: pixels of one class that touch are one object;
    watershed: objects that touch at a narrow or doubtful place are split."""
    neck: float | None = Field(None, gt=0, lt=1, title="Split necks below (share)")
    """The watershed splits where an object is narrower than this share of its smaller
    part; doubtful pixels count as narrow. When left out that of the model, or 0.4.
    Higher splits more."""
    core: float | None = Field(None, ge=0, lt=1, title="Find objects above")
    """Objects are found where they are more probable than this, and then grow to all of
    the mask without meeting: that parts cells, and takes nothing off them. When left
    out that of the model, or 0: the mask itself. Higher parts more."""
    follow_slices: bool = Field(False, title="Follow objects through slices")
    """An object keeps its number through all slices in which it touches; off, every
    slice is taken by itself. Networks with 3 dimensions always follow."""
    min_size: int | None = Field(None, ge=0, le=10**9, title="Smallest object (pixels)")
    """Smaller pieces become background, or join the object that they were split from.
    When left out that of the model, or 10 where objects are numbered; a mask of classes
    keeps all. Higher removes more."""
    fill_holes: int = Field(0, ge=0, le=10**9, title="Fill holes up to (pixels)")
    """Enclosed background of at most this size takes the class around it. Higher fills
    more."""
    thin_borders: int = Field(0, ge=0, le=1000, title="Thin borders within (pixels)")
    """Objects grow by up to this distance in their slice, until one pixel of background
    is left between them. Higher closes wider gaps."""
    smooth: float = Field(0.0, ge=0, le=20, title="Smooth across slices (slices)")
    """Standard deviation of a Gaussian that smooths the probabilities from slice to
    slice. Higher: steadier through the stack, and thin things get lost; 0 leaves every
    slice as it is."""

    @property
    def keeps_classes(self) -> bool:
        """Whether the class of every pixel stays as it is, of settled settings."""
        sizes = (self.min_size, self.fill_holes, self.thin_borders, self.smooth)
        return not (self.numbers_objects or any(sizes))

    @property
    def numbers_objects(self) -> bool:
        """Whether numbers of objects take the place of classes."""
        return self.objects in ("connected", "watershed")

    @property
    def words(self) -> str:
        """What becomes of the pixels, of settled settings."""
        if not self.numbers_objects:
            return "A mask of classes"
        split = self.objects == "watershed"
        how = f"split at necks below {self.neck:g}" if split else "of all that touches"
        found = f" found above {self.core:g}" if self.core else ""
        return f"Numbered objects{found}, {how}"

    def settled(self, kept: PostprocessConfig | None = None) -> PostprocessConfig:
        """Return these settings with nothing left open.

        Parameters
        ----------
        kept
            What counts where something is left open, as a model keeps it; None where
            it keeps nothing.
        """
        known = {} if kept is None else kept.model_dump()
        left_open = {
            name: known[name] if known.get(name) not in (None, "auto") else otherwise
            for name, otherwise in _OTHERWISE.items()
            if getattr(self, name) in (None, "auto")
        }
        settled = self.changed("the model", **left_open)
        if settled.min_size is None:
            usual = SPECK if known.get("min_size") is None else known["min_size"]
            size = usual if settled.numbers_objects else 0
            settled = settled.changed("the model", min_size=size)
        return settled


_OTHERWISE = {"objects": "no", "neck": NECK, "core": 0.0}
"""What counts where nothing is known."""
