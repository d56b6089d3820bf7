#!/usr/bin/env bash
# Write constraints.txt: one version of everything that any environment of the project
# installs (application, both Qt bindings, tests, lint, documentation, builds).
# Needs pip >= 25.1. Further arguments go to pip, for example 'torch==2.13.0'.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
report=$(mktemp)
trap 'rm -f "$report"' EXIT

"$python" -m pip install --dry-run --ignore-installed --quiet --report "$report" \
    '.[cluster,formats,onnx,openvino,pyqt6,pyside6,zarr]' --group dev hatchling hatch-vcs editables "$@"

"$python" - "$report" >constraints.txt <<'PYTHON'
import json
import re
import sys

# What only a CUDA build of torch brings, or only a CPU build has, stays open, so that
# the same file serves machines with and without a GPU.
ONLY_CUDA = re.compile(r"^(nvidia|cuda|triton)\b")

with open(sys.argv[1], encoding="utf-8") as file:
    chosen = [item["metadata"] for item in json.load(file)["install"]]
pins = {
    re.sub(r"[-_.]+", "-", meta["name"]).lower(): meta["version"].split("+")[0]
    for meta in chosen
}
del pins["napari-unet-em"]

print("# Written by scripts/constraints.sh; do not edit.")
for name in sorted(pins):
    if not ONLY_CUDA.match(name):
        print(f"{name}=={pins[name]}")
PYTHON
