"""Memory that is freed in one step and taken again in the next."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# As malloc.h of the GNU C library numbers them; 32 MiB is the most it takes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 32 * 2**20


def keep_freed_memory() -> bool:
    """Let this process keep freed blocks of up to 32 MiB, and tell whether it does.

    A step on the CPU frees some hundred megabytes of activations and takes them again
    in the next. By default the GNU C library hands them back to Linux in between, which
    then has to clear every page anew, which takes a good part of a step. The most
    memory that is ever used stays the same. Other systems are left alone.
    """
    library = _library()
    if library is None:
        return False
    kept = library.mallopt(_MMAP_THRESHOLD, _LARGEST)
    return bool(kept and library.mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def return_freed_memory() -> None:
    """Hand what is kept back to the system, as after training in a window."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _library() -> ctypes.CDLL | None:
    """Return the C library where it is GNU's; musl's has neither function."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") else None
