"""What is left open comes from the model, and slices are finished one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_unet.config import PostprocessConfig, UNetConfig
from napari_unet.config.postprocess import SPECK
from napari_unet.data.machine_memory import MachineMemory
from napari_unet.model.card import ModelCard
from napari_unet.predict import finishing
from napari_unet.predict.finishing import FinishedSlices, by_slice, settle
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.predict.prediction import TileDone
from napari_unet.samples import em_stack

SHAPE = (4, 80, 96)
WATERSHED = PostprocessConfig(objects="watershed", neck=0.6, core=0, min_size=4)
CLASSES = PostprocessConfig(objects="no", neck=0.4, core=0)


def card(finish: PostprocessConfig | None = WATERSHED, ndim: int = 2) -> ModelCard:
    return ModelCard(
        network=UNetConfig(ndim=ndim), finish=finish, finish_reason="the reason"
    )


def likely() -> NDArray[np.float32]:
    cells = em_stack(SHAPE, seed=1)[1] > 0
    noise = np.random.default_rng(0).random(SHAPE) * 0.3
    foreground = np.where(cells, 0.95 - noise, 0.4 - noise).astype(np.float32)
    return np.stack([1 - foreground, foreground])


def tiles(probabilities: NDArray[np.float32]) -> list[TileDone]:
    """Four tiles of every slice, and between slices one without any pixel."""
    found = []
    depth, height, width = probabilities.shape[1:]
    for z in range(depth):
        for rows in (slice(0, 50), slice(50, height)):
            for columns in (slice(0, 30), slice(30, width)):
                core = (slice(z, z + 1), rows, columns)
                part = probabilities[(slice(None), *core)]
                found.append(TileDone(1, 1, core, part))
        nowhere = (slice(0, 0),) * 3
        found.append(TileDone(1, 1, nowhere, probabilities[(slice(None), *nowhere)]))
    return found


def test_what_is_left_open_comes_from_the_model_and_the_rest_from_the_user() -> None:
    assert settle(None, card(), SHAPE).finish == WATERSHED
    assert settle(None, card(), SHAPE).words == "the reason"
    own = PostprocessConfig(min_size=9)
    assert settle(own, card(), SHAPE).finish == PostprocessConfig(
        objects="watershed", neck=0.6, core=0, min_size=9
    )
    own = PostprocessConfig(objects="no")
    assert settle(own, card(), SHAPE).finish.keeps_classes
    assert settle(own, card(), SHAPE).words == ""
    own = PostprocessConfig(objects="watershed", neck=0.2, core=0.8, min_size=7)
    assert settle(own, card(CLASSES), SHAPE).finish == own


def test_specks_are_left_out_as_the_model_was_taught_or_as_usual() -> None:
    numbered = PostprocessConfig(objects="connected")
    assert settle(None, card(), SHAPE).finish.min_size == WATERSHED.min_size
    assert settle(numbered, card(), SHAPE).finish.min_size == WATERSHED.min_size
    assert settle(numbered, card(CLASSES), SHAPE).finish.min_size == SPECK
    assert settle(numbered, card(None), SHAPE).finish.min_size == SPECK
    assert settle(None, card(CLASSES), SHAPE).finish.min_size == 0


def test_a_model_of_before_numbers_as_it_did() -> None:
    before = WATERSHED.model_copy(update={"min_size": 0})
    assert settle(None, card(before), SHAPE).finish == before


def test_models_of_before_keep_to_the_classes_of_pixels() -> None:
    settled = settle(None, card(None), SHAPE)
    assert settled.finish.keeps_classes
    assert settled.words == ""


def test_nothing_stays_open() -> None:
    for kept in (None, PostprocessConfig(), WATERSHED, CLASSES):
        for own in (PostprocessConfig(), PostprocessConfig(objects="connected")):
            settled = own.settled(kept)
            assert settled.objects != "auto"
            assert settled.neck is not None
            assert settled.settled(WATERSHED) == settled


@pytest.mark.parametrize(
    "finish",
    [
        WATERSHED,
        PostprocessConfig(objects="connected", min_size=5),
        PostprocessConfig(objects="watershed", min_size=20, thin_borders=2),
        PostprocessConfig(objects="no", fill_holes=9, min_size=30),
    ],
)
@pytest.mark.parametrize("threshold", [None, 0.7])
def test_slices_by_themselves_are_as_the_whole_would_be(
    finish: PostprocessConfig, threshold: float | None
) -> None:
    assert by_slice(finish, 2)
    probabilities = likely()
    each = FinishedSlices(SHAPE, SHAPE[1], finish, threshold)
    for tile in tiles(probabilities):
        each.add(tile)
    expected = postprocess(
        classify(probabilities, threshold),
        finish,
        probabilities=probabilities,
        threshold=threshold,
    )
    np.testing.assert_array_equal(each.labels, expected)
    assert each.labels.dtype == expected.dtype
    assert len(np.unique(expected)) > (10 if finish.objects != "no" else 1)


def test_a_slice_is_done_with_its_last_tile_and_forgets_the_probabilities() -> None:
    each = FinishedSlices(SHAPE, SHAPE[1], WATERSHED, None)
    for number, tile in enumerate(tiles(likely())[:9]):
        each.add(tile)
        assert each.labels[0].any() == (number >= 3)
        assert len(each._begun) == (number not in (3, 4, 8))
    assert each.labels[1].any()
    assert not each.labels[2:].any()


def test_more_objects_than_16_bits_hold_are_numbered() -> None:
    dots = np.zeros((2, 1, 400, 400), np.float32)
    dots[1, :, ::2, ::2] = 0.9
    dots[0] = 1 - dots[1]
    finish = PostprocessConfig(objects="connected", min_size=0)
    each = FinishedSlices((2, 400, 400), 400, finish, None)
    for z in range(2):
        core = (slice(z, z + 1), slice(0, 400), slice(0, 400))
        each.add(TileDone(z + 1, 2, core, dots))
    assert len(np.unique(each.labels)) == 2 * 200 * 200 + 1
    assert each.labels.dtype == np.uint32


def test_an_info_bar_is_background() -> None:
    each = FinishedSlices(SHAPE, 50, WATERSHED, None)
    for tile in tiles(likely()):
        if tile.core[1].stop <= 50:
            each.add(tile)
    assert each.labels[:, :50].any(axis=(1, 2)).all()
    assert not each.labels[:, 50:].any()


@pytest.mark.parametrize("ndim", [2, 3])
def test_what_goes_through_slices_needs_memory_which_is_said_beforehand(
    ndim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free(gigabytes: float) -> None:
        memory = MachineMemory(2**40, int(gigabytes * 2**30))
        monkeypatch.setattr(finishing, "machine_memory", lambda: memory)

    large = (500, 1000, 1000)
    own: dict[str, Any] = {"follow_slices": ndim == 2}
    follows = PostprocessConfig(**own)
    free(100)
    settled = settle(follows, card(ndim=ndim), large)
    assert settled.finish.objects == "watershed"
    assert "about 56 GB of memory in the end, and 100 GB are free" in settled.words
    free(20)
    settled = settle(follows, card(ndim=ndim), large)
    assert settled.finish.objects == "no"
    assert settled.finish.min_size == 0
    assert settled.words.startswith("a mask of classes: objects that go through")
    cores = PostprocessConfig(objects="connected", core=0.7)
    assert settle(follows, card(cores, ndim=ndim), large).finish.objects == "no"
    wanted = PostprocessConfig(objects="watershed", **own)
    assert settle(wanted, card(ndim=ndim), large).finish.objects == "watershed"
    assert settle(follows, card(ndim=ndim), SHAPE).words == "the reason"
    free(0.1)
    assert settle(None, card(), large).finish == WATERSHED, "slice by slice it fits"
