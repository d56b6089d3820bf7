"""Packages of other programs are predicted with as they describe themselves."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_unet import (
    PredictConfig,
    Predictor,
    Stack,
    open_package,
    read_stack,
    segment,
    write_stack,
)
from napari_unet.errors import (
    InputError,
    ModelFileError,
    NapariUNetError,
    UntrustedCodeError,
)
from napari_unet.model.foreign.tensors import Reader
from napari_unet.model.foreign.transforms import (
    AXES,
    Clip,
    Linear,
    Moments,
    Percentiles,
    Preprocessing,
)
from napari_unet.model.loading import card_of, needs_code
from napari_unet.predict.engines import LocalEngine
from napari_unet.predict.tiles import plan_tiles
from napari_unet.predict.volume_prediction import predict_volume_steps
from napari_unet.predict.volume_request import VolumeRequest
from napari_unet.steps import result_of

# TorchScript is not developed further, and is what packages hold.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
CPU = PredictConfig(device="cpu")
EXACT = 1e-5


def image_of(package) -> np.ndarray:
    return np.load(io.BytesIO(package.files["in.npy"]))


def refusal(path: Path) -> str:
    with pytest.raises(NapariUNetError) as caught:
        open_package(path)
    words = str(caught.value)
    assert "\n" not in words
    assert str(path) in words
    return words


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("name", ["package.zip", "folder"])
def test_a_package_is_predicted_with_as_it_describes_itself(
    package, tmp_path, version, name
):
    made = package()
    if version == "0.4":
        made.as_version_04()
    path = made.write(tmp_path / name)
    image = image_of(made)[0, 0]
    found = segment(path, image, CPU, probabilities=True)
    expected = made.answer(image[None, None])[0, 0]
    assert "float32" in Predictor(open_package(path), CPU).device.words
    # Beyond its halo, where the image is mirrored instead of ending.
    inside = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(
        found.probabilities[1, 0][inside], expected[inside], atol=EXACT
    )
    np.testing.assert_array_equal(
        found.labels[0][inside], (expected > 0.5)[inside].astype(np.uint8)
    )


def test_tiles_of_a_package_give_what_the_whole_slice_would(package, tmp_path):
    model = open_package(package().write(tmp_path / "package.zip"))
    image = np.random.default_rng(1).normal(90, 9, (3, 150, 130)).astype(np.float32)
    whole = segment(model, image, CPU, probabilities=True).probabilities
    small = CPU.model_copy(update={"tile_size": 40})
    tiled = segment(model, image, small, probabilities=True).probabilities
    np.testing.assert_allclose(tiled, whole, atol=EXACT)


def test_an_unpacked_folder_is_opened_by_its_description_too(package, tmp_path):
    folder = package().write(tmp_path / "folder")
    assert card_of(folder / "rdf.yaml") == card_of(folder)


def test_an_archive_may_hold_the_package_in_a_folder(package, tmp_path):
    path = package().write(tmp_path / "package.zip", inside="model-1.0/")
    assert open_package(path).card.class_names == ("background", "mitochondria")


def test_the_card_has_the_pixel_size_and_the_classes(package, tmp_path):
    card = card_of(package().write(tmp_path / "package.zip"))
    assert card.pixel_size[1:] == (4, 4)
    assert card.unit == "nm"
    assert card.class_names == ("background", "mitochondria")
    assert (card.network.ndim, card.network.in_channels) == (2, 1)


def test_only_sizes_that_the_network_takes_are_shown_to_it(package, tmp_path):
    made = package()
    for axis in made.input["axes"][2:]:
        axis["size"] = 64
    footprint = open_package(made.write(tmp_path / "package.zip")).network.footprint
    tiles = plan_tiles((1, 200, 90), footprint, PredictConfig())
    assert {tile.sizes for tile in tiles} == {(1, 64, 64)}
    covered = np.zeros((1, 200, 90), int)
    for tile in tiles:
        covered[tile.core] += 1
    assert (covered == 1).all()


def test_what_becomes_of_the_output_is_said(package, tmp_path):
    made = package()
    assert open_package(made.write(tmp_path / "one.zip")).notes == (
        "Smooth mitochondria, through TorchScript, in float32",
        "1 channel, probabilities: class 1 is mitochondria",
    )
    made.output["postprocessing"] = []
    del made.output["test_tensor"]
    path = made.write(tmp_path / "logits.zip")
    assert "1 channel, logits" in open_package(path).notes[1]


class Two(nn.Module):
    """Two channels of which the second is the first, less one."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image, image - 1], 1)


