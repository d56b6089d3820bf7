"""Train the starter networks of the package anew.

    python scripts/train_starters.py --data FOLDER --minutes 85

Learns from two sources. (1) Janelia FlyEM, medulla of Drosophila, FIB-SEM at 10 nm
(Creative Commons, attribution): FOLDER holds medulla-raw.tif and medulla-bodies.tif.
Slices 0-189 are learnt in three orientations, brought to pixels of 3 to 10 nm; slices
200-249 are held out. (2) Synthetic EM of `napari_unet.samples` and of `varied_em`, with
other seeds held out. The held-out parts choose threshold and objects, and nothing else
is looked at. NAPARI_UNET_TEST_DATA is the default of FOLDER.

Every patch is normalised as a user's image is, slice by slice, and then looks as if
another microscope had taken it: blur, gamma, noise that is coarse or follows
brightness, stripes, uneven light, inverted contrast. Weights are kept as 16-bit floats.
The newest state is saved every two minutes, so that a run can be ended at any time.
"""

import argparse
import copy
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from starter_data import (
    HELD_OUT_SEEDS,
    SEEDS,
    Labelled,
    Medulla,
    prepared,
    synthetic,
    synthetic_entry,
)
from torch import Tensor, nn

from napari_unet.config import (
    AnnotationKind,
    AugmentConfig,
    PostprocessConfig,
    RunConfig,
    TrainConfig,
)
from napari_unet.config.postprocess import SPECK
from napari_unet.data.annotation import separate
from napari_unet.model.card import keep_finish
from napari_unet.model.checkpoint import Model, ModelCard, load_model, save_model
from napari_unet.model.device import choose_device
from napari_unet.model.networks.segmentation_network import SegmentationNetwork
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.predict.predictor import Predictor
from napari_unet.score.objects.partition import score_slices
from napari_unet.score.pixels.overlap import overlap
from napari_unet.starters import find_starter
from napari_unet.train.batches import Batches
from napari_unet.train.choose_finish import Predicted
from napari_unet.train.learner import Learner
from napari_unet.train.patches import Batch, Place
from napari_unet.train.training_image import TrainingImage

THRESHOLDS = (0.4, 0.5)
OBJECTS = [
    PostprocessConfig(
        objects="watershed" if neck else "connected", neck=neck, core=core, min_size=0
    )
    for core in (0, 0.6, 0.7, 0.8)
    for neck in (None, 0.1, 0.2)
]
REASON = "chosen by IoU and V_rand on held-out medulla and synthetic EM"
AUGMENT = AugmentConfig(
    scale=0.15, brightness=0.3, contrast=0.3, gamma=0.5, blur=0.8, noise=0.2
)
WARM_UP = 50
SAVE_SECONDS = 120


class Looks(Batches):
    """Batches in which every patch looks as if another microscope had taken it."""

    def draw(self, step: int, centres: Sequence[Place] = ()) -> Batch:
        """Return the batch of `step`."""
        batch = super().draw(step, centres)
        generator = torch.Generator().manual_seed(step)
        return replace(batch, image=other_look(batch.image, generator))


