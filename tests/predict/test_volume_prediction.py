"""A volume on disk is predicted block by block, as it would be as a whole."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch

from napari_unet.config import PostprocessConfig, PredictConfig, UNetConfig
from napari_unet.data.colours import with_colours
from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError, OutputError
from napari_unet.model import compiled
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.block_moments import MomentsWork, slabs_for
from napari_unet.predict.block_plan import PlanFolder, digest_of
from napari_unet.predict.block_prediction import OpenedModel
from napari_unet.predict.engines import LocalEngine, Waiting
from napari_unet.predict.postprocessing import postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.volume_image import VolumeImage
from napari_unet.predict.volume_prediction import BlockDone, predict_volume_steps
from napari_unet.predict.volume_request import VolumeRequest
from napari_unet.samples import em_stack
from napari_unet.steps import result_of

pytest.importorskip("zarr")

import zarr

from napari_unet.data import pyramid
from napari_unet.data.ome_zarr import open_volume, open_zarr
from napari_unet.data.ome_zarr_writer import create_image, planned
from napari_unet.data.pyramid import fill_pyramid
from napari_unet.data.volume import write_box


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Compute in float32 everywhere, so that results can be compared."""
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")


def save(path, ndim=2, finish=None, known=None, **settings):
    """Write a model that finds something, and return it with its file."""
    torch.manual_seed(3)
    network = UNet(UNetConfig(base_channels=4, depth=2, ndim=ndim, **settings))
    card = ModelCard(
        network=network.config,
        normalization=Normalization(per="slice"),
        finish=finish,
        **(known or {}),
    )
    model = Model(network.eval(), card)
    save_model(path, model)
    return model


@pytest.fixture
def volume(tmp_path):
    return write_volume(tmp_path / "em.ome.zarr")


def write_volume(path, shape=(12, 90, 110), chunks=(5, 32, 48)):
    image, _ = em_stack(shape, seed=2)
    first = planned(path, "ZYX", shape, np.uint8, (40.0, 8.0, 8.0), "nm")
    levels = create_image(replace(first, chunks=chunks))
    write_box(levels[0], tuple(map(slice, shape)), np.asarray(image.data, np.uint8))
    list(fill_pyramid(levels, labels=False))
    return levels[0]


class Cluster(LocalEngine):
    """Waits first, and two processes say for themselves what they had to change."""

    def run(self, work, blocks, stop):
        yield Waiting("Nobody is there.")
        for step in super().run(work, blocks, stop):
            number = step.block.index % 2
            message = f"Too slow ({number} s): another way.\nMemory is full."
            result = replace(step.result, message=message, device=f"node {number}")
            yield replace(step, result=result)


class Travelled(LocalEngine):
    """Works with what came out of its pickle, and counts the bytes of that."""

    def __init__(self):
        self.most = 0

    def run(self, work, blocks, stop):
        sent = pickle.dumps(work)
        self.most = max(self.most, len(sent))
        return super().run(pickle.loads(sent), blocks, stop)


def request(tmp_path, volume, **options):
    return VolumeRequest(
        tmp_path / "model.safetensors",
        volume,
        tmp_path / "out.ome.zarr",
        **{"config": PredictConfig(device="cpu", tile_size=32), **options},
    )


def run(asked, stop=None, show=None):
    return result_of(predict_volume_steps(asked, LocalEngine(), stop), show)


def read(path):
    return np.asarray(open_volume(path))


BLOCK = (4, 48, 64)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_classes_are_those_of_the_whole(tmp_path, volume, ndim, padding):
    model = save(tmp_path / "model.safetensors", ndim, padding=padding)
    found = run(request(tmp_path, volume, block=BLOCK))
    expected = Predictor(model, PredictConfig(device="cpu")).predict(
        VolumeImage(volume)
    )
    labels = read(found.labels)
    np.testing.assert_array_equal(labels, expected.labels)
    assert 0.05 < (labels > 0).mean() < 0.95, "something is found, and not all"
    assert found.complete


