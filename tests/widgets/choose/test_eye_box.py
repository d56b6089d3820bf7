"""The buttons that choose what is seen, in a real window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.widgets.choose.eye_box import EyeBox
from napari_unet.widgets.layers.eye import EM, ERRORS, RESULT
from napari_unet.widgets.layers.marks import ERRORS as SHOWS_ERRORS
from napari_unet.widgets.layers.marks import PREDICTED


@pytest.fixture
def box(viewer: Any) -> EyeBox:
    made = EyeBox(viewer)
    viewer.window.add_dock_widget(made)
    return made


def add(viewer: Any, name: str, key: str) -> Labels:
    data = np.ones((2, 8, 8), np.uint8)
    return viewer.add_labels(data, name=name, metadata={key: [0]})


def states(box: EyeBox) -> dict[str, tuple[bool, bool]]:
    return {
        view: (button.isEnabled(), button.isChecked())
        for view, button in box.buttons.items()
    }


def test_the_buttons_show_and_hide_and_say_what_is_seen(
    box: EyeBox, viewer: Any
) -> None:
    assert not box.buttons[RESULT].isEnabled()
    assert "There is no result yet" in box.buttons[RESULT].toolTip()
    prediction = add(viewer, "prediction", PREDICTED)
    assert states(box)[RESULT] == (True, True)
    box.buttons[EM].click()
    assert not prediction.visible
    box.buttons[RESULT].click()
    assert prediction.visible
    errors = add(viewer, "errors", SHOWS_ERRORS)
    assert states(box) == {
        EM: (True, False),
        RESULT: (True, False),
        ERRORS: (True,) * 2,
    }
    assert (prediction.visible, errors.visible) == (False, True)


def test_the_key_goes_round_what_there_is_and_stands_beside_the_buttons(
    box: EyeBox, viewer: Any, qtbot: Any
) -> None:
    assert box.key.text() == "Show (W)"
    prediction = add(viewer, "prediction", PREDICTED)
    seen = []
    for _ in range(3):
        viewer.__wrapped__.window._qt_viewer._key_map_handler.press_key("W")
        seen.append((box.eye.showing, prediction.visible))
    assert seen == [(EM, False), (RESULT, True), (EM, False)]
    viewer.window.remove_dock_widget(box)
    box.deleteLater()
    qtbot.waitUntil(lambda: not viewer.__wrapped__.keymap, timeout=30_000)
