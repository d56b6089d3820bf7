"""The starter networks open, know EM from the start, and say where they come from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from safetensors import safe_open

from napari_unet.data.annotation import separate
from napari_unet.errors import InputError
from napari_unet.model.card import read_card
from napari_unet.model.checkpoint import load_model
from napari_unet.model.seen import trained_slices
from napari_unet.predict.segment import segment
from napari_unet.samples import em_stack
from napari_unet.score.objects.partition import score_slices
from napari_unet.score.pixels.overlap import overlap
from napari_unet.starters import STARTERS, Starter, find_starter

each = pytest.mark.parametrize("starter", STARTERS, ids=lambda one: one.name)
_LIGHT = """
import sys, napari_unet.starters
sys.exit(bool({"torch", "qtpy", "napari"} & set(sys.modules)))
"""


@pytest.fixture
def membranes() -> Starter:
    return find_starter("em-membranes")


def iou(found, truth) -> float:
    return overlap(found.astype(np.uint8), truth.astype(np.uint8), 2).iou


def test_a_starter_is_found_by_its_name_alone():
    assert [find_starter(one.name) for one in STARTERS] == list(STARTERS)
    with pytest.raises(InputError, match="'em': choose from em-membranes"):
        find_starter("em")


def test_listing_starters_loads_neither_torch_nor_qt():
    assert subprocess.run([sys.executable, "-c", _LIGHT], check=False).returncode == 0


@each
def test_a_starter_is_small_on_disk_and_float32_in_memory(starter):
    assert starter.path.stat().st_size <= 4_000_000
    with safe_open(starter.path, "pt") as file:
        assert file.get_tensor("head.weight").dtype == torch.float16
    floats = list(load_model(starter.path).network.parameters())
    assert {weight.dtype for weight in floats} == {torch.float32}


@each
def test_a_starter_says_what_it_learnt_and_under_which_licence(starter):
    card = read_card(starter.path)
    assert card.threshold is not None
    assert card.finish is not None
    assert card.normalization.moments == "robust"
    assert all(entry["licence"] for entry in card.data)
    # No image is thought to be seen that was not.
    assert trained_slices(card, "of another image") == frozenset()
    for words in ("Creative Commons", "Janelia FlyEM", "### Scores", "### Bad at"):
        assert words in starter.card
    assert starter.path.with_name("medulla_licence.txt").is_file()


def test_membranes_of_a_synthetic_stack_are_found_without_training(membranes):
    stack, cells = em_stack((2, 256, 256), seed=77)
    found = segment(membranes.path, stack).labels > 0
    assert iou(found, cells > 0) > 0.85
    assert score_slices(found, cells > 0).v_rand > 0.8


@pytest.mark.parametrize("invert", [False, True])
def test_contrast_may_be_inverted(membranes, invert):
    stack, cells = em_stack((256, 256), seed=78)
    image = 255 - np.asarray(stack.data) if invert else np.asarray(stack.data)
    assert iou(segment(membranes.path, image).labels[0] > 0, cells > 0) > 0.85


@pytest.mark.real_data
def test_real_membranes_of_another_microscope_are_found(
    membranes: Starter, real_data: Path
):
    image = tifffile.imread(real_data / "isbi2012-train-volume.tif")[26:28]
    truth = tifffile.imread(real_data / "isbi2012-train-labels.tif")[26:28] > 0
    found = separate(segment(membranes.path, image).labels.astype(np.int32), ndim=2) > 0
    assert iou(found, truth) > 0.87
    assert score_slices(found, truth).v_rand > 0.9
