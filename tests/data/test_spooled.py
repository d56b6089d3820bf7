"""Arrays that fill up in a file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from napari_unet.data.spooled import SpooledArray, _in_memory

SHAPE = (2, 3, 20, 30)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_boxes_come_back_as_from_an_array(dtype):
    rng = np.random.default_rng(0)
    expected = np.zeros(SHAPE, dtype)
    expected[0] = 1
    spooled = SpooledArray(SHAPE, dtype, first=1)
    for y, x in [(slice(0, 8), slice(0, 30)), (slice(8, 20), slice(4, 17))]:
        box = slice(None), slice(1, 3), y, x
        values = rng.random(expected[box].shape).astype(dtype)
        expected[box] = spooled[box] = values
    lazy = spooled.lazy()
    del spooled
    assert lazy.dtype == dtype
    np.testing.assert_array_equal(lazy[1, 2], expected[1, 2])
    np.testing.assert_array_equal(lazy, expected)


def test_a_full_disk_is_told_at_once(tmp_path):
    """By a limit to the size of files, in a process of its own."""
    pytest.importorskip("resource")
    code = """
import resource, sys
sys.dont_write_bytecode = True  # which would be cut off, and stay
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
from napari_unet.data.spooled import SpooledArray, _in_memory
from napari_unet.errors import OutputError
try:
    SpooledArray((2, 3, 20, 30), "float32")
except OutputError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert f"{tmp_path} cannot be written: File too large" in ran.stdout


@pytest.mark.skipif(
    not (Path("/dev/shm").is_dir() and _in_memory("/dev/shm"))
    or _in_memory("/var/tmp"),
    reason="no folder in memory, or no other",
)
@pytest.mark.parametrize("chosen", [True, False])
def test_a_folder_in_memory_is_left_for_one_on_disk_unless_it_was_chosen(
    monkeypatch, chosen
):
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    if chosen:
        monkeypatch.setenv("TMPDIR", "/dev/shm")
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    made = []
    real = tempfile.TemporaryFile

    def make(**options):
        made.append(options["dir"])
        return real(**options)

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    SpooledArray((2, 1, 4, 4), "float32")
    assert made == ["/dev/shm" if chosen else "/var/tmp"]
