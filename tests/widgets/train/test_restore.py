"""A click on the curves brings the network of that moment back, and shows it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.config import UNetConfig
from napari_unet.model.card import ModelCard, read_card
from napari_unet.model.checkpoint import Model, load_model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.train.checkpoints import title
from napari_unet.train.history import read_history, write_history
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.load.project_box import ProjectBox

pytestmark = pytest.mark.one_binding


def idle(train: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not train.restore.running, timeout=60_000)


@pytest.fixture
def past(loaded: Any, qtbot: Any) -> Any:
    """The Train dock with the curves of a run that was kept at steps 10 and 30."""
    train = loaded.train
    run = train.project.project.new_run("em")
    write_run(run, [10, 30])
    train.project.state.run = run
    train.restore.follow()
    idle(train, qtbot)
    return train


@pytest.fixture
def trained(quick: Any, finish: Any, qtbot: Any) -> Any:
    """The Train dock after a short run that was saved often."""
    train = quick.train
    form = train.forms["train"]
    form.setValue(form.value().model_copy(update={"save_seconds": 1.0}))
    train.amount.setValue(0.05)
    train.run_button.click()
    finish(train)
    idle(train, qtbot)
    return train


def run_of(train: Any) -> Path:
    return train.project.state.run


def preview(viewer: Any) -> Any:
    return next((one for one in viewer.layers if one.name == "preview"), None)


def write_run(run: Path, steps: list[int], *, seconds: bool = True) -> None:
    """Write a run of networks of chance."""
    rows: list[dict[str, float | None]] = [
        {"step": step, "loss": 1 / step, "learning_rate": 1e-3, "validation_iou": None}
        for step in range(1, max(steps) + 1)
    ]
    if seconds:
        rows = [{**row, "seconds": 2.0 * (row["step"] or 0)} for row in rows]
    write_history(run / "history.csv", rows)
    config = UNetConfig(base_channels=4, depth=2)
    for step in steps:
        path = run / "checkpoints" / f"step-{step:06d}.safetensors"
        save_model(path, Model(UNet(config), ModelCard(network=config, step=step)))


def test_a_click_chooses_the_nearest_checkpoint_and_shows_what_it_makes_of_the_slice(
    trained: Any, viewer: Any, qtbot: Any
) -> None:
    viewer.dims.set_current_step(0, 2)
    trained.curves.clicked.emit(0.0)
    idle(trained, qtbot)
    chosen = trained.workspace.model
    history = read_history(run_of(trained) / "history.csv")
    step = read_card(chosen).step
    assert step < history.steps[-1]
    assert trained.start_from.box.findText(title(chosen)) >= 0
    assert f"Step {step}, after 0:0" in trained.status.text()
    layer = preview(viewer)
    assert layer.metadata[PREDICTED] == [2]
    assert layer.data[2].any()
    assert not np.delete(layer.data, 2, axis=0).any()
    # The preview is what the Predict dock would give.
    from napari_unet.predict.predictor import Predictor

    image = viewer.layers["em"].data[None, 2:3]
    expected = Predictor(load_model(chosen)).predict(image).labels
    np.testing.assert_array_equal(layer.data[2:3], expected)


def test_a_click_at_the_end_chooses_the_newest_network(past: Any, qtbot: Any) -> None:
    past.curves.clicked.emit(1e6)
    idle(past, qtbot)
    assert read_card(past.workspace.model).step == 30


def test_clicking_twice_in_a_hurry_ends_at_the_second_moment(
    past: Any, viewer: Any, qtbot: Any
) -> None:
    past.curves.clicked.emit(0.0)
    past.curves.clicked.emit(1e6)
    idle(past, qtbot)
    assert read_card(past.workspace.model).step == 30
    assert preview(viewer).data.any()


def test_while_training_runs_a_click_says_to_stop_first(
    quick: Any, finish: Any, qtbot: Any
) -> None:
    train = quick.train
    train.run_button.click()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > 3, timeout=60_000)
    before = train.workspace.model
    train.curves.clicked.emit(0.0)
    assert "Stop first" in train.status.text()
    assert "Stop first" in train.curves.toolTip()
    assert train.workspace.model == before
    train.run_button.click()
    finish(train)
    idle(train, qtbot)
    assert "Click" in train.curves.toolTip()


@pytest.mark.one_binding
def test_removing_the_preview_or_the_image_meanwhile_harms_nothing(
    past: Any, viewer: Any, qtbot: Any
) -> None:
    past.curves.clicked.emit(0.0)
    viewer.layers.clear()
    idle(past, qtbot)
    assert read_card(past.workspace.model)


@pytest.mark.one_binding
def test_without_an_image_the_network_is_chosen_and_the_words_say_so(
    past: Any, viewer: Any, qtbot: Any
) -> None:
    viewer.layers.clear()
    past.curves.clicked.emit(0.0)
    idle(past, qtbot)
    assert "Load an image" in past.status.text()
    assert past.workspace.model.exists()


@pytest.mark.one_binding
def test_a_checkpoint_that_was_deleted_is_told_in_one_sentence(
    past: Any, qtbot: Any
) -> None:
    before = past.workspace.model
    shutil.rmtree(run_of(past))
    past.curves.clicked.emit(0.0)
    idle(past, qtbot)
    assert "There is no model file" in past.status.text()
    assert past.workspace.model == before


def test_opening_a_project_brings_curves_and_their_moments_back(
    past: Any, loaded: Any, qtbot: Any
) -> None:
    past.project.save()
    past.project.wait()
    box: ProjectBox = loaded.load.project
    past.curves.clear()
    box.open(past.project.project.folder)
    qtbot.waitUntil(lambda: past.curves.num_points[0] == 30, timeout=60_000)
    idle(past, qtbot)
    assert past.curves.seconds == 60
    past.curves.clicked.emit(25.0)
    idle(past, qtbot)
    assert read_card(past.workspace.model).step == 10
    assert "Step 10, after 0:20, is the model now" in past.status.text()


@pytest.mark.one_binding
def test_a_run_of_an_older_version_is_drawn_against_steps(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    train = loaded.train
    run = train.project.project.new_run("em")
    write_run(run, [10, 30], seconds=False)
    train.project.state.run = run
    train.restore.follow()
    idle(train, qtbot)
    train.curves.clicked.emit(29.0)
    idle(train, qtbot)
    assert read_card(train.workspace.model).step == 30
    assert "Step 30 is the model now" in train.status.text()


@pytest.mark.one_binding
def test_a_damaged_history_is_told_and_the_dock_stays_usable(
    loaded: Any, qtbot: Any
) -> None:
    train = loaded.train
    run = train.project.project.new_run("em")
    run.mkdir(parents=True)
    (run / "history.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    train.project.state.run = run
    train.restore.follow()
    idle(train, qtbot)
    assert "no table of a training run" in train.status.text()
    assert train.run_button.isEnabled()


@pytest.mark.one_binding
def test_a_network_of_three_dimensions_sees_the_slices_around(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    train = loaded.train
    run = train.project.project.new_run("em")
    write_run(run, [2])
    config = UNetConfig(ndim=3, base_channels=2, depth=1)
    path = run / "checkpoints" / "step-000002.safetensors"
    card = ModelCard(network=config, step=2)
    card = card.model_copy(
        update={"train": card.train.model_copy(update={"patch_slices": 1})}
    )
    save_model(path, Model(UNet(config), card))
    train.project.state.run = run
    train.restore.follow()
    idle(train, qtbot)
    viewer.dims.set_current_step(0, 4)
    train.curves.clicked.emit(0.0)
    idle(train, qtbot)
    layer = preview(viewer)
    assert layer.metadata[PREDICTED] == [4]
    assert not np.delete(layer.data, 4, axis=0).any()
    assert "slice 4" in train.status.text()
