"""`napari-unet predict`, `score` and `weights`: from files to files."""

from __future__ import annotations

import csv
import json
import signal

import numpy as np
import pytest
import scipy
import tifffile

from napari_unet.config import (
    AnnotationKind,
    PostprocessConfig,
    PredictConfig,
    WeightMapConfig,
)
from napari_unet.data.annotation import to_target
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.data.weight_map import weight_map
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, ModelFileError, NapariUNetError
from napari_unet.model.card import keep_finish
from napari_unet.model.checkpoint import load_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.postprocessing import postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.rescale import RescaledPredictor
from napari_unet.predict.segment import segment
from napari_unet.score.scoring import score_labels


@pytest.mark.parametrize("limit", [2**26, 0])
def test_a_prediction_lies_on_its_image(files, train, run, monkeypatch, limit):
    # Beyond it, probabilities lie in a file of their own.
    monkeypatch.setattr("napari_unet.predict.segment.plain_limit", lambda: limit)
    model = train() / "best.safetensors"
    result = run(
        *("predict", model, files / "image.tif", "--out", files / "out.tif"),
        *("--probabilities", files / "p.tif"),
    )
    image = read_stack(files / "image.tif")
    labels, likely = read_stack(files / "out.tif"), read_stack(files / "p.tif")
    for stack in (labels, likely):
        assert stack.pixel_size == pytest.approx(image.pixel_size)
        assert stack.unit == image.unit
    assert (labels.axes, labels.shape) == ("ZYX", (5, 48, 64))
    assert (likely.axes, likely.shape) == ("CZYX", (2, 5, 48, 64))
    expected = Predictor(load_model(model)).predict(image.as_czyx(), keep=True)
    np.testing.assert_array_equal(labels.data, expected.labels)
    np.testing.assert_array_equal(likely.data, expected.probabilities)
    lines = result.stdout.splitlines()
    assert all(line.strip() for line in lines), "no line is empty"
    assert lines[-2:] == [f"wrote {files / 'out.tif'}", f"wrote {files / 'p.tif'}"]


def test_a_starter_network_predicts_without_any_training(files, run):
    result = run(
        *("predict", "em-membranes", files / "image.tif", "--out", files / "out.tif")
    )
    expected = segment("em-membranes", files / "image.tif").labels
    np.testing.assert_array_equal(tifffile.imread(files / "out.tif"), expected)
    assert expected.max() > 1
    count = f"{expected.max()} objects"
    assert result.stdout.splitlines()[-1] == f"wrote {files / 'out.tif'}, {count}"


def test_slices_are_predicted_as_in_the_whole_stack(files, train, run):
    model = train() / "last.safetensors"
    predict = ("predict", model, files / "image.tif", "--out")
    run(*predict, files / "all.tif")
    run(*predict, files / "some.tif", "--slices", "1:3", "--tile-size", "32")
    some, whole = (tifffile.imread(files / name) for name in ("some.tif", "all.tif"))
    np.testing.assert_array_equal(some, whole[1:3])


def test_a_single_slice_stays_a_picture(files, train, run):
    model = train() / "last.safetensors"
    tifffile.imwrite(files / "one.tif", tifffile.imread(files / "image.tif")[0])
    run("predict", model, files / "one.tif", "--out", files / "out.tif")
    assert tifffile.imread(files / "out.tif").shape == (48, 64)


def test_objects_are_numbered_and_counted(files, train, run):
    model = train() / "last.safetensors"
    predict = ("predict", model, files / "image.tif", "--out")
    run(*predict, files / "classes.tif")
    result = run(
        *predict,
        *(files / "objects.tif", "--objects", "watershed", "--min-size", "20"),
        *("--fill-holes", "9", "--thin-borders", "2", "--smooth", "0.3"),
    )
    classes, objects = (
        read_stack(files / name) for name in ("classes.tif", "objects.tif")
    )
    assert objects.dtype == np.uint16
    assert objects.pixel_size == pytest.approx(classes.pixel_size)
    assert objects.data.max() > 1
    assert f"objects.tif, {objects.data.max()} objects" in result.stdout
    expected = postprocess(
        *(classes.data, PostprocessConfig(objects="connected", follow_slices=True)),
    )
    run(*predict, files / "c.tif", "--objects", "connected", "--follow-slices")
    np.testing.assert_array_equal(tifffile.imread(files / "c.tif"), expected)


