#!/usr/bin/env bash
# dask.distributed: the arguments of the last thousand tasks stay in memory, twice, long
# after the tasks are done and forgotten.
#
# Guess:      What Client.submit sends with a task is let go of once the task is finished
#             and its future released: a program that keeps a few tasks on the way holds
#             the arguments of a few tasks.
# Version:    distributed 2026.8.0, dask 2026.8.0, Python 3.11.
# Behaviour:  The scheduler keeps the last messages that it sent to each worker, for
#             debugging, and a client those that it sent to the scheduler. The messages
#             are not copied or shortened: of each they keep the task itself, with all its
#             arguments. It is the last 1,000 of each worker
#             (distributed.admin.low-level-log-length). client.futures, scheduler.tasks and
#             the memory that the dashboard shows for results are empty meanwhile. Workers
#             keep nothing of the kind.
# Seen:       one worker, 400 tasks, one after the other, each with a table of its own of
#             20,000 numbers (0.6 MB in memory, 0.2 MB on its way)
#                                          logs of 1000    logs of 1
#             tasks known in the end                  0            0
#             tables in the scheduler               400            0
#             messages kept by the client           400            0
#             process grew by                    425 MB         6 MB
# Why it      Volumes are worked on in blocks, and a block's task takes along what was
# matters:    measured of every slice, an affinity table or a network. That is quadratic:
#             twice the volume is twice the blocks, each with a table twice as long. The
#             process that only hands out blocks then takes more memory than those that
#             compute, and looks as if the program had a leak. Put what is long into a
#             file that the workers read, or shorten the log.
#
# Exits with 0 while distributed behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    distributed==2026.8.0 dask==2026.8.0

cat >"$folder/kept.py" <<'PYTHON'
import gc
import sys
from pathlib import Path

import dask
from distributed import Client, LocalCluster

TASKS = 400


class Table:
    def __init__(self, number):
        self.numbers = [number + n / 7 for n in range(20_000)]


def first_of(table):
    return table.numbers[0]


def megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main():
    dask.config.set({"distributed.admin.low-level-log-length": int(sys.argv[1])})
    local = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    with local as cluster, Client(cluster) as client:
        before = megabytes()
        for number in range(TASKS):
            assert client.submit(first_of, Table(number), pure=False).result() == number
        gc.collect()
        grown = megabytes() - before
        kept = [type(one).__name__ for one in gc.get_objects()]
        tasks = len(cluster.scheduler.tasks) + len(client.futures)
        print(tasks, kept.count("Table"), kept.count("Serialized"), round(grown))


if __name__ == "__main__":
    main()
PYTHON

run() {
    (cd "$folder" && "$folder/venv/bin/python" kept.py "$1")
}
long=$(run 1000)
short=$(run 1)
echo "logs of 1000: $long"
echo "logs of 1:    $short"
read -r tasks tables messages grown <<<"$long"
read -r _ few fewer little <<<"$short"
((tasks <= 1 && tables >= 390 && messages >= 390 && grown > 150))
((few <= 10 && fewer <= 10 && little < grown / 4))
