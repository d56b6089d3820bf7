"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Function,
) -> Generator[None, object, object]:
    """Measure no coverage in windows, nor in the many examples of one property.

    It takes half their time again. Windows are left out of what is measured, and what
    examples are drawn for is reached by tests of single cases, too.
    """
    unmeasured = "qtbot" in item.fixturenames or hasattr(item.obj, "hypothesis")
    measuring = Coverage.current() if unmeasured else None
    if measuring is not None:
        measuring.stop()
    shown = yield
    if measuring is not None:
        measuring.start()
    return shown


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real stacks, or a skip that says where they were looked for."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_UNET_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set NAPARI_UNET_TEST_DATA")
    return folder
