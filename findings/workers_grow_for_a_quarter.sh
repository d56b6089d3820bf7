#!/usr/bin/env bash
# dask.distributed: a worker that keeps nothing grows for a quarter of an hour, without a
# dashboard, too.
#
# Guess:      A worker that does the same small task again and again, whose results are
#             numbers and are released, has the same size after a minute as after ten
#             seconds.
# Version:    distributed 2026.8.0, dask 2026.8.0, Python 3.11.
# Behaviour:  Every worker takes the call stacks of its threads a hundred times a second,
#             and keeps a tree of them for every second, twice: once in all and once by
#             the kind of task. The last 1,000 of both are kept, though nobody asks for them
#             where there is no dashboard (dashboard_address=None). How large a tree is
#             depends on how deep and how varied the stacks are. It ends after 1,000 seconds;
#             distributed.worker.profile.enabled turns it off.
# Seen:       one worker, tasks that walk down a tree of 24 functions for 60 seconds
#                                       as it is    profile off
#             trees that are kept             58              0
#             grown from the 10th second   19 MB           1 MB
# Why it      Who bounds memory looks for a leak in their own code, or in numpy's: a run of a
# matters:    minute and one of an hour differ by a hundred megabytes for each worker, and
#             eight workers on a node by a gigabyte. Tasks that read chunks of zarr and compute
#             with torch have such stacks. Turn it off for long runs: a cluster of a
#             library's own has to pass it to its nannies (config=...), since the environment
#             of a worker does not overrule the configuration of who starts it.
#
# Exits with 0 while distributed behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    distributed==2026.8.0 dask==2026.8.0

cat >"$folder/grow.py" <<'PYTHON'
import sys
import time
from pathlib import Path

from distributed import Client, LocalCluster, get_worker

SECONDS, WARM = 60, 10
DEPTH = 24


def function(number):
    """Return one of the functions of a tree, each of which calls two of the next."""
    code = f"def f{number}(depth, path, call):\n    return call(depth, path)\n"
    space = {}
    exec(compile(code, f"layer_{number}.py", "exec"), space)
    return space[f"f{number}"]


def walk(seed):
    """Spend a while deep in one branch of the tree after the other."""
    functions = [function(number) for number in range(2 * DEPTH)]

    def down(depth, path):
        if depth == DEPTH:
            end = time.perf_counter() + 0.01
            while time.perf_counter() < end:
                pass
            return 0
        return functions[2 * depth + path % 2](depth + 1, path // 2, down)

    for n in range(20):
        down(0, seed * 7919 + n * 104729)
    return seed


def state():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6, len(get_worker().profile_history)


def main():
    config = {"distributed.worker.profile.enabled": sys.argv[1] == "on"}
    local = LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, config=config
    )
    with local as cluster, Client(cluster) as client:
        began, warm, number = time.monotonic(), None, 0
        while (spent := time.monotonic() - began) < SECONDS:
            assert client.submit(walk, number, pure=False).result() == number
            number += 1
            if warm is None and spent > WARM:
                warm, _ = client.submit(state, pure=False).result()
        now, trees = client.submit(state, pure=False).result()
        print(trees, round(now - warm))


if __name__ == "__main__":
    main()
PYTHON

run() {
    (cd "$folder" && "$folder/venv/bin/python" grow.py "$1")
}
on=$(run on)
off=$(run off)
echo "as it is:    $on"
echo "profile off: $off"
read -r trees grown <<<"$on"
read -r none little <<<"$off"
((trees >= 40 && none == 0 && grown > 2 * little + 2))
