"""A package says what the model is, and its weights give what the model gives."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from napari_unet.config import ExportConfig
from napari_unet.errors import InputError, ModelFileError
from napari_unet.model.card import ModelCard
from napari_unet.model.geometry import output_size
from napari_unet.share.imported import import_model
from napari_unet.share.package import export_model

onnx_only = pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None,
    reason="needs the extra onnx",
)
# What others read is old to torch.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.load`:DeprecationWarning")
KINDS = [
    {},
    {"num_classes": 1, "norm": "instance"},
    {"in_channels": 2, "num_classes": 3, "norm": "group"},
    {"padding": "valid"},
    {"padding": "valid", "upsampling": "linear"},
    {"ndim": 3, "depth": 1},
    {"ndim": 3, "flat_levels": 1, "padding": "valid", "base_channels": 2},
]


CARD = {"threshold": 0.6}


@pytest.fixture(scope="module")
def exported(tmp_path_factory, model):
    """Export a model, each only once, and return what was told, and the package."""
    known = {}

    def export(card=None, config=None, **network):
        key = repr((card, config, network))
        if key not in known:
            path = tmp_path_factory.mktemp("package") / "model.zip"
            known[key] = export_model(model(card, **network), path, config), path
        return known[key]

    return export


@pytest.fixture
def package(exported):
    """Export a model and return what was told, and the files of the package."""

    def export(*args, **network):
        told, path = exported(*args, **network)
        return told, files_of(path)

    return export


def files_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def described(package):
    """Export a model and return what `rdf.yaml` says."""
    return lambda *args, **network: yaml.safe_load(
        package(*args, **network)[1]["rdf.yaml"]
    )


@pytest.mark.parametrize("network", KINDS, ids=str)
def test_every_format_gives_what_the_model_gives(package, network):
    told, files = package(CARD, **network)
    assert {"pytorch_state_dict", "torchscript"} <= set(told.differences)
    assert max(told.differences.values()) < 1e-5
    sides = np.load(io.BytesIO(files["test_input.npy"])).shape[2:]
    answer = np.load(io.BytesIO(files["test_output.npy"]))
    said = yaml.safe_load(files["rdf.yaml"])["outputs"][0]["axes"]
    assert answer.dtype == np.float32
    assert answer.shape[1] == len(said[1]["channel_names"])
    sizes = [
        n + axis["size"]["offset"] for n, axis in zip(sides, said[2:], strict=True)
    ]
    assert list(answer.shape[2:]) == sizes


@pytest.mark.parametrize("network", KINDS, ids=str)
def test_torchscript_takes_every_size_that_is_stated(package, model, network):
    files = package(CARD, **network)[1]
    alone = torch.jit.load(io.BytesIO(files["weights_torchscript.pt"]))
    config = model(**network).network.config
    axes = yaml.safe_load(files["rdf.yaml"])["inputs"][0]["axes"][2:]
    sides = [a["size"]["min"] + n * a["size"]["step"] for n, a in enumerate(axes, 1)]
    answer = alone(torch.randn(2, config.in_channels, *sides))
    expected = [
        output_size(config, side, axis)
        for axis, side in zip(range(-config.ndim, 0), sides, strict=True)
    ]
    assert list(answer.shape) == [2, config.num_classes, *expected]


def test_the_test_image_is_normalised_as_described(package, model):
    told, files = package()
    image = np.load(io.BytesIO(files["test_input.npy"]))
    (step,) = yaml.safe_load(files["rdf.yaml"])["inputs"][0]["preprocessing"]
    assert (step["id"], step["kwargs"]["axes"]) == (
        "zero_mean_unit_variance",
        ["y", "x"],
    )
    mean, std = image.mean((2, 3), keepdims=True), image.std((2, 3), keepdims=True)
    with torch.inference_mode():
        logits = model().network(torch.from_numpy((image - mean) / (std + 1e-6)))
    answer = torch.softmax(logits, 1).numpy()
    expected = np.load(io.BytesIO(files["test_output.npy"]))
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    assert 0 < told.moments < 0.05


def test_a_volume_normalised_as_a_whole_says_so(described):
    axes = [
        described({"normalization": {"per": per}}, ndim=3, depth=1)["inputs"][0][
            "preprocessing"
        ][0]["kwargs"]["axes"]
        for per in ("slice", "image")
    ]
    assert axes == [["y", "x"], ["z", "y", "x"]]


def test_all_files_are_named_with_their_hash(package):
    files = package()[1]
    described = yaml.safe_load(files["rdf.yaml"])
    weights = described["weights"].values()
    listed = [
        *weights,
        *(one["architecture"] for one in weights if "architecture" in one),
        *described["attachments"],
        *(one["test_tensor"] for one in described["inputs"] + described["outputs"]),
    ]
    for one in listed:
        assert hashlib.sha256(files[one["source"]]).hexdigest() == one["sha256"]
    named = {one["source"] for one in listed} | {"rdf.yaml", "README.md", "cover.png"}
    assert named == set(files)


@pytest.mark.parametrize("network", KINDS, ids=str)
def test_a_package_is_imported_as_the_model_that_it_was(exported, model, network):
    made = model(CARD, **network)
    imported = import_model(exported(CARD, **network)[1]).model
    assert imported.card == made.card
    for name, tensor in imported.network.state_dict().items():
        torch.testing.assert_close(
            tensor, made.network.state_dict()[name], rtol=0, atol=0
        )


@pytest.mark.parametrize(
    ("size", "unit", "expected"),
    [
        (
            (50.0, 4.0, 4.0),
            "nm",
            [("nanometer", 50), ("nanometer", 4), ("nanometer", 4)],
        ),
        ((0.05, 0.004, 0.004), "um", [("nanometer", 50)] + 2 * [("nanometer", 4)]),
        ((9.0, 3.7, 3.7), "nm", [("picometer", 9000)] + 2 * [("picometer", 3700)]),
        ((1.0, 0.7, 0.7), "mm", [("micrometer", 1000)] + 2 * [("micrometer", 700)]),
        ((1.0, 1.0, 1.0), "pixel", 3 * [(None, None)]),
    ],
)
def test_pixel_sizes_are_whole_numbers_of_a_unit(described, size, unit, expected):
    said = described({"pixel_size": size, "unit": unit}, ndim=3, depth=1)
    for tensor in (said["inputs"][0], said["outputs"][0]):
        axes = tensor["axes"][2:]
        assert [(a.get("unit"), a.get("scale")) for a in axes] == expected


@pytest.mark.parametrize(
    ("network", "halo", "smallest"),
    [
        ({"depth": 4}, [64, 64], [144, 144]),
        ({"depth": 3}, [32, 32], [72, 72]),
        ({"ndim": 3, "flat_levels": 1}, [8, 12, 12], [18, 28, 28]),
        ({"padding": "valid"}, [None, None], [104, 104]),
    ],
)
def test_the_rim_of_a_tile_follows_from_the_depth(described, network, halo, smallest):
    said = described(**network)
    assert [a.get("halo") for a in said["outputs"][0]["axes"][2:]] == halo
    assert [a["size"]["min"] for a in said["inputs"][0]["axes"][2:]] == smallest


def test_who_made_it_and_what_is_allowed_is_told(described):
    config = ExportConfig(
        name="Membranes of everything",
        authors=("A. Person", "B. Person"),
        license="CC0-1.0",
        cite=("Data, doi:10.1234/abc", "Page https://example.org/x"),
    )
    said = described(config=config)
    assert said["name"] == "Membranes of everything"
    assert [one["name"] for one in said["authors"]] == ["A. Person", "B. Person"]
    assert said["license"] == "CC0-1.0"
    assert [one.get("doi") for one in said["cite"]] == [
        "10.1007/978-3-319-24574-4_28",
        "10.1234/abc",
        None,
    ]
    assert said["cite"][2]["url"] == "https://example.org/x"


def test_names_of_classes_are_made_plain(described):
    said = described({"class_names": ("background", "Zellkern (dunkel), groß")})
    assert said["outputs"][0]["axes"][1]["channel_names"] == [
        "class0_background",
        "class1_Zellkern_dunkel_gro",
    ]
    assert said["name"] == "U-Net 2D Zellkern_dunkel_gro"


def test_the_readme_tells_of_data_without_folders(package):
    data = ({"name": "/home/me/secret/em.tif", "train": "0:6", "licence": "CC BY 4.0"},)
    text = package({"data": data, "scores": {"iou": 0.9}})[1]["README.md"].decode()
    assert "| em.tif (CC BY 4.0) | 0:6 |" in text
    assert "/home" not in text
    assert "## Validation" in text
    assert "| iou | 0.900 |" in text


def test_the_cover_is_twice_as_wide_as_high(package):
    width, height = Image.open(
        io.BytesIO(package(padding="valid")[1]["cover.png"])
    ).size
    assert width == 2 * height


def test_torchscript_alone_keeps_the_card(tmp_path, model):
    made = model()
    export_model(made, tmp_path / "model.pt")
    extra = {"napari_unet": ""}
    torch.jit.load(tmp_path / "model.pt", _extra_files=extra)
    assert ModelCard.model_validate(json.loads(extra["napari_unet"])) == made.card


@onnx_only
def test_onnx_alone_is_one_file_that_keeps_the_card(tmp_path, model):
    import onnx

    made = model()
    told = export_model(made, tmp_path / "model.onnx")
    assert told.differences["onnx"] < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    graph = onnx.load(tmp_path / "model.onnx")
    assert (graph.ir_version, [one.version for one in graph.opset_import]) == (8, [17])
    (kept,) = graph.metadata_props
    assert kept.key == "napari_unet"
    assert ModelCard.model_validate(json.loads(kept.value)) == made.card


@onnx_only
@pytest.mark.parametrize("network", KINDS, ids=str)
def test_onnx_takes_other_sizes_than_the_test_image(package, network):
    from onnxruntime import InferenceSession

    files = package(CARD, **network)[1]
    axes = yaml.safe_load(files["rdf.yaml"])["inputs"][0]["axes"]
    sides = [a["size"]["min"] + n * a["size"]["step"] for n, a in enumerate(axes[2:])]
    shape = (2, len(axes[1]["channel_names"]), *sides)
    image = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    session = InferenceSession(files["weights.onnx"])
    (answer,) = session.run(None, {"image": image})
    expected = torch.jit.load(io.BytesIO(files["weights_torchscript.pt"]))
    with torch.inference_mode():
        wanted = expected(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(answer, wanted, atol=1e-4)


def test_without_the_extra_a_package_has_no_onnx_and_says_so(
    tmp_path, model, monkeypatch
):
    for module in ("package", "weight_files"):
        monkeypatch.setattr(f"napari_unet.share.{module}.has_onnx", lambda: False)
    told = export_model(model(), tmp_path / "model.zip")
    files = files_of(tmp_path / "model.zip")
    assert "weights.onnx" not in files
    assert "weights.onnx" not in files["README.md"].decode()
    assert "napari-unet-em[onnx]" in told.notes[0]
    with pytest.raises(InputError, match=r"napari-unet-em\[onnx\]"):
        export_model(model(), tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("name", "file_format", "words"),
    [
        ("model.pth", None, r"in \.zip or \.pt or \.onnx"),
        ("model.zip", "onnx", r"in \.onnx"),
        ("model.zip", "keras", "There is no format 'keras'"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, model, name, file_format, words):
    with pytest.raises(InputError, match=words):
        export_model(model(), tmp_path / name, file_format=file_format)
    assert not list(tmp_path.iterdir())


def test_what_is_no_model_is_said(tmp_path):
    with pytest.raises(ModelFileError, match="no model file"):
        export_model(tmp_path / "nothing.safetensors", tmp_path / "model.zip")


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("name", "é", "5 to 128 letters"),
        ("authors", ["a/b"], "neither / nor"),
        ("authors", [" "], "no empty text"),
        ("cite", ["A paper"], "DOI"),
        ("license", "mine", "CC-BY-4.0"),
    ],
)
def test_what_other_programs_would_refuse_is_refused(setting, value, words):
    with pytest.raises(InputError, match=words):
        ExportConfig.read({setting: value}, "command line")