def of_two_channels(package, names, answer, steps=()):
    made = package(Two())
    made.output["axes"][1]["channel_names"] = names
    made.output["postprocessing"] = list(steps)
    file = io.BytesIO()
    np.save(file, answer)
    made.files["out.npy"] = file.getvalue()
    return made


def test_channels_that_add_up_to_one_are_classes(package, tmp_path):
    half = np.full((1, 2, 64, 64), 0.5, np.float32)
    softmax = [{"id": "softmax", "kwargs": {"axis": "channel"}}]
    made = of_two_channels(package, ["cell", "background"], half, softmax)
    model = open_package(made.write(tmp_path / "package.zip"))
    assert model.card.class_names == ("background", "cell")
    image = torch.zeros(1, 1, 32, 32)
    found = model.network.probabilities(image)
    assert found.shape == (1, 2, 16, 16)
    # The second channel, which is background, has the smaller logit.
    expected = torch.softmax(torch.tensor([-1.0, 0.0]), 0)
    torch.testing.assert_close(found[0, :, 0, 0], expected)


def test_channels_by_themselves_are_classes_where_they_are_above_a_half(
    package, tmp_path
):
    many = np.full((1, 2, 64, 64), 0.9, np.float32)
    made = of_two_channels(
        package, ["foreground", "boundaries"], many, [{"id": "sigmoid"}]
    )
    model = open_package(made.write(tmp_path / "package.zip"))
    assert model.card.class_names == ("background", "foreground", "boundaries")
    assert "background below 0.5" in model.notes[1]
    found = model.network.probabilities(torch.full((1, 1, 32, 32), -4.0))
    assert int(found[0, :, 0, 0].argmax()) == 0
    found = model.network.probabilities(torch.full((1, 1, 32, 32), 4.0))
    assert int(found[0, :, 0, 0].argmax()) == 1


