"""Membranes are narrow borders at every magnification; what lies apart has none."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.data.narrow_borders import narrow_share
from napari_unet.samples import em_stack


def share(mask: np.ndarray) -> float:
    return narrow_share([(mask, ~mask)])


def cells() -> np.ndarray:
    _, labels = em_stack((1, 160, 160), seed=0)
    return np.asarray(labels[0] > 0)


@pytest.mark.parametrize("times", [1, 2, 4])
def test_membranes_between_cells_are_narrow_at_every_magnification(times: int) -> None:
    mask = cells().repeat(times, axis=0).repeat(times, axis=1)
    assert share(mask) > 0.7


def test_two_lungs_in_a_chest_have_no_borders_between_them() -> None:
    mask = np.zeros((160, 160), bool)
    mask[40:110, 20:70] = mask[40:110, 90:140] = True
    assert share(mask) < 0.3


def test_what_is_alone_everywhere_or_nowhere_has_none() -> None:
    mask = np.zeros((20, 20), bool)
    assert share(mask) == share(~mask) == 0
    mask[5:9, 5:9] = True
    assert share(mask) == 0
    assert narrow_share([]) == 0


def test_of_several_slices_pixels_are_counted() -> None:
    empty = np.zeros((160, 160), bool)
    both = narrow_share([(cells(), ~cells()), (empty, ~empty)])
    background = np.count_nonzero(~cells())
    assert both == pytest.approx(
        share(cells()) * background / (background + empty.size)
    )


def test_background_that_is_not_annotated_does_not_count() -> None:
    mask = cells()
    known = ~mask
    known[:, 80:] = False
    assert 0.5 < narrow_share([(mask, known)]) <= 1
