"""A run is put together once, for the command line, the dock and scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import tifffile

from napari_unet import save_model, train_unet
from napari_unet.config import (
    AnnotationKind,
    Coverage,
    ImageConfig,
    Preset,
    Region,
    Role,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.data.annotation import IGNORE
from napari_unet.data.calibration import Calibration
from napari_unet.data.normalize import Normalization
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, ModelFileError
from napari_unet.model.checkpoint import Model, ModelCard, load_model
from napari_unet.model.networks.unet import UNet
from napari_unet.model.started import Started
from napari_unet.starters import find_starter
from napari_unet.train.describe import class_names
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.session import open_run, train_sources
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_source import TrainingSource, source_of


def make(shape=(3, 64, 64), seed=0) -> tuple[Stack, np.ndarray]:
    """An image of blocks of 8 pixels, and scribbles on all of them."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(1, 3, (shape[0], shape[1] // 8, shape[2] // 8))
    labels = blocks.repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    image = (60 * labels + rng.normal(0, 10, shape)).astype(np.uint8)
    return Stack(image, "ZYX", (50.0, 4.0, 4.0), "nm", "blocks"), labels


@pytest.fixture
def scribbled():
    """Make the source of a small image with scribbles."""

    def start(**options) -> TrainingSource:
        image, labels = make(seed=options.pop("seed", 0))
        return TrainingSource(image, labels, AnnotationKind.SCRIBBLES, **options)

    return start


@pytest.fixture
def on_disk(tmp_path) -> tuple[Path, Path]:
    image, labels = make()
    paths = tmp_path / "em.tif", tmp_path / "cells.tif"
    write_stack(paths[0], image.data, like=image)
    write_stack(paths[1], labels, like=image)
    return paths


def trained_names(run) -> tuple[str, ...]:
    list(run.trainer.run())
    return run.trainer.model().card.class_names


def test_arrays_and_files_of_the_same_values_make_the_same_run(
    scribbled, on_disk, small
):
    (of_arrays,) = open_run([scribbled()], small()).trainer.images
    files = TrainingSource(*on_disk, AnnotationKind.SCRIBBLES)
    (of_files,) = open_run([files], small()).trainer.images
    assert of_files.fingerprint == of_arrays.fingerprint
    assert of_files.pixel_size == pytest.approx(of_arrays.pixel_size)
    assert np.array_equal(of_files.weight_map, of_arrays.weight_map)


def test_of_the_labels_of_a_file_only_painted_slices_are_held(tmp_path, on_disk):
    labels = np.zeros((40, 64, 64), np.uint8)
    labels[7, 10:20] = 1
    tifffile.imwrite(tmp_path / "few.tif", labels, compression="zlib")
    _, painted, _ = TrainingSource(on_disk[0], tmp_path / "few.tif").read()
    ((z, plane),) = painted.planes()
    assert z == 7
    assert plane.base is None
    assert np.array_equal(painted, labels)


def test_what_settings_say_of_an_image_becomes_its_source():
    region = Region(role=Role.TRAIN, slices="0:2")
    settings = ImageConfig(
        image="em.tif",
        labels="cells.tif",
        kind=AnnotationKind.CLASSES,
        train="0:3",
        validation="3:4",
        regions=(region,),
    )
    source = source_of(settings)
    assert (source.image, source.labels) == (Path("em.tif"), Path("cells.tif"))
    assert (source.train, source.validation) == ("0:3", "3:4")
    assert (source.kind, source.regions) == (AnnotationKind.CLASSES, (region,))


def test_a_pixel_size_is_asked_of_images_and_not_of_annotations(tmp_path):
    image, labels = make((5, 64, 64))
    paths = tmp_path / "em.tif", tmp_path / "cells.tif"
    screen = {"resolution": (96, 96), "resolutionunit": "INCH"}
    for path, values in zip(paths, (image.data, labels), strict=True):
        tifffile.imwrite(path, values, photometric="minisblack", **screen)
    stack, _, notes = TrainingSource(*paths).read()
    assert [note for note in notes if "96 dots per inch" in note] == list(notes)
    assert [note.partition(":")[0] for note in notes] == [str(paths[0])]
    given = TrainingSource(*paths, calibration=Calibration.given("50 4 4", "nm"))
    stack, _, notes = given.read()
    assert (stack.pixel_size, stack.unit, notes) == ((50, 4, 4), "nm", ())


def test_what_does_not_fit_is_told_with_the_names_of_the_files(on_disk, small):
    image, labels = on_disk
    write_stack(labels, np.ones((3, 8, 8), np.uint8), like=make()[0])
    with pytest.raises(InputError, match=r"em\.tif with .*cells\.tif: The annotations"):
        open_run([TrainingSource(image, labels)], small())


