"""Threads that load large packages take turns."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from napari_unet.data.one_import import imported


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Two modules, each of which waits a little for the other while it is loaded."""
    monkeypatch.syspath_prepend(tmp_path)
    events = {"one_of_two": Event(), "other_of_two": Event()}
    for mine, theirs in zip(events, reversed(events), strict=True):
        (tmp_path / f"{mine}.py").write_text(
            "from test_one_import_events import events\n"
            f"events[{mine!r}].set()\n"
            f"met = events[{theirs!r}].wait(0.3)\n"
            f"events[{mine!r}].clear()\n",
            encoding="utf-8",
        )
    (tmp_path / "test_one_import_events.py").write_text("", encoding="utf-8")
    imported("test_one_import_events").events = events
    yield list(events)
    for name in ("test_one_import_events", *events):
        sys.modules.pop(name, None)


def test_two_threads_load_one_after_the_other(modules):
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(imported, modules)
    assert (first.met, second.met) == (False, False)
