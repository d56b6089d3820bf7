"""U-Nets of packages become model files where they compute the same."""

from __future__ import annotations

import io
import json
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from napari_unet import (
    UNet,
    UNetConfig,
    export_model,
    import_model,
    load_model,
    open_package,
    segment,
)
from napari_unet.config import PredictConfig
from napari_unet.errors import InputError, ModelFileError
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, save_model
from napari_unet.model.loading import card_of

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


def double(inputs: int, outputs: int, norm: bool, activation) -> nn.Sequential:
    layers = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=not norm)]
        layers += [nn.BatchNorm2d(outputs)] if norm else []
        layers += [activation()]
    return nn.Sequential(*layers)


class Theirs(nn.Module):
    """A U-Net with names and an order of its own; what was enlarged is joined first."""

    def __init__(self, *, norm=True, activation=nn.ReLU, first_kernel=3) -> None:
        super().__init__()
        self.outc = None
        self.bottom = double(8, 16, norm, activation)
        self.inc = double(1, 4, norm, activation)
        self.down1 = double(4, 8, norm, activation)
        self.up1 = nn.ConvTranspose2d(16, 8, 2, 2)
        self.conv1 = double(16, 8, norm, activation)
        self.up2 = nn.ConvTranspose2d(8, 4, 2, 2)
        self.conv2 = double(8, 4, norm, activation)
        self.outc = nn.Conv2d(4, 1, 1)
        if first_kernel != 3:
            self.inc[0] = nn.Conv2d(1, 4, first_kernel, padding=first_kernel // 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        a = self.inc(image)
        b = self.down1(nn.functional.max_pool2d(a, 2))
        c = self.bottom(nn.functional.max_pool2d(b, 2))
        c = self.conv1(torch.cat([self.up1(c), b], 1))
        c = self.conv2(torch.cat([self.up2(c), a], 1))
        return self.outc(c)


def written(package, path, network: nn.Module):
    """Write a package with the weights of a network, its norms as after training."""
    torch.manual_seed(3)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    made, file = package(network), io.BytesIO()
    torch.save(network.state_dict(), file)
    made.files["state.pt"] = file.getvalue()
    code = {"source": "net.py", "callable": "Theirs"}
    entry = {"source": "state.pt", "architecture": code}
    made.description["weights"]["pytorch_state_dict"] = entry
    return made, made.write(path)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU])
def test_a_unet_of_another_program_is_fitted_and_gives_the_same(
    package, tmp_path, norm, activation
):
    network = Theirs(norm=norm, activation=activation)
    made, path = written(package, tmp_path / "package.zip", network)
    out = tmp_path / "model.safetensors"
    words = import_model(path, out).words
    assert "10 3x3 convolutions" in words
    assert "2 up-convolutions" in words
    assert "largest difference" in words
    model = load_model(out)
    assert model.card.class_names == ("background", "mitochondria")
    assert model.network.config.norm == ("batch" if norm else "none")
    image = np.load(io.BytesIO(made.files["in.npy"]))
    cpu = PredictConfig(device="cpu")
    found = segment(model, image[0, 0], cpu, probabilities=True).probabilities[1, 0]
    # bfloat16, on CPUs that have it, is right to two digits.
    np.testing.assert_allclose(found, made.answer(image)[0, 0], atol=0.05)


def refusal(path) -> str:
    with pytest.raises(
        InputError, match=r"not imported: .* can be predicted"
    ) as caught:
        import_model(path)
    return str(caught.value)


def test_what_does_not_fit_is_refused_with_the_reason(package, tmp_path):
    _, path = written(package, tmp_path / "kernel.zip", Theirs(first_kernel=5))
    assert "inc.0.weight is a convolution of 5 x 5 pixels" in refusal(path)

    class Tanh(Theirs):
        def forward(self, image):
            return torch.tanh(super().forward(image))

    made, path = written(package, tmp_path / "tanh.zip", Tanh())
    assert "compute something else" in refusal(path)
    assert open_package(path).notes[0].endswith("TorchScript, in float32")
    del made.output["test_tensor"]
    assert "no example" in refusal(made.write(path))
    made.input["preprocessing"] = [{"id": "scale_range"}]
    assert "normalisation (percentiles)" in refusal(made.write(path))
    del made.description["weights"]["pytorch_state_dict"]
    assert "no pytorch_state_dict" in refusal(made.write(path))