def test_notes_name_their_image_where_there_are_several(scribbled, small):
    one, another = scribbled(), scribbled(seed=1)
    another = replace(another, image=replace(another.image, source="other"), kind=None)
    assert all(not n.startswith("blocks") for n in open_run([one], small()).notes)
    notes = open_run([one, another], small()).notes
    assert any(note.startswith("other: annotations are") for note in notes)


def test_of_five_single_images_the_last_is_held_out_unless_the_user_divides(
    scribbled, small
):
    sources = [scribbled(seed=seed) for seed in range(5)]
    sources = [
        replace(one, labels=one.labels * (np.arange(3) == 0)[:, None, None])
        for one in sources
    ]
    run = open_run(sources, small())
    assert [image.validation.size for image in run.trainer.images] == [0, 0, 0, 0, 1]
    divided = [replace(sources[0], train="0:1"), *sources[1:]]
    run = open_run(divided, small())
    assert not any(image.validation.size for image in run.trainer.images)


def test_names_of_the_classes_reach_the_model(scribbled, small):
    run = open_run([scribbled(class_names=("resin", "cell"))], small(steps=1))
    assert trained_names(run) == ("resin", "cell")


def test_a_model_that_is_fine_tuned_keeps_the_names_of_its_classes(scribbled, small):
    first = open_run([scribbled(class_names=("resin", "cell"))], small(steps=1))
    list(first.trainer.run())
    config, model = small(steps=1), first.trainer.model()
    unnamed = open_run([scribbled()], config, start=model)
    assert trained_names(unnamed) == ("resin", "cell")
    plain = scribbled(class_names=("background", "foreground"))
    assert trained_names(open_run([plain], config, start=model)) == ("resin", "cell")
    named = scribbled(class_names=("gap", "axon"))
    assert trained_names(open_run([named], config, start=model)) == ("gap", "axon")
    more = scribbled()
    more.labels[0, :8] = 3
    names = trained_names(open_run([more], config, start=model))
    assert names == ("resin", "cell", "class 2")


@pytest.mark.parametrize("start", ["em-membranes", find_starter("em-membranes").path])
def test_a_starter_network_is_noted_by_its_name(scribbled, small, start):
    run = open_run([scribbled()], small(steps=1), start=start)
    assert run.config.start == "em-membranes"
    assert run.config.network.base_channels == 16
    assert "starts from em-membranes (all layers fit)" in run.notes


@pytest.mark.parametrize(
    ("given", "w0"),
    [
        (WeightMapConfig(), 2),
        (WeightMapConfig(sigma=3), 2),
        (WeightMapConfig(w0=5), 5),
        (Preset.PAPER.settings().weight_map, 10),
    ],
)
def test_a_starter_network_brings_its_border_weight_where_none_was_set(
    scribbled, small, given, w0
):
    config = small(steps=1).model_copy(update={"weight_map": given})
    run = open_run([scribbled()], config, start="em-membranes")
    assert run.config.weight_map == given.model_copy(update={"w0": w0})


def test_train_unet_starts_from_a_starter_network():
    image, labels = make()
    settings = {"steps": 1, "patch_size": 32, "device": "cpu", "batch_size": 2}
    model = train_unet(image, labels, start="em-membranes", **settings)
    assert model.network.config.base_channels == 16
    with pytest.raises(ModelFileError, match="no model file em"):
        train_unet(image, labels, start="em", **settings)


def test_train_unet_takes_the_patches_it_is_given_with_a_model_of_three_dimensions():
    image, labels = make()
    network = UNetConfig(ndim=3, base_channels=2, depth=1)
    started = Model(UNet(network), ModelCard(network=network))
    settings = {"steps": 1, "patch_size": 24, "device": "cpu"}
    train = train_unet(image, labels, start=started, **settings).card.train
    fitting = Preset.FAST.settings(3).train
    assert train.patch_size == 24 != fitting.patch_size
    assert (train.patch_slices, train.batch_size) == (
        fitting.patch_slices,
        fitting.batch_size,
    )


def test_a_run_that_goes_on_keeps_the_names_of_its_classes(scribbled, small, tmp_path):
    config, stop = small(steps=4), Event()
    named = scribbled(class_names=("resin", "cell"))
    for _ in open_run([named], config, folder=tmp_path).trainer.run(stop):
        stop.set()
    again = open_run([scribbled()], config, folder=tmp_path, resume=True)
    assert again.trainer.step == 1
    assert trained_names(again) == ("resin", "cell")


