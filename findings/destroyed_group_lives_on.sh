#!/usr/bin/env bash
# torch: after DistributedDataParallel, the group of processes outlives its destruction.
#
# Guess:      `destroy_process_group()` ends the group: once the network that was wrapped is
#             gone, too, its threads end.
# Version:    PyTorch 2.13.0 (CPU, gloo), NumPy 2.4.6, Python 3.11.
# Behaviour:  the first `DistributedDataParallel` of a process imports torch._dynamo, and
#             this torch.distributed.nn.functional, whose functions have `group=group.WORLD`
#             as their default: the group of this moment, and not that of the call. They hold
#             it for as long as Python runs, and its threads live on. Imported before the
#             group is made, the same defaults are None, which means the group of the call.
# Seen:       threads besides the main one, one process, gloo:
#                                       with the group    destroyed
#             no network wrapped               3               0
#             a network wrapped                3               3
#             imported before the group        3               0
# Why it      One trains on several processes, destroys the group as the manual asks for,
# matters:    and every process still ends with its threads of gloo at work. One that lets
#             go of a tensor while Python ends asks for the interpreter's lock, and the
#             process is aborted ("terminate called without an active exception") after all
#             was written. It is rare, and torchrun then reports a failed run. Import
#             torch.distributed.nn.functional before `init_process_group`, and let go of the
#             network before the group is destroyed.
#
# Exits with 0 while torch behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 psutil==7.1.0

cat >"$folder/group.py" <<'PYTHON'
import gc
import sys
import time

import psutil
import torch
import torch.distributed as dist

torch.set_num_threads(1)
wrapped, early = "wrapped" in sys.argv, "early" in sys.argv
if early:
    import torch.distributed.nn.functional


def threads():
    return psutil.Process().num_threads()


alone = threads()
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
if wrapped:
    torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 2))
gc.collect()
joined = threads() - alone
dist.destroy_process_group()
gc.collect()
time.sleep(1)
left = threads() - alone

print(joined > 0, left > 0)
print(f"{joined} threads, {left} once destroyed", file=sys.stderr)
PYTHON

run() {
    "$folder/venv/bin/python" "$folder/group.py" "$@"
}
plain=$(run)
wrapped=$(run wrapped)
early=$(run wrapped early)
[[ $plain == "True False" ]]
[[ $wrapped == "True True" ]]
[[ $early == "True False" ]]
