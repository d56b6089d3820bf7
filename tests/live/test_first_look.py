"""What a model that is started from shows before anything is prepared or painted."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from napari_unet.config import RunConfig, TrainConfig, UNetConfig
from napari_unet.data.normalize import Normalization
from napari_unet.live.events import Idle
from napari_unet.live.first_look import first_look
from napari_unet.live.live_training import train_live
from napari_unet.live.loop import LiveLoop
from napari_unet.live.requests import LiveRequests
from napari_unet.model.checkpoint import Model, ModelCard, load_model
from napari_unet.model.device import choose_device
from napari_unet.model.networks.unet import UNet
from napari_unet.model.threads import Threads
from napari_unet.predict.onlooker import NETWORK, Preview
from napari_unet.predict.predictor import Predictor
from napari_unet.samples import em_stack
from napari_unet.starters import find_starter
from napari_unet.train.progress import Progress
from napari_unet.train.training_source import TrainingSource

STARTER = find_starter("em-membranes").path


@pytest.fixture(scope="module")
def em():
    return em_stack((4, 200, 170), seed=3)


def look(em, model, z=2, region=None, move=None, stop_at=99):
    """Everything that comes at the first look; the view moves after the first tile."""
    requests = LiveRequests()
    requests.look_at(z, region)
    found, stop = [], Event()
    device = choose_device("cpu", 2)
    where = device, Threads(device)
    for one in first_look(model, em[0], requests, *where, "the starter", stop):
        found.append(one)
        if len(found) == stop_at:
            stop.set()
        if move is not None:
            requests.look_at(move)
    return found


def test_it_is_what_the_whole_slice_gives_where_it_is_looked_at(em):
    model = load_model(STARTER)
    (shown,) = look(em, model, region=(slice(130, 140), slice(0, 60)))
    # Widened to blocks of 128 pixels.
    assert shown.core == (slice(2, 3), slice(128, 200), slice(0, 128))
    assert (shown.step, shown.drawn_by) == (0, "the starter")
    # On a device that is given: what is folded rounds otherwise in bfloat16.
    device = choose_device("cpu", 2)
    whole = Predictor(model, device=device).predict(em[0].as_czyx())
    np.testing.assert_array_equal(shown.labels, whole.labels[shown.core])
    (sure,) = look(em, model)
    assert sure.probabilities.shape == (2, 1, 200, 170)


def test_it_ends_where_something_else_is_looked_at():
    wide = em_stack((2, 64, 1500), seed=3)
    model = load_model(STARTER)
    assert len(look(wide, model, z=0)) > 1
    (middle,) = look(wide, model, z=0, move=1)
    columns = middle.core[2]
    assert columns.start < 750 < columns.stop


def test_it_ends_where_it_is_stopped():
    wide = em_stack((1, 64, 1500), seed=3)
    assert len(look(wide, load_model(STARTER), z=0, stop_at=1)) == 1


def test_a_stop_during_the_first_look_prepares_nothing_more(em, tmp_path):
    wide, requests, stop = em_stack((1, 64, 1500), seed=3)[0], LiveRequests(), Event()
    requests.look_at(0)
    items = train_live(
        stop,
        source=TrainingSource(wide, np.zeros(wide.shape, np.uint8)),
        requests=requests,
        config=RunConfig(start="em-membranes", train=TrainConfig(threads=1)),
        folder=tmp_path / "run",
    )
    assert isinstance(next(items), Preview)
    stop.set()
    assert list(items) == []
    assert not (tmp_path / "run").exists()


def test_nothing_is_seen_where_the_info_bar_alone_is_looked_at(em):
    with_bar = replace(em[0], info_bar=20)
    model = load_model(STARTER)
    assert look((with_bar,), model, region=(slice(181, 199), slice(0, 60))) == []


@pytest.mark.parametrize(
    ("network", "normalization"),
    [({"ndim": 3}, {}), ({"in_channels": 2}, {}), ({}, {"per": "image"})],
)
def test_what_needs_more_than_a_slice_waits_for_the_stack(em, network, normalization):
    config = UNetConfig(base_channels=2, depth=1, **network)
    card = ModelCard(network=config, normalization=Normalization(**normalization))
    assert look(em, Model(UNet(config).eval(), card)) == []


def test_live_training_shows_the_starter_at_once_and_learns_from_the_first_stroke(
    em, tmp_path
):
    stack, objects = em
    requests, stop = LiveRequests(), Event()
    requests.look_at(1)
    source = TrainingSource(stack, np.zeros(objects.shape, np.uint8))
    train = TrainConfig(live_patch_size=64, batch_size=2, threads=1)
    items = train_live(
        stop,
        source=source,
        requests=requests,
        config=RunConfig(start="em-membranes", train=train),
        folder=tmp_path / "run",
    )
    first = next(items)
    assert isinstance(first, Preview)
    assert first.labels.any()
    idle = next(item for item in items if isinstance(item, Idle))
    assert idle.reason == "Preview of EM membranes; paint to correct it."
    requests.update(1, ((objects[1] > 0) + 1).astype(np.uint8))
    seen = []
    for item in items:
        seen.append(item)
        if isinstance(item, Preview) and item.updates == 1:
            stop.set()
    assert any(isinstance(item, Progress) for item in seen)
    last = [item for item in seen if isinstance(item, Preview)][-1]
    assert (last.drawn_by, last.step > 0) == (NETWORK, True)
    assert load_model(tmp_path / "run" / "last.safetensors").card.step > 0


def test_the_threshold_of_the_model_counts_until_the_network_has_learnt(em):
    model = load_model(STARTER)
    strict = replace(model, card=model.card.model_copy(update={"threshold": 0.9}))
    (usual,), (few,) = look(em, model), look(em, strict)
    assert 0 < np.count_nonzero(few.labels) < np.count_nonzero(usual.labels)
    loop = LiveLoop(em[0], start=strict)
    loop.requests.look_at(2)
    np.testing.assert_array_equal(next(loop.run()).labels, few.labels)