STEPS = [
    ({"id": "scale_linear", "kwargs": {"gain": 2, "offset": 1}}, lambda x: 2 * x + 1),
    (
        {"id": "fixed_zero_mean_unit_variance", "kwargs": {"mean": 9, "std": 3}},
        lambda x: (x - 9) / 3,
    ),
    (
        {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["x", "y"]}},
        lambda x: np.stack([(z - z.mean()) / (z.std() + 1e-6) for z in x[0]])[None],
    ),
    (
        {"id": "zero_mean_unit_variance"},
        lambda x: (x - x.mean()) / (x.std() + 1e-6),
    ),
    (
        {
            "id": "scale_range",
            "kwargs": {"axes": ["y", "x"], "min_percentile": 5, "max_percentile": 90},
        },
        lambda x: np.stack(
            [
                (z - np.percentile(z, 5))
                / (np.percentile(z, 90) - np.percentile(z, 5) + 1e-6)
                for z in x[0]
            ]
        )[None],
    ),
    ({"id": "clip", "kwargs": {"min": 90, "max": 110}}, lambda x: x.clip(90, 110)),
    ({"id": "binarize", "kwargs": {"threshold": 100}}, lambda x: (x > 100) * 1.0),
    ({"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}, lambda x: x),
    (
        {"id": "ensure_dtype", "kwargs": {"dtype": "uint8"}},
        lambda x: x.astype(np.uint8),
    ),
    ({"id": "sigmoid"}, lambda x: 1 / (1 + np.exp(-x))),
]


@pytest.mark.parametrize(("step", "formula"), STEPS, ids=[str(one) for one, _ in STEPS])
def test_steps_before_the_network_are_done_as_they_are_described(
    package, step, formula
):
    image = np.random.default_rng(0).normal(100, 20, (1, 3, 20, 24)).astype(np.float32)
    tensor = package().input | {"preprocessing": [step]}
    steps = Reader(newer=True).input(tensor).steps
    prepared = Preprocessing.of(steps, ndim=2)
    np.testing.assert_allclose(prepared(image), formula(image), rtol=1e-4, atol=1e-4)
    box = (slice(None), slice(1, 2), slice(4, 9), slice(5, 11))
    lazily = prepared.lazily(image)
    in_blocks = prepared.applied(image, *prepared.measure(image))
    for read in (lazily, in_blocks):
        np.testing.assert_allclose(read[box], prepared(image)[box], atol=3e-5)


SLICE, JOINT = ("y", "x"), ("channel", "y", "x")
VOLUME, ALL = ("z", "y", "x"), ("channel", "z", "y", "x")


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("axes", [SLICE, JOINT, VOLUME, ALL, ("batch", *VOLUME)])
def test_steps_in_blocks_measure_what_they_measure_of_the_whole(ndim, axes):
    image = np.random.default_rng(0).normal(100, 20, (2, 4, 20, 24)).astype(np.float32)
    image[:, 2] += 40
    over = tuple(AXES.index(name) for name in axes)
    steps = (Clip((), 80, 150), Moments(over), Linear((), (2, 3), (0, 1)))
    prepared = Preprocessing.of(steps, ndim)
    read = prepared.applied(image, *prepared.measure(image))
    box = (slice(None), slice(1, 3), slice(2, 9), slice(3, 20))
    np.testing.assert_allclose(read[box], prepared(image)[box], atol=1e-4)


def test_steps_that_need_the_whole_image_at_once_are_refused_in_blocks():
    image = np.zeros((1, 2, 8, 8), np.float32)
    percentiles, moments = Percentiles((2, 3, 4)), Moments((3, 4))
    for steps, ndim in (((percentiles,), 3), ((moments, moments), 2)):
        with pytest.raises(InputError, match="predict it in memory"):
            Preprocessing.of(steps, ndim).measure(image)


def test_a_volume_on_disk_is_prepared_as_the_package_says(package, tmp_path):
    pytest.importorskip("zarr")
    from napari_unet.data.ome_zarr import open_volume
    from napari_unet.data.ome_zarr_writer import write_zarr

    made = package()
    kwargs = {"gain": 0.025, "offset": -2.5}
    made.input["preprocessing"] = [{"id": "scale_linear", "kwargs": kwargs}]
    path = made.write(tmp_path / "package.zip")
    image = np.random.default_rng(0).normal(100, 20, (3, 64, 64)).astype(np.uint8)
    image[1] += 30  # which a normalisation of ours would take away
    stack = Stack(image, "ZYX", (4, 4, 4), "nm", "em")
    write_zarr(tmp_path / "em.ome.zarr", stack, {})
    volume = open_volume(tmp_path / "em.ome.zarr")
    asked = VolumeRequest(path, volume, tmp_path / "out.ome.zarr", CPU)
    found = result_of(predict_volume_steps(asked, LocalEngine()))
    expected = segment(path, image, CPU).labels
    assert expected[1].mean() > 2 * expected[0].mean()
    np.testing.assert_array_equal(open_volume(found.labels), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_what_is_no_number_is_said_with_its_slice(package, tmp_path, value):
    path = package().write(tmp_path / "package.zip")
    image = np.zeros((3, 32, 32))
    image[2, 3, 4] = value
    with pytest.raises(InputError, match=r"^Slice 2 of the image holds values"):
        segment(path, image, CPU)


REFUSED = {
    "scale_mean_variance": lambda p: p.output.update(
        postprocessing=[{"id": "scale_mean_variance", "kwargs": {}}]
    ),
    "my_own_step": lambda p: p.input.update(preprocessing=[{"id": "my_own_step"}]),
    "min_percentile": lambda p: p.input.update(
        preprocessing=[{"id": "clip", "kwargs": {"min_percentile": 1}}]
    ),
    "2 inputs (raw, more)": lambda p: p.description["inputs"].append({"id": "more"}),
    "time": lambda p: p.input["axes"].append({"type": "time", "size": 1}),
    "another size": lambda p: p.output["axes"][2].update(scale=2),
    "affinities": lambda p: p.output["axes"][1].update(channel_names=["affinity_1"]),
    "denoising": lambda p: p.description.update(tags=["Denoising"]),
    "format version 0.3.2": lambda p: p.description.update(format_version="0.3.2"),
    "update napari-unet": lambda p: p.description.update(format_version="0.9.0"),
    "damaged": lambda p: p.input.pop("axes"),
    "keras_hdf5": lambda p: p.description.update(weights={"keras_hdf5": {}}),
    "no model": lambda p: p.description.update(type="dataset"),
    "weights.pt is missing": lambda p: p.files.pop("weights.pt"),
    "SHA-256": lambda p: p.files.update({"weights.pt": p.files["weights.pt"] + b" "}),
    "on the internet": lambda p: p.description["weights"]["torchscript"].update(
        source="https://example.com/weights.pt"
    ),
    "outside of the package": lambda p: p.description["weights"]["torchscript"].update(
        source="../weights.pt"
    ),
    "no array": lambda p: p.files.update({"out.npy": b"nothing"}),
    "no TorchScript": lambda p: (
        p.files.update({"weights.pt": b"nothing"}),
        p.description["weights"]["torchscript"].pop("sha256"),
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_done_is_refused_by_its_name(package, tmp_path, words):
    made = package()
    REFUSED[words](made)
    assert words in refusal(made.write(tmp_path / "package.zip"))


def test_a_network_that_gives_another_shape_is_refused(package, tmp_path):
    made = package()
    made.output["axes"][1]["channel_names"] = ["one", "two"]
    del made.output["test_tensor"]
    path = made.write(tmp_path / "package.zip")
    with pytest.raises(ModelFileError, match=r"gives \(1, .*description has \(2, "):
        segment(path, np.zeros((64, 64), np.float32), CPU)


def test_archives_that_may_do_harm_are_not_opened(package, tmp_path):
    path = package().write(tmp_path / "bomb.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("large.bin", bytes(2**27))
    assert "would grow from" in refusal(path)
    path = package().write(tmp_path / "outside.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../outside.txt", b"")
    assert "outside of the package" in refusal(path)
    path = package().write(tmp_path / "twice.zip")
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("weights.pt", b"")
    assert "weights.pt twice" in refusal(path)
    path = tmp_path / "broken.zip"
    path.write_bytes(package().write(tmp_path / "whole.zip").read_bytes()[:-400])
    assert "no zip archive or is damaged" in refusal(path)
    # A byte of what is packed.
    data = bytearray(package().write(tmp_path / "packed.zip").read_bytes())
    data[30 + len("rdf.yaml")] = 0xFF
    (tmp_path / "packed.zip").write_bytes(data)
    assert "rdf.yaml is damaged" in refusal(tmp_path / "packed.zip")
    path = tmp_path / "empty.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", b"")
    assert "no rdf.yaml" in refusal(path)


def test_links_out_of_a_folder_are_not_followed(package, tmp_path):
    made = package()
    (tmp_path / "secret.pt").write_bytes(made.files.pop("weights.pt"))
    folder = made.write(tmp_path / "folder")
    (folder / "weights.pt").symlink_to(tmp_path / "secret.pt")
    assert "weights.pt is missing" in refusal(folder)


class Opens(nn.Module):
    """Opens a file, as TorchScript may."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        opened = torch.from_file(self.name, True, 4, dtype=torch.float32)
        return image + opened.sum()


def test_torchscript_that_opens_files_runs_only_with_leave(package, tmp_path):
    made, file = package(), io.BytesIO()
    torch.jit.save(torch.jit.script(Opens(str(tmp_path / "opened"))), file)
    made.files["weights.pt"] = file.getvalue()
    del made.description["weights"]["torchscript"]["sha256"]
    path = made.write(tmp_path / "package.zip")
    with pytest.raises(UntrustedCodeError, match=r"from_file.*--trust-code"):
        open_package(path)
    assert "from_file" in needs_code(path)
    assert not (tmp_path / "opened").exists()
    # What it would have done otherwise.
    model = open_package(path, trust_code=True)
    segment(model, np.zeros((32, 32), np.float32), CPU)
    assert (tmp_path / "opened").exists()


SOURCE = b"""
import pathlib
import torch

pathlib.Path(MARK).touch()


class Double(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 1)
        self.factor = factor

    def forward(self, image):
        return self.factor * self.conv(image)
"""


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_source_code_runs_only_with_leave(package, tmp_path, version):
    made, mark, file = package(), tmp_path / "ran", io.BytesIO()
    conv = nn.Conv2d(1, 1, 1)
    torch.save({f"conv.{name}": t for name, t in conv.state_dict().items()}, file)
    made.files |= {
        "net.py": SOURCE.replace(b"MARK", repr(str(mark)).encode()),
        "state.pt": file.getvalue(),
    }
    entry = {"source": "state.pt"}
    if version == "0.4":
        made.as_version_04()
        entry |= {"architecture": "net.py:Double", "kwargs": {"factor": 2.0}}
    else:
        code = {"source": "net.py", "callable": "Double", "kwargs": {"factor": 2.0}}
        entry |= {"architecture": code}
    made.description["weights"] = {"pytorch_state_dict": entry}
    path = made.write(tmp_path / "package.zip")
    with pytest.raises(UntrustedCodeError, match=r"Python code.*--trust-code"):
        open_package(path)
    assert needs_code(path)
    assert not mark.exists()
    model = open_package(path, trust_code=True)
    assert mark.exists()
    with torch.inference_mode():
        answer = model.network.answer(torch.ones(1, 1, 1, 16, 16))
        expected = torch.sigmoid(2 * conv(torch.ones(1, 1, 16, 16)))
    torch.testing.assert_close(answer[:, :, 0], expected)


def test_weights_that_hold_a_program_are_not_opened(package, tmp_path):
    made, file = package(), io.BytesIO()
    torch.save(Two(), file)
    made.files |= {"net.py": SOURCE, "state.pt": file.getvalue()}
    code = {"source": "net.py", "callable": "Double", "kwargs": {"factor": 2.0}}
    entry = {"source": "state.pt", "architecture": code}
    made.description["weights"] = {"pytorch_state_dict": entry}
    path = made.write(tmp_path / "package.zip")
    with pytest.raises(ModelFileError, match="more than weights"):
        open_package(path, trust_code=True)


class Flat(nn.Module):
    """What is in each voxel of a volume, and its neighbours above and below."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool3d(image, (3, 1, 1), 1, (1, 0, 0))


def test_volumes_are_predicted_with_too(package, tmp_path):
    made = package()
    file = io.BytesIO()
    volume = torch.zeros(1, 1, 16, 32, 32)
    with torch.inference_mode():
        torch.jit.save(torch.jit.trace(Flat(), volume), file)
    made.files["weights.pt"] = file.getvalue()
    del made.description["weights"]["torchscript"]["sha256"]
    for tensor, size in (
        (made.input, {"min": 8, "step": 4}),
        (made.output, {"tensor_id": "raw", "axis_id": "z"}),
    ):
        tensor.pop("test_tensor")
        axis = {"type": "space", "id": "z", "size": size, "scale": 30}
        tensor["axes"].insert(2, axis)
    made.output["axes"][2]["halo"] = 2
    made.input["preprocessing"] = []
    model = open_package(made.write(tmp_path / "package.zip"))
    assert model.network.footprint.ndim == 3
    data = np.random.default_rng(0).normal(0, 1, (9, 40, 40)).astype(np.float32)
    stack = Stack(data, "ZYX", (30, 4, 4), "nm", "em")
    found = segment(model, stack, CPU, probabilities=True).probabilities[1]
    mean = (data[:-2] + data[1:-1] + data[2:]) / 3
    np.testing.assert_allclose(found[1:-1], 1 / (1 + np.exp(-mean)), atol=EXACT)


def test_onnx_is_run_where_onnxruntime_is_there(package, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    made, file = package(), io.BytesIO()
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    sides = ["b", 1, "y", "x"]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["raw"], ["mito"])],
        "identity",
        [helper.make_tensor_value_info("raw", kind, sides)],
        [helper.make_tensor_value_info("mito", kind, sides)],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), file)
    made.files["net.onnx"] = file.getvalue()
    made.description["weights"] = {"onnx": {"source": "net.onnx", "opset_version": 17}}
    path = made.write(tmp_path / "package.zip")
    model = open_package(path)
    assert "through ONNX" in model.notes[0]
    found = model.network.probabilities(torch.ones(1, 1, 32, 32))
    torch.testing.assert_close(found[0, 1, 0, 0], torch.sigmoid(torch.tensor(1.0)))
    (tmp_path / "other.onnx").write_bytes(file.getvalue())
    assert "of another program" in refusal(tmp_path / "other.onnx")


def test_without_onnxruntime_it_is_said_what_to_install(package, tmp_path, monkeypatch):
    made = package()
    made.files["net.onnx"] = b""
    made.description["weights"] = {"onnx": {"source": "net.onnx"}}
    path = made.write(tmp_path / "package.zip")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModelFileError, match=r"napari-unet-em\[onnx\]"):
        open_package(path)


def test_a_package_given_as_a_model_file_is_named_as_one(package, tmp_path):
    path = package().write(tmp_path / "package.zip").rename(tmp_path / "m.safetensors")
    assert "package (bioimage.io)" in refusal(path)


def test_the_image_may_be_a_file(package, tmp_path):
    made = package()
    stack = Stack(image_of(made)[0, 0].astype(np.uint8), "YX", (4, 4), "nm", "em")
    write_stack(tmp_path / "image.tif", stack.data, like=stack)
    path = made.write(tmp_path / "package.zip")
    labels = segment(path, read_stack(tmp_path / "image.tif"), CPU).labels
    assert labels.shape == (1, 64, 64)
