"""What is set in napari's Preferences holds in the docks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from qtpy.QtWidgets import QLabel, QLineEdit

from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.project.preferences import (
    Preferences,
    changes,
    default_project,
    preferences,
)
from napari_unet.widgets.qt.listen import Subscriptions

PLUGIN = "napari-unet-em"


def test_the_manifest_declares_the_preferences_as_they_are() -> None:
    declared = PluginManifest.from_distribution(PLUGIN).contributions.configurations
    assert set(declared) == set(Preferences.model_fields)
    for group, configuration in declared.items():
        fields = type(getattr(Preferences(), group)).model_fields
        assert list(configuration.properties) == list(fields)
        for name, shown in configuration.properties.items():
            field = fields[name]
            known = (field.title, field.description, field.default)
            assert (shown.title, shown.description, shown.default) == known
            limits = {type(one).__name__: one for one in field.metadata}
            if limits:
                assert (shown.minimum, shown.maximum) == (
                    limits["Ge"].ge,
                    limits["Le"].le,
                )


def test_napari_shows_them_and_what_is_typed_there_is_read(viewer: Any) -> None:
    from napari._qt.dialogs.preferences_dialog import PreferencesDialog

    dialog = PreferencesDialog(viewer.__wrapped__.window._qt_window)
    dialog._list.setCurrentRow(dialog._list.count() - 1)
    page = dialog._stack.currentWidget()
    titles = {label.text() for label in page.findChildren(QLabel)}
    assert {"Device", "Project folder", "Next place to annotate"} <= titles
    heard: list[Any] = []
    listening = Subscriptions(None, heard.append, *changes())
    next(one for one in page.findChildren(QLineEdit) if one.text() == "N").setText("J")
    assert preferences().keys.next_place == "J"
    assert heard
    listening.end()
    count = len(heard)
    get_plugin_settings(PLUGIN).keys.next_place = "U"
    assert len(heard) == count
    dialog.close()
    dialog.deleteLater()


def test_docks_start_with_what_is_set(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = get_plugin_settings(PLUGIN)
    settings.work.device = "cpu"
    settings.work.journal_seconds = 90.0
    settings.work.project = str(tmp_path / "mine")
    monkeypatch.delenv("NAPARI_UNET_HOME")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workflow")
    kept = OpenProject.of(viewer)
    assert kept.project.folder == tmp_path / "mine"
    assert kept.keeper.interval == 90
    assert dock.train.settings().train.device == "cpu"
    assert dock.predict.value().device == "cpu"
    # A recipe knows nothing of the machine.
    dock.train.recipe.setCurrentIndex(1)
    assert dock.train.settings().train.device == "cpu"


def test_the_variable_wins_over_the_folder(runs_in_tmp: Path, tmp_path: Path) -> None:
    get_plugin_settings(PLUGIN).work.project = str(tmp_path / "mine")
    assert default_project().folder == runs_in_tmp


def test_without_the_manifest_the_defaults_hold(monkeypatch: Any) -> None:
    from napari_unet.widgets.project import preferences as module

    monkeypatch.setattr(module, "_PLUGIN", "a plugin that napari does not know")
    assert preferences() == Preferences()
    assert changes() == []
