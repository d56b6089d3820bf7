"""The networks that are trained, predicted with, exported and compared alike.

Nothing outside of here and of `napari_unet.config.networks` asks which network it has
in hand. A new network is:

1. Settings, in `napari_unet.config.networks`: a frozen subclass of `NetworkConfig` with
   a `name`, a `title`, its `source`, what its `poolings` divide the sides by, and the
   `path` of its layers along an axis. From the path follow, without torch, which sides
   fit (`geometry.valid_size`), what an output lacks of its input (layers that are not
   `padded`), receptive field, reach and the halo of tiles. What the network takes is
   measured (`model.size`), unless `known_size` gives a formula. It joins `NETWORKS`.
2. Layers, in a module here: a subclass of `SegmentationNetwork`, made from these
   settings, with `encoder` (the levels of the contracting path from the top, which can
   be frozen) and `head` (what makes the logits, linear in its weights). It joins
   `_LAYERS` below. ONNX has to know its operations; they take images of any side that
   fits.

Every network then has an option (`--network NAME`), a place in settings files
(`network: NAME`, or `network: {name: NAME, ...}`), in the Train dock and in model
files, and is tested with all others in `tests/model/test_networks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_unet.config import NetworkConfig
from napari_unet.config.encoders import ENCODERS
from napari_unet.model.networks.doubled import DoubleUNet
from napari_unet.model.networks.encoder_network import EncoderNetwork
from napari_unet.model.networks.segmentation_network import SegmentationNetwork
from napari_unet.model.networks.segnet import SegNet
from napari_unet.model.networks.sliding_window import SlidingWindow
from napari_unet.model.networks.unet import UNet

__all__ = ["SegmentationNetwork", "build"]

_LAYERS: dict[str, Callable[[Any], SegmentationNetwork]] = {
    "unet": UNet,
    "segnet": SegNet,
    "sliding-window": SlidingWindow,
    **{kind.model_fields["name"].default: EncoderNetwork for kind in ENCODERS},
    "doubleunet": DoubleUNet,
}


def build(config: NetworkConfig) -> SegmentationNetwork:
    """Return a new network, with random weights from torch's generator."""
    return _LAYERS[config.name](config)
