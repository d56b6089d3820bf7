"""What starter networks learn from is drawn and brought to scale as it is said."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import ndimage

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """Import a script, which imports its neighbours."""
    monkeypatch.syspath_prepend(SCRIPTS)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def test_sections_differ_in_look_and_their_cells_lie_apart(script):
    draw = script("varied_em").varied_section
    image, cells, pixel = draw(3, 128)
    again, _, _ = draw(3, 128)
    other, _, other_pixel = draw(4, 128)
    np.testing.assert_array_equal(image, again)
    assert 3 <= pixel <= 12
    assert pixel != other_pixel
    assert not np.array_equal(image, other)
    _, count = ndimage.label(cells > 0)
    assert count == len(np.unique(cells[cells > 0]))
    assert image[cells == 0].mean() < image[cells > 0].mean()


def test_membranes_of_the_volume_are_as_wide_in_nm_at_every_pixel_size(script):
    data = script("starter_data")
    bodies = np.ones((1, 100, 100), np.uint16)
    bodies[:, :, 50:] = 2
    raw = np.zeros(bodies.shape, np.uint8)
    for size in data.SIZES:
        stack, inside = data.resized(raw, bodies, size)
        assert stack.pixel_size[-1] == size
        assert inside.shape == stack.data.shape
        width = size * np.count_nonzero(~inside[0], axis=1)
        assert abs(width - 16).max() <= size


def test_another_look_keeps_mean_and_deviation_of_a_patch(script):
    other_look = script("train_starters").other_look
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(8, 1, 1, 64, 64, generator=generator) + 0.3
    seen = other_look(patches, generator)
    assert not torch.equal(seen, patches)
    for moment in (torch.mean, torch.std):
        now = moment(seen, (2, 3, 4)).abs()
        torch.testing.assert_close(now, moment(patches, (2, 3, 4)), atol=0.01, rtol=0)
