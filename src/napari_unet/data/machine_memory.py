"""The memory of the machine, or of the container that the program runs in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from napari_unet.errors import OutOfMemoryError
from napari_unet.words import gigabytes

_ROOT = Path("/")
_LITTLE = 2**27
"""Bytes that find room always, and are not worth a look."""
_INSTEAD = "take fewer slices or a smaller part of the image"


@dataclass(frozen=True)
class MachineMemory:
    """Bytes that there are, those that are free, and free ones of the disk beside."""

    total: int
    available: int
    swap: int = 0


def machine_memory(root: Path = _ROOT) -> MachineMemory:
    """Return the memory that the program may use now.

    A container, or a job of a cluster, has less than the machine: a control group of
    Linux limits it (cgroup v2 and v1), and so do all groups around that. What files
    take there gives way when memory is needed, and counts as free.

    Parameters
    ----------
    root
        Where `proc` and `sys` lie.
    """
    machine = psutil.virtual_memory()
    swap = int(psutil.swap_memory().free)
    groups = [MachineMemory(int(machine.total), int(machine.available), swap)]
    for folder in _groups(root):
        with suppress(OSError, ValueError):
            groups.append(_memory_of(folder))
    return MachineMemory(
        min(one.total for one in groups),
        min(one.available for one in groups),
        min(one.swap for one in groups),
    )


def require_memory(needed: float, work: str, instead: str = _INSTEAD) -> None:
    """Check that the memory holds what work will take at least.

    Linux gives out more memory than there is, and ends a program without a word once
    it uses what it was given. Other systems say so when they are asked.

    Parameters
    ----------
    needed
        Bytes.
    work
        What takes them, "the weight map of 900 slices".
    instead
        What else the user may do.

    Raises
    ------
    OutOfMemoryError
        When it does not, on Linux.
    """
    if needed < _LITTLE or sys.platform != "linux":
        return
    memory = machine_memory()
    free = memory.available
    if needed > free + memory.swap:
        raise OutOfMemoryError(
            f"The memory does not hold {work}: that takes about {gigabytes(needed)}, "
            f"and {gigabytes(free)} are free; close other programs, or {instead}."
        )


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the groups that the program is in, and of those around."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # there are none, as on other systems
    for line in lines:
        number, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup"
        if number != "0":
            if "memory" not in controllers.split(","):
                continue
            top /= "memory"
        # Within a container, the path may be that of the machine, and not there.
        inner = Path(path.replace("..", "").strip("/"))
        yield from (top / one for one in (inner, *inner.parents))


def _memory_of(folder: Path) -> MachineMemory:
    """Return the limit of a group and what is free of it.

    Raises
    ------
    OSError, ValueError
        When the group has no limit.
    """

    def read(name: str) -> int:
        return int((folder / f"memory.{name}").read_text())

    prefix, swap = "", sys.maxsize
    if (folder / "memory.limit_in_bytes").exists():
        limit, used = read("limit_in_bytes"), read("usage_in_bytes")
        prefix = "total_"
        with suppress(OSError):
            # Memory and swap together; not there where swap is not counted.
            swap = read("memsw.limit_in_bytes") - limit
    else:
        limit, used = read("max"), read("current")
        with suppress(OSError, ValueError):
            swap = read("swap.max") - read("swap.current")
    stat = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    takes = {name: int(value) for name, value in stat}
    files = sum(takes.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))
    return MachineMemory(limit, max(0, limit - used + files), max(0, swap))
