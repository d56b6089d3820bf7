"""A tiny network answers what its equations say, written as plain loops.

The study's four kinds of layer: convolution with ReLU (1), max pooling (2),
up-convolution (3) and the last 1x1 convolution with sigmoid or softmax (4). An image
is a nested list [channel][row][column]; nothing here knows torch.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from napari_unet.config import UNetConfig
from napari_unet.model.losses import probabilities
from napari_unet.model.networks.unet import UNet


def convolve(x, w, b):
    """(1): a[k][i][j] = max(0, b[k] + sum over c, p, q of w[k][c][p][q] x[c][..][..]).

    The image is continued by zeros, one pixel on each side.
    """
    rows, columns = len(x[0]), len(x[0][0])
    out = [[[0.0] * columns for _ in range(rows)] for _ in w]
    for k in range(len(w)):
        for i in range(rows):
            for j in range(columns):
                total = b[k]
                for c in range(len(x)):
                    for p in range(3):
                        for q in range(3):
                            y, z = i + p - 1, j + q - 1
                            if 0 <= y < rows and 0 <= z < columns:
                                total += w[k][c][p][q] * x[c][y][z]
                out[k][i][j] = max(0.0, total)
    return out


def pool(x):
    """(2): the largest of every 2x2 pixels."""
    rows, columns = range(0, len(x[0]), 2), range(0, len(x[0][0]), 2)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return [
        [[max(c[i + p][j + q] for p, q in corners) for j in columns] for i in rows]
        for c in x
    ]


def convolve_up(x, w, b):
    """(3): every pixel fills 2x2, a[k][2i + p][2j + q] = b[k] + sum w[c][k][p][q] x."""
    rows, columns = 2 * len(x[0]), 2 * len(x[0][0])
    out = [[[0.0] * columns for _ in range(rows)] for _ in b]
    for k in range(len(b)):
        for i in range(rows):
            for j in range(columns):
                p, q = i % 2, j % 2
                weighted = (w[c][k][p][q] * x[c][i // 2][j // 2] for c in range(len(x)))
                out[k][i][j] = b[k] + sum(weighted)
    return out


def answer(x, w, b):
    """(4): a 1x1 convolution, then sigmoid of one channel or softmax of several."""
    rows, columns = len(x[0]), len(x[0][0])
    out = [[[0.0] * columns for _ in range(rows)] for _ in w]
    for i in range(rows):
        for j in range(columns):
            logits = [
                b[k] + sum(w[k][c][0][0] * x[c][i][j] for c in range(len(x)))
                for k in range(len(w))
            ]
            powers = [math.exp(logit) for logit in logits]
            total = 1 + powers[0] if len(powers) == 1 else sum(powers)
            for k, power in enumerate(powers):
                out[k][i][j] = power / total
    return out


def unet(x, numbers):
    """One pooling: two convolutions, down, two, up, beside the skip, two, and out."""

    def layer(function, name, image):
        return function(image, numbers[f"{name}.weight"], numbers[f"{name}.bias"])

    def twice(name, image):
        image = layer(convolve, f"{name}.0", image)
        return layer(convolve, f"{name}.2", image)

    skip = twice("encoder.0", x)
    deep = twice("encoder.1", pool(skip))
    up = layer(convolve_up, "up.0", deep)
    return layer(answer, "head", twice("decoder.0", skip + up))


@pytest.mark.parametrize("num_classes", [1, 3])
def test_a_tiny_network_is_its_equations(num_classes):
    torch.manual_seed(0)
    config = UNetConfig(
        base_channels=2, depth=1, norm="none", in_channels=2, num_classes=num_classes
    )
    network = UNet(config).double()
    for name, weight in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(weight)
    image = torch.randn(1, 2, 8, 6, dtype=torch.float64)
    numbers = {name: tensor.tolist() for name, tensor in network.state_dict().items()}
    expected = torch.tensor([unet(image[0].tolist(), numbers)], dtype=torch.float64)
    logits = network(image).detach()
    predicted = (
        torch.sigmoid(logits) if num_classes == 1 else torch.softmax(logits, dim=1)
    )
    torch.testing.assert_close(predicted, expected, rtol=1e-12, atol=1e-12)
    foreground = probabilities(logits)[:, -num_classes:]
    torch.testing.assert_close(foreground, expected.float())
