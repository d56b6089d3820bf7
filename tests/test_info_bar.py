"""An image with an info bar is treated as the picture above it, everywhere."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import dask.array as da
import numpy as np
import pytest
import torch

from napari_unet.baselines.apply import make_mask
from napari_unet.config import (
    AnnotationKind,
    BaselineConfig,
    PostprocessConfig,
    PredictConfig,
    Region,
    Role,
    RunConfig,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.regions import roles_on
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.live.events import Preview
from napari_unet.live.live_set import LiveSet
from napari_unet.live.loop import LiveLoop
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.guidance import Looked, find_places
from napari_unet.predict.segment import segment
from napari_unet.samples import em_stack
from napari_unet.score.comparison import compare
from napari_unet.score.scoring import score
from napari_unet.steps import result_of
from napari_unet.train.training_image import prepare_image

BAR, HEIGHT, WIDTH = 24, 72, 80
PICTURE = slice(0, HEIGHT)


@pytest.fixture(scope="module")
def em():
    """Sections with a bar of white writing below, and labels that go on into it."""
    sections, objects = em_stack((3, HEIGHT, WIDTH), seed=1)
    bar = np.zeros((3, BAR, WIDTH), np.uint8)
    bar[:, 8:16, ::3] = 255
    data = np.concatenate([np.asarray(sections.data), bar], axis=1)
    stack = replace(sections, data=data, info_bar=BAR)
    cells = np.concatenate([objects > 0, np.ones_like(bar, bool)], axis=1)
    return stack, cells.astype(np.uint8)


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = UNetConfig(base_channels=4, depth=2)
    card = ModelCard(network=config, pixel_size=(50, 8, 8), unit="nm")
    return Model(UNet(config).eval(), card)


def test_the_picture_is_a_view_of_the_rows_above(em):
    stack, _ = em
    picture = stack.picture
    assert (picture.shape, picture.info_bar) == ((3, HEIGHT, WIDTH), 0)
    assert np.shares_memory(picture.data, stack.data)
    assert picture.picture is picture
    lazy = replace(stack, data=da.from_array(stack.data, chunks=(1, 96, 80)))
    assert isinstance(lazy.picture.data, da.Array)
    assert stack.slices("1").info_bar == BAR
    colours = np.zeros((HEIGHT + BAR, WIDTH, 3))
    sem = Stack(colours, "YXS", (1.0, 1.0), "pixel", "sem", info_bar=BAR)
    assert sem.picture.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("rows", [-1, 96, 97])
def test_a_bar_that_leaves_no_picture_is_refused(em, rows):
    with pytest.raises(InputError, match=f"info bar of {rows} rows does not fit"):
        replace(em[0], info_bar=rows)


def test_training_sees_the_picture_alone(em):
    stack, cells = em
    regions = [Region(role=Role.VALIDATION, polygon=((40, 0), (95, 0), (95, 79)))]
    with_bar = prepare_image(stack, cells, regions=regions)
    alone = prepare_image(stack.picture, cells[:, PICTURE], regions=regions)
    for name in ("image", "weight_map", "roles", "truth"):
        np.testing.assert_array_equal(getattr(with_bar, name), getattr(alone, name))
    assert with_bar.train_pixels == alone.train_pixels
    # The file is known again by all that it holds.
    assert with_bar.image_fingerprint == fingerprint(stack.as_czyx())


def test_live_training_sees_the_picture_alone(em):
    stack, cells = em
    kind, settings = AnnotationKind.CLASSES, WeightMapConfig()
    roles = roles_on(
        range(len(cells)),
        [Region(role=Role.VALIDATION, polygon=((0, 0), (95, 0), (0, 79)))],
        cells.shape,
    )
    with_bar = LiveSet(stack, kind, settings, roles)
    alone = LiveSet(stack.picture, kind, settings, roles.rows(PICTURE))
    for one, labels in ((with_bar, cells), (alone, cells[:, PICTURE])):
        one.update(1, labels[1])
    # A stroke that runs into the bar, and one that lies on it.
    painted = cells[1].copy()
    for rows in (slice(60, 90), slice(80, 90)):
        painted[rows] = 1 - painted[rows]
        with_bar.update(1, painted, rows)
        alone.update(1, painted[PICTURE])
    for name in ("image", "weight_map", "roles", "truth"):
        np.testing.assert_array_equal(
            getattr(with_bar.image, name), getattr(alone.image, name)
        )
    with pytest.raises(InputError, match="the image is 96 x 80"):
        with_bar.update(1, cells[1, PICTURE])


@pytest.mark.parametrize("rescale", [False, True])
def test_nothing_is_predicted_on_the_bar(em, model, rescale):
    stack, _ = em
    config = PredictConfig(rescale=rescale)
    with_bar = segment(model, stack, config, probabilities=True)
    alone = segment(model, stack.picture, config, probabilities=True)
    assert with_bar.labels.shape == stack.shape
    np.testing.assert_array_equal(with_bar.labels[:, PICTURE], alone.labels)
    assert not with_bar.labels[:, HEIGHT:].any()
    chances = with_bar.probabilities
    np.testing.assert_array_equal(chances[:, :, PICTURE], alone.probabilities)
    assert (chances[0, :, HEIGHT:] == 1).all()
    assert (chances[1:, :, HEIGHT:] == 0).all()


def test_no_object_lies_on_the_bar(em, model):
    finish = PostprocessConfig(objects="watershed", min_size=0)
    with_bar = segment(model, em[0], finish=finish)
    assert with_bar.labels.any()
    assert not with_bar.labels[:, HEIGHT:].any()


def test_no_place_on_the_bar_is_asked_for(em, model):
    stack, _ = em
    nothing = np.zeros(stack.shape, np.uint8)
    options = (None, 16, Event())
    looks = []
    with_bar = result_of(
        find_places(lambda: model, stack, nothing, *options), looks.append
    )
    alone = result_of(
        find_places(lambda: model, stack.picture, nothing[:, PICTURE], *options)
    )
    assert [one.place for one in with_bar.places] == [one.place for one in alone.places]
    looks = [one for one in looks if isinstance(one, Looked)]
    assert all(look.unsure.shape == stack.shape[1:] for look in looks)
    assert not any(look.unsure[HEIGHT:].any() for look in looks)


@pytest.mark.parametrize("name", ["otsu", "forest"])
def test_baselines_see_the_picture_alone(em, name):
    stack, cells = em
    config = BaselineConfig(trees=5)
    with_bar, alone = (
        result_of(make_mask(name, one, classes, config, Event())).mask
        for one, classes in ((stack, cells), (stack.picture, cells[:, PICTURE]))
    )
    np.testing.assert_array_equal(with_bar[:, PICTURE], alone)
    assert not with_bar[:, HEIGHT:].any()


def test_the_bar_is_not_scored(em):
    _, cells = em
    predicted = cells.copy()
    predicted[:, ::5] = 0
    with_bar = score(compare(predicted, cells, info_bar=BAR))
    alone = score(compare(predicted[:, PICTURE], cells[:, PICTURE]))
    # Thinned borders may end a pixel further where the picture goes on.
    assert with_bar.values() == pytest.approx(alone.values(), rel=1e-3)
    np.testing.assert_array_equal(with_bar.overall.confusion, alone.overall.confusion)
    assert "24 rows at the bottom, is not scored" in " ".join(with_bar.notes)


def test_a_network_learns_cells_and_not_the_bar(em):
    """With the bar as part of the image, the same steps end elsewhere."""
    from napari_unet.train.session import open_run
    from napari_unet.train.training_source import TrainingSource

    stack, cells = em
    config = RunConfig(
        network=UNetConfig(base_channels=2, depth=1),
        train=TrainConfig(steps=2, patch_size=32, batch_size=1, threads=1),
    )
    images = stack, stack.picture, replace(stack, info_bar=0)
    labels = cells, cells[:, PICTURE], cells
    weights = []
    for image, painted in zip(images, labels, strict=True):
        trainer = open_run([TrainingSource(image, painted)], config).trainer
        list(trainer.run())
        weights.append(trainer.network.state_dict())
    with_bar, alone, everything = ([one[name] for name in one] for one in weights)
    assert all(map(torch.equal, with_bar, alone))
    assert not all(map(torch.equal, with_bar, everything))


@pytest.mark.parametrize("rows", [slice(0, 96), slice(60, 96)])
def test_the_preview_of_live_training_ends_above_the_bar(em, rows):
    stack, cells = em
    config = RunConfig(
        network=UNetConfig(base_channels=2, depth=1),
        train=TrainConfig(live_patch_size=32, batch_size=1, threads=1),
    )
    loop = LiveLoop(stack, AnnotationKind.CLASSES, config)
    loop.requests.update(1, cells[1])
    loop.requests.look_at(1, (rows, slice(0, WIDTH)))
    items, stop = [], Event()
    for item in loop.run(stop):
        items.append(item)
        if isinstance(item, Preview) or len(items) > 200:
            stop.set()
    shown = [item for item in items if isinstance(item, Preview)]
    assert shown
    assert all(item.core[1].stop <= HEIGHT for item in shown)