def test_options_left_alone_come_from_the_model(files, train, run):
    model = train() / "last.safetensors"
    kept = PostprocessConfig(objects="watershed", neck=0.6)
    keep_finish(model, 0.45, kept, "numbered objects: so it was taught")
    predict = ("predict", model, files / "image.tif", "--out")
    printed = run(*predict, files / "auto.tif", "--min-size", "4").stdout
    assert "numbered objects: so it was taught" in printed
    same = ("--objects", "watershed", "--neck", "0.6", "--threshold", "0.45")
    printed = run(*predict, files / "same.tif", *same, "--min-size", "4").stdout
    assert "so it was taught" not in printed
    auto, asked = (tifffile.imread(files / name) for name in ("auto.tif", "same.tif"))
    np.testing.assert_array_equal(auto, asked)
    assert auto.max() > 1
    run(*predict, files / "no.tif", "--objects", "no")
    classes = Predictor(load_model(model)).predict(
        read_stack(files / "image.tif").as_czyx()
    )
    np.testing.assert_array_equal(tifffile.imread(files / "no.tif"), classes.labels)


def test_a_threshold_averaging_and_16_bits_reach_the_predictor(files, train, run):
    model = train() / "last.safetensors"
    run(
        *("predict", model, files / "image.tif", "--out", files / "out.tif"),
        *("--probabilities", files / "p.tif", "--threshold", "0.9", "--average"),
        *("--float16", "--batch-size", "2", "--tile-size", "32"),
    )
    config = PredictConfig(average=True, probabilities="float16")
    image = read_stack(files / "image.tif").as_czyx()
    expected = Predictor(load_model(model), config).predict(image, keep=True)
    written = np.asarray(read_stack(files / "p.tif").data)
    assert written.dtype == np.float32, "TIFF readers know no float16"
    np.testing.assert_allclose(written, expected.probabilities, atol=0.02)
    labels = tifffile.imread(files / "out.tif")
    np.testing.assert_array_equal(labels, 1 - written[0] > 0.9)