def other_look(image: Tensor, generator: torch.Generator) -> Tensor:
    """Expose patches (B, 1, 1, Y, X) anew; their means and deviations stay."""
    side, shape = image.shape[-1], (len(image), 1, 1, 1, 1)

    def lot(share: float, most: float) -> Tensor:
        """Return up to `most` for a share of the patches, and 0 for the others."""
        chosen = torch.rand(shape, generator=generator) < share
        return chosen * most * torch.rand(shape, generator=generator)

    def noise(height: int, width: int) -> Tensor:
        coarse = torch.randn((len(image), 1, height, width), generator=generator)
        return F.interpolate(coarse, (side, side), mode="bicubic")[:, :, None]

    mean, std = moments(image)
    # Where electrons are counted, bright pixels are noisier.
    light = ((image + 3).clamp(0, 6) / 3).sqrt()
    image = image + lot(0.5, 0.5) * light * noise(side, side)
    image = image + lot(0.3, 0.4) * noise(side // 2, side // 2)
    image = image + lot(0.1, 0.3) * noise(side // 2, 2)
    image = image + lot(0.1, 0.3) * noise(2, side // 2)
    image = image + lot(0.5, 0.5) * noise(3, 3)
    mean_now, std_now = moments(image)
    image = (image - mean_now) / std_now * std + mean
    inverted = torch.rand(shape, generator=generator) < 0.1
    return torch.where(inverted, -image, image)


def moments(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each patch."""
    axes = (2, 3, 4)
    return image.mean(axes, keepdim=True), image.std(axes, keepdim=True) + 1e-3


def learn(learner: Learner, card: ModelCard, minutes: float, out: Path) -> int:
    """Train for a time with a learning rate that falls to 0; return the steps."""
    began = saved = time.monotonic()
    step, losses = 0, []
    while (spent := time.monotonic() - began) < 60 * minutes:
        falling = math.cos(math.pi / 2 * spent / 60 / minutes) ** 2
        rate = card.train.learning_rate * falling * min(1, (step + 1) / WARM_UP)
        losses.append(learner.learn(step, rate))
        step += 1
        if time.monotonic() - saved > SAVE_SECONDS:
            saved = time.monotonic()
            keep(learner.network, card, step, out)
            loss = np.mean(losses[-200:])
            print(f"{spent:.0f} s, step {step}, loss {loss:.4f}", flush=True)
    return step


def keep(network: SegmentationNetwork, card: ModelCard, step: int, out: Path) -> None:
    """Save a network with its convolutions as 16-bit floats."""
    rounded = copy.deepcopy(network).cpu().eval()
    for module in rounded.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.half()
    save_model(out, Model(rounded, card.model_copy(update={"step": step})))


def predicted(model: Model, part: Iterator[Labelled]) -> list[Predicted]:
    """Predict held-out images."""
    predictor = Predictor(model)
    images = [prepared(*one) for one in part]
    found = []
    for one in images:
        answer = predictor.predict(one.image, keep=True, normalised=True)
        assert answer.probabilities is not None
        found.append(Predicted(answer.probabilities, one.target.part(slice(None))))
    return found


def scores(
    some: list[Predicted], threshold: float, objects: PostprocessConfig
) -> NDArray[np.float64]:
    """Return mean IoU, V_rand and V_info of held-out images."""
    rows = []
    for probabilities, truth in some:
        found = postprocess(
            classify(probabilities, threshold),
            objects,
            probabilities=probabilities,
            threshold=threshold,
        )
        mask = separate(found.astype(np.int32), ndim=2) > 0
        inside = truth.classes == 1
        parts = score_slices(mask, inside)
        iou = overlap(mask.astype(np.uint8), inside.astype(np.uint8), 2).iou
        rows.append((iou, parts.v_rand, parts.v_info))
    return np.mean(rows, axis=0)


def train(
    medulla: Medulla, images: list[TrainingImage], options: argparse.Namespace
) -> None:
    """Train for some minutes, and save."""
    config = RunConfig(
        augment=AUGMENT, train=TrainConfig(minutes=options.minutes, seed=options.seed)
    )
    card = ModelCard(
        network=config.network,
        kind=AnnotationKind.CLASSES,
        weight_map=config.weight_map,
        augment=config.augment,
        train=config.train,
        data=(medulla.entry, synthetic_entry()),
    )
    device = choose_device(config.train.device, config.network.ndim)
    learner = Learner(config, images, device)
    learner.batches = Looks(images, config, device.device)
    step = learn(learner, card, options.minutes, options.out)
    keep(learner.network, card, step, options.out)
    print(f"{step} steps")


def finish(path: Path, medulla: Medulla) -> None:
    """Choose on what was held out what is made of predictions; keep it in the file."""
    model = load_model(path)
    parts = (
        predicted(model, medulla.held_out()),
        predicted(model, synthetic(HELD_OUT_SEEDS)),
    )
    tried = {
        (threshold, objects): np.array(
            [scores(part, threshold, objects) for part in parts]
        )
        for threshold in THRESHOLDS
        for objects in OBJECTS
    }
    print(
        "threshold, objects, neck: IoU, V_rand, V_info of medulla and of synthetic EM"
    )
    for (threshold, objects), rows in tried.items():
        print(threshold, objects.objects, objects.neck, rows.round(3).tolist())
    # Half of it the mask itself, half of it that cells come out apart.
    threshold, objects = max(tried, key=lambda one: tried[one][:, :2].sum())
    objects = objects.model_copy(update={"min_size": SPECK})
    keep_finish(path, threshold, objects, f"numbered objects: {REASON}")
    print("kept:", threshold, objects)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("NAPARI_UNET_TEST_DATA")
    out = find_starter("em-membranes").path
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument("--minutes", type=float, default=85.0)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--out", type=Path, default=out)
    options = parser.parse_args()
    medulla = Medulla(options.data)
    images = [prepared(*one) for one in medulla.learnt()]
    images += [prepared(*one) for one in synthetic(SEEDS)]
    train(medulla, images, options)
    finish(options.out, medulla)


if __name__ == "__main__":
    main()
