"""Which result is seen over the image: none, the newest one, or its errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from napari.layers import Layer
from psygnal import Signal

from napari_unet.widgets.layers import marks
from napari_unet.widgets.layers.proxy import one_for, real
from napari_unet.widgets.layers.roles import Role, role_of

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel

EM, RESULT, ERRORS = VIEWS = ("em", "result", "errors")
"""What is seen: the image alone, the newest prediction or preview, or errors alone."""

_BESIDE = {Role.TRUTH: (RESULT,), Role.ANNOTATIONS: (EM, RESULT)}
"""The views in which a layer that is no result is seen, too, unless it was hidden."""


class Eye:
    """Shows one result at a time over the images of a viewer.

    A result that is made, or shown by hand in the list of layers, takes the place of
    the one before; one that is hidden by hand leaves the image alone. All docks of a
    viewer share its eye.

    Parameters
    ----------
    layers
        Those of the viewer.

    Attributes
    ----------
    changed
        A signal: something else is seen, or can be.
    """

    changed = Signal()
    _of_viewer: ClassVar[dict[int, Eye]] = {}

    def __init__(self, layers: LayerList) -> None:
        self._showing = RESULT
        self._layers: list[Layer] = []
        self._put_away = set[Layer]()
        self._at_work = False
        for layer in layers:
            self._follow(layer)
        layers.events.inserted.connect(self._on_inserted)
        layers.events.removed.connect(self._on_removed)

    @classmethod
    def of(cls, viewer: ViewerModel) -> Eye:
        """Return the eye of a viewer."""
        return one_for(viewer, cls._of_viewer, lambda owner: cls(owner.layers))

    @property
    def showing(self) -> str:
        """Which of `VIEWS` is seen."""
        return self._showing

    def newest(self, view: str) -> Layer | None:
        """Return the layer that a view shows, or None where there is none yet."""
        layers = (one for one in reversed(self._layers) if view_of(one) == view)
        return next(layers, None)

    def can_show(self, view: str) -> bool:
        """Return whether a view has anything to show."""
        return view == EM or self.newest(view) is not None

    def show(self, view: str) -> None:
        """Show one of `VIEWS`.

        Raises
        ------
        ValueError
            When it is none of them.
        """
        if view not in VIEWS:
            raise ValueError(f"{view} is none of {', '.join(VIEWS)}.")
        self._showing = view
        self._draw()

    def next(self) -> None:
        """Show the next of the views that have anything to show."""
        first = VIEWS.index(self._showing) + 1
        order = VIEWS[first:] + VIEWS[:first]
        self.show(next(view for view in order if self.can_show(view)))

    def bring(self, layer: Layer) -> None:
        """Show a result, or errors, in the place of what was seen before."""
        layer = real(layer)
        view = view_of(layer)
        if view is None or layer not in self._layers:
            return
        self._layers.remove(layer)
        self._layers.append(layer)
        self.show(view)

    def put_back(self, layers: Collection[Layer]) -> None:
        """Show what was seen before some results or errors, as if they were older."""
        others = [one for one in self._layers if one not in layers]
        self._layers = [one for one in self._layers if one in layers] + others
        seen = self.newest(self._showing)
        if seen in layers:
            self.show(RESULT if self._showing == ERRORS else EM)
        elif seen is not None:
            self.show(self._showing)

    def _draw(self) -> None:
        seen = self.newest(self._showing)
        with self._by_itself():
            for layer in self._layers:
                if view_of(layer) is None:
                    self._draw_beside(layer)
                elif layer.visible != (layer is seen):
                    layer.visible = layer is seen
        self.changed.emit()

    def _draw_beside(self, layer: Layer) -> None:
        """Put away what a view leaves out, and show it again in another."""
        role = role_of(layer)
        if role not in _BESIDE:
            return
        if self._showing in _BESIDE[role]:
            if layer in self._put_away:
                layer.visible = True
                self._put_away.remove(layer)
        elif layer.visible:
            layer.visible = False
            self._put_away.add(layer)

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        """Tell what the eye shows and hides from what is shown and hidden by hand."""
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    def _follow(self, layer: Layer) -> None:
        # What is hidden has been put aside: it is shown after all others.
        self._layers.insert(len(self._layers) if layer.visible else 0, layer)
        layer.events.visible.connect(self._on_visible)

    def _on_inserted(self, event: Any) -> None:
        self._follow(event.value)
        if event.value.visible:
            self.bring(event.value)

    def _on_removed(self, event: Any) -> None:
        layer, view = event.value, view_of(event.value)
        self._layers.remove(layer)
        self._put_away.discard(layer)
        layer.events.visible.disconnect(self._on_visible)
        if view == self._showing:
            self.show(view if self.can_show(view) else RESULT)

    def _on_visible(self, event: Any) -> None:
        layer, view = event.source, view_of(event.source)
        if self._at_work:
            return
        self._put_away.discard(layer)
        if view is None:
            return
        if layer.visible:
            self.bring(layer)
        elif view == self._showing and layer is self.newest(view):
            self.show(EM)


def view_of(layer: Layer) -> str | None:
    """Return the view that a layer belongs to; None where the eye leaves it alone."""
    if marks.ERRORS in layer.metadata:
        return ERRORS
    return RESULT if marks.PREDICTED in layer.metadata else None
