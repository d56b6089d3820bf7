"""Freed memory stays with the process until it is handed back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_unet.model.allocator import keep_freed_memory, return_freed_memory

_PROGRAM = """
import resource
import numpy as np
from napari_unet.model.allocator import keep_freed_memory, return_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    before = faults()
    blocks = [np.ones(16 * 2**20, np.uint8) for _ in range(8)]
    del blocks
    return faults() - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

kept = keep_freed_memory()
step()
again, full = step(), resident()
return_freed_memory()
print(int(kept), again, full - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")
def test_freed_memory_is_used_again_and_can_be_handed_back():
    # Of its own, as the setting is one of the whole process.
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    kept, again, returned = map(int, done.stdout.split())
    if not kept:
        pytest.skip("this C library is not GNU's")
    pages = 8 * 16 * 2**20 // 4096
    assert again < pages / 100
    assert returned > pages * 3 / 4


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    from napari_unet.model import allocator

    allocator._library.cache_clear()
    assert not keep_freed_memory()
    return_freed_memory()
    monkeypatch.undo()
    allocator._library.cache_clear()
