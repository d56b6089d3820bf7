"""U-Net for electron microscopy stacks: annotate, train, predict, score.

Importing this package loads neither torch nor Qt nor napari; each public name is
imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "AnnotationKind": "config",
    "AugmentConfig": "config",
    "ExportConfig": "config",
    "LiveLoop": "live.loop",
    "NapariUNetError": "errors",
    "NetworkConfig": "config",
    "PostprocessConfig": "config",
    "PredictConfig": "config",
    "ObjectBoxes": "proofread.correction",
    "ObjectMeasures": "measure.object_measures",
    "Predictor": "predict.predictor",
    "Preset": "config",
    "Region": "config",
    "Role": "config",
    "RunConfig": "config",
    "RunFolder": "train.run_folder",
    "Scores": "score.scores",
    "SegNetConfig": "config",
    "SlidingWindowConfig": "config",
    "Stack": "data.stack",
    "TrainConfig": "config",
    "Trainer": "train.trainer",
    "TrainingImage": "train.training_image",
    "TrainingSource": "train.training_source",
    "UNet": "model.networks.unet",
    "UNetConfig": "config",
    "WeightMapConfig": "config",
    "compare": "score.comparison",
    "export_model": "share.package",
    "import_model": "share.imported",
    "load_model": "model.checkpoint",
    "measure_objects": "measure.measuring",
    "number_objects": "measure.numbered",
    "open_package": "model.loading",
    "open_run": "train.session",
    "partition": "score.objects.partition",
    "postprocess": "predict.postprocessing",
    "prepare_image": "train.training_image",
    "preview": "train.preview",
    "read_stack": "data.read",
    "save_model": "model.checkpoint",
    "score_labels": "score.scoring",
    "score_slices": "score.objects.partition",
    "score_stack": "score.scoring",
    "segment": "predict.segment",
    "to_target": "data.annotation",
    "train_unet": "train.session",
    "weight_map": "data.weight_map",
    "write_stack": "data.write",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-unet-em")
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
