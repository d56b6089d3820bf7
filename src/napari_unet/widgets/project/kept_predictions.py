"""The predictions of a viewer, kept in its project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet.widgets.layers.looks import place_of
from napari_unet.widgets.layers.made_facts import FACTS, facts_of
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.project.kept_layers import KeptLayers

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_unet.data.journal import Journal


class KeptPredictions(KeptLayers):
    """Keeps every prediction of a viewer, as the journal does annotations.

    Nothing is written while tiles are still coming.
    """

    _what = "The prediction is"
    _role = Role.PREDICTION

    @property
    def _journal(self) -> Journal:
        return self._project.predictions

    def _further(self) -> tuple[Any, ...]:
        return (self._workspace.events.busy,)

    def _is_chosen(self, layer: Labels) -> bool:
        return bool(layer == self._workspace.prediction)

    def _is_held(self) -> bool:
        return self._workspace.busy == "predicting"

    def _place(self, layer: Labels) -> dict[str, Any]:
        return {**place_of(layer), FACTS: facts_of(layer, self._project.stored)}
