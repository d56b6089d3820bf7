"""Weights that others trained on photographs find their layers."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from napari_unet.config import NETWORKS
from napari_unet.errors import ModelFileError
from napari_unet.model.networks import build
from napari_unet.model.networks.encoder_weights import take_encoder_weights


class Photographs(nn.Module):
    """Names and shapes of torchvision's AlexNet, with two channels at the first level.

    With `normed`, every convolution has a normalisation, as in its VGG-16-BN.
    """

    def __init__(self, *, normed: bool = False, base: int = 2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        widths = [3, *(base * n for n in (1, 3, 6, 4, 4))]
        kernels = (11, 5, 3, 3, 3)
        for inputs, outputs, kernel in zip(
            widths[:-1], widths[1:], kernels, strict=True
        ):
            layers.append(nn.Conv2d(inputs, outputs, kernel, bias=not normed))
            if normed:
                layers.append(nn.BatchNorm2d(outputs))
                nn.init.uniform_(layers[-1].running_mean)
            layers.append(nn.ReLU())
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(8, 10))


def alexnet(**settings: object):
    given = {"base_channels": 2, "norm": "none"} | settings
    return build(NETWORKS["alexnet"].model_validate(given)).eval()


@pytest.fixture
def kept(tmp_path):
    """Save weights, and return their file."""

    def keep(module: nn.Module, name: str = "weights.pt"):
        path = tmp_path / name
        if path.suffix == ".pt":
            torch.save(module.state_dict(), path)
        else:
            save_file(module.state_dict(), path)
        return path

    return keep


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_every_convolution_is_taken_and_colours_are_added_up(kept, name):
    photographs, network = Photographs(), alexnet()
    words = take_encoder_weights(network, kept(photographs, name))
    assert words.endswith("weights: 5 convolutions of the encoder") or "5 conv" in words
    theirs = [one for one in photographs.features if isinstance(one, nn.Conv2d)]
    mine = [one for one in network.encoder.modules() if isinstance(one, nn.Conv2d)]
    for one, other in zip(mine[1:], theirs[1:], strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)
    # A grey image is answered as one whose colours are all alike.
    grey = torch.randn(1, 1, 32, 32)
    mine[0].padding = (0, 0)
    theirs[0].stride = (4, 4)
    torch.testing.assert_close(mine[0](grey), theirs[0](grey.expand(-1, 3, -1, -1)))


def test_normalisation_is_taken_where_both_have_it(kept):
    photographs, network = Photographs(normed=True), alexnet(norm="batch")
    words = take_encoder_weights(network, kept(photographs))
    assert words.endswith("with their normalisation")
    theirs = [one for one in photographs.features if isinstance(one, nn.BatchNorm2d)]
    mine = [one for one in network.encoder.modules() if isinstance(one, nn.BatchNorm2d)]
    assert len(mine) == 5
    for one, other in zip(mine, theirs, strict=True):
        assert torch.equal(one.running_mean, other.running_mean)


def test_normalisation_without_weights_gives_its_statistics(kept):
    photographs, network = Photographs(normed=True), alexnet(norm="batch")
    for index, one in enumerate(photographs.features):
        if isinstance(one, nn.BatchNorm2d):
            plain = nn.BatchNorm2d(one.num_features, affine=False)
            plain.running_mean = one.running_mean
            photographs.features[index] = plain
    assert take_encoder_weights(network, kept(photographs)).endswith("normalisation")
    mine = [one for one in network.encoder.modules() if isinstance(one, nn.BatchNorm2d)]
    assert torch.equal(mine[-1].running_mean, plain.running_mean)
    assert torch.equal(mine[-1].weight, torch.ones_like(mine[-1].weight))


def test_what_does_not_fit_is_told_in_one_sentence(kept, tmp_path):
    path = kept(Photographs(base=4))
    with pytest.raises(
        ModelFileError, match=r"convolution 1 of 5 .*features\.0"
    ) as why:
        take_encoder_weights(alexnet(), path)
    assert "\n" not in str(why.value)
    with pytest.raises(ModelFileError, match="2 dimensions"):
        take_encoder_weights(alexnet(ndim=3), kept(Photographs()))
    with pytest.raises(ModelFileError, match="fits no U-Net, which has an encoder of"):
        take_encoder_weights(build(NETWORKS["unet"](base_channels=2)), path)
    with pytest.raises(ModelFileError, match="take the weights of VGG-16"):
        take_encoder_weights(build(NETWORKS["segnet"](base_channels=2)), path)
    with pytest.raises(ModelFileError, match="There is no file of weights"):
        take_encoder_weights(alexnet(), tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(ModelFileError, match="not opened"):
        take_encoder_weights(alexnet(), tmp_path / "text.pt")
    torch.save({0: torch.zeros(3)}, tmp_path / "numbers.pt")
    with pytest.raises(ModelFileError, match="holds no weights by their names"):
        take_encoder_weights(alexnet(), tmp_path / "numbers.pt")