def test_what_goes_on_from_a_model_normalises_as_the_model_did(
    scribbled, small, tmp_path
):
    config, stop = small(steps=4), Event()
    plain = Normalization(per="image", moments="plain")
    old, _ = scribbled().prepare(config, plain)
    trainer = Trainer([old], config, folder=RunFolder(tmp_path))
    for _ in trainer.run(stop):
        stop.set()
    model = load_model(tmp_path / "last.safetensors")
    for further in (
        open_run([scribbled()], config, start=model),
        open_run([scribbled()], config, folder=tmp_path, resume=True),
    ):
        assert further.trainer.model().card.normalization == plain
    (tmp_path / "last.safetensors").replace(tmp_path / "best.safetensors")
    further = open_run([scribbled()], config, folder=tmp_path, resume=True)
    assert further.trainer.model().card.normalization == plain
    new = open_run([scribbled()], config)
    assert new.trainer.model().card.normalization.moments == "robust"


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, ("resin", "cell")),
        (2, ("resin", "cell")),
        (3, ("resin", "cell", "rim")),
        (4, ("resin", "cell", "rim", "class 3")),
    ],
)
def test_classes_that_are_named_and_not_painted_take_no_name(blobs, count, names):
    image = replace(blobs(), class_names=("resin", "cell", "rim"))
    assert class_names(count, [image]) == names


def test_a_model_that_learns_one_more_class_keeps_the_names_of_its_others(blobs):
    before, plain = ("resin", "cell"), ("background", "foreground")
    assert class_names(3, [blobs()], before) == ("resin", "cell", "class 2")
    assert class_names(3, [blobs()], plain) == ("background", "class 1", "class 2")
    named = replace(blobs(), class_names=("resin", "nucleus", "rim"))
    assert class_names(3, [named], before) == ("resin", "nucleus", "rim")
    # Which of three classes are left is not known.
    assert class_names(2, [blobs()], ("resin", "cell", "rim")) == plain


def test_sizes_are_chosen_when_asked_and_it_is_said_why(scribbled, small):
    run = open_run([scribbled()], small(steps=1), auto=True)
    assert run.config.network.base_channels == 8
    assert any(note.startswith("chosen: base 8") for note in run.notes)


def test_work_that_is_stopped_at_once_leaves_nothing(scribbled, small, tmp_path):
    stop = Event()
    stop.set()
    folder = tmp_path / "run"
    work = train_sources(stop, sources=[scribbled()], config=small(), folder=folder)
    with pytest.raises(StopIteration) as ended:
        next(work)
    assert ended.value.value is None
    assert not folder.exists()


def test_work_tells_its_device_first_and_gives_the_model_last(
    scribbled, small, tmp_path
):
    work = train_sources(
        Event(),
        sources=[scribbled(train="0:2", validation="2:3")],
        config=small(steps=3),
        folder=tmp_path,
    )
    assert isinstance(next(work), Started)
    points = []
    while True:
        try:
            points += next(work).points
        except StopIteration as ended:
            path = ended.value
            break
    assert len(points) == 3
    assert path == tmp_path / "best.safetensors"
    assert load_model(path).card.step


def test_a_network_is_trained_in_one_call_that_prints_nothing(small, tmp_path, capfd):
    image, labels = make()
    steps = []
    options = {"kind": AnnotationKind.SCRIBBLES, "config": small(), "steps": 2}
    model = train_unet(
        np.asarray(image.data), labels, on_step=steps.append, seed=3, **options
    )
    assert [step.step for step in steps] == [1, 2]
    assert (model.card.train.seed, model.card.train.steps) == (3, 2)
    assert capfd.readouterr() == ("", "")
    save_model(tmp_path / "model.safetensors", model)
    assert load_model(tmp_path / "model.safetensors").card.step == 2


def test_one_call_takes_files_and_keeps_a_run_once(on_disk, small, tmp_path):
    image, labels = map(str, on_disk)
    options = {"config": small(), "steps": 1, "folder": tmp_path / "run"}
    model = train_unet(image, labels, class_names=("resin", "cell"), **options)
    assert load_model(tmp_path / "run" / "last.safetensors").card.step == 1
    start = tmp_path / "run" / "last.safetensors"
    with pytest.raises(InputError, match="holds a run already"):
        train_unet(image, labels, **options)
    options["folder"] = tmp_path / "next"
    kind = AnnotationKind.SCRIBBLES
    tuned = train_unet(image, labels, kind=kind, start=str(start), **options)
    assert model.card.kind is tuned.card.kind is kind
    assert tuned.card.data[0]["name"] == Path(image).name


def test_one_call_takes_a_single_slice(small):
    image, labels = make((1, 64, 64))
    model = train_unet(image.data[0], labels[0], config=small(), steps=1)
    assert model.card.step == 1


def test_arrays_of_other_dimensions_and_unknown_settings_are_refused(small):
    image, labels = make()
    with pytest.raises(InputError, match="The image has 1 dimensions"):
        train_unet([1, 2], labels)
    with pytest.raises(InputError, match="minuts"):
        train_unet(image, labels, minuts=3)


