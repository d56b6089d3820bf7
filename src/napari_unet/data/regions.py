"""What each pixel of an image is for: regions, drawn or listed, become a map of roles.

Pixels in no region are trained on, unless some region is for training: then they are
unused. Where regions overlap, ignore wins over test, test over validation, and that
over train: nothing that scores a network is ever trained on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skimage
import yaml
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from napari_unet.config import Region, Role
from napari_unet.config.structured_text import parse_yaml
from napari_unet.data.files import unreadable, write_text
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import parse_slices
from napari_unet.errors import InputError
from napari_unet.words import shortened

__all__ = ["Region", "Role"]

UNUSED = 0
"""Value in a map of roles of pixels that are for nothing."""
TRAIN, VALIDATION, TEST, LEFT_OUT = 1, 2, 3, 4
"""Values of the roles; the higher wins."""
_CODES = {
    Role.TRAIN: TRAIN,
    Role.VALIDATION: VALIDATION,
    Role.TEST: TEST,
    Role.IGNORE: LEFT_OUT,
}
_HELD_OUT_SHARE = 5
_REGIONS = TypeAdapter(tuple[Region, ...])


def code(role: Role) -> int:
    """Return the value of a role in a map of roles."""
    return _CODES[role]


def role_map(
    regions: Sequence[Region],
    shape: tuple[int, int, int],
    annotated_slices: NDArray[np.intp] | None = None,
) -> NDArray[np.uint8]:
    """Return what each pixel is for.

    Parameters
    ----------
    regions
        In any order.
    shape
        Slices, Y and X.
    annotated_slices
        Indices of the slices with annotations, to hold out some of them where no
        region is for training or validation (see `choose_validation`); None: none.

    Returns
    -------
    (Z, Y, X) uint8: `UNUSED`, `TRAIN`, `VALIDATE`, `TEST` or `LEFT_OUT`.

    Raises
    ------
    InputError
        When the slices of a region are not there.
    """
    roles = roles_on(range(shape[0]), regions, shape)
    if annotated_slices is not None:
        hold_out(roles, regions, annotated_slices)
    return np.asarray(roles)


def roles_on(
    slices: Iterable[int], regions: Sequence[Region], shape: tuple[int, int, int]
) -> SparseSlices[np.uint8]:
    """Return what each pixel of some slices is for, as `role_map`; all others: nothing.

    Slices with the same regions share their memory.

    Raises
    ------
    InputError
        When the slices of a region are not there.
    """
    rest = UNUSED if any(one.role is Role.TRAIN for one in regions) else TRAIN
    reach = [range(shape[0])[parse_slices(r.slices or ":", shape[0])] for r in regions]
    drawn: dict[tuple[int, ...], NDArray[np.uint8]] = {}
    planes = {}
    for z in slices:
        there = tuple(i for i, of_region in enumerate(reach) if z in of_region)
        if there not in drawn:
            drawn[there] = _drawn(rest, [regions[i] for i in there], shape[1:])
        planes[int(z)] = drawn[there]
    return SparseSlices(shape, np.uint8, UNUSED, planes)


def hold_out(
    roles: SparseSlices[np.uint8],
    regions: Sequence[Region],
    annotated_slices: NDArray[np.intp],
) -> None:
    """Hold out some annotated slices where no region is for training or validation."""
    if {Role.TRAIN, Role.VALIDATION} & {region.role for region in regions}:
        return
    usable = [z for z in annotated_slices if (roles[z] == TRAIN).any()]
    for z in choose_validation(usable):
        roles[z] = np.where(roles[z] == TRAIN, np.uint8(VALIDATION), roles[z])


def choose_validation(annotated: Sequence[int]) -> list[int]:
    """Choose one in five of some annotated slices, or images, to be held out.

    They are the last ones, in one block: every fifth slice would lie between two
    slices that are trained on and that look almost the same, a block touches such a
    slice at one end only. Fewer than five leave nothing held out.
    """
    return list(annotated[len(annotated) - len(annotated) // _HELD_OUT_SHARE :])


def runs(slices: Iterable[int]) -> list[str]:
    """Write slices as runs without a gap, each as `parse_slices` reads it.

    >>> runs([3, 4, 5, 9])
    ['3:6', '9']
    """
    found: list[list[int]] = []
    for z in sorted(slices):
        if found and found[-1][1] == z:
            found[-1][1] = z + 1
        else:
            found.append([z, z + 1])
    return [f"{a}:{b}" if b > a + 1 else str(a) for a, b in found]


def read_regions(path: str | Path) -> tuple[Region, ...]:
    """Read regions from a YAML or JSON file: a list, or a list under "regions".

    Raises
    ------
    InputError
        When the file cannot be read, or does not hold regions; it says which one.
    """
    try:
        data = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read as regions: {error}.") from error
    listed = data.get("regions") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise InputError(
            f"{path} holds no regions: write a list with a role, slices and a polygon "
            "for each."
        )
    try:
        return _REGIONS.validate_python(listed)
    except ValidationError as error:
        first = error.errors()[0]
        where, *name = first["loc"]
        setting = ".".join(map(shortened, name)) or "the region"
        raise InputError(
            f"{path}, region {where} (counted from 0): {setting}: {first['msg']}."
        ) from error


def write_regions(path: str | Path, regions: Sequence[Region]) -> None:
    """Write regions for `read_regions`, as JSON where the name ends so, else as YAML.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    listed = _REGIONS.dump_python(tuple(regions), mode="json", exclude_none=True)
    data: dict[str, Any] = {"regions": listed}
    if Path(path).suffix.lower() == ".json":
        text = json.dumps(data, indent=1)
    else:
        text = yaml.safe_dump(data, sort_keys=False, default_flow_style=None)
    write_text(path, text)


def _drawn(
    rest: int, regions: Sequence[Region], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the roles of a slice, which cannot be written to."""
    whole = [code(one.role) for one in regions if one.polygon is None]
    roles = np.broadcast_to(np.uint8(max([rest, *whole])), shape)
    for region in regions:
        if region.polygon is not None:
            mask = skimage.draw.polygon2mask(shape, np.array(region.polygon))
            roles = np.where(mask, np.maximum(roles, code(region.role)), roles)
    roles.flags.writeable = False
    return roles
