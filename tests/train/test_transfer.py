"""A model is fine-tuned: what fits is taken, what is frozen stays, the rest learns."""

from __future__ import annotations

import io

import pytest
import torch

from napari_unet.config import TrainConfig, UNetConfig
from napari_unet.errors import InputError
from napari_unet.model.losses import cross_entropy
from napari_unet.model.networks.unet import UNet
from napari_unet.train.optimizer import build_optimizer, restore_optimizer
from napari_unet.train.transfer import freeze, take_layers, train_mode

SMALL = UNetConfig(base_channels=4, depth=2)


def make(**changes) -> UNet:
    return UNet(SMALL.model_copy(update=changes))


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def learn(network, optimizer, frozen=0, steps=2):
    """Take some steps on noise."""
    config = network.config
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        image = torch.randn(2, config.in_channels, 16, 16, generator=generator)
        target = torch.randint(0, config.num_classes, (2, 16, 16), generator=generator)
        train_mode(network, frozen)
        optimizer.zero_grad(set_to_none=True)
        layout = torch.channels_last
        logits = network(image.contiguous(memory_format=layout))
        cross_entropy(logits, target, torch.ones(2, 16, 16)).backward()
        optimizer.step()


# ----------------------------------------------------------------------- the layers


def test_all_layers_of_an_equal_network_are_taken():
    old, new = make(), make()
    learn(old, build_optimizer(old, TrainConfig()))
    transfer = take_layers(new, old)
    assert transfer.new == ()
    assert transfer.words("cells") == "starts from cells (all layers fit)"
    for mine, theirs in zip(state(new).values(), state(old).values(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize(
    ("change", "layer", "words"),
    [
        ({"num_classes": 1}, "head", "the last one, for the classes"),
        ({"in_channels": 3}, "encoder.0.0", "the first one, for the channels"),
    ],
)
def test_the_layer_for_other_classes_or_channels_is_new(change, layer, words):
    old, new = make(num_classes=3), make(**{"num_classes": 3} | change)
    torch.nn.init.ones_(dict(old.named_parameters())[f"{layer}.bias"])
    before = state(new)
    transfer = take_layers(new, old)
    assert transfer.new == (layer,)
    assert len(transfer.old) == 22
    assert layer not in transfer.old
    assert transfer.words("cells") == (
        f"starts from cells (22 of 23 layers fit; new: {words})"
    )
    for name, tensor in new.state_dict().items():
        # A layer is taken whole or not at all: the bias of a new one is new as well.
        own = name.rpartition(".")[0] == layer
        assert torch.equal(tensor, before[name] if own else old.state_dict()[name])


@pytest.mark.parametrize(("known", "wanted"), [(1, 2), (2, 1), (1, 3)])
def test_one_output_is_the_same_as_two_classes(known, wanted):
    old, new = make(num_classes=known), make(num_classes=wanted)
    transfer = take_layers(new, old)
    assert transfer.answers
    assert transfer.words("cells").endswith("for the classes, 2 of which are kept)")
    if wanted > 2:
        new.head.bias.data[2:] = -1e9
    image = torch.randn(1, 1, 16, 16)
    expected = old.eval().probabilities(image)
    found = new.eval().probabilities(image)
    torch.testing.assert_close(found[:, :2], expected)


def test_a_head_that_is_new_tells_nothing_of_the_old_model():
    assert not take_layers(make(num_classes=1), make(num_classes=3)).answers
    assert take_layers(make(), make()).answers


def test_a_head_for_more_classes_goes_on_telling_the_old_ones_apart():
    old, new = make(), make(num_classes=4)
    transfer = take_layers(new, old)
    assert transfer.new == ("head",)
    assert transfer.words("cells") == (
        "starts from cells (22 of 23 layers fit; new: the last one, for the classes, 2 "
        "of which are kept)"
    )
    image = torch.randn(1, 1, 16, 16)
    with torch.inference_mode():
        mine, theirs = new.eval()(image), old.eval()(image)
    assert mine.shape[1] == 4
    torch.testing.assert_close(mine[:, :2], theirs)


# ------------------------------------------------------------------- the optimiser


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("sgd", torch.optim.SGD),
    ],
)
def test_the_optimiser_is_the_one_that_is_named(name, kind):
    config = TrainConfig(
        optimizer=name, learning_rate=0.01, weight_decay=0.5, momentum=0.9
    )
    optimizer = build_optimizer(make(), config)
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"], group["share"]) == (0.01, 0.5, 1.0)
    assert group.get("momentum", 0.9) == 0.9


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_one_pass_over_the_weights_gives_what_several_do(name):
    # Without normalisation: before one, the gradient of a bias is rounding alone.
    one = make(norm="none").to(memory_format=torch.channels_last)
    other = make(norm="none").to(memory_format=torch.channels_last)
    other.load_state_dict(one.state_dict())
    config = TrainConfig(optimizer=name, learning_rate=1e-3)
    learn(one, build_optimizer(one, config))
    plain = build_optimizer(other, config)
    for group in plain.param_groups:
        group["fused"] = False
    learn(other, plain)
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_old_layers_learn_at_their_share_of_the_rate():
    old, new = make(norm="none"), make(norm="none", num_classes=4)
    transfer = take_layers(new, old)
    before = state(new)
    config = TrainConfig(learning_rate=0.1, weight_decay=0, optimizer="adam")
    optimizer = build_optimizer(new, config, transfer, 0.01)
    assert {g["share"]: g["lr"] for g in optimizer.param_groups} == {
        0.01: pytest.approx(0.001),
        1.0: 0.1,
    }
    counted = sum(len(group["params"]) for group in optimizer.param_groups)
    assert counted == len(list(new.parameters()))
    learn(new, optimizer, steps=1)
    # The first step of Adam is as long as its rate, whatever the gradient.
    for name, weight in new.named_parameters():
        rate = 0.1 if name.startswith("head") else 0.001
        longest = (weight - before[name]).abs().max().item()
        assert longest == pytest.approx(rate, rel=0.05)


