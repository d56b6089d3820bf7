"""Compare the mask of a plain *Predict* with the best there is; JSON lines.

    python benchmarks/mask.py --data FOLDER --minutes 4 --seeds 0 1 2

Trains on slices 0-23 of ISBI 2012, and on slices 0-149 of a medulla, of which the last
fifth chooses threshold and necks; then predicts slices 24-29, and every tenth of
180-249, which nothing was chosen on. One line for each data set and seed: V_rand after
border thinning and IoU of what comes out by default, of the plain classes, of what
comes out where nothing is held out (cores above 0.7, necks 0.4), and of the best of all
thresholds and necks; `short` is what the default lacks of it.

With --models FILE ... the models of earlier trainings are measured instead.

FOLDER holds isbi2012-train-volume.tif and isbi2012-train-labels.tif, the training
volume and labels of the ISBI 2012 challenge, and medulla-raw.tif and medulla-bodies.tif
(Janelia FlyEM); NAPARI_UNET_TEST_DATA is its default.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, PostprocessConfig, PredictConfig, Preset
from napari_unet.data.annotation import Target, connected_objects, to_target
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.means import mean
from napari_unet.score.objects.partition import partition
from napari_unet.train.choose_finish import NARROW
from napari_unet.train.session import open_run
from napari_unet.train.training_source import TrainingSource

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
NECKS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True)
class Data:
    """Files, what their labels mean, and which slices are for what."""

    image: str
    labels: str
    kind: AnnotationKind
    train: str
    test: range


DATA = {
    "ISBI 2012": Data(
        "isbi2012-train-volume.tif",
        "isbi2012-train-labels.tif",
        AnnotationKind.CLASSES,
        "0:24",
        range(24, 30),
    ),
    "medulla": Data(
        "medulla-raw.tif",
        "medulla-bodies.tif",
        AnnotationKind.OBJECTS,
        "0:150",
        range(180, 250, 10),
    ),
}


def measure(
    name: str, model: Model, image: Stack, labels: NDArray[Any]
) -> dict[str, Any]:
    data = DATA[name]
    target = to_target(labels[list(data.test)], data.kind)
    part = np.asarray(image.as_czyx()[:, list(data.test)])
    plain = Predictor(model, PredictConfig(threshold=0.5))
    probabilities = plain.predict(part, keep=True).probabilities
    assert probabilities is not None
    kept = model.card.finish
    assert kept is not None

    def mask(threshold: float | None, finish: PostprocessConfig) -> NDArray[Any]:
        return postprocess(
            classify(probabilities, threshold),
            finish,
            probabilities=probabilities,
            threshold=threshold,
        )

    best: dict[str, Any] = {"v_rand": 0.0}
    for threshold in THRESHOLDS:
        ways = [PostprocessConfig(objects="connected")]
        ways += [PostprocessConfig(objects="watershed", neck=neck) for neck in NECKS]
        for way in ways:
            found = scores(mask(threshold, way), target)
            if found["v_rand"] > best["v_rand"]:
                neck = way.neck if way.objects == "watershed" else None
                best = {**found, "threshold": threshold, "neck": neck}
    by_default = scores(mask(model.card.threshold, kept), target)
    usual = PostprocessConfig(objects="watershed", core=NARROW)
    return {
        "figure": f"mask, {name}",
        "default": {
            **by_default,
            "threshold": model.card.threshold,
            "core": kept.core,
            "neck": kept.neck if kept.objects == "watershed" else None,
        },
        "best": best,
        "short": round(best["v_rand"] - by_default["v_rand"], 4),
        "nothing held out": scores(mask(None, usual), target),
        "classes": scores(mask(None, PostprocessConfig(objects="no")), target),
    }


def scores(found: NDArray[Any], target: Target) -> dict[str, float]:
    mask = found > 0
    objects = found.astype(np.int32) if found.max() > 1 else connected_objects(mask)
    parts = zip(thin_borders(objects), target.objects, target.annotated, strict=True)
    truth = target.classes == 1
    either = np.count_nonzero((mask | truth) & target.annotated)
    return {
        "v_rand": round(mean([partition(*part).v_rand for part in parts]), 4),
        "iou": round(np.count_nonzero(mask & truth) / either, 4),
    }


def train(
    data: Data, image: Stack, labels: NDArray[Any], seed: int, options: Any
) -> Model:
    settings = Preset.FAST.settings()
    changes = {"minutes": options.minutes, "seed": seed}
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update=changes)}
    )
    part = range(*map(int, data.train.split(":")))
    source = TrainingSource(image.slices(data.train), labels[list(part)], data.kind)
    with tempfile.TemporaryDirectory() as folder:
        run = open_run([source], settings, folder=Path(folder) / "run")
        for _ in run.trainer.run():
            pass
        return run.trainer.model()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--on", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--models", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    for name in options.on:
        data = DATA[name]
        image = read_stack(options.data / data.image)
        labels = np.asarray(read_stack(options.data / data.labels).as_zyx())
        for which in options.models or options.seeds:
            began = time.perf_counter()
            if isinstance(which, Path):
                model = load_model(which)
            else:
                model = train(data, image, labels, which, options)
            row = measure(name, model, image, labels)
            row |= {"seconds": round(time.perf_counter() - began), "model": str(which)}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
