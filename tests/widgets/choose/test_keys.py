"""Keys of the docks, in a real window."""

from __future__ import annotations

from typing import Any

import pytest
from napari.settings import get_plugin_settings

from napari_unet.config.window import KeyPreferences
from napari_unet.widgets.choose.keys import ACTIONS, ERRORS, TRAINING, Keys
from napari_unet.widgets.project.preferences import preferences
from napari_unet.widgets.scores.error_list import ErrorList

PLUGIN = "napari-unet-em"
KEYS = KeyPreferences().model_dump()
OF_TRAINING = {KEYS[name] for name in TRAINING}
OF_ERRORS = {KEYS[name] for name in ERRORS}


@pytest.fixture
def window(viewer: Any) -> Any:
    """The real viewer behind the proxy that plugins get."""
    return viewer.__wrapped__


def bound(window: Any) -> set[str]:
    return {str(key) for key in window.keymap}


def press(window: Any, key: str) -> None:
    window.window._qt_viewer._key_map_handler.press_key(key)


def keys_of_napari() -> set[str]:
    """Every key that the installed napari gives to a layer, a viewer or a menu."""
    from napari import layers
    from napari._app_model import get_app_model
    from napari.components import ViewerModel
    from napari.settings import get_settings
    from napari.utils.key_bindings import coerce_keybinding

    shortcuts = get_settings().shortcuts.shortcuts.values()
    found = {str(coerce_keybinding(key)) for keys in shortcuts for key in keys}
    kinds = [getattr(layers, name) for name in layers.__all__ if name != "NAMES"]
    maps = [getattr(kind, "class_keymap", {}) for kind in (*kinds, ViewerModel)]
    found |= {str(key) for one in maps for key in one}
    return found | {str(one.keybinding) for one in get_app_model().keybindings}


def test_no_key_that_is_set_at_first_is_taken_by_napari(window: Any) -> None:
    taken = keys_of_napari()
    assert {"Ctrl+Z", "P", "Ctrl+G", "Ctrl+0", "Shift+V"} <= taken
    assert not taken & set(KEYS.values())
    assert len(set(KEYS.values())) == len(KEYS) == len(ACTIONS)


def test_keys_are_bound_once_for_all_docks_and_given_back(
    dock: Any, viewer: Any, window: Any, qtbot: Any
) -> None:
    assert bound(window) >= OF_TRAINING
    _, second = viewer.window.add_plugin_dock_widget(PLUGIN, "Train")
    assert bound(window) >= OF_TRAINING
    viewer.window.remove_dock_widget(dock)
    left = [(second, TRAINING)]
    qtbot.waitUntil(lambda: Keys.of(viewer)._docks == left, timeout=30_000)
    assert bound(window) == OF_TRAINING
    viewer.window.remove_dock_widget(second)
    qtbot.waitUntil(lambda: not bound(window), timeout=30_000)


def test_only_the_keys_that_a_dock_answers_to_are_bound(
    viewer: Any, window: Any, qtbot: Any
) -> None:
    errors = ErrorList(viewer)
    assert bound(window) == OF_ERRORS
    shown = {name: label.text() for name, label in errors.keys.labels.items()}
    assert shown == {"next_error": "J", "previous_error": "Shift+J"}
    press(window, "J")
    assert "score a prediction" in errors.words.text()
    errors.deleteLater()
    qtbot.waitUntil(lambda: not bound(window), timeout=30_000)


def test_a_key_that_the_user_has_bound_stays_hers(viewer: Any, window: Any) -> None:
    pressed = []
    window.bind_key("N", lambda _viewer: pressed.append("hers"))
    _, train = viewer.window.add_plugin_dock_widget(PLUGIN, "Train")
    press(window, "N")
    assert pressed == ["hers"]
    assert train.keys.labels["next_place"].text().startswith("N is taken")


def test_the_dock_lists_the_keys_and_follows_preferences(
    dock: Any, window: Any
) -> None:
    shown = dock.train.keys.labels
    texts = {name: label.text() for name, label in shown.items()}
    assert texts == {name: KEYS[name] for name in TRAINING}
    settings = get_plugin_settings(PLUGIN)
    settings.keys.next_place = "U"
    assert shown["next_place"].text() == "U"
    assert "U" in bound(window)
    assert "N" not in bound(window)
    for key, words in (
        ("Ctrl+G", "is taken: toggle grid"),
        ("K", "set twice"),
        ("Hyper+?", "no such key"),
        ("", "no key"),
    ):
        settings.keys.preview = key
        assert words in shown["preview"].text()
    assert preferences().keys.preview == ""


def test_a_key_that_can_do_nothing_says_why(
    dock: Any, window: Any, monkeypatch: Any
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("napari_unet.widgets.choose.keys.show_info", shown.append)
    for name in TRAINING:
        press(window, KEYS[name])
    assert len(shown) == len(TRAINING)
    assert "load one first" in shown[0]
    assert "start a training first" in shown[-1]


def test_keys_start_live_training_hide_its_preview_and_stop_it(
    quick: Any, window: Any, finish: Any, qtbot: Any
) -> None:
    train = quick.train
    press(window, KEYS["live"])
    qtbot.waitUntil(lambda: train.live.running, timeout=30_000)
    press(window, KEYS["preview"])
    assert not train.live.preview.isChecked()
    press(window, KEYS["preview"])
    assert train.live.preview.isChecked()
    press(window, KEYS["live"])
    finish(train)
    assert not train.live.running


def test_keys_send_the_object_under_the_mouse_and_a_slice(
    loaded: Any, viewer: Any, window: Any, files: Any
) -> None:
    annotations = viewer.layers["annotations"]
    annotations.data[...] = 0
    predicted = viewer.add_labels(
        files.cells.copy(), name="predicted", scale=annotations.scale
    )
    loaded.train.workspace.prediction = predicted
    z = viewer.dims.current_step[0]
    window.cursor.position = tuple(annotations.data_to_world((z, *inside(files, z))))
    press(window, KEYS["send_object"])
    some = int((annotations.data[z] > 0).sum())
    press(window, KEYS["send"])
    assert 0 < some < int((annotations.data[z] > 0).sum())


def inside(files: Any, z: int) -> tuple[int, int]:
    """Return a pixel of some object."""
    rows, columns = files.cells[z].nonzero()
    return int(rows[0]), int(columns[0])
