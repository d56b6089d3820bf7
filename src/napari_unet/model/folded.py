"""Networks that predict without a pass of its own for batch normalisation."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_unet.model.networks.segmentation_network import SegmentationNetwork

_CONV = nn.Conv2d, nn.Conv3d


def folded(network: SegmentationNetwork) -> SegmentationNetwork:
    """Return a copy that predicts the same, batch normalisation in the convolutions.

    Once trained, a convolution and the normalisation after it are linear together:
    what was a pass over the image of its own is in the weights then
    (benchmarks/prediction.py). Weights that change afterwards are not followed.
    """
    copy = deepcopy(network).eval()
    for chain in list(copy.modules()):
        if isinstance(chain, nn.Sequential):
            for (here, conv), (there, norm) in pairwise(chain.named_children()):
                if isinstance(conv, _CONV) and isinstance(norm, _BatchNorm):
                    setattr(chain, here, fuse_conv_bn_eval(conv, norm))
                    setattr(chain, there, nn.Identity())
    return copy
