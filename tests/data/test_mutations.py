"""Files that were damaged at random are read, or refused in one sentence.

Each seed damages small files of our own in its way. A short run belongs to the tests;
`python tests/data/test_mutations.py 10000` is a long one, from seed 0 on.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import mrcfile
import nibabel
import nrrd
import numpy as np
import pytest
import tifffile

from napari_unet import load_model, train_unet
from napari_unet.config import (
    ImageConfig,
    PostprocessConfig,
    PredictConfig,
    RunConfig,
    UNetConfig,
)
from napari_unet.data.journal import Journal
from napari_unet.data.read import read_stack
from napari_unet.data.regions import read_regions
from napari_unet.errors import NapariUNetError
from napari_unet.model.card import read_card
from napari_unet.predict.block_plan import BlockPlan, PlanFolder
from napari_unet.project import LayerRecord, Project, ProjectFile, Role
from napari_unet.score.report.score_history import ScoreHistory, ScoreRecord
from napari_unet.train.run_folder import RunFolder

_SEEDS = 30


@dataclass(frozen=True)
class Source:
    """A whole file, and what reads it."""

    path: Path
    read: Callable[[], object]


def sources(folder: Path) -> list[Source]:
    """Write one small file of each kind."""
    images = *tiffs(folder), *other_formats(folder)
    return [*images, *settings(folder), *of_a_run(folder), *of_a_project(folder)]


def tiffs(folder: Path) -> Iterator[Source]:
    volume = np.arange(3 * 12 * 14, dtype=np.uint16).reshape(3, 12, 14)
    kinds = [
        {},
        {"imagej": True},
        {"compression": "zlib"},
        {"ome": True},
        {"bigtiff": True},
    ]
    for number, options in enumerate(kinds):
        path = folder / f"source{number}.tif"
        tifffile.imwrite(path, volume, **options)
        yield Source(path, lambda path=path: np.asarray(read_stack(path).data))


def other_formats(folder: Path) -> Iterator[Source]:
    volume = np.arange(3 * 5 * 6, dtype=np.int16).reshape(3, 5, 6)
    names = [f"source{ending}" for ending in (".mrc", ".nii", ".nrrd")]
    mrc, nii, raw = paths = [folder / name for name in names]
    mrcfile.write(mrc, volume)
    nibabel.save(nibabel.Nifti1Image(volume.T, np.eye(4)), nii)
    said = {"encoding": "raw", "spacings": [4, 4, 30], "kinds": ["domain"] * 3}
    nrrd.write(str(raw), volume.T, said)
    for path in paths:
        yield Source(path, lambda path=path: np.asarray(read_stack(path).data))


def settings(folder: Path) -> Iterator[Source]:
    path = folder / "source.yaml"
    image = ImageConfig(image="a.tif", labels="b.tif", train="0:3")
    path.write_text(RunConfig(images=(image,)).to_yaml(), encoding="utf-8")
    yield Source(path, lambda: RunConfig.from_yaml(path))
    yield Source(path, lambda: read_regions(path))


def of_a_run(folder: Path) -> Iterator[Source]:
    """Yield models, the state that a run goes on from, and the plan of a volume."""
    run, image = RunFolder(folder / "run"), np.zeros((2, 16, 16), np.uint8)
    image[:, 4:9] = 9
    train_unet(
        *(image, image > 0),
        config=RunConfig(network=UNetConfig(base_channels=1, depth=1)),
        folder=run.path,
        validation="none",
        trust=True,
        **{"steps": 1, "batch_size": 1, "patch_size": 16, "device": "cpu"},
    )
    yield Source(run.last, lambda: read_card(run.last))
    yield Source(run.last, lambda: load_model(run.last))
    yield Source(run.path / "resume.pt", run.load_state)
    plan = PlanFolder(folder / "out.ome.zarr.blocks")
    plan.path.mkdir()
    what = {"image": "a", "model": "b", "block": (1, 2, 3), "mean": ((0.5,),)}
    plan.begin(BlockPlan(predict=PredictConfig(), finish=PostprocessConfig(), **what))
    yield Source(plan.path / "plan.json", plan.read)


def of_a_project(folder: Path) -> Iterator[Source]:
    """Yield a project, its scores, annotations that were kept, and who works in it."""
    project = Project(folder / "project")
    record = LayerRecord(role=Role.IMAGE, name="em", path="em.tif")
    project.save(ProjectFile(layers=(record,), settings=RunConfig()))
    yield Source(project.file, Project(project.folder).load)
    scores = ScoreHistory(project.folder / "scores.jsonl")
    now = datetime.now(UTC).isoformat()
    scores.add(ScoreRecord(date=now, prediction="a", values={"iou": 0.5}))
    yield Source(scores.path, scores.read)
    place = {"scale": [4, 4], "units": ["nm", "nm"]}
    entry = project.journal.write(np.eye(9, dtype=np.uint8), "cells", place)
    other = Journal(project.journal.folder)

    def kept() -> None:
        for one in other.entries():
            other.read(one)
        other.after_crash()

    for path in project.journal.folder.iterdir():
        yield Source(path, kept)
    assert entry.path.exists()


def damaged(data: bytes, seed: int) -> bytes:
    """Change, cut out, double or cut off bytes, as a seed has it."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        place, length = rng.integers(len(changed)), rng.integers(1, 9)
        way = rng.integers(4)
        if way == 0:
            changed[place] = rng.integers(256)
        elif way == 1 and len(changed) > 16:
            del changed[place : place + length]
        elif way == 2:
            changed[place:place] = changed[place : place + length]
        elif len(changed) > 2:
            del changed[max(1, place) :]
    return bytes(changed)


def read_all(folder: Path, first: int, count: int) -> None:
    """Read files of some seeds; whatever is no sentence ends this process."""
    limit_this_process()
    for source in sources(folder):
        data = source.path.read_bytes()
        for seed in range(first, first + count):
            source.path.write_bytes(damaged(data, seed))
            try:
                source.read()
            except NapariUNetError as error:
                if "\n" in str(error):
                    raise AssertionError(f"{source.path.name} seed {seed}") from error
            except Exception:
                print(source.path.name, "seed", seed, file=sys.stderr)  # noqa: T201
                raise
        source.path.write_bytes(data)


def limit_this_process() -> None:
    """Let what grows or runs without end fail, where the system knows limits."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
        resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))


@pytest.mark.parametrize("first", [0])
def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path, first):
    words = [sys.executable, __file__, str(_SEEDS), str(first), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    import tempfile

    number, *more = sys.argv[1:]
    begin = int(more[0]) if more else 0
    with tempfile.TemporaryDirectory() as temporary:
        read_all(Path(more[1] if len(more) > 1 else temporary), begin, int(number))
