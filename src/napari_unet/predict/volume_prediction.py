"""A volume of any size predicted from disk to disk, block by block."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from napari_unet.config import PostprocessConfig
from napari_unet.data.colours import shape_with_colours
from napari_unet.data.normalize import check_grey_values
from napari_unet.data.ome_zarr import holds_image
from napari_unet.data.volume import opened
from napari_unet.data.volume_state import state_of
from napari_unet.errors import InputError
from napari_unet.model.started import Started
from napari_unet.predict.block_levels import LevelWork
from napari_unet.predict.block_moments import MomentsWork, slabs_for
from napari_unet.predict.block_news import News
from napari_unet.predict.block_objects import (
    FacesWork,
    NumbersWork,
    ShiftWork,
    join_pieces,
    number_slices,
)
from napari_unet.predict.block_output import (
    Levels,
    check_free,
    check_outside,
    clear,
    labels,
    labels_place,
    probabilities,
    scratch,
    smallest_type,
)
from napari_unet.predict.block_plan import BlockPlan, PlanFolder, digest_of
from napari_unet.predict.block_prediction import OpenedModel, PredictionWork
from napari_unet.predict.block_settings import (
    decided_tiles,
    in_whole_slices,
    other_size,
    settle_blocks,
)
from napari_unet.predict.blocks import BLOCK_VOXELS, Grid, chunks_for, grid_for
from napari_unet.predict.engines import Waiting
from napari_unet.predict.volume_image import VolumeImage
from napari_unet.predict.volume_request import VolumePrediction, VolumeRequest
from napari_unet.words import clock

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume
    from napari_unet.predict.engines import Engine, Work
    from napari_unet.predict.predictor import Predictor

STAGES = {
    "measured": "measuring grey values",
    "predicted": "predicting",
    "faces": "finding objects",
    "objects": "numbering objects",
}
"""What is done with the blocks, in this order, and the words for it; last come the
coarser levels."""


@dataclass(frozen=True)
class BlockDone:
    """A block is written.

    Attributes
    ----------
    stage
        What is done with the blocks, in words.
    done, total
        Blocks so far, those of earlier starts included, and blocks in all.
    seconds_left
        Of this stage, by the blocks of this start.
    device
        What predicted the blocks of this start so far, in words; or "".
    message
        Lines to the user on what had to be changed, each told once; or "".
    """

    stage: str
    done: int
    total: int
    seconds_left: float
    device: str = ""
    message: str = ""


VolumeStep = Started | Waiting | BlockDone
Steps = Generator[VolumeStep, None, VolumePrediction]
_Stage = Generator[Waiting | BlockDone, None, bool]


def predict_volume_steps(
    request: VolumeRequest, engine: Engine, stop: Event | None = None
) -> Steps:
    """Predict a volume to disk, yielding after every block, and where nobody works.

    What an earlier start of the same request did is not done again. `stop` ends the
    work after the blocks in hand; from any thread.

    Raises
    ------
    InputError
        When the image does not fit the model, the result was begun with other settings
        or is worked on by another start, or objects are wanted that cannot be found
        block by block.
    OutputError
        When the result cannot be written; what is done stays.
    """
    stop, request = stop or Event(), request.anywhere()
    model = OpenedModel(request.model, digest_of(request.model), request.trust_code)
    predictor = model.predictor(request.config)
    image = VolumeImage(request.image)
    channels = predictor.footprint.in_channels
    predictor.check(shape_with_colours(image.shape, channels))
    finish, words = settle_blocks(request.finish, predictor, image.shape[1:])
    notes = (*predictor.model.notes, *words)
    if not request.size_told:
        notes += other_size(predictor.model.card, request.image)
    device = predictor.device_for(image.shape[1:])
    run = _Run(request, image, predictor, finish, engine, stop)
    folder = PlanFolder.beside(request.out)
    with folder.alone(), opened(request.image):
        if not request.overwrite:
            notes += folder.doubts()
        yield Started(device.words, notes, device.memory_words)
        plan = run.planned(model.digest)
        complete = run.complete
        if not complete:
            complete = yield from run.work(model, plan)
    return run.result(complete=complete)


class _Run:
    """One start of a prediction, which may go on with an earlier one."""

    def __init__(
        self,
        request: VolumeRequest,
        image: VolumeImage,
        predictor: Predictor,
        finish: PostprocessConfig,
        engine: Engine,
        stop: Event,
    ) -> None:
        self._request, self._image, self._predictor = request, image, predictor
        self._finish, self._engine, self._stop = finish, engine, stop
        self._folder = PlanFolder.beside(request.out)
        self._began = time.monotonic()
        self._news = News()
        self._slices = in_whole_slices(finish, predictor, image.shape[1:])
        self._name = "objects" if finish.numbers_objects else "classes"
        self._cut(request.block)

    @property
    def numbers(self) -> bool:
        """Whether something is made of the blocks once all are predicted."""
        if self._slices:
            return self._finish.numbers_objects
        return not self._finish.keeps_classes

    @property
    def complete(self) -> bool:
        """Whether an earlier start came to the end."""
        return bool(self._folder.done("complete"))

    def planned(self, digest: str) -> BlockPlan:
        """Return the plan that was begun, or a new one."""
        request, folder, places = self._request, self._folder, self._places()
        check_outside(places, request.image.path, request.model)
        if request.overwrite:
            folder.forget()
            clear(places)
        begun = folder.read()
        if begun is not None and self.complete and not places[0].exists():
            begun = None
        if begun is not None and request.block is None:
            self._cut(begun.block)
        asked = BlockPlan(
            image=f"{request.image.source} {self._image.shape} {self._image.dtype}",
            state=state_of(request.image),
            model=digest,
            predict=self._predictor.config,
            finish=self._finish,
            block=self.grid.block,
            probabilities=str(request.probabilities or ""),
        )
        if begun is not None:
            folder.check(begun, asked, places[0])
            if not self._lost():
                return begun
        for path in places:
            check_free(path)
        check_grey_values(self._image)
        self._predictor.model.card.normalization.check_slices()
        tiles = decided_tiles(self._predictor, self.grid)
        plan = asked.changed("plan", predict=tiles)
        folder.begin(plan)
        return plan

    def work(self, model: OpenedModel, plan: BlockPlan) -> _Stage:
        """Do what is missing, until all is done or `stop` is set."""
        return (
            (yield from self._measure(plan))
            and (yield from self._predict(model))
            and (not self.numbers or (yield from self._number()))
            and (yield from self._coarsen())
        )

    def _measure(self, plan: BlockPlan) -> _Stage:
        """Keep with the plan what the grey values are divided by."""
        if plan.mean:
            return True
        normalization = self._predictor.model.card.normalization
        work = MomentsWork(normalization, self._image, self._folder.path)
        slabs = slabs_for(self._image)
        if not (yield from self._stage("measured", work, slabs)):
            return False
        try:
            plan = plan.with_moments(*work.combined(slabs))
        except InputError:
            self._folder.forget()  # nothing is done that could go on
            raise
        self._folder.keep(plan)
        return True

    def _predict(self, model: OpenedModel) -> _Stage:
        """Predict every block: its classes, or the objects of its slices."""
        target = self._scratch() if self.numbers else self._result(np.uint8)[0]
        likely = self._probabilities()
        work = PredictionWork(
            model,
            self._folder.kept(),
            self._image,
            target,
            likely[0] if likely else None,
            self._finish if self._slices else None,
        )
        return (yield from self._stage("predicted", work))

    def _number(self) -> _Stage:
        """Find the objects of the volume, and write their numbers or classes."""
        folder, finish, found = self._folder.path, self._finish, self._scratch()
        ndim = 3 if finish.follow_slices else self._predictor.footprint.ndim
        if self._slices:
            number = number_slices(folder, self._folder.done("predicted"))
            target = self._result(smallest_type(number))[0]
            work: Work = ShiftWork(found, folder, target)
            return (yield from self._stage("objects", work))
        faces = FacesWork(found, folder, self.grid, ndim)
        if not (yield from self._stage("faces", faces)):
            return False
        number = join_pieces(folder, self.grid, finish.min_size or 0)
        numbered = finish.numbers_objects
        target = self._result(smallest_type(number) if numbered else np.uint8)[0]
        work = NumbersWork(found, folder, ndim, target, numbered)
        return (yield from self._stage("objects", work))

    def _coarsen(self) -> _Stage:
        """Write the coarser levels, and let go of what only lay in between."""
        results = {
            "labels": self._result(np.uint8),
            "probabilities": self._probabilities(),
        }
        for what, levels in results.items():
            for fine, coarse in itertools.pairwise(levels):
                work = LevelWork(fine, coarse, labels=what == "labels")
                number = coarse.level
                words = f"coarser {what}, {number} of {len(levels) - 1}"
                stage = self._stage(f"{what}-{number}", work, work.grid, words)
                if not (yield from stage):
                    return False
        self._folder.mark("complete", 0)
        self._folder.clear()
        return True

    def result(self, *, complete: bool) -> VolumePrediction:
        """Say how it went."""
        labels = self._places()[0]
        if not complete:
            done = len(self._folder.done("predicted"))
            words = f"Stopped after {done:,} of {len(self.grid):,} blocks"
            return VolumePrediction(labels, words, *self._made, complete=False)
        spent = clock(time.monotonic() - self._began)
        where = f" on {self._news.devices}" if self._news.devices else ""
        words = f"Done in {spent}{where}"
        return VolumePrediction(labels, words, *self._made)

    @property
    def _made(self) -> tuple[PostprocessConfig, float | None]:
        return self._finish, self._predictor.threshold

    def _places(self) -> list[Path]:
        """Return where the labels are written and, if wanted, the probabilities."""
        request = self._request
        place, *_ = labels_place(request.out, request.image, self._name)
        return [place, *filter(None, [request.probabilities])]

    @property
    def _made_by(self) -> list[tuple[Path, str]]:
        """Return what is written, and the stage whose blocks are written into it."""
        stages = ("objects" if self.numbers else "predicted", "predicted")
        return list(zip(self._places(), stages, strict=False))

    def _lost(self) -> bool:
        """Return whether something has gone of which blocks are marked as written."""
        lost = self.numbers and not self.complete and not self._between.exists()
        return (lost and bool(self._folder.done("predicted"))) or any(
            self._folder.done(stage) and not holds_image(place)
            for place, stage in self._made_by
        )

    def _claim(self, number: int) -> None:
        """Note of a result that it is ours, unless somebody else put something there.

        Between the plan and the first block of objects hours may pass.
        """
        place, stage = self._made_by[number]
        if number not in self._folder.done("claimed") and not self._folder.done(stage):
            check_free(place)
            self._folder.mark("claimed", number)

    def _cut(self, block: Sequence[int] | None) -> None:
        """Cut the volume into blocks, which are whole slices where those are needed."""
        shape, network = self._image.shape[1:], self._predictor.footprint
        if self._slices:
            usual = max(1, BLOCK_VOXELS // (shape[1] * shape[2]))
            block = (block[0] if block else usual, *shape[1:])
        self._chunks = chunks_for(shape, network, block)
        self.grid = grid_for(shape, network, self._chunks, block)

    def _stage(
        self, name: str, work: Work, grid: Grid | None = None, words: str = ""
    ) -> _Stage:
        """Work on the blocks that are missing; whether none is in the end."""
        grid, words = grid or self.grid, words or STAGES[name]
        known, total = self._folder.done(name), len(grid)
        missing = (block for block in grid if block.index not in known)
        done, began = len(known), time.monotonic()
        for step in self._engine.run(self._folder.guarded(work), missing, self._stop):
            if isinstance(step, Waiting):
                yield step
                continue
            written = step.result
            self._folder.mark(name, step.block.index, written.value)
            done += 1
            left = (time.monotonic() - began) / (done - len(known)) * (total - done)
            news = self._news.of(written)
            yield BlockDone(words, done, total, left, self._news.devices, news)
        return done == total

    def _result(self, dtype: DTypeLike) -> Levels:
        request = self._request
        self._claim(0)
        return labels(request.out, request.image, self._name, dtype, self._chunks)

    @property
    def _between(self) -> Path:
        return self._folder.path / "classes"

    def _scratch(self) -> Volume:
        dtype = np.uint32 if self._slices else np.uint8
        return scratch(self._between, self.grid.shape, dtype, self._chunks)

    def _probabilities(self) -> Levels:
        request, predictor = self._request, self._predictor
        if request.probabilities is None:
            return ()
        self._claim(1)
        return probabilities(
            request.probabilities,
            request.image,
            predictor.num_classes,
            predictor.config.probabilities,
            self._chunks,
        )