@pytest.mark.parametrize(
    "finish",
    [
        PostprocessConfig(objects="connected", min_size=12),
        PostprocessConfig(objects="connected", min_size=12, follow_slices=True),
        PostprocessConfig(objects="no", min_size=5),
        PostprocessConfig(objects="watershed", core=0.55),
        PostprocessConfig(fill_holes=40, thin_borders=2),
    ],
    ids=["connected", "through", "cleaned", "watershed", "filled"],
)
def test_what_is_made_of_them_is_that_of_the_whole(tmp_path, volume, finish):
    model = save(tmp_path / "model.safetensors")
    found = run(request(tmp_path, volume, finish=finish, block=BLOCK))
    predictor = Predictor(model, PredictConfig(device="cpu"))
    whole = predictor.predict(VolumeImage(volume), keep=True)
    expected = postprocess(whole.labels, finish, probabilities=whole.probabilities)
    labels = read(found.labels)
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()], 1), axis=0)
    assert len(pairs) == len(np.unique(labels)) == len(np.unique(expected)) > 1
    if finish.numbers_objects:
        assert (labels.dtype, labels.max()) == (np.uint32, len(pairs) - 1)
    else:
        np.testing.assert_array_equal(labels, expected)


def test_labels_and_probabilities_lie_on_their_image(tmp_path, volume):
    model = save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, probabilities=tmp_path / "p.ome.zarr")
    run(asked)
    source, labels, likely = map(
        open_zarr, (volume.path, asked.out, asked.probabilities)
    )
    assert [one.shape for one in labels.levels] == [one.shape for one in source.levels]
    for made in (labels, likely):
        assert made.levels[0].pixel_size == volume.pixel_size
        assert made.levels[0].unit == volume.unit == "nm"
    assert likely.levels[0].axes == "CZYX"
    predictor = Predictor(model, PredictConfig(device="cpu"))
    expected = predictor.predict(VolumeImage(volume), keep=True)
    np.testing.assert_allclose(likely.levels[0][...], expected.probabilities, atol=1e-5)


def test_an_image_with_x_first_gets_the_same_results(tmp_path, volume):
    known = {"pixel_size": (40.0, 8.0, 8.0), "unit": "nm"}
    save(tmp_path / "model.safetensors", known=known)
    turned = tmp_path / "turned.zarr"
    zarr.create_array(str(turned), data=np.asarray(volume).T)
    other = replace(open_volume(turned, axes="XYZ"), scale=(8.0, 8.0, 40.0), unit="nm")
    likely, notes = tmp_path / "p.ome.zarr", []
    asked = request(tmp_path, other, probabilities=likely)
    run(asked, show=lambda step: notes.extend(getattr(step, "notes", ())))
    assert not notes, "its pixels are those of the model"
    expected = replace(asked, image=volume, out=tmp_path / "straight.ome.zarr")
    run(replace(expected, probabilities=tmp_path / "s.ome.zarr"))
    for made, straight in (
        (asked.out, expected.out),
        (likely, tmp_path / "s.ome.zarr"),
    ):
        one, whole = open_volume(made), open_volume(straight)
        assert (one.axes, one.scale, one.unit) == (whole.axes, whole.scale, whole.unit)
        np.testing.assert_array_equal(one[...], whole[...])


def test_both_results_lie_where_their_image_does(tmp_path):
    first = planned(
        tmp_path / "crop.ome.zarr", "ZYX", (2, 32, 32), "u1", (40, 8, 8), "nm"
    )
    crop = create_image(replace(first, origin=(400.0, 1000.0, 2000.0)))[0]
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, crop, probabilities=tmp_path / "p.ome.zarr")
    run(asked)
    assert open_volume(asked.out).origin == crop.origin
    assert open_volume(asked.probabilities).origin == (0.0, *crop.origin)


def test_a_grey_image_is_predicted_by_what_learnt_from_three_colours(tmp_path, volume):
    model = save(tmp_path / "model.safetensors", in_channels=3)
    found = run(request(tmp_path, volume, block=BLOCK))
    grey = VolumeImage(volume)[(slice(None),)]
    whole = Predictor(model, PredictConfig(device="cpu")).predict(with_colours(grey, 3))
    np.testing.assert_array_equal(read(found.labels), whole.labels)
    assert read(found.labels).any()


@pytest.mark.parametrize("told", [False, True])
def test_another_pixel_size_is_told_where_nobody_did(tmp_path, volume, told):
    known = {"pixel_size": (40.0, 16.0, 16.0), "unit": "nm"}
    save(tmp_path / "model.safetensors", known=known)
    steps = []
    run(replace(request(tmp_path, volume), size_told=told), show=steps.append)
    words = (
        "pixels of 16 nm, this image has 8 nm: the mask will be poor; choose the lev"
    )
    assert any(words in note for note in steps[0].notes) is not told


