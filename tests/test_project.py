"""A project is one folder that can be moved and that says what it lacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from napari_unet.config import AnnotationKind, RunConfig, WeightMapConfig
from napari_unet.errors import InputError, OutputError
from napari_unet.project import LayerRecord, Project, ProjectFile


def filled(project: Project, image: Path) -> ProjectFile:
    entry = project.journal.write(np.ones((2, 8, 8), np.uint8), "em annotations")
    model = project.new_run("em") / "best.safetensors"
    model.parent.mkdir(parents=True)
    model.touch()
    return ProjectFile(
        layers=(
            LayerRecord(role="image", name="em", path=project.stored(image)),
            LayerRecord(
                role="annotations",
                name="em annotations",
                path=project.stored(entry.path),
                look={"scale": [50.0, 4.0, 4.0], "colors": {"1": [1.0, 0.0, 0.0, 1.0]}},
            ),
        ),
        kind=AnnotationKind.SCRIBBLES,
        class_names=("background", "cell"),
        settings=RunConfig(weight_map=WeightMapConfig(w0=7)),
        model=project.stored(model),
        run=project.stored(model.parent),
    )


def test_a_project_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    project = Project(tmp_path / "vnc")
    file = filled(project, tmp_path / "em.tif")
    project.save(file)
    back = Project(tmp_path / "vnc").load()
    assert back.date is not None
    assert back.model_copy(update={"date": None}) == file


def test_what_lies_inside_moves_along_and_what_lies_outside_stays(
    tmp_path: Path,
) -> None:
    inside = tmp_path / "old" / "images" / "em.tif"
    outside = tmp_path / "elsewhere.tif"
    inside.parent.mkdir(parents=True)
    inside.touch()
    outside.touch()
    project = Project(tmp_path / "old")
    file = filled(project, inside)
    truth = LayerRecord(role="truth", name="truth", path=project.stored(outside))
    project.save(file.model_copy(update={"layers": (*file.layers, truth)}))
    shutil.move(tmp_path / "old", tmp_path / "new place")
    moved = Project(tmp_path / "new place")
    back = moved.load()
    paths = [moved.found(layer.path or "") for layer in back.layers]
    assert paths[0] == tmp_path / "new place" / "images" / "em.tif"
    assert paths[2] == outside
    assert moved.journal.read(moved.journal.entry(paths[1])).sum() == 128
    assert moved.found(back.model or "").is_file()
    assert moved.found(back.run or "").is_dir()


@pytest.mark.parametrize("there", [Path(), Path("project")])
def test_an_image_within_a_file_is_found_again(tmp_path: Path, there: Path) -> None:
    project, image = Project(tmp_path / "project"), tmp_path / there / "em.h5:raw"
    project.folder.mkdir()
    with pytest.raises(InputError, match=r"em\.h5:raw is missing"):
        project.found(project.stored(image))
    image.with_name("em.h5").touch()
    assert project.found(project.stored(image)) == image


@pytest.mark.parametrize("image", ["https://em.org/a.zarr", Path("s3://em/a.zarr")])
def test_an_address_is_kept_as_it_is(tmp_path: Path, image: str | Path) -> None:
    project = Project(tmp_path)
    stored = project.stored(image)
    assert stored in ("https://em.org/a.zarr", "s3://em/a.zarr")
    assert project.stored(project.found(stored)) == stored


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.tif is missing"):
        Project(tmp_path).found("gone.tif")


def test_runs_of_one_second_do_not_share_a_folder(tmp_path: Path) -> None:
    project = Project(tmp_path)
    folders = []
    for _ in range(3):
        folders.append(project.new_run("a b/c"))
        folders[-1].mkdir(parents=True)
    assert len(set(folders)) == 3
    assert all("a-b-c" in folder.name for folder in folders)
    assert project.new_run("///").name.endswith("-run")


def test_the_default_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_UNET_HOME", str(tmp_path / "mine"))
    assert Project.default().folder == tmp_path / "mine"
    monkeypatch.delenv("NAPARI_UNET_HOME")
    assert Project.default().folder == Path.home() / "napari-unet"


def test_nothing_is_made_before_something_is_saved(tmp_path: Path) -> None:
    project = Project(tmp_path / "new")
    project.new_run("em")
    assert project.journal.after_crash() == []
    assert project.journal.entries() == []
    project.journal.close()
    assert not project.folder.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "no project"),
        ("- 1\n- 2", "damaged"),
        ("kind: [", "damaged"),
        ("format_version: 99\nshape: new", "update napari-unet"),
        ("format_version: x", "update napari-unet"),
        ("kind: doodles", "kind"),
        ("colour: red", "colour"),
    ],
)
def test_what_is_no_project_is_told_in_one_sentence(
    tmp_path: Path, text: str | None, sentence: str
) -> None:
    if text is not None:
        (tmp_path / "project.yaml").write_text(text)
    with pytest.raises(InputError, match=sentence) as raised:
        Project(tmp_path).load()
    assert "\n" not in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_a_project_of_another_day_is_kept_when_new_work_takes_its_place(
    tmp_path: Path,
) -> None:
    Project(tmp_path).save(ProjectFile(class_names=("old",)))
    project = Project(tmp_path)
    project.save(ProjectFile(class_names=("new",)))
    project.save(ProjectFile(class_names=("newest",)))
    kept = yaml.safe_load((tmp_path / "project.previous.yaml").read_text())
    assert kept["class_names"] == ["old"]
    assert Project(tmp_path).load().class_names == ("newest",)


def test_a_project_that_was_opened_is_saved_in_its_place(tmp_path: Path) -> None:
    Project(tmp_path).save(ProjectFile())
    project = Project(tmp_path)
    project.save(project.load())
    assert not (tmp_path / "project.previous.yaml").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        Project(tmp_path / "taken").save(ProjectFile())
