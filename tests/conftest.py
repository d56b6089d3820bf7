"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real stacks, or a skip that says where they were looked for."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_UNET_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set NAPARI_UNET_TEST_DATA")
    return folder
