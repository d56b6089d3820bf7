"""Threads that wait give their core away, unless the user wants otherwise."""

from __future__ import annotations

import os

import pytest

from napari_unet.model.openmp import wait_briefly


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_threads_wait_briefly():
    wait_briefly()
    assert os.environ["GOMP_SPINCOUNT"] == "10000"


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_the_user_has_set_stays(monkeypatch, name):
    monkeypatch.setenv(name, "7")
    wait_briefly()
    assert os.environ[name] == "7"
    assert os.environ.get("GOMP_SPINCOUNT") in ("7", None)