def test_steps_after_the_network_that_would_be_lost_are_refused(package, tmp_path):
    made, path = written(package, tmp_path / "inverted.zip", Theirs())
    inverted = {"id": "scale_linear", "kwargs": {"gain": -1, "offset": 1}}
    made.output["postprocessing"].append(inverted)
    answer = made.answer(np.load(io.BytesIO(made.files["in.npy"])))
    file = io.BytesIO()
    np.save(file, 1 - answer)
    made.files["out.npy"] = file.getvalue()
    assert "through steps (sigmoid, linear)" in refusal(made.write(path))


@pytest.fixture
def own(tmp_path) -> Model:
    config = UNetConfig(base_channels=4, depth=2, num_classes=3)
    card = ModelCard(
        network=config, class_names=("background", "cell", "mito"), threshold=0.75
    )
    save_model(tmp_path / "own.safetensors", Model(UNet(config), card))
    return load_model(tmp_path / "own.safetensors")


def exported(package, own: Model):
    """Return a package as napari-unet exports it, as far as importing looks at it."""
    made, file = package(), io.BytesIO()
    torch.save(own.network.state_dict(), file)
    made.files["weights.pt"] = file.getvalue()
    made.files["napari_unet.json"] = own.card.model_dump_json(by_alias=True).encode()
    made.description["weights"] = {"pytorch_state_dict": {"source": "weights.pt"}}
    return made


def test_a_model_of_ours_comes_back_exactly(package, tmp_path, own):
    path = exported(package, own).write(tmp_path / "package.zip")
    import_model(path, tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (
        tmp_path / "own.safetensors"
    ).read_bytes()
    opened = open_package(path)
    assert opened.card == own.card
    for name, tensor in own.network.state_dict().items():
        assert torch.equal(opened.network.state_dict()[name], tensor)


def test_a_package_of_ours_that_was_tampered_with_is_refused(package, tmp_path, own):
    made = exported(package, own)
    card = json.loads(made.files["napari_unet.json"])
    card["network"]["base_channels"] = 8
    made.files["napari_unet.json"] = json.dumps(card).encode()
    with pytest.raises(ModelFileError, match="do not fit"):
        import_model(made.write(tmp_path / "package.zip"))
    made.files["napari_unet.json"] = b"{"
    with pytest.raises(ModelFileError, match="damaged"):
        import_model(made.write(tmp_path / "package.zip"))


@pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None,
    reason="needs the extra onnx",
)
def test_onnx_that_was_exported_is_predicted_with(tmp_path, own):
    export_model(own, tmp_path / "own.onnx")
    opened = open_package(tmp_path / "own.onnx")
    assert opened.card == own.card == card_of(tmp_path / "own.onnx")
    image = torch.randn(1, 1, 48, 64)
    with torch.inference_mode():
        found = opened.network.probabilities(image)
        torch.testing.assert_close(
            found, own.network.probabilities(image), atol=1e-5, rtol=0
        )


def test_what_others_see_of_our_packages_is_the_same_network(tmp_path, own):
    """Without its card, a package of ours is one of another program."""
    export_model(own, tmp_path / "own.zip")
    stranger = tmp_path / "stranger.zip"
    with (
        zipfile.ZipFile(tmp_path / "own.zip") as whole,
        zipfile.ZipFile(stranger, "w") as archive,
    ):
        for name in set(whole.namelist()) - {"napari_unet.json"}:
            archive.writestr(name, whole.read(name))
    opened = open_package(stranger)
    for told, name in zip(opened.card.class_names, own.card.class_names, strict=True):
        assert name in told
    side = max(one.least for one in opened.network.footprint.sides)
    image = torch.randn(1, 1, 1, side, side)
    with torch.inference_mode():
        expected = own.network.probabilities(image[:, :, 0])
        found = opened.network.answer(image)[:, :, 0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    fitted = import_model(stranger).model.network
    assert fitted.config == own.network.config
    for name, tensor in own.network.state_dict().items():
        torch.testing.assert_close(fitted.state_dict()[name], tensor)
