"""What is made of predictions by default is decided by the data, and then chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.config import AnnotationKind, PostprocessConfig, UNetConfig
from napari_unet.config.postprocess import SPECK
from napari_unet.data.annotation import Target, to_target
from napari_unet.model.card import ModelCard, read_card
from napari_unet.model.checkpoint import Model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.samples import em_stack
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.objects.partition import partition
from napari_unet.train import choose_finish as module
from napari_unet.train.choose_finish import (
    ChosenFinish,
    Predicted,
    choose_finish,
    default_finish,
    finish_by_mask,
)

SHAPE = (3, 160, 160)
WATERSHED = PostprocessConfig(objects="watershed", neck=0.4, core=0, min_size=SPECK)
CORES = PostprocessConfig(objects="watershed", neck=0.4, core=0.7, min_size=SPECK)
CONNECTED = PostprocessConfig(objects="connected")
CLASSES = PostprocessConfig(objects="no", neck=0.4, core=0)


def cells() -> NDArray[np.int32]:
    return em_stack(SHAPE, seed=0)[1]


def truth(kind: AnnotationKind = AnnotationKind.CLASSES) -> Target:
    labels = cells()
    if kind is AnnotationKind.CLASSES:
        return to_target(np.uint8(255) * (labels > 0), kind)
    if kind is AnnotationKind.SCRIBBLES:
        return to_target(1 + (labels > 0).astype(np.uint8), kind)
    return to_target(labels, kind)


def lungs() -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, 40:110, 20:70] = mask[:, 40:110, 90:140] = 1
    return mask


def likely(certain: float = 0.9, doubtful: float = 0.65) -> NDArray[np.float32]:
    """Probabilities of cells whose membranes have many doubtful places."""
    inside = cells() > 0
    foreground = np.where(inside, certain, 0.1).astype(np.float32)
    stripes = (np.indices(SHAPE)[2] // 6) % 3 == 0
    foreground[~inside & stripes] = doubtful
    foreground = ndimage.gaussian_filter(foreground, (0, 0.5, 0.5))
    return np.stack([1 - foreground, foreground])


def v_rand(chosen: ChosenFinish, probabilities: Any, target: Target) -> float:
    found = postprocess(
        classify(probabilities, chosen.threshold),
        chosen.finish,
        probabilities=probabilities,
        threshold=chosen.threshold,
    )
    pairs = zip(thin_borders(found.astype(np.int32)), target.objects, strict=True)
    return float(np.mean([partition(*pair).v_rand for pair in pairs]))


@pytest.mark.parametrize("kind", [AnnotationKind.CLASSES, AnnotationKind.OBJECTS])
def test_cells_that_fill_the_image_become_objects(kind: AnnotationKind) -> None:
    found = default_finish([truth(kind)])
    assert found.finish == CORES
    assert found.reason.startswith("numbered objects: ")


def test_nuclei_that_are_numbered_become_objects_however_far_apart() -> None:
    mask = lungs().astype(np.int32)
    mask[:, :, 90:] *= 2
    found = default_finish([to_target(mask, AnnotationKind.OBJECTS)])
    assert found.finish == WATERSHED


def test_specks_are_far_smaller_than_the_small_true_objects() -> None:
    labels = np.zeros(SHAPE, np.int32)
    for number in range(1, 13):
        labels[:, 12 * number : 12 * number + 3, 8:12] = number
    found = default_finish([to_target(labels, AnnotationKind.OBJECTS)])
    assert found.finish == WATERSHED.model_copy(update={"min_size": 6})


def test_lungs_stay_whole() -> None:
    target = to_target(lungs())
    found = default_finish([target])
    assert found.finish == CLASSES
    assert found.reason.startswith("a mask of classes: narrow borders are 0% of")
    probabilities = np.stack([1 - lungs(), lungs()]).astype(np.float32)
    assert choose_finish([Predicted(probabilities, target)]) == found


def test_several_classes_stay_classes() -> None:
    labels = (cells() > 0).astype(np.uint8)
    labels[:, :80] *= 2
    found = default_finish([truth(), to_target(labels, AnnotationKind.CLASSES)])
    assert found.finish == CLASSES
    assert "several classes" in found.reason


def test_of_scribbles_the_prediction_tells_whether_cells_fill_the_image() -> None:
    target = truth(AnnotationKind.SCRIBBLES)
    assert default_finish([target]).finish == CLASSES
    found = choose_finish([Predicted(likely(doubtful=0.1), target)])
    assert found.finish == CORES
    assert found == finish_by_mask([classify(likely(doubtful=0.1))])
    assert finish_by_mask([lungs()]).finish == CLASSES
    assert finish_by_mask([np.zeros(SHAPE, np.uint8)]).finish == CLASSES
    assert "several classes" in finish_by_mask([2 * lungs()]).reason


def test_what_is_chosen_is_nearly_the_best_of_all_that_could_be() -> None:
    target, probabilities = truth(), likely()
    found = choose_finish([Predicted(probabilities, target)])
    finishes = [WATERSHED.model_copy(update={"neck": neck}) for neck in (0.1, 0.2, 0.4)]
    every = [
        v_rand(
            ChosenFinish(finish.model_copy(update={"core": core})),
            *(probabilities, target),
        )
        for core in module.CORES
        for finish in (CONNECTED, *finishes)
    ]
    assert v_rand(found, probabilities, target) > max(every) - 0.02
    assert min(every) < max(every) - 0.1, "it matters what is chosen"
    assert f"cores above {found.finish.core:g}" in found.reason


def test_of_what_is_about_as_good_the_usual_is_taken() -> None:
    probabilities = likely(certain=0.99, doubtful=0.01)
    found = choose_finish([Predicted(probabilities, truth())])
    assert (found.finish.core, found.finish.neck) == (0.7, 0.4)
    nuclei = to_target(lungs().astype(np.int32) * 300, AnnotationKind.OBJECTS)
    apart = np.stack([1 - lungs(), lungs()]).astype(np.float32)
    assert choose_finish([Predicted(apart, nuclei)]).finish.core == 0


def test_a_volume_is_scored_as_a_volume() -> None:
    found = choose_finish([Predicted(likely(), truth())], ndim=3)
    assert found.finish.objects == "watershed"
    assert found.finish.core is not None


def test_slices_without_an_object_choose_nothing() -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[0, :2, :2] = 1
    target = to_target(labels, AnnotationKind.OBJECTS)
    target.objects[:] = 0
    found = choose_finish([Predicted(likely(), target)])
    assert found == default_finish([target])


def test_no_more_is_looked_at_than_takes_a_few_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, ...]] = []

    def look(classes: Any, *args: Any, **options: Any) -> Any:
        seen.append(classes.shape)
        return postprocess(classes, *args, **options)

    monkeypatch.setattr(module, "postprocess", look)
    monkeypatch.setattr(module, "PIXELS", 2 * 100**2)
    choose_finish([Predicted(likely(), truth())] * 2)
    assert {shape[0] for shape in seen} == {1}
    assert all(0.9 * 100**2 < np.prod(shape) < 1.1 * 100**2 for shape in seen)


def test_the_model_file_keeps_what_was_chosen(tmp_path: Any) -> None:
    found = choose_finish([Predicted(likely(), truth())])
    path, network = tmp_path / "model.safetensors", UNet(UNetConfig(base_channels=2))
    save_model(path, Model(network, ModelCard(network=network.config)))
    assert read_card(path).finish is None
    found.keep(path)
    card = read_card(path)
    assert (card.threshold, card.finish) == (found.threshold, found.finish)
    assert card.finish_reason == found.reason
