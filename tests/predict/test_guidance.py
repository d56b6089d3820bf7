"""The search for places to annotate: a guess soon, then the best of all slices."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import AnnotationKind, UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.networks.unet import UNet
from napari_unet.predict import guidance
from napari_unet.predict.guidance import Found, Guidance, Looked, find_places
from napari_unet.predict.onlooker import View
from napari_unet.samples import em_stack

SHAPE = (6, 96, 112)
BOX = 24
NOTHING = np.zeros(SHAPE, np.uint8)
STACK = em_stack(SHAPE, seed=3)[0]


def make_model(ndim: int = 2) -> Model:
    config = UNetConfig(base_channels=4, depth=2, ndim=ndim)
    torch.manual_seed(0)
    return Model(UNet(config).eval(), ModelCard(network=config))


@pytest.fixture
def search(monkeypatch: Any) -> Callable[..., tuple[list[Any], Guidance]]:
    """Search to the end, or to a stop after some items; a glance sees 32 pixels."""
    monkeypatch.setattr(guidance, "_GLANCE", {2: (1, 32, 32), 3: (2, 32, 32)})

    def searched(
        source: Any = make_model,
        labels: Any = NOTHING,
        stop_after: int | None = None,
        **options: Any,
    ) -> tuple[list[Any], Guidance]:
        stop, items = Event(), []
        kind = AnnotationKind.SCRIBBLES
        looks = find_places(source, STACK, labels, kind, BOX, stop, **options)
        while True:
            try:
                items.append(next(looks))
            except StopIteration as end:
                return items, end.value
            if len(items) == stop_after:
                stop.set()

    return searched


def reaches(found: Found, z: int, rows: slice, columns: slice) -> bool:
    """Whether a place lies in a part of a slice, or reaches into it."""
    parts = zip(found.place.box, (rows, columns), strict=True)
    shared = all(a.start < b.stop and a.stop > b.start for a, b in parts)
    return found.place.z == z and shared


def test_the_first_guess_lies_in_the_middle_of_the_view_before_any_slice_is_done(
    search: Any,
) -> None:
    view = View(4, (slice(50, 70), slice(0, 40)))
    (first, *rest), _ = search(view=view)
    assert reaches(first, 4, slice(44, 76), slice(4, 36))
    assert [type(one) for one in rest] == [Looked] * 6


def test_where_nothing_is_in_view_the_guess_is_in_the_middle_of_the_stack(
    search: Any,
) -> None:
    (first, *_), _ = search()
    assert reaches(first, 2, slice(32, 64), slice(40, 72))


def test_a_slice_that_is_annotated_is_passed_over_for_its_neighbour(
    search: Any,
) -> None:
    painted = NOTHING.copy()
    painted[1:4] = 1
    (first, *_), _ = search(labels=painted, view=View(2, None))
    assert first.place.z in (0, 4)


def test_where_the_view_is_annotated_the_slices_that_were_seen_give_the_guess(
    search: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(guidance, "_FIRST_SECONDS", 0.0)
    painted = NOTHING.copy()
    painted[:, 32:64, 40:72] = 1
    items, _ = search(labels=painted)
    assert [type(one) for one in items[:2]] == [Looked, Found]
    assert sum(isinstance(one, Found) for one in items) == 1


def test_what_was_drawn_before_is_ranked_before_the_model_is_asked(
    search: Any,
) -> None:
    asked: list[str] = []

    def source() -> Model:
        asked.append("model")
        return make_model()

    drawn = np.zeros((2, 1, 64, 64), np.float32)
    drawn[0] = 1
    drawn[:, :, 20:44, 30:54] = 0.5
    place = (slice(5, 6), slice(32, 96), slice(0, 64))
    looks = find_places(
        *(source, STACK, NOTHING, AnnotationKind.SCRIBBLES, BOX, Event()),
        predicted=[(place, drawn)],
    )
    first = next(looks)
    assert not asked
    assert isinstance(first, Found)
    assert first.place.z == 5
    rows, columns = first.place.box
    assert abs(rows.start - 52) < BOX
    assert abs(columns.start - 30) < BOX
    assert isinstance(next(looks), Looked), "no second guess"
    looks.close()


def test_what_was_drawn_counts_for_nothing_in_the_end(search: Any) -> None:
    drawn = np.full((2, 1, *SHAPE[1:]), 0.5, np.float32)
    _, found = search(predicted=[((slice(5, 6),), drawn)])
    assert all(one.place.score < 0.5 for one in found.places)


def test_the_guess_stays_the_first_and_the_best_of_all_slices_follow(
    search: Any,
) -> None:
    items, found = search(view=View(4, None))
    first, *others = (one.place for one in found.places)
    assert (first.z, first.box) == (items[0].place.z, items[0].place.box)
    assert len(others) == 7
    assert len({one.z for one in others}) > 2
    assert [one.score for one in others] == sorted(
        (one.score for one in others), reverse=True
    )
    unsure = next(one for one in items if isinstance(one, Looked) and one.z == 4).unsure
    # The score of what all of the slice was seen for, as that of the others.
    assert first.score == pytest.approx(float(unsure[first.box].mean()))
    for one in others:
        y, x = (
            min(a.stop, b.stop) - max(a.start, b.start)
            for a, b in zip(one.box, first.box, strict=True)
        )
        assert one.z != first.z or max(0, y) * max(0, x) <= 0.1 * BOX**2
    assert "The first place was a guess" in found.words


def test_a_stop_after_the_guess_keeps_it_and_says_what_it_is(search: Any) -> None:
    items, found = search(stop_after=1)
    assert [type(one) for one in items] == [Found]
    assert found.places[0].place.box == items[0].place.box
    assert "first guess" in found.words


def test_networks_of_three_dimensions_guess_from_a_few_slices(search: Any) -> None:
    (first, *rest), found = search(lambda: make_model(3), view=View(5, None))
    assert first.place.z in (4, 5)
    assert isinstance(rest[0], Looked)
    assert len(found.places) == 8
