"""The Train dock when things do not go as planned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.utils.progress import progress

from napari_unet.config import AnnotationKind, Preset, UNetConfig, WeightMapConfig
from napari_unet.model.checkpoint import load_model
from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.layers.annotations import name_classes


def test_stop_in_the_first_second_ends_well(quick: Any, finish: Any) -> None:
    quick.train.run_button.click()
    quick.train.run_button.click()
    finish(quick.train)
    assert quick.train.run_button.text() == "Train"
    assert quick.train.run_button.isEnabled()


@pytest.mark.one_binding
def test_pause_holds_the_steps_and_goes_on(quick: Any, finish: Any, qtbot: Any) -> None:
    train = quick.train
    train.run_button.click()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > 3, timeout=60_000)
    train.pause_button.click()
    qtbot.waitUntil(lambda: train.job.is_paused, timeout=20_000)
    qtbot.wait(500)  # Steps of before the pause are still being shown.
    held = train.curves.num_points[0]
    qtbot.wait(500)
    assert train.curves.num_points[0] == held
    train.pause_button.click()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > held + 3, timeout=60_000)
    train.run_button.click()
    finish(train)
    assert load_model(train.workspace.model)


@pytest.mark.one_binding
def test_a_pause_that_is_taken_back_at_once_holds_nothing(
    quick: Any, finish: Any, qtbot: Any
) -> None:
    train = quick.train
    train.run_button.click()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > 3, timeout=60_000)
    for _ in range(4):
        train.pause_button.click()
    held = train.curves.num_points[0]
    qtbot.waitUntil(lambda: train.curves.num_points[0] > held + 10, timeout=60_000)
    train.run_button.click()
    finish(train)


@pytest.mark.one_binding
def test_stop_while_paused_keeps_the_model(quick: Any, finish: Any, qtbot: Any) -> None:
    train = quick.train
    train.run_button.click()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > 3, timeout=60_000)
    train.pause_button.click()
    qtbot.waitUntil(lambda: train.job.is_paused, timeout=20_000)
    train.run_button.click()
    finish(train)
    assert load_model(train.workspace.model)


@pytest.mark.one_binding
def test_the_model_keeps_the_names_of_the_classes(
    quick: Any, viewer: Any, finish: Any
) -> None:
    train = quick.train
    layer = begin_annotations(viewer, train.image.value())
    name_classes(layer, ("resin", "cell", "rim"))
    for value in (1, 2, 3):
        layer.data[1, 20 * value : 20 * value + 15] = value
    layer.data[1, 82:, :5] = 2
    layer.refresh()
    train.annotations.setValue(layer)
    train.kind.setValue(AnnotationKind.CLASSES)
    assert train.data.sources()[0].class_names == (), "1 is no background here"
    train.kind.setValue(None)
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(2)
    train.run_button.click()
    finish(train)
    names = load_model(train.workspace.model).card.class_names
    assert names == ("resin", "cell", "rim"), train.status.text()


@pytest.mark.one_binding
def test_removing_the_layers_while_training_harms_nothing(
    quick: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    quick.train.run_button.click()
    qtbot.waitUntil(lambda: quick.train.curves.num_points[0] > 3, timeout=60_000)
    viewer.layers.clear()
    quick.train.run_button.click()
    finish(quick.train)
    assert load_model(quick.train.workspace.model)
    assert quick.train.workspace.annotations is None
    assert not quick.train.run_button.isEnabled()
    assert "image layer" in quick.train.run_button.toolTip()


def test_closing_the_window_while_training_leaves_a_model(
    quick: Any, viewer: Any, qtbot: Any, runs_in_tmp: Path
) -> None:
    from qtpy.QtCore import QThreadPool

    quick.train.run_button.click()
    qtbot.waitUntil(lambda: quick.train.curves.num_points[0] > 3, timeout=60_000)
    viewer.close()
    assert QThreadPool.globalInstance().waitForDone(20_000)
    (last,) = runs_in_tmp.glob("runs/*/last.safetensors")
    assert load_model(last).card.step > 3


@pytest.mark.one_binding
def test_labels_of_another_shape_are_told_in_one_sentence(
    quick: Any, viewer: Any, finish: Any
) -> None:
    layer = viewer.add_labels(np.ones((6, 50, 50), np.uint8), name="other")
    quick.train.annotations.setValue(layer)
    quick.train.run_button.click()
    finish(quick.train)
    assert "choose annotations made on this image" in quick.train.status.text()


@pytest.mark.one_binding
def test_a_layer_without_a_label_starts_nothing(quick: Any, viewer: Any) -> None:
    layer = viewer.add_labels(np.zeros((6, 96, 112), np.uint8), name="empty")
    quick.train.annotations.setValue(layer)
    quick.train.run_button.click()
    assert not quick.train.running
    assert "paint at least one" in quick.train.status.text()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX")
@pytest.mark.one_binding
def test_a_full_disk_is_told_and_the_dock_stays_usable(
    quick: Any, finish: Any, monkeypatch: Any
) -> None:
    import resource
    import signal

    # What Python writes of modules would be cut off, and stay.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    quick.train.amount_of.setCurrentText("steps")
    quick.train.amount.setValue(2)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        quick.train.run_button.click()
        finish(quick.train)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "cannot be written" in quick.train.status.text()
    assert quick.train.run_button.isEnabled()


@pytest.mark.one_binding
def test_running_out_of_memory_is_told(
    quick: Any, finish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from napari_unet.model.networks.unet import UNet

    def full(self: UNet, image: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(UNet, "forward", full)
    quick.train.run_button.click()
    finish(quick.train)
    assert "memory is full" in quick.train.status.text()
    assert quick.train.run_button.isEnabled()


@pytest.mark.one_binding
def test_a_model_can_be_fine_tuned(quick: Any, finish: Any) -> None:
    train = quick.train
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(2)
    train.run_button.click()
    finish(train)
    first = train.workspace.model
    train.start_from.setValue(first)
    train.run_button.click()
    finish(train)
    assert train.workspace.model != first
    assert load_model(train.workspace.model).network.config.base_channels == 8


@pytest.mark.one_binding
def test_a_3d_model_is_fine_tuned_in_3d(
    quick: Any, finish: Any, tmp_path: Path
) -> None:
    from napari_unet.model.checkpoint import Model, ModelCard, save_model
    from napari_unet.model.networks.unet import UNet

    network = UNetConfig(ndim=3, base_channels=2, depth=2)
    path = tmp_path / "volume.safetensors"
    save_model(path, Model(UNet(network), ModelCard(network=network)))
    train = quick.train
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(2)
    train.start_from.setValue(path)
    train.run_button.click()
    finish(train)
    card = load_model(train.workspace.model).card
    assert card.network.ndim == 3
    assert (card.train.patch_size, card.train.patch_slices) == (64, 64)


def test_the_window_stays_usable_while_training(
    quick: Any, finish: Any, qtbot: Any
) -> None:
    from qtpy.QtCore import QTimer

    beats: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(1))
    timer.start(10)
    quick.train.run_button.click()
    qtbot.waitUntil(lambda: quick.train.curves.num_points[0] > 20, timeout=60_000)
    during = len(beats)
    quick.train.run_button.click()
    finish(quick.train)
    assert during > 20


def test_settings_of_the_form_reach_the_run(quick: Any) -> None:
    settings = quick.train.settings()
    assert settings.train.patch_size == 64
    assert settings.network.depth == 2
    assert settings.network.base_channels == 8
    assert settings.train.learning_rate == pytest.approx(3e-3)
    assert settings.train.weight_decay == pytest.approx(1e-4)


def choose(train: Any, preset: Preset) -> None:
    train.recipe.setCurrentIndex(train.recipe.findData(preset))


@pytest.mark.parametrize("preset", list(Preset))
def test_a_recipe_sets_everything_it_names(dock: Any, preset: Preset) -> None:
    train = dock.train
    choose(train, preset)
    assert train.settings() == preset.settings()
    assert train.workspace.weight_map == preset.settings().weight_map


def test_opening_the_dock_keeps_the_weights_that_were_tuned(viewer: Any) -> None:
    from napari_unet.widgets.project.workspace import Workspace
    from napari_unet.widgets.train.dock import TrainWidget

    tuned = WeightMapConfig(w0=23)
    Workspace.of(viewer).weight_map = tuned
    train = TrainWidget(viewer)
    viewer.window.add_dock_widget(train)
    assert train.workspace.weight_map == tuned
    assert train.settings().weight_map == tuned
    assert train.settings().network == Preset.FAST.settings().network


@pytest.mark.one_binding
def test_another_network_is_chosen_with_its_own_settings(dock: Any) -> None:
    train = dock.train
    form = train.forms["network"]
    form.setValue(form.value().model_copy(update={"base_channels": 32}))
    assert {"depth", "padding"} <= set(form.fields)
    form.network.setCurrentText("SegNet")
    assert "padding" not in form.fields
    assert (train.settings().network.name, form.value().base_channels) == ("segnet", 32)
    assert train.start_from.value() == 32
    settings = train.settings()
    form.network.setCurrentText("U-Net")
    train.rows.setValue(settings)
    assert train.settings() == settings
    assert form.network.currentText() == "SegNet"
    train.refresh()
    assert form.network.isEnabled()
    train.start_from.setValue(Path("best.safetensors"))
    assert not form.network.isEnabled()


@pytest.mark.one_binding
def test_weights_are_chosen_for_an_encoder_that_takes_some(
    dock: Any, tmp_path: Path
) -> None:
    rows = dock.train.rows
    network, encoder = rows.forms["network"].network, rows.encoder
    assert encoder.isHidden()
    network.setCurrentText("VGG-16")
    assert not encoder.isHidden()
    assert "VGG-16" in encoder.box.toolTip()
    encoder._open(tmp_path / "vgg16_bn.pth")
    settings = rows.value()
    assert settings.encoder_weights == str(tmp_path / "vgg16_bn.pth")
    assert (encoder.box.currentText(), settings.network.base_channels) == (
        "vgg16_bn.pth",
        64,
    )
    network.setCurrentText("U-Net")
    assert rows.value().encoder_weights is None
    rows.setValue(settings)
    assert rows.value() == settings
    rows.start_from.setValue(Path("best.safetensors"))
    assert not encoder.isEnabled()
    assert rows.value().encoder_weights is None


@pytest.mark.one_binding
def test_the_activity_dock_names_the_network_that_is_trained(
    quick: Any, finish: Any
) -> None:
    train = quick.train
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(1)
    train.forms["network"].network.setCurrentText("SegNet")
    train.run_button.click()
    assert [bar.desc for bar in progress._all_instances] == ["Training SegNet"]
    finish(train)
    train.start_from.setValue(train.workspace.model)
    train.forms["network"].network.setCurrentText("VGG-16")
    train.run_button.click()
    assert [bar.desc for bar in progress._all_instances] == ["Training SegNet"]
    finish(train)


@pytest.mark.one_binding
def test_patches_of_a_stack_hold_as_much_as_those_of_a_slice(dock: Any) -> None:
    train = dock.train
    form = train.forms["network"]
    form.setValue(form.value().model_copy(update={"ndim": 3}))
    assert train.settings() == Preset.FAST.settings(3)


@pytest.mark.one_binding
def test_sizes_are_chosen_for_the_data_when_training_starts(
    quick: Any, finish: Any
) -> None:
    train = quick.train
    choose(train, Preset.AUTO)
    train.amount.setValue(0.05)
    train.run_button.click()
    finish(train)
    assert "chosen: base 8" in train.device.text()
    card = load_model(train.workspace.model).card
    assert card.network.base_channels == 8
    assert card.train.patch_size == 96


def test_what_another_dock_does_is_not_taken_back(dock: Any) -> None:
    workspace = dock.train.workspace
    workspace.begin("scoring")
    dock.train.refresh()
    assert workspace.busy == "scoring"
    workspace.end("scoring")
    assert workspace.busy == ""
