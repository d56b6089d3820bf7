"""Keys of the docks, while the mouse is over the image."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from napari.utils.key_bindings import coerce_keybinding
from napari.utils.notifications import show_info
from psygnal import Signal
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QAbstractButton, QFormLayout, QLabel, QWidget

from napari_unet.config.window import KeyPreferences
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.project.preferences import changes, preferences
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.listen import Subscriptions, when_gone
from napari_unet.widgets.qt.parts import WrappedLabel

if TYPE_CHECKING:
    from napari.components import ViewerModel

_NO_PREVIEW = "There is no preview yet: start a training first."


# Docks share this file, and none of them may import another: hence no types of them.
def toggle_live(dock: Any) -> str:
    """Start live training, or end what runs; return why not, or ""."""
    button = dock.run_button if dock.running else dock.live_button
    if not button.isEnabled():
        return str(button.toolTip())
    button.click()
    return ""


def next_place(dock: Any) -> str:
    """Go to the next place to annotate; return why not, or ""."""
    reason = dock.suggestions.why_not()
    if not reason:
        dock.suggestions.next()
    return str(reason)


def send(dock: Any, *, at_cursor: bool = False) -> str:
    """Send the prediction to the annotations; return why not, or ""."""
    reason = dock.send.why_not()
    if not reason:
        dock.send.send(at_cursor=at_cursor)
    return str(reason)


def toggle_preview(dock: Any) -> str:
    """Show or hide the preview; return why not, or ""."""
    if not dock.live.watching:
        return _NO_PREVIEW
    dock.live.preview.toggle()
    return ""


def next_view(part: Any) -> str:
    """Show the image, the result or its errors next."""
    part.eye.next()
    return ""


def go(part: Any, step: int) -> str:
    """Go some errors further down the list; return why not, or ""."""
    return str(part.go(step))


TRAINING: dict[str, Callable[[Any], str]] = {
    "live": toggle_live,
    "next_place": next_place,
    "send_object": partial(send, at_cursor=True),
    "send": send,
    "preview": toggle_preview,
}
"""What the keys of a Train dock do, by their names in `KeyPreferences`."""

EYE: dict[str, Callable[[Any], str]] = {"eye": next_view}
"""What the key of the eye does."""

ERRORS: dict[str, Callable[[Any], str]] = {
    "next_error": partial(go, step=1),
    "previous_error": partial(go, step=-1),
}
"""What the keys of a list of errors do."""

PROOFREAD: dict[str, Callable[[Any], str]] = {
    "merge": lambda dock: str(dock.take("merge")),
    "split": lambda dock: str(dock.take("split")),
    "delete": lambda dock: str(dock.press("delete")),
    "review": lambda dock: str(dock.press("review")),
}
"""What the keys of a Proofread dock do."""

ACTIONS = {**TRAINING, **EYE, **ERRORS, **PROOFREAD}
"""What all keys do."""


class Keys:
    """The keys of one viewer, each bound for as long as a dock answers to it.

    Where several do, a key works on the one that runs, or else on the newest.

    Parameters
    ----------
    viewer
        The viewer whose keys they are.

    Attributes
    ----------
    changed
        A signal: other keys are bound.
    """

    changed = Signal()
    _of_workspace: ClassVar[dict[Workspace, Keys]] = {}

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._docks: list[tuple[Any, Collection[str]]] = []
        self._bound: dict[str, Callable[[Any], None]] = {}
        self._words: dict[str, str] = {}
        self._changes = Subscriptions(None, self.bind, *changes())
        self.bind()

    @classmethod
    def of(cls, viewer: ViewerModel) -> Keys:
        """Return the keys of a viewer; all docks of it share them."""
        workspace = Workspace.of(viewer)
        if workspace not in cls._of_workspace:
            cls._of_workspace[workspace] = cls(viewer)
        return cls._of_workspace[workspace]

    def add(self, dock: Any, names: Collection[str] = TRAINING) -> None:
        """Let the keys of some actions work on a dock."""
        self._docks.append((dock, names))
        self.bind()

    def remove(self, dock: Any) -> None:
        """Let them no more; those that no dock answers to are given back."""
        left = [entry for entry in self._docks if entry[0] is not dock]
        if len(left) == len(self._docks):
            return
        self._docks = left
        self.bind()
        if not self._docks:
            self._changes.end()
            self._of_workspace.pop(self._workspace, None)

    def words(self, name: str) -> str:
        """Return the key of an action, or why it has none."""
        return self._words[name]

    def bind(self, *_changed: Any) -> None:
        """Bind the keys that are set in Preferences and that nobody else has."""
        self._unbind()
        wanted = {name for _, names in self._docks for name in names}
        for name in (one for one in ACTIONS if one in wanted):
            key = getattr(preferences().keys, name).strip()
            self._words[name] = self._bind(key, name)
        self.changed.emit()

    def _bind(self, key: str, name: str) -> str:
        if not key:
            return "no key"
        known = str(coerce_keybinding(key))
        if not known or known.endswith("+"):
            return f"{key}: no such key"
        taken = self._taken(known)
        if taken:
            return f"{key} is taken: {taken}"

        def pressed(_viewer: Any) -> None:
            self._press(name)

        self._viewer.bind_key(known, pressed)
        self._bound[known] = pressed
        return known

    def _taken(self, key: str) -> str:
        """Name what has a key already: a binding of the user, of napari or of ours."""
        viewer = real(self._viewer)
        maps = [viewer.keymap]
        maps += [getattr(one, "class_keymap", {}) for one in type(viewer).__mro__]
        for known in maps:
            for other, function in known.items():
                if str(other) == key:
                    ours = function in self._bound.values()
                    name = getattr(function, "__name__", "another plugin")
                    return "set twice" if ours else name.replace("_", " ")
        return ""

    def _unbind(self) -> None:
        for key, function in self._bound.items():
            other = self._viewer.bind_key(key, None)
            if other is not None and other is not function:
                # The user has bound it meanwhile.
                self._viewer.bind_key(key, other)
        self._bound = {}

    def _press(self, name: str) -> None:
        docks = [dock for dock, names in self._docks if name in names]
        running = [dock for dock in docks if dock.running]
        reason = ACTIONS[name]((running or docks)[-1])
        if reason:
            show_info(reason)


class KeyList(Fold):
    """The keys of a dock, in a list that unfolds; they hold as long as the dock.

    Parameters
    ----------
    dock
        What they work on: a dock or a part of one, with `viewer` and `running`.
    names
        The actions that it answers to.
    buttons
        Those that do the same; their keys stand on them.
    """

    def __init__(
        self,
        dock: Any,
        names: Collection[str] = TRAINING,
        buttons: Mapping[str, QAbstractButton] | None = None,
    ) -> None:
        content = QWidget()
        super().__init__("Keys", content)
        self._keys = Keys.of(dock.viewer)
        self._buttons = {k: (one, one.text()) for k, one in (buttons or {}).items()}
        self.labels: dict[str, QLabel] = {}
        rows = QFormLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        for name in names:
            field = KeyPreferences.model_fields[name]
            title, self.labels[name] = QLabel(field.title), QLabel()
            for part in (title, self.labels[name]):
                part.setToolTip(field.description or "")
            rows.addRow(title, self.labels[name])
        rows.addRow(WrappedLabel("Change them in File > Preferences > U-Net."))
        self._keys.add(dock, names)
        Subscriptions(self, self._show, self._keys.changed)
        when_gone(self, partial(self._keys.remove, dock))
        self._show()

    def _show(self) -> None:
        for name, label in self.labels.items():
            label.setText(self._keys.words(name))
        for name, (one, text) in self._buttons.items():
            key = self._keys.words(name)
            # Why there is none is long.
            one.setText(text if " " in key else f"{text} ({key})")


class LateKeys:
    """Keys that work before there is the dock that they work on.

    Parameters
    ----------
    owner
        Its end is that of the keys.
    viewer
        The viewer whose keys they are.
    make
        Makes the dock, or returns the one that was made.
    names
        The actions that it answers to.
    """

    running = False

    def __init__(
        self,
        owner: QObject,
        viewer: ViewerModel,
        make: Callable[[], Any],
        names: Collection[str] = TRAINING,
    ) -> None:
        self._make = make
        self._keys = Keys.of(viewer)
        self._keys.add(self, names)
        when_gone(owner, self.end)

    def end(self) -> None:
        """Leave the keys to the dock, which is there by now, or to nobody."""
        self._keys.remove(self)

    def __getattr__(self, name: str) -> Any:
        """Return what the dock has under a name; it is made for that."""
        return getattr(self._make(), name)
