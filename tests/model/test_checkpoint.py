"""A model file comes back as it was saved; any other file is harmless and explained."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_unet.config import AnnotationKind, TrainConfig, UNetConfig
from napari_unet.data.normalize import Normalization
from napari_unet.errors import InputError, ModelFileError, OutputError
from napari_unet.model.card import FORMAT_VERSION, keep_threshold, read_card
from napari_unet.model.checkpoint import Model, ModelCard, load_model, save_model
from napari_unet.model.networks.unet import UNet


def model(seed=0, **card):
    config = UNetConfig(base_channels=2, depth=2, num_classes=3, norm="batch")
    torch.manual_seed(seed)
    network = UNet(config)
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 2)
    return Model(network, ModelCard(network=config, **card))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, model())
    return path


def rewritten(path, **changes):
    """Change lines of the card in a model file that is otherwise whole."""
    card = {**json.loads(read_card(path).model_dump_json()), **changes}
    tensors = load_model(path).network.state_dict()
    save_file(tensors, path, metadata={"napari_unet": json.dumps(card)})
    return path


def assert_same_weights(one, other):
    loaded, expected = one.network.state_dict(), other.network.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], expected[name]) for name in loaded)


# ---------------------------------------------------------------------- round trip


def test_weights_and_card_come_back_equal(tmp_path):
    before = model(
        class_names=("background", "cell", "nucleus"),
        normalization=Normalization(per="image"),
        pixel_size=(50.0, 4.0, 4.0),
        unit="nm",
        kind=AnnotationKind.SCRIBBLES,
        train=TrainConfig(minutes=None, steps=7),
        step=7,
        scores={"iou": 0.1 + 0.2},
        data=({"name": "vnc.tif", "sha256": "00ff"},),
    )
    path = tmp_path / "model.safetensors"
    save_model(path, before)
    after = load_model(path)
    assert_same_weights(after, before)
    assert not after.network.training
    written = {"versions", "date", "checksum"}
    assert after.card.model_dump(exclude=written) == before.card.model_dump(
        exclude=written
    )
    assert read_card(path) == after.card


def test_a_threshold_goes_into_the_file_and_nothing_else_changes(saved):
    before = load_model(saved)
    assert before.card.threshold is None
    keep_threshold(saved, 0.42)
    after = load_model(saved)
    assert after.card == before.card.model_copy(update={"threshold": 0.42})
    assert_same_weights(after, before)
    keep_threshold(saved, None)
    assert load_model(saved).card == before.card


def test_a_threshold_out_of_range_leaves_the_file_alone(saved):
    content = saved.read_bytes()
    with pytest.raises(InputError, match="threshold"):
        keep_threshold(saved, 1.5)
    assert saved.read_bytes() == content


def test_a_file_that_is_protected_keeps_its_threshold(saved):
    saved.chmod(0o444)
    if os.access(saved, os.W_OK):
        pytest.skip("root may write anything")
    with pytest.raises(OutputError, match="may write"):
        keep_threshold(saved, 0.42)


def test_a_model_of_the_first_format_has_no_threshold(saved):
    card = json.loads(read_card(saved).model_dump_json())
    del card["threshold"]
    card["format_version"] = 1
    tensors = load_model(saved).network.state_dict()
    save_file(tensors, saved, metadata={"napari_unet": json.dumps(card)})
    assert load_model(saved).card.threshold is None
    keep_threshold(saved, 0.3)
    card = read_card(saved)
    assert (card.threshold, card.format_version) == (0.3, FORMAT_VERSION)


@pytest.mark.parametrize("per", ["slice", "image"])
def test_models_before_format_3_normalise_by_all_pixels_as_they_did(saved, per):
    rewritten(saved, format_version=2, normalization={"per": per})
    normalization = load_model(saved).card.normalization
    image = np.random.default_rng(0).integers(0, 255, (1, 2, 40, 40)).astype("u1")
    image[..., :20] = 0
    axes = (2, 3) if per == "slice" else (1, 2, 3)
    mean = image.mean(axes, dtype="f8", keepdims=True).astype("f4")
    std = image.std(axes, dtype="f8", keepdims=True).astype("f4")
    normalised = normalization(image)
    if per == "slice":
        np.testing.assert_array_equal(normalised, (image.astype("f4") - mean) / std)
    np.testing.assert_allclose(normalised, (image - mean) / std, atol=1e-6)
    keep_threshold(saved, 0.3)
    assert read_card(saved).normalization == normalization
    assert ModelCard().normalization != normalization


def test_the_file_says_when_and_with_what_it_was_written(saved):
    card = read_card(saved)
    assert card.versions["torch"] == torch.__version__
    assert card.date.startswith("20")
    assert card.format_version == FORMAT_VERSION


def test_a_network_in_channels_last_comes_back_equal(tmp_path):
    before = model()
    before.network.to(memory_format=torch.channels_last)
    save_model(tmp_path / "m.safetensors", before)
    assert_same_weights(load_model(tmp_path / "m.safetensors"), before)


def test_a_loaded_model_answers_as_the_saved_one(saved):
    image = torch.randn(1, 1, 16, 16)
    with torch.no_grad():
        expected = model().network.eval()(image)
        assert torch.equal(load_model(saved).network(image), expected)


def test_an_undefined_score_comes_back(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, model(scores={"iou": math.nan}))
    assert math.isnan(load_model(path).card.scores["iou"])


def test_missing_folders_are_made(tmp_path):
    path = tmp_path / "new" / "folder" / "m.safetensors"
    save_model(path, model())
    assert_same_weights(load_model(path), model())


def test_saving_again_replaces_the_file_and_leaves_nothing_else(saved):
    save_model(saved, model(seed=1))
    assert_same_weights(load_model(saved), model(seed=1))
    assert list(saved.parent.iterdir()) == [saved]


# ---------------------------------------------------------------- strangers' files


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("how", [*range(pickle.HIGHEST_PROTOCOL + 1), "torch", "old"])
@pytest.mark.parametrize("read", [load_model, read_card])
@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_a_pickle_is_refused_and_never_run(tmp_path, how, read, name):
    harm, path = tmp_path / "harm", tmp_path / name
    if isinstance(how, int):
        path.write_bytes(pickle.dumps(Bomb(harm), protocol=how))
    else:
        torch.save(Bomb(harm), path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(ModelFileError) as error:
        read(path)
    assert not harm.exists()
    if how not in (0, 1):  # which cannot be told from text
        assert "is a pickle" in str(error.value)
        assert ".safetensors" in str(error.value)
    # The bomb is a real one.
    pickle.loads(pickle.dumps(Bomb(harm)))
    assert harm.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"hello, I am text\n" * 20, b"\xff" * 64, bytes(8), b"II*\x00abcd"],
    ids=["empty", "one byte", "text", "huge header", "zeros", "TIFF"],
)
def test_a_file_that_is_no_model_is_named(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"m\.safetensors is no model file or is"):
        load_model(path)


@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.99])
def test_a_truncated_model_is_named(saved, part):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ModelFileError, match="is damaged"):
        load_model(saved)


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelFileError, match="There is no model file"):
            load_model(path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_file_without_permission_is_said(saved):
    saved.chmod(0)
    with pytest.raises(ModelFileError, match="permissions"):
        load_model(saved)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_weights_of_another_program_are_refused(tmp_path, metadata):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata=metadata)
    with pytest.raises(ModelFileError, match="another program"):
        load_model(path)


def test_a_newer_format_asks_for_an_update_whatever_else_it_holds(saved):
    rewritten(saved, format_version=FORMAT_VERSION + 1, unheard_of={"a": 1})
    for read in (load_model, read_card):
        with pytest.raises(ModelFileError, match="update napari-unet"):
            read(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"unheard_of": 1},
        {"network": {"depth": 99}},
        {"format_version": "one"},
        {"format_version": None},
        {"format_version": math.inf},
    ],
)
def test_a_damaged_description_is_said(saved, changes):
    rewritten(saved, **changes)
    with pytest.raises(ModelFileError, match=r"model\.safetensors: the description"):
        load_model(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3"])
def test_a_description_that_is_none_is_said(tmp_path, text):
    path = tmp_path / "m.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata={"napari_unet": text})
    with pytest.raises(ModelFileError, match="description of the model is damaged"):
        load_model(path)


@pytest.mark.parametrize("network", [{"base_channels": 3}, {"norm": "none"}])
def test_weights_of_another_network_are_refused(saved, network):
    rewritten(saved, network=network)
    with pytest.raises(ModelFileError, match="do not fit the network"):
        load_model(saved)


def test_a_description_of_a_giant_takes_no_memory(saved):
    rewritten(saved, network={"base_channels": 256, "depth": 7})  # 200 GB
    with pytest.raises(ModelFileError, match="do not fit the network"):
        load_model(saved)


_COMPILER = """
import sys
from napari_unet.model.checkpoint import load_model
load_model(sys.argv[1])
print("torch._dynamo" in sys.modules)
"""


def test_reading_a_model_does_not_load_the_compiler_of_torch(saved):
    # It takes a second or more, for the shapes of a network.
    run = subprocess.run(
        [sys.executable, "-c", _COMPILER, str(saved)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == "False"


# ------------------------------------------------------------------------ full disk

_FULL_DISK = """
import resource, signal, sys
from napari_unet.config import UNetConfig
from napari_unet.errors import OutputError
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True  # which would be cut off, and stay
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
config = UNetConfig(base_channels=8)
try:
    save_model(sys.argv[1], Model(UNet(config), ModelCard(network=config)))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_is_said_and_leaves_the_older_file_whole(saved):
    before = np.frombuffer(saved.read_bytes(), np.uint8)
    run = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(saved)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert f"{saved} cannot be written" in run.stdout
    assert "free some space" in run.stdout
    np.testing.assert_array_equal(np.frombuffer(saved.read_bytes(), np.uint8), before)
    assert list(saved.parent.iterdir()) == [saved]


def test_a_folder_in_the_way_is_said(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        save_model(tmp_path, model())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    odd = model()
    with torch.no_grad():
        next(odd.network.parameters()).view(-1)[3] = value
    save_model(tmp_path / "odd.safetensors", odd)
    with pytest.raises(ModelFileError, match=r"odd\.safetensors .* are no numbers"):
        load_model(tmp_path / "odd.safetensors")


def test_weights_that_were_changed_are_refused(saved):
    data = bytearray(saved.read_bytes())
    data[-100] ^= 1
    saved.write_bytes(data)
    assert read_card(saved).checksum
    with pytest.raises(ModelFileError, match="not those that were saved"):
        load_model(saved)


def test_a_model_from_before_checksums_still_loads(saved):
    before = load_model(saved)
    rewritten(saved, checksum="", format_version=4)
    assert_same_weights(load_model(saved), before)
    keep_threshold(saved, 0.3)
    assert_same_weights(load_model(saved), before)


def test_a_new_threshold_keeps_the_checksum(saved):
    checksum = read_card(saved).checksum
    keep_threshold(saved, 0.3)
    assert read_card(saved).checksum == checksum
    load_model(saved)
