"""Every setting that a user can choose, each declared once.

The docks' forms, the command line, `run.yaml` and the documentation take title,
description, bounds and default from the fields declared here.
"""

from napari_unet.config.augment import AugmentConfig
from napari_unet.config.base import AnnotationKind, Settings
from napari_unet.config.baseline import BaselineConfig
from napari_unet.config.coverage import Coverage
from napari_unet.config.engine import EngineConfig
from napari_unet.config.export import ExportConfig
from napari_unet.config.network import NetworkConfig
from napari_unet.config.networks import (
    NETWORKS,
    SegNetConfig,
    SlidingWindowConfig,
    UNetConfig,
)
from napari_unet.config.postprocess import PostprocessConfig
from napari_unet.config.predict import PredictConfig
from napari_unet.config.presets import Preset
from napari_unet.config.region import Region, Role
from napari_unet.config.run import ImageConfig, RunConfig
from napari_unet.config.train import TrainConfig
from napari_unet.config.weights import WeightMapConfig

__all__ = [
    "NETWORKS",
    "AnnotationKind",
    "AugmentConfig",
    "BaselineConfig",
    "Coverage",
    "EngineConfig",
    "ExportConfig",
    "ImageConfig",
    "NetworkConfig",
    "PostprocessConfig",
    "PredictConfig",
    "Preset",
    "Region",
    "Role",
    "RunConfig",
    "SegNetConfig",
    "Settings",
    "SlidingWindowConfig",
    "TrainConfig",
    "UNetConfig",
    "WeightMapConfig",
]
