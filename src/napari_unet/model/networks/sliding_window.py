"""The sliding-window network of Ciresan, Giusti, Gambardella, Schmidhuber (2012)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from napari_unet.config import SlidingWindowConfig
from napari_unet.model.architecture import norm_layer
from napari_unet.model.networks.segmentation_network import (
    SegmentationNetwork,
    initialise,
)


class SlidingWindow(SegmentationNetwork):
    """Tells the class of a pixel from the window around it (table 1, for 95).

    Convolutions and poolings shrink the window to a few pixels, two fully connected
    layers answer. Called with an image it answers for all windows at once: poolings
    keep every pixel, and whatever follows them leaves as many out as they would have
    (Giusti et al. 2013, arXiv:1302.1700; as dilated convolutions: Yu and Koltun 2016,
    arXiv:1511.07122). So nothing is computed twice where windows overlap, and the
    answers are those of `at_centres`, window by window.

    Foveation and non-uniform sampling, which blur and thin out a window towards its
    rim, are left out: what windows share would look different in each.

    Parameters
    ----------
    config
        Shape of the network.
    """

    def __init__(self, config: SlidingWindowConfig) -> None:
        super().__init__()
        self.config = config
        width, inputs = config.base_channels, config.in_channels
        levels: list[_Level] = []
        for level, kernel in enumerate(config.kernels):
            levels.append(_Level(config, inputs, width, kernel, 1 << level))
            inputs = width
        self.encoder = nn.ModuleList(levels)
        hidden = config.hidden
        self.connected = _Layer(config, width, hidden, config.left, 1 << len(levels))
        self.dropout = nn.Dropout2d(config.dropout)
        self.head = nn.Conv2d(hidden, config.num_classes, kernel_size=1)
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, Y, X) to logits (B, num_classes, Y - window + 1, X - window + 1).

        Each is that of the window which starts at its place in the image.
        """
        for level in self.encoder:
            image = level(image)
        logits: Tensor = self.head(self.dropout(self.connected(image)))
        return logits

    def at_centres(self, windows: Tensor) -> Tensor:
        """Map windows (B, C, window, window) to the logits of their centres, (B, N).

        The network as it is drawn in the paper, with poolings that halve the sides.
        """
        for level in self.encoder:
            windows = level(windows, alone=True)
        logits: Tensor = self.head(self.dropout(self.connected(windows, alone=True)))
        return logits.flatten(1)


class _Layer(nn.Module):
    """A convolution without padding, its normalisation and a ReLU."""

    def __init__(
        self,
        config: SlidingWindowConfig,
        inputs: int,
        outputs: int,
        kernel: int,
        dilation: int,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, dilation=dilation)
        after: list[nn.Module] = [nn.ReLU(inplace=True)]
        if config.norm != "none":
            after.insert(0, norm_layer(config.norm, 0, outputs))
        self.after = nn.Sequential(*after)

    def forward(self, image: Tensor, *, alone: bool = False) -> Tensor:
        """Answer for every pixel; or for a window `alone`, all of its pixels used."""
        conv = self.conv
        found = F.conv2d(image, conv.weight, conv.bias) if alone else conv(image)
        answer: Tensor = self.after(found)
        return answer


class _Level(_Layer):
    """The same, and a pooling of 2 x 2 pixels."""

    def __init__(
        self,
        config: SlidingWindowConfig,
        inputs: int,
        outputs: int,
        kernel: int,
        dilation: int,
    ) -> None:
        super().__init__(config, inputs, outputs, kernel, dilation)
        self.pool = nn.MaxPool2d(2, stride=1, dilation=dilation)

    def forward(self, image: Tensor, *, alone: bool = False) -> Tensor:
        """Answer for every pixel; or for a window `alone`, halving its sides."""
        found = super().forward(image, alone=alone)
        answer: Tensor = F.max_pool2d(found, 2) if alone else self.pool(found)
        return answer
