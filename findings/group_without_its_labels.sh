#!/usr/bin/env bash
# zarr: what is added to a consolidated group is not in it, not even for who added it.
#
# Guess:      Consolidated metadata help readers. A group that is opened to be written
#             ("a") knows what it holds: what it makes is in it at once, `require_group`
#             returns what is there, and who opens it later finds all of it.
# Version:    zarr 3.1.6, NumPy 2.4.6, Python 3.11, both formats.
# Behaviour:  `open_group` reads what was consolidated wherever there is any, also to write,
#             and believes it alone. Making members, changing the size of an array and
#             deleting go to the disk, and not into it: a group that was just made is not
#             `in` its parent. `require_group` takes it for missing, tries to make it, and
#             fails because it is there. Nothing warns; opening by its own path works, and
#             so does use_consolidated=False.
# Seen:       an image in a group, consolidated; then labels are added by open_group("a"):
#             "labels" in the group that made it         False
#             "labels" in the group, opened anew         False
#             require_group("labels")                    ContainsGroupError
#             shape of "0" after resize to (8, 4)        (4, 4)
#             use_consolidated=False                     True, (8, 4)
# Why it      Many writers of OME-Zarr consolidate, and segmentations are added to an image
# matters:    afterwards, under labels/. Viewers and scripts that open the image see none,
#             and `if "labels" not in group: group.create_group("labels", overwrite=True)`
#             deletes those that are there. Open with use_consolidated=False, and call
#             `zarr.consolidate_metadata` again after each change.
#
# Exits with 0 while zarr behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    zarr==3.1.6 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import zarr


def look(form):
    """Return what is seen of labels and of a new size, and what there is."""
    path = f"em-{form}.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=form)
    group.create_array("0", data=np.zeros((4, 4), np.uint8))
    zarr.consolidate_metadata(path)

    writer = zarr.open_group(path, mode="a")
    labels = writer.create_group("labels")
    labels.create_array("cells", data=np.ones((4, 4), np.uint32))
    writer["0"].resize((8, 4))
    try:
        writer.require_group("labels")
        required = "returned"
    except zarr.errors.ContainsGroupError as error:
        required = type(error).__name__
    reader = zarr.open_group(path, mode="r")
    plain = zarr.open_group(path, mode="r", use_consolidated=False)
    return {
        "in the group that made it": "labels" in writer,
        "in the group, opened anew": "labels" in reader,
        "require_group": required,
        "shape after resize": reader["0"].shape,
        "not consolidated": ("labels" in plain, plain["0"].shape),
        "by its own path": int(zarr.open_array(f"{path}/labels/cells")[:].sum()),
    }


expected = {
    "in the group that made it": False,
    "in the group, opened anew": False,
    "require_group": "ContainsGroupError",
    "shape after resize": (4, 4),
    "not consolidated": (True, (8, 4)),
    "by its own path": 16,
}
seen = {form: look(form) for form in (2, 3)}
for form, found in seen.items():
    print(f"format {form}:")
    for name, value in found.items():
        print(f"  {name:28} {value}")
sys.exit(0 if all(found == expected for found in seen.values()) else 1)
PYTHON
