"""The sliding-window network of Ciresan, Giusti, Gambardella, Schmidhuber (2012)."""

from __future__ import annotations

import torch
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
    layers answer. Where all of a window is seen alike, an image is answered for all
    windows at once: poolings keep every pixel, and whatever follows them leaves as many
    out as they would have (Giusti et al. 2013, arXiv:1302.1700; as dilated
    convolutions: Yu and Koltun 2016, arXiv:1511.07122). So nothing is computed twice
    where windows overlap, and the answers are those of `one_by_one`.

    With foveation or non-uniform sampling, what windows share looks different in each,
    and every one is computed by itself.

    Parameters
    ----------
    config
        Shape of the network.
    """

    config: SlidingWindowConfig

    def __init__(self, config: SlidingWindowConfig) -> None:
        super().__init__()
        self.config = config
        width, inputs = config.base_channels, config.in_channels
        self.retina = _Retina(config)
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
        """Map (B, C, Y, X) to logits (B, num_classes, Y - seen + 1, X - seen + 1).

        `seen` is the side of what a window is made from. Each answer is that of the
        window which starts at its place in the image.
        """
        if not self.config.uniform:
            return self.one_by_one(image)
        for level in self.encoder:
            image = level(image)
        return self._answer(self.connected.found(image))

    def one_by_one(self, image: Tensor) -> Tensor:
        """Return the same as the network is drawn in the paper: window by window.

        Poolings halve the sides, and no window knows of another.
        """
        windows = self.retina(image)
        for level in self.encoder:
            windows = level(windows, alone=True)
        found = self.connected.found(windows, alone=True)
        lost = self.retina.lost
        rows, columns = image.shape[-2] - lost, image.shape[-1] - lost
        side_by_side = found.reshape(image.shape[0], rows, columns, found.shape[1])
        return self._answer(side_by_side.permute(0, 3, 1, 2))

    def _answer(self, found: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.connected.after(found)))
        return logits


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

    def found(self, image: Tensor, *, alone: bool = False) -> Tensor:
        """Convolve for every pixel; or a window `alone`, all of its pixels used."""
        conv = self.conv
        found: Tensor = (
            F.conv2d(image, conv.weight, conv.bias) if alone else conv(image)
        )
        return found


class _Level(_Layer):
    """The same, and a pooling of 2 x 2 pixels."""

    def forward(self, image: Tensor, *, alone: bool = False) -> Tensor:
        """Answer for every pixel; or for a window `alone`, halving its sides."""
        found = self.after(self.found(image, alone=alone))
        if alone:
            return F.max_pool2d(found, 2)
        return F.max_pool2d(found, 2, stride=1, dilation=self.conv.dilation)


class _Retina(nn.Module):
    """Makes the windows of all pixels of an image, sharpest in their middle.

    Foveation takes a pixel as the mean of a disc around it, whose radius grows evenly
    from half-way out to the rim. Non-uniform sampling takes the pixels at
    `SlidingWindowConfig.places`. The paper (section 2.2) has both without numbers.

    Attributes
    ----------
    lost
        Pixels that the centres of windows lack of a side of the image.
    """

    discs: Tensor
    which: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(self, config: SlidingWindowConfig) -> None:
        super().__init__()
        blur, rim = config.blur, config.window // 2
        square = torch.arange(-blur, blur + 1).square()
        radii = torch.arange(blur + 1).square()
        discs = (square[:, None] + square <= radii[:, None, None]).float()
        discs /= discs.sum((1, 2), keepdim=True)
        steps = torch.arange(-rim, rim + 1).float()
        inner = rim // 2
        beyond = (torch.hypot(steps[:, None], steps) - inner) / (rim - inner)
        which = (blur * beyond.clamp(0, 1)).round().long()
        places = torch.tensor(config.places) + config.places[-1]
        self.register_buffer("discs", discs.unsqueeze(1), persistent=False)
        self.register_buffer("which", which, persistent=False)
        self.register_buffer("rows", places[:, None], persistent=False)
        self.register_buffer("columns", places, persistent=False)
        self._reach = 2 * config.places[-1]
        self.lost = self._reach + 2 * blur

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, Y, X) to windows (B * centres, C, window, window), row by row."""
        blurred = F.conv2d(image.flatten(0, 1).unsqueeze(1), self.discs)
        height, width = blurred.shape[-2:]
        seen = (self.which * height + self.rows) * width + self.columns
        rows = torch.arange(height - self._reach, device=image.device)
        columns = torch.arange(width - self._reach, device=image.device)
        first = (rows[:, None] * width + columns).flatten()
        pixels = blurred.flatten(1)[:, first[:, None, None] + seen]
        pixels = pixels.reshape(image.shape[0], image.shape[1], -1, *seen.shape)
        windows: Tensor = pixels.transpose(1, 2).flatten(0, 1)
        return windows
