"""Time the augmentation of a batch against a scipy recipe, MONAI and a training step.

Every recipe changes the same batch: 4 sources of an EM stack with target and weights,
as large as a turned and bent patch of 256 x 256 pixels needs. All do the same work:
mirroring along both axes, any rotation, zoom by up to 10 %, elastic deformation
(normal displacements of 10 pixels on a coarse grid, bicubic in between), the image
interpolated linearly, target and weights taken from the nearest pixel, contrast,
brightness and Gaussian noise.

- ours: `augment` with the default settings, and with everything switched on.
- scipy: patch by patch, `zoom` of the coarse displacements, `map_coordinates` of image,
  target and weights, and numpy for the grey values; the recipe that most scripts have.
- monai: patch by patch, RandFlipd, Rand2DElasticd (which turns and zooms too, on its
  own coarse grid of the same spacing), RandScaleIntensityd, RandShiftIntensityd and
  RandGaussianNoised, without tracking of metadata. Left out where it is not installed
  (``pip install monai``).
- step: a training step of the default network (base 16) on such a batch, without
  drawing and augmenting it; draw: cutting the sources out of the stack.

All are timed in turn, so that a busy machine slows all alike; figures are medians::

    python benchmarks/augmentation.py --rounds 15 --threads 2
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, zoom

from napari_unet.config import AugmentConfig, RunConfig
from napari_unet.model.device import choose_device
from napari_unet.samples import em_stack
from napari_unet.train.augmentation import augment, source_side
from napari_unet.train.batches import Batches
from napari_unet.train.learner import Learner
from napari_unet.train.patches import Batch, PatchSampler, Place
from napari_unet.train.start import fit_config
from napari_unet.train.training_image import prepare_image

SIDE, COUNT = 256, 4
DEFAULT = AugmentConfig()
EVERYTHING = AugmentConfig(shear=0.1, shift=8, misalignment=4, gamma=0.3, blur=1)
Recipe = Callable[[], object]
Array = NDArray[Any]


def scipy_recipe(batch: Batch) -> Recipe:
    sources = [t.numpy() for t in (batch.image[:, 0, 0], batch.target[:, 0])]
    sources.append(batch.weight_map[:, 0].numpy())
    rng = np.random.default_rng(0)

    def run() -> list[Array]:
        patches = [scipy_patch(rng, *one) for one in zip(*sources, strict=True)]
        return [np.stack(part) for part in zip(*patches, strict=True)]

    return run


def scipy_patch(
    rng: np.random.Generator, image: Array, target: Array, weights: Array
) -> tuple[Array, ...]:
    offsets = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    angle, scale = rng.uniform(0, 2 * np.pi), 1 + rng.uniform(-0.1, 0.1)
    turn = scale * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32
    )
    turn = turn * rng.choice([-1, 1], 2).astype(np.float32)
    points = np.stack(np.meshgrid(offsets, offsets, indexing="ij")).reshape(2, -1)
    coarse = rng.normal(0, 10, (2, 3, 3)).astype(np.float32)
    bent = np.stack([zoom(one, SIDE / 3, order=3) for one in coarse])
    where = (turn @ points).reshape(bent.shape) + bent + (image.shape[0] - 1) / 2
    image = map_coordinates(image, where, order=1, mode="reflect")
    target = map_coordinates(target, where, order=0, mode="reflect")
    weights = map_coordinates(weights, where, order=0, mode="reflect")
    image = image * (1 + rng.uniform(-0.2, 0.2)) + rng.uniform(-0.2, 0.2)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    image = image + rng.uniform(0, 0.1) * noise
    return image.astype(np.float32), target, weights


def monai_recipe(batch: Batch) -> Recipe | None:
    try:
        from monai import transforms as mt
        from monai.data import set_track_meta
    except ImportError:
        return None
    set_track_meta(False)
    keys = ["image", "target", "weight_map"]
    change = mt.Compose(
        [
            mt.RandFlipd(keys, prob=0.5, spatial_axis=0),
            mt.RandFlipd(keys, prob=0.5, spatial_axis=1),
            mt.Rand2DElasticd(
                keys,
                spacing=(SIDE // 2, SIDE // 2),
                magnitude_range=(10, 10),
                spatial_size=(SIDE, SIDE),
                prob=1,
                rotate_range=np.pi,
                scale_range=(0.1, 0.1),
                mode=["bilinear", "nearest", "nearest"],
                padding_mode="reflection",
            ),
            mt.RandScaleIntensityd("image", factors=0.2, prob=1),
            mt.RandShiftIntensityd("image", offsets=0.2, prob=1),
            mt.RandGaussianNoised("image", std=0.1, prob=1),
        ]
    )

    def run() -> list[torch.Tensor]:
        parts = zip(batch.image[:, 0], batch.target, batch.weight_map, strict=True)
        done = [change(dict(zip(keys, one, strict=True))) for one in parts]
        return [torch.stack([one[key] for one in done]) for key in keys]

    return run


def recipes() -> dict[str, Recipe]:
    stack, labels = em_stack((6, 512, 512))
    image = prepare_image(stack, labels)
    config = fit_config(RunConfig(), [image])
    sampler, rng = PatchSampler([image]), np.random.default_rng(0)

    def draw(settings: AugmentConfig) -> Batch:
        source = (1, source_side(settings, SIDE))
        return sampler.draw(rng, COUNT, patch=(1, SIDE), source=source)

    device = choose_device("cpu")
    learner = Learner(config, [image], device)
    sources = {settings: draw(settings) for settings in (DEFAULT, EVERYTHING)}
    chance = torch.Generator().manual_seed(0)
    patches = augment(sources[DEFAULT], DEFAULT, SIDE, chance)
    learner.batches = Given(patches, [image], config, device.device)
    made = {
        "ours": lambda: augment(sources[DEFAULT], DEFAULT, SIDE, chance),
        "ours_everything": lambda: augment(
            sources[EVERYTHING], EVERYTHING, SIDE, chance
        ),
        "scipy": scipy_recipe(sources[DEFAULT]),
        "monai": monai_recipe(sources[DEFAULT]),
        "draw": lambda: draw(DEFAULT),
        "step": lambda: learner.learn(0, config.train.learning_rate),
    }
    return {name: recipe for name, recipe in made.items() if recipe is not None}


class Given(Batches):
    """The same batch for every step."""

    def __init__(self, batch: Batch, *settings: Any) -> None:
        super().__init__(*settings)
        self._batch = batch

    def draw(self, step: int, centres: Sequence[Place] = ()) -> Batch:
        """Return it."""
        return self._batch


def time_in_turn(recipes: dict[str, Recipe], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each recipe; the first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in recipes}
    for _ in range(rounds + 1):
        for name, recipe in recipes.items():
            began = time.perf_counter()
            recipe()
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(took[1:]) for name, took in times.items()}


def report(took: dict[str, float], **parameters: object) -> None:
    for name, value in took.items():
        line = {"figure": name, "value": round(value, 2), "unit": "ms", **parameters}
        if name in ("scipy", "monai"):
            line["ratio"] = round(value / took["ours"], 1)
        else:
            line["share_of_step"] = round(value / took["step"], 4)
        print(json.dumps(line))
    if "monai" not in took:
        print(json.dumps({"figure": "monai", "missing": "pip install monai"}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    took = time_in_turn(recipes(), options.rounds)
    precision = choose_device("cpu").precision
    report(took, threads=options.threads, rounds=options.rounds, precision=precision)


if __name__ == "__main__":
    main()