def test_the_image_itself_gets_labels(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = replace(request(tmp_path, volume), out=tmp_path / "em.ome.zarr")
    found = run(asked)
    assert open_zarr(volume.path).labels == ("classes",)
    assert read(found.labels).any()


def test_a_slice_without_depth_is_a_volume_too(tmp_path):
    image, _ = em_stack((1, 90, 110), seed=2)
    first = planned(tmp_path / "em.ome.zarr", "YX", (90, 110), np.uint8, (8, 8), "nm")
    volume = create_image(replace(first, chunks=(32, 48)))[0]
    write_box(volume, (slice(90), slice(110)), np.asarray(image.data, np.uint8)[0])
    model = save(tmp_path / "model.safetensors")
    finish = PostprocessConfig(objects="connected", min_size=0)
    found = run(request(tmp_path, volume, finish=finish, block=(1, 32, 64)))
    whole = Predictor(model, PredictConfig(device="cpu")).predict(VolumeImage(volume))
    labels = read(found.labels)
    assert labels.shape == (90, 110)
    np.testing.assert_array_equal(labels > 0, whole.labels[0] > 0)


# ------------------------------------------------------------------------ going on


def is_block(step):
    return isinstance(step, BlockDone) and step.stage != "measuring grey values"


def stopped(asked, after):
    """Start a prediction that is stopped after some blocks; return what it said.

    What is measured before does not count.
    """
    stop, seen = Event(), []

    def show(step):
        if is_block(step):
            seen.append(step)
            if len(seen) == after:
                stop.set()

    return run(asked, stop, show), seen


@pytest.mark.parametrize("after", [1, 7, 20, 30])
def test_only_what_is_missing_is_done(tmp_path, volume, after):
    save(tmp_path / "model.safetensors")
    finish = PostprocessConfig(objects="connected", min_size=12)
    asked = request(tmp_path, volume, finish=finish, block=BLOCK)
    undisturbed = replace(asked, out=tmp_path / "undisturbed.ome.zarr")
    steps = []
    expected = read(run(undisturbed, show=steps.append).labels)
    total = [one for one in steps if is_block(one)]
    found, seen = stopped(asked, after)
    assert not found.complete
    assert found.words.startswith("Stopped after")
    more = []
    again = run(asked, show=more.append)
    assert again.complete
    np.testing.assert_array_equal(read(again.labels), expected)
    done = [one for one in more if is_block(one)]
    # A block that was in hand is done again, and no other.
    assert len(total) <= len(done) + len(seen) <= len(total) + 1
    assert run(asked).complete, "and then nothing is left"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": PredictConfig(threshold=0.7)}, "settings of the prediction"),
        ({"finish": PostprocessConfig(objects="connected")}, "objects"),
        ({"block": (8, 48, 64)}, "blocks"),
    ],
)
def test_other_settings_are_refused(tmp_path, volume, change, words):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    stopped(asked, 2)
    with pytest.raises(InputError, match=f"begun with another {words}: choose"):
        run(replace(asked, **change))
    assert run(asked).complete, "what was begun is still there"


