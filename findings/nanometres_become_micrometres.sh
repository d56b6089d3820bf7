#!/usr/bin/env bash
# bioio: the pixels of an electron micrograph become 1,000 times as large.
#
# Guess:      the reader of OME-TIFF gives a pixel of 4 nm either in a unit that it names
#             or turned into the micrometres that everything else uses; and an image
#             whose unit is known is saved with it.
# Version:    bioio 3.6.0, bioio-ome-tiff 1.4.0, bioio-ome-zarr 3.8.1, Python 3.11.
# Behaviour:  - PhysicalSizeXUnit is not read: 4 nm, 4 um and 4 mm all give the size 4.0
#               and `dimension_properties` with the unit None.
#             - The reader of OME-Zarr knows the unit ("nanometer" there).
#             - `save("x.ome.tif")` writes the number without a unit, whatever was read;
#               OME's schema says that no unit means micrometres.
# Seen:       read 4 nm    -> 4.0, unit None      saved as PhysicalSizeX="4.0"  (4 um)
#             read 4 mm    -> 4.0, unit None
#             OME-Zarr 4 nanometer -> 4.0, unit nanometer
#                                                 saved as PhysicalSizeX="4.0"  (4 um)
# Why it      Electron microscopes' files are in nanometres, and one OME-Zarr level turned
# matters:    into an OME-TIFF by these lines, or a stack that was merely cropped, has
#             pixels of 4 um from then on: areas are wrong by a million, volumes by a
#             thousand million, and a network that looks at the pixel size rescales the
#             image to nothing. Take the unit from `image.ome_metadata`, and write with
#             the unit said (tifffile does: metadata={"PhysicalSizeXUnit": "nm"}).
#
# Exits with 0 while bioio behaves so, and with another code once it does not.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    bioio==3.6.0 bioio-base==3.5.0 bioio-ome-tiff==1.4.0 bioio-ome-zarr==3.8.1 \
    ome-types==0.7.0 tifffile==2026.3.3 zarr==3.1.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import re
import sys

import numpy as np
import tifffile
import zarr
from bioio import BioImage

image = np.zeros((3, 16, 16), np.uint8)
sizes = {"Z": 50.0, "Y": 4.0, "X": 4.0}


def written(name):
    """What the header of an OME-TIFF says of the pixel size in x."""
    with tifffile.TiffFile(name) as file:
        return re.findall(r'PhysicalSizeX\w*="[^"]*"', file.ome_metadata)


read = {}
for unit in ("nm", "\N{MICRO SIGN}m", "mm"):
    name = f"{len(read)}.ome.tif"
    known = {f"PhysicalSize{axis}": size for axis, size in sizes.items()}
    units = {f"PhysicalSize{axis}Unit": unit for axis in sizes}
    tifffile.imwrite(name, image, ome=True, metadata={"axes": "ZYX", **known, **units})
    opened = BioImage(name)
    read[unit] = opened.physical_pixel_sizes.X, opened.dimension_properties.X.unit
    print("OME-TIFF of 4", unit, "in its header", written(name), "is read as", read[unit])
BioImage("0.ome.tif").save("saved.ome.tif")
print("that of nm, saved:", written("saved.ome.tif"))

group = zarr.open_group("image.ome.zarr", mode="w", zarr_format=3)
group.create_array("0", shape=image.shape, dtype=image.dtype)[:] = image
axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
scale = {"type": "scale", "scale": list(sizes.values())}
level = {"path": "0", "coordinateTransformations": [scale]}
group.attrs["ome"] = {
    "version": "0.5",
    "multiscales": [{"name": "image", "axes": axes, "datasets": [level]}],
}
volume = BioImage("image.ome.zarr")
known = volume.physical_pixel_sizes.X, str(volume.dimension_properties.X.unit)
volume.save("volume.ome.tif")
print("OME-Zarr is read as", known, "and saved as", written("volume.ome.tif"))

as_stated = (
    all(found == (4.0, None) for found in read.values())
    and known == (4.0, "nanometer")
    and written("saved.ome.tif") == ['PhysicalSizeX="4.0"']
    and written("volume.ome.tif") == ['PhysicalSizeX="4.0"']
)
sys.exit(0 if as_stated else 1)
PYTHON
