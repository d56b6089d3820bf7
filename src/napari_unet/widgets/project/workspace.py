"""What the docks of one viewer share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_unet.config import Coverage, WeightMapConfig
from napari_unet.widgets.layers.marks import MEANING
from napari_unet.widgets.layers.proxy import one_for

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_unet.config import AnnotationKind, RunConfig

    Meaning = tuple[AnnotationKind | None, Coverage]

PASSING = ("painted", "busy", "learnt", "scored", "left", "wanted")
"""Fields that belong to the moment, and to no project."""


@dataclass(eq=False)
class Workspace:
    """Layers and model that all docks of a viewer work on; every change is a signal.

    Attributes
    ----------
    image, annotations, truth, prediction
        Layers chosen or made in one of the docks; None when there is none, or when it
        was removed from the viewer.
    kind
        What the annotations mean, or None for a guess. It is kept with the layer: other
        annotations mean what was chosen for them.
    coverage
        Which pixels of the annotations say anything; kept with the layer, too.
    weight_map
        Settings of the weight map, tuned in one dock and trained with in another.
    model
        Path of the model that was trained or opened last.
    painted
        Painted pixels of each class of the annotations, in the order of the classes.
    busy
        What runs: "loading", "live", "training", "predicting", "scoring", or "" for
        nothing.
    learnt
        Seconds that the network has learnt live, since it was started.
    scored
        Whether the prediction was scored.
    left
        What a crash left to go on with, in words; "" for nothing.
    wanted
        Settings that the next training shall have, until a dock has taken them.

    Signals
    -------
    stop_wanted()
        What `busy` says shall end, in whichever dock it runs.
    """

    image: Image | None = None
    annotations: Labels | None = None
    truth: Labels | None = None
    prediction: Labels | None = None
    kind: AnnotationKind | None = None
    coverage: Coverage = field(default_factory=Coverage)
    weight_map: WeightMapConfig = field(default_factory=WeightMapConfig)
    model: Path | None = None
    painted: tuple[int, ...] = ()
    busy: str = ""
    learnt: float = 0.0
    scored: bool = False
    left: str = ""
    wanted: RunConfig | None = None

    _running: list[str] = field(default_factory=list)

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    stop_wanted: ClassVar[Signal] = Signal()
    _of_viewer: ClassVar[dict[int, Workspace]] = {}

    def __post_init__(self) -> None:
        self.events.annotations.connect(self._on_annotations)
        self.events.kind.connect(self._keep_meaning)
        self.events.coverage.connect(self._keep_meaning)

    @classmethod
    def of(cls, viewer: ViewerModel) -> Workspace:
        """Return the workspace of a viewer; all docks of it get the same."""
        return one_for(viewer, cls._of_viewer, cls._new)

    @classmethod
    def _new(cls, viewer: ViewerModel) -> Workspace:
        workspace = cls()
        viewer.layers.events.removed.connect(workspace._on_layer_removed)
        return workspace

    def begin(self, what: str) -> None:
        """Say that something runs; it is what `busy` says, until it ends."""
        self._running.append(what)
        self.busy = what

    def end(self, what: str) -> None:
        """Say that it runs no more; `busy` is what began before and still runs."""
        self._running.remove(what)
        self.busy = self._running[-1] if self._running else ""

    def meaning_of(self, layer: Labels | None) -> Meaning:
        """Return kind and coverage of labels, as they were chosen for these."""
        if layer is not None and layer == self.annotations:
            return self.kind, self.coverage
        unknown = (None, Coverage())
        return unknown if layer is None else layer.metadata.get(MEANING, unknown)

    def mean(self, layer: Labels | None, **chosen: Any) -> None:
        """Keep a `kind` or a `coverage` with labels; that of annotations is shared."""
        if layer is not None and layer == self.annotations:
            for name, value in chosen.items():
                setattr(self, name, value)
        elif layer is not None:
            kind, coverage = self.meaning_of(layer)
            kept = {"kind": kind, "coverage": coverage, **chosen}
            layer.metadata[MEANING] = (kept["kind"], kept["coverage"])

    def _on_annotations(self, layer: Labels | None, before: Labels | None) -> None:
        """Take over what was chosen for a layer, or for the first one beforehand."""
        unknown = (None, Coverage())
        if layer is None:
            self.kind, self.coverage = unknown
            return
        beforehand = unknown if before is not None else (self.kind, self.coverage)
        self.kind, self.coverage = layer.metadata.get(MEANING, beforehand)
        self._keep_meaning()

    def _keep_meaning(self) -> None:
        if self.annotations is not None:
            self.annotations.metadata[MEANING] = (self.kind, self.coverage)

    def _on_layer_removed(self, event: Any) -> None:
        removed: Layer = event.value
        for role in ("image", "annotations", "truth", "prediction"):
            # Equal, not identical: what plugins hold may be a proxy of the layer.
            if getattr(self, role) == removed:
                setattr(self, role, None)