def test_an_image_of_another_pixel_size_is_told_and_rescaled_where_asked(
    files, train, run
):
    model = train() / "last.safetensors"
    image = read_stack(files / "image.tif")
    large = np.asarray(image.data).repeat(2, 1).repeat(2, 2)
    finer = Stack(large, "ZYX", (0.05, 0.002, 0.002), "um", "finer")
    write_stack(files / "finer.tif", large, like=finer)
    same = run("predict", model, files / "image.tif", "--out", files / "same.tif")
    assert "trained on pixels" not in same.stdout
    predict = ("predict", model, files / "finer.tif", "--out")
    plain = " ".join(run(*predict, files / "plain.tif").stdout.split())
    sizes = "trained on pixels of 0.004 um, this image has 0.002 um"
    assert f"{sizes}: the mask will be poor; --rescale brings" in plain
    printed = " ".join(run(*predict, files / "scaled.tif", "--rescale").stdout.split())
    assert f"{sizes}: it is rescaled" in printed
    scaled = read_stack(files / "scaled.tif")
    assert scaled.shape == large.shape
    assert scaled.pixel_size == pytest.approx((0.05, 0.002, 0.002))
    expected = RescaledPredictor(load_model(model), (1, 0.5, 0.5))
    np.testing.assert_array_equal(scaled.data, expected.predict(finer.as_czyx()).labels)
    expected = Predictor(load_model(model)).predict(finer.as_czyx()).labels
    np.testing.assert_array_equal(tifffile.imread(files / "plain.tif"), expected)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--objects", "some"), "objects = 'some'.*'connected' or 'watershed'"),
        (("--threshold", "1.5"), r"threshold = 1\.5.*less than 1"),
        (("--tile-size", "3"), "tile_size = 3.*greater than or equal to 16"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_read(files, run, option, words):
    with pytest.raises(InputError, match=words):
        run("predict", files / "no", files / "no.tif", "--out", "out.tif", *option)


def test_an_image_with_other_channels_is_refused(files, train, run):
    model = train() / "last.safetensors"
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[..., 0] = 9
    tifffile.imwrite(files / "rgb.tif", colours)
    with pytest.raises(InputError, match=r"3 channel\(s\), the model was trained on 1"):
        run("predict", model, files / "rgb.tif", "--out", files / "out.tif")
    assert not (files / "out.tif").exists()


@pytest.mark.parametrize("finish", [(), ("--objects", "connected")])
def test_ctrl_c_ends_a_prediction_without_a_file(
    files, train, run, monkeypatch, finish
):
    def forward(self, image):
        signal.raise_signal(signal.SIGINT)
        return plain(self, image)

    model, plain = train() / "last.safetensors", UNet.forward
    monkeypatch.setattr(UNet, "forward", forward)
    with pytest.raises(NapariUNetError, match="no prediction was written"):
        run("predict", model, files / "image.tif", "--out", files / "o.tif", *finish)
    assert not (files / "o.tif").exists()


def test_while_objects_are_numbered_ctrl_c_ends_at_once(files, train, run, monkeypatch):
    def label(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return plain(*arguments, **options)

    model, plain = train() / "last.safetensors", scipy.ndimage.label
    monkeypatch.setattr(scipy.ndimage, "label", label)
    predict = ("predict", model, files / "image.tif", "--out", files / "o.tif")
    # What runs in the background of a shell would ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        follow = "--objects", "connected", "--follow-slices"
        run(*predict, *follow, code=130)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (files / "o.tif").exists()


def test_a_missing_model_is_named(files, run):
    with pytest.raises(ModelFileError, match="no model file"):
        run("predict", files / "no", files / "image.tif", "--out", files / "out.tif")


def test_scores_in_files_are_those_of_the_arrays(files, run):
    truth = tifffile.imread(files / "labels.tif")
    prediction = truth.copy()
    prediction[:, :7] = 0
    tifffile.imwrite(files / "prediction.tif", prediction)
    result = run(
        *("score", files / "prediction.tif", files / "labels.tif"),
        *("--json", files / "s.json", "--csv", files / "s.csv"),
    )
    scores = score_labels(prediction, truth)
    saved = json.loads((files / "s.json").read_text(encoding="utf-8"))
    assert saved == scores.to_dict()
    with (files / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["slice"] for row in rows] == ["0", "1", "2", "3", "4", "all"]
    for row, each in zip(rows, (*scores.slices, scores), strict=True):
        for name, value in each.values().items():
            assert float(row[name]) == pytest.approx(value, abs=1e-6)
    assert f"{scores.overall.iou:.4f}" in result.stdout
    assert "Pixel error" in result.stdout


def test_some_slices_are_scored_against_others(files, run):
    truth = tifffile.imread(files / "labels.tif")
    tifffile.imwrite(files / "prediction.tif", truth[3:])
    run(
        *("score", files / "prediction.tif", files / "labels.tif"),
        *("--truth-slices", "3:", "--json", files / "s.json"),
    )
    saved = json.loads((files / "s.json").read_text(encoding="utf-8"))
    assert saved["overall"]["iou"] == 1
    assert [row["slice"] for row in saved["slices"]] == [3, 4], "as in the whole stack"


def test_scores_of_other_shapes_are_refused(files, run):
    tifffile.imwrite(files / "small.tif", np.ones((5, 40, 40), np.uint8))
    with pytest.raises(InputError, match="40"):
        run("score", files / "small.tif", files / "labels.tif")


def test_the_weight_map_lies_on_its_labels(files, run):
    out = files / "weight_map.tif"
    result = run("weights", files / "labels.tif", out, "--w0", "10", "--balance")
    labels, written = read_stack(files / "labels.tif"), read_stack(out)
    assert written.dtype == np.float32
    assert (written.axes, written.shape) == (labels.axes, labels.shape)
    assert written.pixel_size == pytest.approx(labels.pixel_size)
    target = to_target(np.asarray(labels.data), AnnotationKind.CLASSES)
    config = WeightMapConfig(w0=10, balance=True)
    expected = weight_map(target, config, pixel_size=labels.zyx_size)
    np.testing.assert_allclose(written.data, expected)
    assert "classes, 5 of 5 slices, 15,360 pixels" in result.stdout


def test_the_weight_map_follows_the_kind_that_is_given(files, run):
    for kind in ("scribbles", "objects"):
        labels, out = files / "labels.tif", files / f"{kind}.tif"
        run("weights", labels, out, "--kind", kind)
    zero = tifffile.imread(files / "labels.tif") == 0
    assert (tifffile.imread(files / "scribbles.tif")[zero] == 0).all()
    assert (tifffile.imread(files / "objects.tif")[zero] > 0).all()


def test_what_is_for_volumes_is_refused_for_files(files, run):
    given = ("predict", "em-membranes", files / "image.tif")
    with pytest.raises(InputError, match="--engine and --workers is for volumes"):
        run(*given, "--out", files / "a.tif", "--engine", "dask", "--workers", 3)
