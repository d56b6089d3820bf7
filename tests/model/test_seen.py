"""A model file says which slices it has learnt from, those of models before it too."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.data.fingerprint import fingerprint
from napari_unet.model.card import ModelCard
from napari_unet.model.seen import seen, trained_slices, validation_slices


def card(*entries: dict[str, str]) -> ModelCard:
    return ModelCard(data=entries)


def test_slices_come_back_as_they_were_written() -> None:
    model = card(seen("aa", [0, 1, 2, 7, 9, 10], [12]))
    assert trained_slices(model, "aa") == {0, 1, 2, 7, 9, 10}
    assert validation_slices(model, "aa") == {12}


def test_an_image_that_was_never_seen_has_no_such_slices() -> None:
    model = card(seen("aa", range(4), range(4, 6)))
    assert trained_slices(model, "bb") == frozenset()
    assert validation_slices(model, "bb") == frozenset()


def test_what_an_earlier_training_learnt_from_is_not_held_out_any_more() -> None:
    model = card(seen("aa", range(6), []), seen("aa", [8], range(4, 8)))
    assert trained_slices(model, "aa") == {0, 1, 2, 3, 4, 5, 8}
    assert validation_slices(model, "aa") == {6, 7}


def test_a_slice_that_regions_divide_is_not_held_out() -> None:
    model = card(seen("aa", [0, 1], [1, 2]))
    assert validation_slices(model, "aa") == {2}


OLDER = {"name": "em.tif", "sha256": "00ff"}


@pytest.mark.parametrize(
    "entries",
    [(), (OLDER,), (OLDER, {"image": "aa", "train": "a:b", "validation": ""})],
)
def test_older_and_damaged_entries_leave_it_unknown(entries) -> None:
    assert trained_slices(card(*entries), "aa") is None
    assert validation_slices(card(*entries), "aa") is None


def test_what_is_known_counts_beside_an_older_training_that_is_not() -> None:
    model = card(OLDER, seen("aa", [3], [4]))
    assert trained_slices(model, "aa") == {3}
    assert validation_slices(model, "aa") is None


def test_without_a_fingerprint_nothing_is_known() -> None:
    model = card(seen("", [0], [1]))
    assert trained_slices(model, "") is None
    assert validation_slices(model, "") is None


def test_a_file_cannot_name_more_slices_than_memory_holds() -> None:
    huge = {"image": "aa", "train": "0:99999999999999", "validation": ""}
    assert trained_slices(card(huge), "aa") is None


def test_a_fingerprint_is_that_of_the_values_and_the_shape() -> None:
    image = np.random.default_rng(0).integers(0, 255, (1, 4, 6, 5), np.uint8)
    digest = fingerprint(image)
    assert digest == fingerprint(image[:, ::-1][:, ::-1])
    assert digest != fingerprint(image.reshape(1, 4, 5, 6))
    changed = image.copy()
    changed[0, 2, 3, 4] += 1
    assert digest != fingerprint(changed)
