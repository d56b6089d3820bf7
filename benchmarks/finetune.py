"""Fine-tune a starter network on one painted box, beside a new one; JSON lines.

    python benchmarks/finetune.py --data FOLDER --seeds 0 1 2

One box is painted as scribbles on one slice, the network takes a few steps, and slices
that it never saw are scored. Tasks:

- cells: ISBI 2012, a box of 250 x 250 pixels (1 %) on one of slices 0-23; scored on
  slices 24-29 by IoU, V_rand and V_info of cell interior after the watershed of
  `benchmarks/isbi.py`, at the best of three thresholds, and as `default` of what the
  model makes of it by itself. What a starter for membranes knows must not be forgotten.
- choice: the same with a box of 200 x 200 on one of slices 0-11, scored on slices 14,
  18 and 22, to choose by.
- membranes: the same with the classes exchanged.
- nuclei: three of the nuclei images with all pixels, scored on ten others by IoU.
- mitochondria, with --sections, a folder with the folders `raw`, `membranes` and
  `mitochondria` of one stack: a box of 400 x 400, scored on two other slices by IoU.
- sections: cells of that stack, a box of 200 x 200, scored as those of ISBI 2012.

From membranes to mitochondria, a starter for cells must be no worse than a new network.
0 steps score what is started from; the start `forest` is a random forest that learns
from the same box; --frozen keeps the first levels of a network as they are. With
--live, steps are those of live training, and one slice is known. A line for each task,
start, number of steps and seed.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from command_line import add_data
from isbi import MIN_SIZE, NECK, scores
from numpy.typing import NDArray

from napari_unet.baselines.forest import Forest
from napari_unet.baselines.planes import plane_of
from napari_unet.config import (
    AnnotationKind,
    BaselineConfig,
    PostprocessConfig,
    PredictConfig,
    RunConfig,
    TrainConfig,
    WeightMapConfig,
)
from napari_unet.data.annotation import IGNORE, separate
from napari_unet.data.read import as_stack, read_stack
from napari_unet.live.live_learner import LiveLearner
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.predict.onlooker import TILE
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.score.pixels.overlap import overlap
from napari_unet.train.finish_of_network import finish_of_network
from napari_unet.train.start import load_start, with_start
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import TrainingImage, prepare_image

Labels = NDArray[np.uint8]
Task = tuple[list[tuple[NDArray[Any], Labels]], list[tuple[NDArray[Any], Labels]]]
"""Images with what is painted (1 background, 2 class), and images with truth (0, 1)."""


def read(path: Path) -> NDArray[Any]:
    return np.asarray(read_stack(path).as_zyx())


def paint_box(truth: Labels, side: int, rng: np.random.Generator) -> Labels:
    """Paint a box in which both classes occur."""
    painted = np.zeros_like(truth)
    while not painted.any():
        z = int(rng.integers(len(truth)))
        y, x = (int(rng.integers(n - side + 1)) for n in truth.shape[1:])
        key = (z, slice(y, y + side), slice(x, x + side))
        if 0.02 < truth[key].mean() < 0.98:
            painted[key] = 1 + truth[key]
    return painted


def task(name: str, seed: int, options: argparse.Namespace) -> Task:
    rng = np.random.default_rng(seed)
    if name == "nuclei":
        paths = sorted((options.data / "dsb2018-nuclei" / "images").glob("*.png"))
        chosen = rng.permutation(len(paths))[:13]
        labels = options.data / "dsb2018-nuclei" / "labels"
        pairs = [
            (read(p), (read(labels / f"{p.stem}.tif") > 0).astype(np.uint8))
            for p in (paths[i] for i in chosen)
        ]
        return [(image, 1 + truth) for image, truth in pairs[:3]], pairs[3:]
    if name in ("mitochondria", "sections"):
        folder = "mitochondria" if name == "mitochondria" else "membranes"
        image, marked = read(options.sections / "raw"), read(options.sections / folder)
        truth = (marked == 0 if name == "sections" else marked > 0).astype(np.uint8)
        middle = ([16, 18], slice(256, 768), slice(256, 768))
        side = 400 if name == "mitochondria" else 200
        painted = paint_box(truth[:15], side, rng)
        return [(image[:15], painted)], [(image[middle], truth[middle])]
    image = read(options.data / "isbi2012-train-volume.tif")
    truth = (read(options.data / "isbi2012-train-labels.tif") > 0).astype(np.uint8)
    if name == "membranes":
        truth = 1 - truth
    if name == "choice":
        held_out = [14, 18, 22]
        painted = paint_box(truth[:12], 200, rng)
        return [(image[:12], painted)], [(image[held_out], truth[held_out])]
    return [(image[:24], paint_box(truth[:24], 250, rng))], [(image[24:], truth[24:])]


def train(
    images: list[TrainingImage], start: Model | None, config: RunConfig
) -> tuple[Model, str]:
    trainer = Trainer(images, config, start=start)
    words = [step.message for step in trainer.run()]
    return trainer.model(), " ".join(filter(None, words))


def learn_live(
    image: TrainingImage, start: Model | None, config: RunConfig
) -> tuple[Model, str]:
    """Take the steps of live training on annotations that stay as they are."""
    learner, words = LiveLearner(config, image, start), []
    for _ in range(config.train.steps or 0):
        learner.learn()
        words.append(learner.message)
    network = learner.network.cpu().eval()
    predictor = Predictor(Model(network, learner.card(image)))
    chosen = finish_of_network(predictor, [image], TILE**2, learner.finish)
    model = Model(network, learner.card(image, chosen))
    return model, " ".join(filter(None, words))


def predicted(model: Model, held_out: Any, device: str) -> list[NDArray[Any]]:
    """Return the probability of the class, image by image."""
    predictor, found = Predictor(model, PredictConfig(device=device)), []
    for image, _ in held_out:
        answer = predictor.predict(as_stack(image).as_czyx(), keep=True)
        assert answer.probabilities is not None
        found.append(answer.probabilities[1])
    return found


def voted(painted: list[tuple[NDArray[Any], Labels]], held_out: Any) -> list[Labels]:
    """Return the masks of a random forest that learnt from what is painted."""
    forest, lessons = Forest(BaselineConfig()), []
    for image, labels in painted:
        # 0, which is not painted, becomes IGNORE.
        classes = labels - np.uint8(1)
        lessons += [(plane_of(image, z), classes[z]) for z in range(len(image))]
    lessons = [one for one in lessons if (one[1] != IGNORE).any()]
    for _ in forest.learn(lessons, len(lessons)):
        pass
    return [
        np.stack(
            [forest.segment(plane_of(image, z), truth[z]) for z in range(len(image))]
        )
        for image, truth in held_out
    ]


def score(
    name: str, found: list[NDArray[Any]], card: ModelCard | None, held_out: Any
) -> dict[str, Any]:
    truths = [truth for _, truth in held_out]
    finish, threshold = (card.finish, card.threshold) if card else (None, None)
    if name in ("cells", "choice", "membranes", "sections"):
        (likely,), (truth,) = found, truths
        if name == "membranes":
            likely, truth = 1 - likely, 1 - truth
        best: dict[str, float] = {}
        for tried in (0.5, 0.7, 0.9):
            objects = postprocess(
                (likely > tried).astype(np.uint8),
                PostprocessConfig(objects="watershed", neck=NECK, min_size=MIN_SIZE),
                probabilities=np.stack([1 - likely, likely]),
                threshold=tried,
            )
            cells = separate(objects.astype(np.int32), ndim=2) > 0
            row = {"threshold": tried, **scores(cells, truth > 0)}
            best = max(best, row, key=lambda one: one.get("v_rand", 0.0))
        if name == "membranes" or finish is None:
            return best
        chances = np.stack([1 - likely, likely])
        objects = postprocess(
            classify(chances, threshold),
            finish,
            probabilities=chances,
            threshold=threshold,
        )
        by_default = separate(objects.astype(np.int32), ndim=2) > 0
        return {**best, "default": scores(by_default, truth > 0)}
    mask = np.concatenate([one.ravel() > 0.5 for one in found])
    whole = np.concatenate([one.ravel() for one in truths])
    return {"iou": round(overlap(mask, whole, 2).iou, 4)}


def one_slice(image: NDArray[Any], labels: Labels) -> tuple[NDArray[Any], Labels]:
    """Return the slice that is painted."""
    painted = labels.any(axis=(1, 2)).nonzero()[0][:1]
    return image[painted], labels[painted]


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for name in options.tasks:
        for seed in options.seeds:
            painted, held_out = task(name, seed, options)
            if options.live:
                painted = [one_slice(*one) for one in painted[:1]]
            if "forest" in options.starts:
                yield {"seed": seed, **of_forest(name, painted, held_out)}
            networks = [start for start in options.starts if start != "forest"]
            for way in itertools.product(networks, options.steps, options.frozen):
                yield one(name, seed, painted, held_out, way, options)


def of_forest(
    name: str, painted: list[tuple[NDArray[Any], Labels]], held_out: Any
) -> dict[str, Any]:
    began, figure = time.perf_counter(), f"fine-tuning, {name}"
    found = score(name, voted(painted, held_out), None, held_out)
    seconds = round(time.perf_counter() - began)
    return {"figure": figure, "start": "forest", **found, "seconds": seconds}


def one(
    name: str,
    seed: int,
    painted: list[tuple[NDArray[Any], Labels]],
    held_out: Any,
    way: tuple[str, int, int],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Score what comes of a start after some steps, its first levels frozen."""
    start, steps, frozen = way
    model, began, more = load_start(start), time.perf_counter(), {}
    if steps:
        settings = TrainConfig(
            steps=steps,
            batch_size=options.batch,
            patch_size=options.patch,
            live_patch_size=options.patch,
            old_rate=options.old_rate,
            frozen_levels=frozen,
            seed=seed,
            device=options.device,
        )
        config = with_start(RunConfig(train=settings), start)
        if options.w0 is not None:
            config = config.model_copy(
                update={"weight_map": WeightMapConfig(w0=options.w0)}
            )
        images = [
            prepare_image(
                as_stack(image),
                labels,
                kind=AnnotationKind.SCRIBBLES,
                weight_map=config.weight_map,
                validation="none",
            )
            for image, labels in painted
        ]
        if options.live:
            model, words = learn_live(images[0], model, config)
        else:
            model, words = train(images, model, config)
        more = {"message": words, "w0": config.weight_map.w0}
    assert model is not None, "0 steps need something to start from"
    seconds = round(time.perf_counter() - began)
    return {
        "figure": f"fine-tuning, {name}",
        "start": start,
        "old_rate": options.old_rate,
        "frozen_levels": frozen,
        "steps": steps,
        "seed": seed,
        **score(name, predicted(model, held_out, options.device), model.card, held_out),
        "seconds": seconds,
        **more,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--tasks", nargs="+", default=["cells", "membranes", "nuclei"])
    parser.add_argument("--starts", nargs="+", default=["noise", "em-membranes"])
    parser.add_argument("--steps", type=int, nargs="+", default=[120])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--old-rate", type=float)
    parser.add_argument("--w0", type=float, help="instead of that of the start")
    parser.add_argument("--frozen", type=int, nargs="+", default=[0], help="levels")
    parser.add_argument("--live", action="store_true", help="steps of live training")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--patch", type=int, default=256)
    parser.add_argument("--sections", type=Path, help="a stack with its truth")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    for row in measure(options):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
