"""Names of files tell what the files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_unet.data.file_names import roles_among
from napari_unet.errors import InputError


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("em.tif", "image"),
        ("train-volume.tif", "image"),
        ("train-labels.tif", "annotations"),
        ("membrane_mask.png", "annotations"),
        ("truth.tif", "truth"),
        ("synthetic EM truth.tif", "truth"),
        ("stack_gt.nii.gz", "truth"),
        ("straight.tif", "image"),
    ],
)
def test_the_role_of_a_file_is_told_by_its_name(name: str, role: str) -> None:
    assert roles_among([Path(name)]) == {role: Path(name)}


def test_the_image_comes_first_and_plain_names_are_what_was_asked_for() -> None:
    files = [Path("labels.tif"), Path("em.tif")]
    assert list(roles_among(files)) == ["image", "annotations"]
    assert roles_among([Path("cells.tif")], plain="truth") == {
        "truth": Path("cells.tif")
    }


def test_two_files_of_one_role_are_refused() -> None:
    with pytest.raises(InputError, match=r"a\.tif and b\.tif would both be the image"):
        roles_among([Path("a.tif"), Path("b.tif")])
