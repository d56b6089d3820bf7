"""How torch's CPU threads wait for each other."""

from __future__ import annotations

import os

# Some ten microseconds.
_SPINS = "10000"


def wait_briefly() -> None:
    """Let torch's threads sleep soon when they wait; called before torch is imported.

    GNU's OpenMP lets a thread that waits keep its core busy for milliseconds. Where
    anything else wants a core, a window that is painted in above all, a training step
    then takes much longer. Sleeping at once costs time on a machine that is idle;
    after a short while it does not. What the user has set stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