def test_another_model_is_refused_and_other_tiles_are_not(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    stopped(asked, 2)
    tiles = replace(asked, config=PredictConfig(device="cpu", tile_size=48))
    assert not stopped(tiles, 1)[0].complete
    save(tmp_path / "model.safetensors", padding="valid")
    with pytest.raises(InputError, match="begun with another model"):
        run(asked)


@pytest.mark.parametrize("after", [2, None], ids=["begun", "done"])
def test_an_image_that_was_changed_is_refused(tmp_path, volume, after):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    assert stopped(asked, after)[0].complete == (after is None)
    box = tuple(map(slice, volume.shape))
    write_box(volume, box, np.asarray(255 - volume[...]))
    with pytest.raises(InputError, match="begun with another version of the image"):
        run(asked)
    assert run(replace(asked, overwrite=True)).complete
    assert run(asked).complete


def test_the_image_itself_may_get_its_labels_in_several_starts(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    asked = replace(asked, out=tmp_path / "em.ome.zarr")
    for _ in range(2):
        assert not stopped(asked, 2)[0].complete
    assert run(asked).complete


def test_what_was_begun_before_images_were_looked_at_goes_on_with_a_word(
    tmp_path, volume
):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    stopped(asked, 2)
    file = tmp_path / "out.ome.zarr.blocks" / "plan.json"
    plan = json.loads(file.read_text())
    del plan["state"]
    file.write_text(json.dumps(plan))
    steps = []
    assert run(asked, show=steps.append).complete
    assert "did not note the state of the image" in steps[0].notes[-1]


def test_a_line_that_a_kill_cut_off_counts_for_nothing(tmp_path):
    folder = PlanFolder(tmp_path)
    folder.mark("predicted", 3, 17)
    with (tmp_path / "done.txt").open("ab") as file:
        file.write(b"predicted 4 1")
    assert folder.done("predicted") == {3: 17}
    folder.mark("predicted", 5)
    assert folder.done("predicted") == {3: 17, 5: 0}


@pytest.mark.parametrize("finish", [None, PostprocessConfig(objects="connected")])
@pytest.mark.parametrize("gone", ["out", "likely"])
def test_blocks_of_a_result_that_has_gone_are_not_taken_for_done(
    tmp_path, volume, finish, gone
):
    save(tmp_path / "model.safetensors")
    likely = tmp_path / "likely.ome.zarr"
    asked = request(tmp_path, volume, block=BLOCK, finish=finish, probabilities=likely)
    run(asked)
    expected = read(asked.out), read(likely)
    first, other = (asked.out, likely) if gone == "out" else (likely, asked.out)
    shutil.rmtree(first)
    with pytest.raises(OutputError, match=f"{other.name} is there already"):
        run(asked)
    shutil.rmtree(other)
    run(asked)
    for found, whole in zip((asked.out, likely), expected, strict=True):
        np.testing.assert_array_equal(read(found), whole)


def test_other_probabilities_are_not_gone_on_with(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    likely = tmp_path / "likely.ome.zarr"
    asked = request(tmp_path, volume, block=BLOCK, probabilities=likely)
    stopped(asked, 2)
    with pytest.raises(InputError, match="begun with another file of prob"):
        run(replace(asked, probabilities=tmp_path / "other.ome.zarr"))
    assert not (tmp_path / "other.ome.zarr").exists()


def test_a_second_start_is_kept_out_and_harms_nothing(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    steps, refused = predict_volume_steps(asked, LocalEngine()), False
    for step in steps:
        if isinstance(step, BlockDone) and not refused:
            for second in (asked, replace(asked, overwrite=True)):
                with pytest.raises(InputError, match="is being predicted already"):
                    run(second)
            refused = True
    assert refused
    assert run(asked).complete
    assert read(asked.out).any()


def test_to_overwrite_is_to_begin_anew(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    likely = tmp_path / "likely.ome.zarr"
    asked = request(tmp_path, volume, block=BLOCK, probabilities=likely)
    stopped(replace(asked, config=PredictConfig(threshold=0.9)), 2)
    run(replace(asked, overwrite=True))
    anew = read(asked.out), read(likely)
    other = tmp_path / "other"
    run(replace(asked, out=other / "out.ome.zarr", probabilities=other / "p.ome.zarr"))
    for found, name in zip(anew, ("out.ome.zarr", "p.ome.zarr"), strict=True):
        np.testing.assert_array_equal(found, read(other / name))
    assert run(asked).complete


class Late(LocalEngine):
    """Keeps its first block in hand, as a worker that hears of no stop."""

    def run(self, work, blocks, stop):
        if isinstance(work.work, MomentsWork):
            yield from super().run(work, blocks, stop)
            return
        block = next(iter(blocks))
        made = work.compute(block, work.read(block), stop)
        self.write = lambda: work.write(block, made)
        yield Waiting("The first block is in hand.")


def test_a_worker_that_is_late_writes_nothing_into_what_was_begun_anew(
    tmp_path, volume
):
    save(tmp_path / "model.safetensors")
    asked, late = request(tmp_path, volume, block=BLOCK), Late()
    result_of(predict_volume_steps(asked, late))
    late.write()
    other = replace(asked, config=PredictConfig(threshold=0.9), overwrite=True)
    expected = read(run(other).labels)
    with pytest.raises(InputError, match="begun anew by another start"):
        late.write()
    np.testing.assert_array_equal(read(other.out), expected)
    run(replace(asked, overwrite=True))
    late.write()


@pytest.mark.parametrize("place", ["out", "probabilities"])
def test_what_holds_an_input_is_not_overwritten(tmp_path, volume, place):
    save(tmp_path / "model.safetensors")
    before = volume[...]
    inside = write_volume(tmp_path / "all.ome.zarr" / "em.ome.zarr")
    asked = request(tmp_path, inside, overwrite=True)
    with pytest.raises(InputError, match="so that nothing is lost"):
        run(replace(asked, **{place: tmp_path / "all.ome.zarr"}))
    np.testing.assert_array_equal(inside[...], before)


def test_what_is_there_already_is_not_written_over(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    out = write_volume(tmp_path / "out.ome.zarr", (2, 32, 32))
    before = out[...]
    with pytest.raises(OutputError, match="there already"):
        run(request(tmp_path, volume))
    np.testing.assert_array_equal(out[...], before)
    assert not (tmp_path / "out.ome.zarr.blocks").exists()


def test_nobody_is_told_to_delete_the_image(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = replace(request(tmp_path, volume), out=tmp_path / "em.ome.zarr")
    labels = run(asked).labels
    other = replace(asked, config=PredictConfig(device="cpu", threshold=0.9))
    with pytest.raises(InputError, match=rf"^{labels} was begun .* delete it and"):
        run(other)
    named = replace(other, out=labels.with_name("sure"))
    assert run(named).complete
    assert open_zarr(volume.path).labels == ("classes", "sure")


@pytest.mark.parametrize("exported", [True, False])
def test_labels_are_put_into_no_folder_that_holds_an_image_otherwise(
    tmp_path, exported
):
    save(tmp_path / "model.safetensors")
    volume = write_volume(tmp_path / "all.zarr" / "0", (2, 32, 32))
    if not exported:
        zarr.create_array(str(tmp_path / "plain.zarr"), data=volume[...])
        volume = open_volume(tmp_path / "plain.zarr", axes="ZYX")
    out = tmp_path / ("all.zarr" if exported else "plain.zarr")
    with pytest.raises(InputError, match="choose another name for the result"):
        run(replace(request(tmp_path, volume), out=out))


@pytest.mark.parametrize("inside", ["", "p.ome.zarr"])
def test_two_results_are_not_written_to_one_place(tmp_path, volume, inside):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume)
    with pytest.raises(InputError, match="cannot both be written"):
        run(replace(asked, probabilities=asked.out / inside))
    assert not asked.out.exists()


OBJECTS = PostprocessConfig(objects="connected")


@pytest.mark.parametrize("image", [True, False])
def test_what_was_put_there_meanwhile_stays(tmp_path, volume, image):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK, finish=OBJECTS)
    stopped(asked, 20)
    if image:
        write_volume(asked.out, (2, 32, 32))
    else:
        asked.out.mkdir()
    before = sorted(asked.out.rglob("*"))
    with pytest.raises(OutputError, match="there already"):
        run(asked)
    assert sorted(asked.out.rglob("*")) == before


def test_what_lay_in_between_and_has_gone_is_made_again(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK, finish=OBJECTS)
    stopped(asked, 20)
    shutil.rmtree(tmp_path / "out.ome.zarr.blocks" / "classes")
    found = read(run(asked).labels)
    undisturbed = replace(asked, out=tmp_path / "undisturbed.ome.zarr")
    np.testing.assert_array_equal(found, read(run(undisturbed).labels))


def test_what_was_begun_in_one_folder_goes_on_in_another(tmp_path, volume, monkeypatch):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, block=BLOCK)
    monkeypatch.chdir(tmp_path)
    near = replace(asked, model=Path("model.safetensors"), out=Path("out.ome.zarr"))
    late = Late()
    near = replace(near, image=open_volume("em.ome.zarr"))
    result_of(predict_volume_steps(near, late))
    monkeypatch.chdir(tmp_path.parent)
    late.write()  # a worker that was started elsewhere
    assert run(asked).complete


def test_a_link_leads_to_where_the_result_is_made(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked, there = request(tmp_path, volume), tmp_path / "disk" / "cells.ome.zarr"
    asked.out.symlink_to(there)
    for overwrite in (False, True):
        assert run(replace(asked, overwrite=overwrite)).complete
        assert read(there).any()
        assert asked.out.is_symlink()


def test_a_file_is_replaced_where_that_is_asked_for(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = replace(request(tmp_path, volume), overwrite=True)
    asked.out.write_text("no volume")
    assert run(asked).complete


def test_what_travels_with_a_block_does_not_grow_with_the_slices(tmp_path):
    save(tmp_path / "model.safetensors")
    sizes = []
    for depth in (10, 300):
        volume = write_volume(tmp_path / f"{depth}.ome.zarr", (depth, 32, 32))
        asked, engine = request(tmp_path, volume, overwrite=True), Travelled()
        assert result_of(predict_volume_steps(asked, engine)).complete
        assert PlanFolder.beside(asked.out).read().moments()[0].shape[1] == depth
        sizes.append(engine.most)
    assert sizes[1] < sizes[0] + 20, "the numbers are written with more digits"


def test_a_worker_that_finds_another_plan_predicts_nothing(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume)
    run(asked)
    folder = PlanFolder.beside(asked.out)
    kept, plan = folder.kept(), folder.read()
    assert kept.read() == plan
    folder.keep(plan.changed("plan", block=(1, 1, 1)))
    assert folder.kept().read().block == (1, 1, 1)
    with pytest.raises(InputError, match="begun anew by another start"):
        kept.read()


def test_a_worker_that_finds_another_model_predicts_nothing(tmp_path):
    file = tmp_path / "model.safetensors"
    save(file)
    model = OpenedModel(file, digest_of(file))
    save(file, padding="valid")
    with pytest.raises(InputError, match="another model than the one"):
        model.predictor(PredictConfig(device="cpu"))


@pytest.mark.parametrize(
    "finish",
    [
        PostprocessConfig(smooth=1.0),
        PostprocessConfig(objects="watershed", follow_slices=True),
    ],
)
def test_what_goes_beyond_a_block_is_refused_in_a_sentence(tmp_path, volume, finish):
    save(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="block by block"):
        run(request(tmp_path, volume, finish=finish))
    assert not (tmp_path / "out.ome.zarr").exists()


def test_what_a_model_keeps_and_blocks_cannot_do_becomes_classes(tmp_path, volume):
    kept = PostprocessConfig(objects="watershed").settled()
    save(tmp_path / "model.safetensors", ndim=3, finish=kept)
    notes = []
    found = run(
        request(tmp_path, volume),
        show=lambda step: notes.extend(getattr(step, "notes", ())),
    )
    assert any("a mask of classes" in note for note in notes)
    assert read(found.labels).max() == 1


@pytest.mark.parametrize("per", ["slice", "image"])
def test_what_is_measured_slab_by_slab_is_what_the_whole_tells(tmp_path, per):
    values = np.random.default_rng(0).integers(0, 2**16, (37, 40, 50), np.uint16)
    first = planned(
        tmp_path / "em.ome.zarr", "ZYX", values.shape, np.uint16, (1, 1, 1), "pixel"
    )
    volume = create_image(replace(first, chunks=(8, 16, 16)))[0]
    write_box(volume, tuple(map(slice, values.shape)), values)
    work = MomentsWork(Normalization(per=per), VolumeImage(volume), tmp_path)
    slabs = slabs_for(work.image)
    assert len(slabs) == 5
    list(LocalEngine().run(work, slabs, Event()))
    expected = Normalization(per=per).measure(values[None])
    np.testing.assert_array_equal(work.combined(slabs), expected)


def test_a_prediction_that_is_stopped_while_it_measures_goes_on(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked, stop = request(tmp_path, volume, block=BLOCK), Event()
    found = run(asked, stop, lambda step: stop.set())
    assert not found.complete
    assert found.words == "Stopped after 0 of 12 blocks"
    expected = run(replace(asked, out=tmp_path / "other.ome.zarr"))
    np.testing.assert_array_equal(read(run(asked).labels), read(expected.labels))


def test_nothing_is_left_of_a_volume_that_cannot_be_measured(tmp_path):
    save(tmp_path / "model.safetensors")
    first = planned(
        tmp_path / "em.ome.zarr", "ZYX", (3, 32, 32), np.float32, (1, 1, 1), "pixel"
    )
    volume = create_image(first)[0]
    values = np.random.default_rng(0).random((3, 32, 32), np.float32)
    values[1, 5, 5] = np.nan
    write_box(volume, tuple(map(slice, values.shape)), values)
    with pytest.raises(InputError, match="Slice 1 of the image holds"):
        run(request(tmp_path, volume))
    assert not (tmp_path / "out.ome.zarr.blocks").exists()
    write_box(volume, tuple(map(slice, values.shape)), np.nan_to_num(values))
    assert run(request(tmp_path, volume)).complete


@pytest.mark.parametrize("after", [1, 2, 5])
def test_coarser_levels_go_on_after_a_stop(tmp_path, monkeypatch, after):
    monkeypatch.setattr(pyramid, "_READ_AT_ONCE", 2**16)
    save(tmp_path / "model.safetensors")
    volume = write_volume(tmp_path / "wide.ome.zarr", (2, 96, 1300))
    asked = request(
        tmp_path, volume, block=BLOCK, probabilities=tmp_path / "sure.ome.zarr"
    )
    stop, seen = Event(), []

    def show(step):
        if isinstance(step, BlockDone) and step.stage.startswith("coarser"):
            seen.append((step.stage, step.done, step.total))
            if len(seen) == after:
                stop.set()

    assert not run(asked, stop, show).complete
    assert len(seen) <= after + 1, "what is in hand is written"
    assert run(asked, show=show).complete
    assert len(set(seen)) == len(seen), "nothing is written twice"
    stages = {stage: total for stage, _, total in seen}
    assert len(seen) == sum(stages.values()) > 6
    assert list(stages) == [
        f"coarser {what}, {n} of 2"
        for what in ("labels", "probabilities")
        for n in (1, 2)
    ]
    for path, as_labels in ((asked.out, True), (asked.probabilities, False)):
        levels = open_zarr(path).levels
        found = [one[...] for one in levels]
        for one in levels[1:]:
            write_box(one, tuple(map(slice, one.shape)), np.zeros_like(one[...]))
        list(fill_pyramid(levels, labels=as_labels))
        for one, other in zip(levels, found, strict=True):
            np.testing.assert_array_equal(one[...], other)
            assert other.any()


def test_the_plan_tells_what_was_decided(tmp_path, volume):
    save(tmp_path / "model.safetensors")
    asked = request(tmp_path, volume, config=PredictConfig(device="cpu"))
    stopped(asked, 1)
    plan = json.loads((tmp_path / "out.ome.zarr.blocks" / "plan.json").read_text())
    assert plan["predict"]["tile_size"] >= 16
    mean, std = Normalization(per="slice").measure(VolumeImage(volume))
    np.testing.assert_array_equal(np.float32(plan["mean"]), mean[..., 0, 0])
    np.testing.assert_array_equal(np.float32(plan["std"]), std[..., 0, 0])


def test_what_workers_had_to_change_is_told_once_and_that_nobody_works(
    tmp_path, volume
):
    save(tmp_path / "model.safetensors")
    steps = []
    asked = request(tmp_path, volume, block=BLOCK)
    found = result_of(predict_volume_steps(asked, Cluster()), steps.append)
    waited = {one.words for one in steps if isinstance(one, Waiting)}
    assert waited == {"Nobody is there."}
    told = [one.message for one in steps if isinstance(one, BlockDone)]
    assert told[0].endswith("s): another way.\nMemory is full.")
    assert not any(told[1:])
    assert sorted(found.words.partition(" on ")[2].split(" and ")) == [
        "node 0",
        "node 1",
    ]


def test_where_openvino_fails_it_is_told_once_and_the_result_names_torch_alone(
    tmp_path, volume, monkeypatch
):
    pytest.importorskip("openvino")

    def fail(self, images):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(compiled.CompiledNetwork, "probabilities", fail)
    save(tmp_path / "model.safetensors")
    steps, settings = [], PredictConfig(device="cpu", backend="openvino")
    asked = request(tmp_path, volume, block=BLOCK, config=settings)
    found = run(asked, show=steps.append)
    assert "OpenVINO" in steps[0].device
    told = [one.message for one in steps if isinstance(one, BlockDone)]
    assert [*filter(None, told)] == [
        "OpenVINO fails (no such operation): torch predicts."
    ]
    assert "Done in" in found.words
    assert "OpenVINO" not in found.words
