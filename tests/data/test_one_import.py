"""Threads that load large packages take turns."""

from __future__ import annotations

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from napari_unet.data import one_import
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


@pytest.fixture
def half_loaded(tmp_path, monkeypatch):
    """A module that waits while it is loaded, and one that asks for what it lacks."""
    monkeypatch.syspath_prepend(tmp_path)
    begun, asked = Event(), Event()
    (tmp_path / "slow_to_load.py").write_text(
        "from test_one_import_events import asked, begun\n"
        "begun.set()\n"
        "asked.wait(0.3)\n"
        "Tensor = object\n",
        encoding="utf-8",
    )
    (tmp_path / "asks_for_it.py").write_text(
        "import sys\n"
        "from test_one_import_events import asked\n"
        "asked.set()\n"
        "found = hasattr(sys.modules['slow_to_load'], 'Tensor')\n",
        encoding="utf-8",
    )
    (tmp_path / "test_one_import_events.py").write_text("", encoding="utf-8")
    events = imported("test_one_import_events")
    events.begun, events.asked = begun, asked
    monkeypatch.setattr(one_import, "_ASKED_FOR", "slow_to_load")
    yield begun
    for name in ("test_one_import_events", "slow_to_load", "asks_for_it"):
        sys.modules.pop(name, None)


def test_what_something_else_has_begun_to_load_is_waited_for(half_loaded):
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(importlib.import_module, "slow_to_load")
        assert half_loaded.wait(10)
        assert imported("asks_for_it").found
        slow.result()
