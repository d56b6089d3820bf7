"""A run starts with settings fitted to the data, and with old weights if wanted."""

from __future__ import annotations

import pytest
import torch

from napari_unet.config import RunConfig, TrainConfig, UNetConfig
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.unet import UNet
from napari_unet.train.start import build_optimizer, fit_config, origin, take_weights

SMALL = UNetConfig(base_channels=4, depth=2)


def make_model(**changes) -> Model:
    config = SMALL.model_copy(update=changes)
    return Model(UNet(config), ModelCard(network=config))


def test_without_an_image_there_is_nothing_to_train_on():
    with pytest.raises(InputError, match="choose an image"):
        fit_config(RunConfig(), [])


def test_the_network_gets_the_classes_of_the_annotations(blobs, small):
    image = blobs()
    assert fit_config(small(), [image]).network.num_classes == 2
    image.target.classes[0] = 2
    more = blobs(seed=1)
    object.__setattr__(more.target, "num_classes", 4)
    assert fit_config(small(), [image, more]).network.num_classes == 4


def test_one_sigmoid_output_is_enough_for_binary_cross_entropy(blobs, small):
    config = fit_config(small(loss="binary_cross_entropy"), [blobs()])
    assert config.network.num_classes == 1


def test_binary_cross_entropy_refuses_three_classes(blobs, small):
    image = blobs()
    object.__setattr__(image.target, "num_classes", 3)
    with pytest.raises(InputError, match="3 classes: use cross_entropy"):
        fit_config(small(loss="binary_cross_entropy"), [image])


def test_images_of_different_channels_are_refused(blobs, small):
    grey, colour = blobs(), blobs()
    object.__setattr__(colour, "image", colour.image.repeat(3, axis=0))
    with pytest.raises(InputError, match=r"different numbers of channels \(\[1, 3\]\)"):
        fit_config(small(), [grey, colour])


def test_an_old_model_gives_its_shape(blobs):
    start = make_model(base_channels=6, norm="group")
    network = fit_config(RunConfig(), [blobs()], start).network
    assert (network.base_channels, network.depth, network.norm) == (6, 2, "group")


def test_all_weights_of_an_equal_network_are_taken():
    old, new = UNet(SMALL), UNet(SMALL)
    assert take_weights(new, old) == ()
    for mine, theirs in zip(
        new.state_dict().values(), old.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_layers_for_other_classes_are_new_and_named():
    old, new = UNet(SMALL), UNet(SMALL.model_copy(update={"num_classes": 4}))
    before = new.head.weight.clone()
    (note,) = take_weights(new, old)
    assert note == "new layers, not in the old model: head"
    assert torch.equal(new.head.weight, before)
    assert torch.equal(new.encoder[0][0].weight, old.encoder[0][0].weight)


def test_layers_for_other_channels_are_new_and_named():
    old, new = UNet(SMALL), UNet(SMALL.model_copy(update={"in_channels": 3}))
    (note,) = take_weights(new, old)
    assert note == "new layers, not in the old model: encoder.0.0"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("sgd", torch.optim.SGD),
    ],
)
def test_the_optimiser_is_the_one_that_is_named(name, kind):
    config = TrainConfig(optimizer=name, learning_rate=0.01, weight_decay=0.5)
    optimizer = build_optimizer(UNet(SMALL), config)
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.01, 0.5)
    assert group.get("momentum", 0.99) == 0.99


def test_device_and_saving_may_change_within_a_run_and_the_rest_may_not(blobs, small):
    images = [blobs()]
    first = origin(small(), images)
    assert origin(small(device="auto", save_seconds=3), images) == first
    assert origin(small(learning_rate=0.1), images) != first
    assert origin(small(), [blobs(seed=1)]) != first
    assert origin(small(), [blobs(train="0:2")]) != first
