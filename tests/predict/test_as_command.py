"""A prediction as the command that repeats it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer

from napari_unet.cli.app import app
from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.predict.as_command import predict_command

MODEL = Path("my models/best.safetensors")


def parsed(line: str) -> dict:
    """What the command line understands."""
    program, name, *words = shlex.split(line)
    assert (program, name) == ("napari-unet", "predict")
    command = typer.main.get_command(app).commands[name]
    return command.make_context(name, words).params


def test_what_is_as_at_first_is_left_out() -> None:
    line = predict_command(MODEL, "em.tif", PredictConfig(), PostprocessConfig())
    assert line == (
        "napari-unet predict 'my models/best.safetensors' em.tif "
        "--out em-prediction.tif"
    )


@pytest.mark.parametrize("name", sorted(PostprocessConfig.model_fields))
def test_every_setting_is_typed_as_the_command_line_reads_it(name: str) -> None:
    others = {
        **{"objects": "watershed", "follow_slices": True, "thin_borders": True},
        **{"core": 0.3, "min_size": 7, "neck": 0.2, "smooth": 2, "fill_holes": 5},
    }
    finish = PostprocessConfig().changed("a test", **{name: others[name]})
    line = predict_command(MODEL, "em.tif", PredictConfig(), finish)
    assert parsed(line)[f"finish_{name}"] == others[name]


def test_slices_threshold_and_probabilities_are_typed_too() -> None:
    config = PredictConfig(
        threshold=0.4, average=True, tile_size=256, probabilities="float16"
    )
    found = parsed(
        predict_command(
            *(MODEL, "a/em.ome.tif", config, PostprocessConfig()),
            slices="3:4",
            probabilities=True,
        )
    )
    assert found["predict_threshold"] == 0.4
    assert found["predict_average"] is True
    assert found["predict_tile_size"] == 256
    assert found["half"] is True
    assert found["slices"] == "3:4"
    assert found["image"] == Path("a/em.ome.tif")
    assert found["probabilities"] == Path("em-probabilities.tif")
