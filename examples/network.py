"""Build the paper's network, and one of your own, and see what they take and give."""

import torch

from napari_unet import Preset, UNet, UNetConfig
from napari_unet.model.geometry import output_size, receptive_field


def main() -> None:
    paper = Preset.PAPER.settings().network
    print(f"the paper's: 572 pixels in, {output_size(paper, 572)} out")
    own = UNetConfig(ndim=3, in_channels=2, num_classes=4, base_channels=8, depth=2)
    for config in (paper, own):
        with torch.device("meta"):  # counts without memory
            network = UNet(config)
        count = sum(weights.numel() for weights in network.parameters())
        print(f"{count:,} parameters, each pixel sees {receptive_field(config)} pixels")
    scores = UNet(own)(torch.zeros(1, 2, 8, 32, 32))
    print("class scores", tuple(scores.shape))


if __name__ == "__main__":
    main()