def test_without_a_lower_rate_there_is_one_group():
    new = make()
    transfer = take_layers(new, make(num_classes=4))
    assert len(build_optimizer(new, TrainConfig(), transfer).param_groups) == 1


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_saved_and_restored_run_goes_on_exactly(name):
    old, network = make(), make(num_classes=3)
    config = TrainConfig(optimizer=name, learning_rate=1e-3, frozen_levels=1)
    transfer = take_layers(network, old)
    freeze(network, 1, transfer)
    optimizer = build_optimizer(network, config, transfer, 0.1)
    learn(network, optimizer, frozen=1)
    kept = io.BytesIO()
    torch.save([network.state_dict(), optimizer.state_dict()], kept)
    learn(network, optimizer, frozen=1)

    kept.seek(0)
    weights, saved = torch.load(kept, weights_only=True)
    again = make(num_classes=3)
    again.load_state_dict(weights)
    freeze(again, 1)
    restored = restore_optimizer(again, config, saved)
    shares = [group["share"] for group in restored.param_groups]
    assert shares == [group["share"] for group in optimizer.param_groups]
    learn(again, restored, frozen=1)
    for mine, theirs in zip(
        state(again).values(), state(network).values(), strict=True
    ):
        assert torch.equal(mine, theirs)


# ------------------------------------------------------------------- frozen levels


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_frozen_levels_stay_to_the_last_bit_and_the_others_learn(levels):
    old, new = make(), make()
    learn(old, build_optimizer(old, TrainConfig()))
    transfer = take_layers(new, old)
    freeze(new, levels, transfer)
    learn(new, build_optimizer(new, TrainConfig(), transfer), frozen=levels)
    frozen = tuple(f"encoder.{level}." for level in range(levels))
    for name, tensor in new.state_dict().items():
        # Weights and, in normalised levels, running statistics and their count.
        same = torch.equal(tensor, old.state_dict()[name])
        assert same == name.startswith(frozen), name


def test_a_level_with_a_new_layer_cannot_be_frozen():
    old, new = make(), make(in_channels=3)
    transfer = take_layers(new, old)
    with pytest.raises(InputError, match=r"Level 1 .* encoder\.0\.0 .* to 0\."):
        freeze(new, 2, transfer)
    assert all(weight.requires_grad for weight in new.parameters())
