"""Settings that belong together, under a name."""

from __future__ import annotations

from enum import StrEnum

from napari_unet.config.augment import AugmentConfig
from napari_unet.config.networks import UNetConfig
from napari_unet.config.run import RunConfig
from napari_unet.config.train import TrainConfig
from napari_unet.config.weights import WeightMapConfig


class Preset(StrEnum):
    """What a run starts from; every setting can still be changed.

    `FAST` reaches a good mask soonest. `THOROUGH` takes an hour for a larger network.
    `PAPER` is Ronneberger et al. (2015): slow, to compare with. `AUTO` is `FAST` with
    the size of network, patches and batch chosen for the data, the device and the
    minutes.
    """

    FAST = "fast"
    THOROUGH = "thorough"
    PAPER = "paper"
    AUTO = "auto"

    def settings(self, ndim: int = 2) -> RunConfig:
        """Return the settings for networks of `ndim` dimensions."""
        config = _SETTINGS[self]
        if ndim == 2:
            return config
        shape, patch = {"ndim": 3}, _IN_3D
        if self is Preset.PAPER:
            shape, patch = {"ndim": 3, "depth": 3}, _IN_3D_VALID
        network = config.network.model_copy(update=shape)
        train = config.train.model_copy(update=patch)
        return config.model_copy(update={"network": network, "train": train})


# As many pixels as in 2D: a cube of 64 is four squares of 256.
_IN_3D = {"patch_size": 64, "patch_slices": 64, "batch_size": 1}
# Sizes and depth of the 3D U-Net (Cicek et al. 2016), whose answer is 44 x 44 x 28.
_IN_3D_VALID = {"patch_size": 132, "patch_slices": 116, "batch_size": 1}

_FAST = RunConfig()

_THOROUGH = RunConfig(
    network=UNetConfig(base_channels=32), train=TrainConfig(minutes=60.0)
)

_PAPER = RunConfig(
    network=UNetConfig(base_channels=64, padding="valid", norm="none", dropout=0.5),
    weight_map=WeightMapConfig(w0=10.0, sigma=5.0, balance=True),
    augment=AugmentConfig(scale=0.0, noise=0.0),
    train=TrainConfig(
        minutes=600.0,
        batch_size=1,
        patch_size=572,
        optimizer="sgd",
        momentum=0.99,
        # The paper names neither rate nor schedule. Without clipping, a third of this
        # rate ends in NaN on ISBI 2012 after 150 steps.
        learning_rate=1e-2,
        clip=1.0,
        weight_decay=0.0,
    ),
)

_SETTINGS = {
    Preset.FAST: _FAST,
    Preset.THOROUGH: _THOROUGH,
    Preset.PAPER: _PAPER,
    Preset.AUTO: _FAST,
}
