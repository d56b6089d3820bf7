#!/usr/bin/env bash
# distributed: in its workers, numpy takes longer for arrays of megabytes than outside.
#
# Guess:      a function takes as much of the processor in a worker of a LocalCluster as in
#             the process that started it, the transfer of its arguments aside.
# Version:    distributed 2026.8.0, NumPy 2.4.6, Python 3.11, glibc 2.36 (Linux).
# Behaviour:  nannies start workers with MALLOC_TRIM_THRESHOLD_=65536, so that memory which
#             is free goes back to the system. Any value of that variable also turns off
#             that glibc raises its threshold for mmap by itself: every array above 128 KiB
#             is mapped anew, and Linux clears each of its pages at the first touch, at every
#             step of a loop.
# Seen:       300 steps of sqrt(x * x + 1) - 1 on 4 MB of float32:
#             process   0.23 s of the processor,   2,487 pages cleared
#             worker    1.58 s,                  616,836 pages cleared
# Why it      A network's layers are arrays of megabytes that come and go: torch predicted
# matters:    tiles of 512 x 512 pixels in twice the processor time in a worker, which looks
#             like the price of distributing. A larger value has the same effect. What helps:
#             to set distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_ to None in
#             dask's configuration, or mallopt(M_MMAP_THRESHOLD, ...) within the task.
#
# Exits with 0 while workers behave so, and with another code once they do not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    distributed==2026.8.0 numpy==2.4.6

cd "$folder"
cat >work.py <<'PYTHON'
import os
import resource
import time

import numpy as np


def work(steps=300):
    """Return the seconds of the processor, and the pages that were cleared."""
    image = np.random.default_rng(0).random((1024, 1024), np.float32)  # 4 MB
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    for _ in range(steps):
        image = np.sqrt(image * image + 1) - 1
    pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before.ru_minflt
    spent = time.process_time() - began
    return spent, pages, os.environ.get("MALLOC_TRIM_THRESHOLD_", "not set")
PYTHON
cat >compare.py <<'PYTHON'
import sys

from distributed import Client, LocalCluster
from work import work

if __name__ == "__main__":
    here = work()
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        there = client.submit(work).result()
    for place, (seconds, pages, trim) in (("process", here), ("worker", there)):
        print(f"{place:7}: {seconds:5.2f} s, {pages:7,} pages cleared, trim {trim}")
    sys.exit(0 if there[1] > 20 * max(1, here[1]) else 1)
PYTHON
"$folder/venv/bin/python" compare.py