# ------------------------------------------------------------ what a set means together


def of_bands(*values: int, **options) -> TrainingSource:
    """One slice with a band of each value on background 0."""
    labels = np.zeros((1, 64, 64), np.uint8)
    for n, value in enumerate(values):
        labels[0, 5 + 15 * n : 15 + 15 * n, 10:50] = value
    image = np.random.default_rng(0).integers(0, 255, labels.shape, np.uint8)
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", f"bands of {values}")
    options = {"kind": AnnotationKind.CLASSES} | options
    return TrainingSource(stack, labels, **options)


def classes_of(run) -> list[list[int]]:
    images = run.trainer.images
    return [np.unique(np.asarray(one.target.classes)).tolist() for one in images]


def test_an_image_that_shows_one_class_of_its_set_teaches_that_class(small):
    run = open_run([of_bands(1, 2), of_bands(2), of_bands(3)], small())
    assert classes_of(run) == [[0, 1, 2], [0, 2], [0, 3]]
    assert run.config.network.num_classes == 4


def test_masks_of_1_and_of_255_in_one_set_are_one_foreground(small):
    run = open_run([of_bands(1), of_bands(255), of_bands(255, 255)], small())
    assert classes_of(run) == [[0, 1]] * 3


def test_what_a_set_ignores_is_no_class_where_one_class_is_left_beside_it(small):
    every = [of_bands(1, 2, 255), of_bands(2, 255), of_bands(255, 1)]
    run = open_run(every, small())
    assert classes_of(run) == [[0, 1, 2, IGNORE], [0, 2, IGNORE], [0, 1, IGNORE]]
    with pytest.raises(InputError, match="nothing but 255, which is ignored"):
        open_run([of_bands(1, 255), of_bands(255)], small())
    complete = of_bands(255, coverage=Coverage(complete="all"))
    assert classes_of(open_run([of_bands(1, 255), complete], small()))[1] == [0, IGNORE]


def test_fine_tuning_on_one_class_of_several_goes_on_with_that_class(small, tmp_path):
    folder = tmp_path / "run"
    old = open_run([of_bands(1, 2)], small()).trainer.model()
    run = open_run([of_bands(2)], small(), folder=folder, start=old)
    assert classes_of(run) == [[0, 2]]
    list(run.trainer.run())
    again = open_run([of_bands(2)], run.config, folder=folder, resume=True)
    assert classes_of(again) == [[0, 2]]
    assert classes_of(open_run([of_bands(7)], small(), start=old)) == [[0, 1]]


def of_cells(count: int, **options) -> TrainingSource:
    """One slice with so many numbered cells."""
    labels = np.zeros((1, 96, 96), np.uint8)
    for k in range(count):
        y, x = divmod(k, 6)
        labels[0, 16 * y : 16 * y + 9, 16 * x : 16 * x + 9] = k + 1
    image = np.random.default_rng(0).integers(0, 255, labels.shape, np.uint8)
    stack = Stack(image, "ZYX", (1.0, 1.0, 1.0), "pixel", f"{count} cells")
    return TrainingSource(stack, labels, **options)


def kinds_of(run) -> list[AnnotationKind]:
    return [one.kind for one in run.trainer.images]


def test_few_numbered_cells_are_objects_where_other_images_number_many(small):
    run = open_run([of_cells(1), of_cells(4), of_cells(20)], small())
    assert kinds_of(run) == [AnnotationKind.OBJECTS] * 3
    assert run.config.network.num_classes == 2
    words = "annotations are objects: as in the whole set: 20 different values"
    assert [words in note for note in run.notes].count(True) == 2
    given = of_cells(4, kind=AnnotationKind.SCRIBBLES)
    run = open_run([given, of_cells(20)], small())
    assert kinds_of(run) == [AnnotationKind.SCRIBBLES, AnnotationKind.OBJECTS]


def test_guesses_of_a_set_that_differ_are_a_question(small):
    with pytest.raises(InputError, match=r"3 cells looks like scribbles .*--kind"):
        open_run([of_cells(3), of_bands(1, kind=None)], small())
    kind = AnnotationKind.CLASSES
    unclear = of_cells(3), of_bands(1, kind=None)
    run = open_run([*unclear, of_bands(1, kind=kind)], small())
    assert kinds_of(run) == [kind] * 3
    run = open_run([of_cells(3, kind=kind), of_bands(1, kind=kind)], small())
    assert kinds_of(run) == [kind, kind]
    run = open_run([of_bands(1, kind=None), of_bands(255, kind=None)], small())
    assert kinds_of(run) == [kind, kind]
