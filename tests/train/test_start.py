"""A run starts with settings fitted to the data, and with old weights if wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.config import Region, Role, RunConfig, UNetConfig
from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.networks.unet import UNet
from napari_unet.train.start import fit_config, origin, take_network

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
    object.__setattr__(colour, "image", np.repeat(colour.image, 3, axis=0))
    with pytest.raises(InputError, match=r"different numbers of channels \(\[1, 3\]\)"):
        fit_config(small(), [grey, colour])


@pytest.mark.parametrize(("ndim", "sizes"), [(2, (32, 16, 2)), (3, (64, 64, 1))])
def test_patches_follow_the_dimensions_of_an_old_model(small, ndim, sizes):
    config = take_network(small(), make_model(ndim=ndim))
    assert config.network.ndim == ndim
    train = config.train
    assert (train.patch_size, train.patch_slices, train.batch_size) == sizes


def test_an_old_model_gives_its_shape(blobs):
    start = make_model(base_channels=6, norm="group")
    network = fit_config(RunConfig(), [blobs()], start).network
    assert (network.base_channels, network.depth, network.norm) == (6, 2, "group")


@pytest.mark.parametrize(
    ("loss", "old", "outputs"),
    [
        ("cross_entropy", 1, 2),
        ("cross_entropy_dice", 1, 2),
        ("binary_cross_entropy_dice", 2, 1),
        ("dice", 2, 2),
        ("dice", 1, 1),
    ],
)
def test_the_loss_decides_on_one_output_or_two(blobs, small, loss, old, outputs):
    start = make_model(num_classes=old)
    assert fit_config(small(loss=loss), [blobs()], start).network.num_classes == outputs


@pytest.mark.parametrize("loss", ["cross_entropy", "dice", "cross_entropy_dice"])
def test_classes_that_an_old_model_knows_stay_though_none_is_annotated(
    blobs, small, loss
):
    start, config = make_model(num_classes=4), small(loss=loss)
    fitted = fit_config(config, [blobs()], start)
    assert fitted.network.num_classes == 4
    # As a run that is gone on with, whose old model need not be there any more.
    assert fit_config(fitted, [blobs()], resume=True) == fitted
    assert fit_config(fitted, [blobs()]).network.num_classes == 2


def test_images_of_another_normalisation_are_refused(blobs, small):
    by_image = blobs(normalization=Normalization(per="image"))
    with pytest.raises(InputError, match="not normalised alike"):
        fit_config(small(), [blobs(), by_image])
    with pytest.raises(InputError, match="those of the model to start from"):
        fit_config(small(), [by_image], make_model())


def test_dice_of_three_classes_has_three_outputs(blobs, small):
    image = blobs()
    object.__setattr__(image.target, "num_classes", 3)
    start = make_model(num_classes=1)
    assert fit_config(small(loss="dice"), [image], start).network.num_classes == 3
    with pytest.raises(InputError, match="3 classes: use cross_entropy_dice"):
        fit_config(small(loss="binary_cross_entropy_dice"), [image])


# ---------------------------------------------------------------------- flat levels


@pytest.mark.parametrize(("z", "flat"), [(50, 2), (10, 1), (5, 0), (2, 0)])
def test_new_3d_networks_leave_thick_slices_alone_until_voxels_are_cubic(
    blobs, small, z, flat
):
    image = blobs()
    object.__setattr__(image, "pixel_size", (z, 4.0, 4.0))
    assert fit_config(small(ndim=3), [image]).network.flat_levels == flat
    assert fit_config(small(), [image]).network.flat_levels is None


def test_flat_levels_that_were_chosen_stay(blobs, small):
    config = small(ndim=3, flat_levels=1)
    assert fit_config(config, [blobs()]).network.flat_levels == 1
    start = make_model(ndim=3)
    assert fit_config(small(ndim=3), [blobs()], start).network.flat_levels is None


# -------------------------------------------------------------------- frozen levels


def test_levels_of_a_new_network_cannot_be_frozen(blobs, small):
    config = small(frozen_levels=1)
    with pytest.raises(InputError, match="choose a model to fine-tune"):
        fit_config(config, [blobs()])
    assert fit_config(config, [blobs()], resume=True).train.frozen_levels == 1


def test_no_more_levels_can_be_frozen_than_there_are(blobs, small):
    start = make_model()
    assert fit_config(small(frozen_levels=3), [blobs()], start)
    with pytest.raises(InputError, match="the network has 3: lower frozen_levels"):
        fit_config(small(frozen_levels=4), [blobs()], start)


# -------------------------------------------------------------------------- the run


def test_device_and_saving_may_change_within_a_run_and_the_rest_may_not(blobs, small):
    images = [blobs()]
    first = origin(small(), images)
    assert origin(small(device="auto", save_seconds=3), images) == first
    assert origin(small(learning_rate=0.1), images) != first
    assert origin(small(), [blobs(seed=1)]) != first
    assert origin(small(), [blobs(train="0:2")]) != first


def test_a_run_may_not_go_on_with_other_regions(blobs, small):
    corners = ((0, 0), (0, 20), (20, 20))
    region = Region(role="ignore", slices="0", polygon=corners)
    drawn = origin(small(), [blobs(regions=[region])])
    plain = origin(small(), [blobs()])
    assert [name for name in drawn if drawn[name] != plain[name]] == ["regions"]
    wider = region.model_copy(update={"slices": "0:2"})
    assert origin(small(), [blobs(regions=[wider])]) != drawn
    assert origin(small(), [blobs(regions=[region])]) == drawn


def test_what_a_run_goes_on_with_has_the_names_of_earlier_versions(blobs):
    image = replace(blobs(), regions=(Region(role=Role.VALIDATION, slices="1"),))
    kept = origin(RunConfig(), [image])
    assert "weights" in kept["settings"]
    assert kept["regions"] == [[{"role": "validate", "slices": "1", "polygon": None}]]
