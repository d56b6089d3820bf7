"""Every setting can be reached; what has no effect is disabled and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QWidget,
)

from napari_unet.config import PostprocessConfig, PredictConfig, Preset, RunConfig
from napari_unet.config.needs import PredictSituation, RunSituation
from napari_unet.widgets.qt.form import SettingsForm

pytestmark = pytest.mark.one_binding

CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit)
ELSEWHERE = {
    "train.minutes": "the row Train for",
    "train.epochs": "the row Train for",
    "train.steps": "the row Train for",
    "network.in_channels": "counted in the image",
    "network.num_classes": "counted in the annotations",
    "settings.rescale": "a box of its own, where pixel sizes differ",
}
"""Settings that no form shows, with where they come from."""


def test_every_setting_can_be_reached_in_a_dock(dock: Any) -> None:
    config = RunConfig()
    wanted = {
        f"{part}.{name}"
        for part in ("network", "weight_map", "augment", "train")
        for name in type(getattr(config, part)).model_fields
    }
    wanted |= {f"finish.{name}" for name in PostprocessConfig.model_fields}
    wanted |= {f"settings.{name}" for name in PredictConfig.model_fields}
    forms: dict[str, SettingsForm] = {
        **dock.train.forms,
        "finish": dock.predict.finish,
        "settings": dock.predict.settings,
    }
    shown = {f"{part}.{name}" for part, form in forms.items() for name in form.fields}
    assert wanted - shown == set(ELSEWHERE)
    for part, form in forms.items():
        for name in form.fields:
            field = type(form.value()).model_fields[name]
            assert field.title, f"{part}.{name}"
            assert field.description, f"{part}.{name}"


def test_needs_name_fields_that_exist(dock: Any) -> None:
    forms = {
        **dock.train.forms,
        "finish": dock.predict.finish,
        "settings": dock.predict.settings,
    }
    known = {f"{part}.{name}" for part, form in forms.items() for name in form.fields}
    # A file, in a row of its own.
    known.add("run.encoder_weights")
    situations = (
        RunSituation(RunConfig()),
        PredictSituation(PostprocessConfig().settled()),
    )
    for situation in situations:
        for _, reason, *names in situation.needs():
            assert names
            assert set(names) <= known | set(forms)
            assert reason.endswith(".")


def changed(part: str, **values: Any) -> RunConfig:
    config = RunConfig()
    update = {part: getattr(config, part).model_copy(update=values)}
    return config.model_copy(update=update)


SEVERAL = {
    "weight_map": ("w0", "sigma", "balance"),
    "train": ("momentum", "patience", "frozen_levels", "threads", "patch_slices"),
    "network": ("norm_last", "flat_levels", "base_channels"),
    "augment": ("elastic_grid", "misalignment"),
}


def dead(situation: RunSituation) -> set[str]:
    return {
        name
        for part, fields in SEVERAL.items()
        for name in situation.unmet(part, fields)
    }


AT_FIRST = {
    "momentum",
    "patience",
    "frozen_levels",
    "patch_slices",
    "flat_levels",
    "misalignment",
}


@pytest.mark.parametrize(
    ("config", "more", "fewer"),
    [
        (RunConfig(), set(), set()),
        (changed("weight_map", formula="fiji"), {"w0", "sigma", "balance"}, set()),
        (changed("weight_map", w0=0.0), {"sigma"}, set()),
        (changed("train", optimizer="sgd"), set(), {"momentum"}),
        (changed("train", schedule="plateau"), set(), {"patience"}),
        (changed("train", device="cuda:1"), {"threads"}, set()),
        (changed("network", norm="none"), {"norm_last"}, set()),
        (
            changed("network", ndim=3),
            set(),
            {"patch_slices", "flat_levels", "misalignment"},
        ),
        (changed("augment", elastic=0.0), {"elastic_grid"}, set()),
    ],
)
def test_settings_without_effect_follow_the_others(
    config: RunConfig, more: set[str], fewer: set[str]
) -> None:
    assert dead(RunSituation(config)) == (AT_FIRST | more) - fewer


def test_a_model_file_brings_its_network_and_old_layers() -> None:
    now = dead(RunSituation(RunConfig(), fine_tune=True))
    assert set(SEVERAL["network"]) <= now
    assert not {"frozen_levels", "patch_slices"} & now


def test_the_watershed_has_necks_and_only_stacks_have_slices_to_follow() -> None:
    finish = PostprocessConfig(objects="watershed")
    fields = tuple(PostprocessConfig.model_fields)

    def reasons(**situation: Any) -> set[str]:
        return set(PredictSituation(**situation).unmet("finish", fields))

    assert reasons(finish=finish) == set()
    assert reasons(finish=finish, many_slices=False) == {"follow_slices", "smooth"}
    assert reasons(finish=finish, ndim=3) == {"follow_slices"}
    without = {"core", "neck", "follow_slices"}
    assert reasons(finish=PostprocessConfig().settled()) == without
    assert reasons(finish=finish, running=True) == set(fields)


def check_reasons(dock: QWidget) -> int:
    """Assert that what is disabled says why, and count it."""
    found = 0
    for control in dock.findChildren(QWidget):
        inside = isinstance(control.parent(), CONTROLS) or control.isHidden()
        if inside or not isinstance(control, CONTROLS) or control.isEnabled():
            continue
        found += 1
        tips = [control.toolTip()]
        over = control.parentWidget()
        while over is not None and over is not dock:
            tips.append("" if over.isEnabled() else over.toolTip())
            over = over.parentWidget()
        known = (control.objectName(), getattr(control, "text", str)())
        assert any(tips), f"{type(control).__name__} {known} does not say why"
    return found


def all_tabs(dock: Any) -> int:
    tabs = (dock.load, dock.weights, dock.train, dock.predict, dock.scores)
    return sum(check_reasons(one) for one in tabs)


def test_what_is_disabled_says_why_in_every_state(
    dock: Any, viewer: Any, files: Any, finish: Any, qtbot: Any
) -> None:
    empty = all_tabs(dock)
    viewer.add_image(files.stack.data, name="em")
    assert all_tabs(dock) < empty
    labels = viewer.add_labels(files.cells.astype(np.uint8), name="annotations")
    train = dock.train
    train.annotations.setValue(labels)
    train.start_from.setValue(8)
    ready = all_tabs(dock)
    assert ready < empty
    train.live_button.click()
    qtbot.waitUntil(lambda: train.running, timeout=30_000)
    assert not train.recipe.isEnabled()
    assert not train.image.isEnabled()
    assert "stop it" in train.recipe.toolTip()
    assert all_tabs(dock) > ready
    train.run_button.click()
    finish(train)
    assert train.recipe.isEnabled()
    assert "stop it" not in train.recipe.toolTip()
    all_tabs(dock)


def test_the_size_of_the_network_is_one_setting_in_two_places(dock: Any) -> None:
    train = dock.train
    network = train.forms["network"]
    train.start_from.setValue(32)
    assert network.value().base_channels == 32
    network.setValue(network.value().model_copy(update={"base_channels": 24}))
    assert train.start_from.value() == 24
    assert train.settings().network.base_channels == 24
    train.recipe.setCurrentIndex(train.recipe.findData(Preset.PAPER))
    assert train.start_from.value() == 64


def test_the_budget_is_minutes_epochs_or_steps(dock: Any) -> None:
    train = dock.train
    for unit, value in (("steps", 120), ("epochs", 3), ("minutes", 2.5)):
        train.amount_of.setCurrentText(unit)
        train.amount.setValue(value)
        settings = train.settings()
        assert getattr(settings.train, unit) == value
        train.rows.setValue(RunConfig())
        train.rows.setValue(settings)
        assert train.settings() == settings


def test_settings_for_three_dimensions_come_back_as_they_were(dock: Any) -> None:
    settings = Preset.FAST.settings(3)
    patch = settings.train.model_copy(update={"patch_size": 48})
    settings = settings.model_copy(update={"train": patch})
    dock.train.rows.setValue(settings)
    assert dock.train.settings() == settings


def test_a_path_of_a_model_disables_the_network(dock: Any, tmp_path: Path) -> None:
    train = dock.train
    train.start_from.setValue(tmp_path / "best.safetensors")
    editor = train.forms["network"]._form._editors["depth"].native
    assert not editor.isEnabled()
    assert "its own network" in editor.toolTip()
    train.start_from.setValue(16)
    assert editor.isEnabled()
