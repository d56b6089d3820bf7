"""Settings survive a file unchanged, and wrong ones are named."""

from __future__ import annotations

import pytest
import yaml
from pydantic import ValidationError

from napari_unet import config
from napari_unet.config import (
    AnnotationKind,
    AugmentConfig,
    ImageConfig,
    PostprocessConfig,
    PredictConfig,
    Preset,
    Region,
    Role,
    RunConfig,
    Settings,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.errors import InputError
from napari_unet.model.geometry import output_size, valid_size

FORMS = [
    AugmentConfig,
    PostprocessConfig,
    PredictConfig,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
]
CHANGED = RunConfig(
    images=(
        ImageConfig(
            image="höhle/vnc.tif",
            labels="vnc labels.tif",
            kind=AnnotationKind.OBJECTS,
            train="0:24",
            validation="24:30",
            regions=(
                Region(role="test", slices="3", polygon=((0, 0), (0, 9), (9, 9))),
            ),
        ),
        ImageConfig(image="b.tif", labels="c.tif"),
    ),
    network=UNetConfig(ndim=3, num_classes=1, padding="valid", norm="none", depth=3),
    weight_map=WeightMapConfig(w0=0.1 + 0.2, sigma=1e-7, balance=True),
    augment=AugmentConfig(flip=False, noise=0),
    train=TrainConfig(minutes=None, steps=12, optimizer="sgd", device="cuda:1"),
)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("settings", [RunConfig(), CHANGED])
def test_settings_come_back_equal_from_yaml(tmp_path, settings):
    path = written(tmp_path / "run.yaml", settings.to_yaml())
    assert RunConfig.from_yaml(path) == settings


def test_yaml_is_plain_for_people_and_other_programs():
    saved = yaml.safe_load(CHANGED.to_yaml())
    assert saved["images"][0]["validation"] == "24:30"
    assert saved["images"][0]["kind"] == "objects"
    assert list(saved) == [
        "images",
        "start",
        "encoder_weights",
        "network",
        "weight_map",
        "augment",
        "train",
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "train: {}"])
def test_what_a_file_leaves_out_keeps_its_default(tmp_path, text):
    assert RunConfig.from_yaml(written(tmp_path / "run.yaml", text)) == RunConfig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trian: {}", "trian"),
        ("train: {learning_rat: 1}", r"train\.learning_rat = 1"),
        ("network: {depth: 99}", r"network\.depth = 99: .* less than or equal to 7"),
        ("network: {depth: 0}", r"network\.depth = 0: .* greater than or equal to 1"),
        ("network: {ndim: 4}", r"network\.ndim = 4"),
        ("network: {norm: layer}", r"network\.norm = 'layer'"),
        ("weights: {sigma: 0}", r"weights\.sigma = 0"),
        ("weights: {w0: .nan}", r"weights\.w0 = nan"),
        ("train: {steps: many}", r"train\.steps = 'many'"),
        ("train: {minutes: null}", "one of minutes, epochs or steps"),
        ("images: [{image: a.tif}]", r"images\.0\.labels"),
        ("images: [{image: a, labels: b, kind: dots}]", r"images\.0\.kind = 'dots'"),
        ("1: 2", "1"),
    ],
)
def test_a_wrong_setting_is_told_with_its_file_and_name(tmp_path, text, words):
    path = written(tmp_path / "run.yaml", text)
    with pytest.raises(InputError, match=rf"run\.yaml: .*{words}") as error:
        RunConfig.from_yaml(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["no", "yes", "1.5", ".inf"])
def test_a_value_to_ignore_is_a_whole_number_or_none(tmp_path, value):
    path = tmp_path / "settings.yaml"
    path.write_text(f"images: [{{image: a, labels: b, ignore: {value}}}]", "utf-8")
    with pytest.raises(InputError, match="give a whole number, or the word none"):
        RunConfig.from_yaml(path)


@pytest.mark.parametrize("text", ["- a\n- b", "hello", "3"])
def test_a_file_without_settings_is_said(tmp_path, text):
    with pytest.raises(InputError, match="holds no settings"):
        RunConfig.from_yaml(written(tmp_path / "run.yaml", text))


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b"a: !!python/name:os"])
def test_a_file_that_is_no_yaml_is_said(tmp_path, content):
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"run\.yaml cannot be read as settings"):
        RunConfig.from_yaml(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        RunConfig.from_yaml(tmp_path / "none.yaml")


@pytest.mark.parametrize("form", [*FORMS, ImageConfig, Region])
def test_every_setting_says_what_it_is(form):
    for name, field in form.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("form", FORMS)
def test_defaults_are_within_their_own_bounds(form):
    assert form.model_validate(form().model_dump()) == form()


def test_settings_cannot_be_changed_behind_anyone_s_back():
    settings = TrainConfig()
    with pytest.raises(ValidationError, match="frozen"):
        settings.steps = 3


def test_all_settings_refuse_unknown_names():
    forms = [v for v in vars(config).values() if isinstance(v, type)]
    forms = [form for form in forms if issubclass(form, Settings)]
    assert len(forms) >= 7
    for form in forms:
        needed = {
            ImageConfig: {"image": "a", "labels": "b"},
            Region: {"role": "train"},
        }.get(form, {})
        with pytest.raises(InputError, match="here: unheard_of = 1"):
            form.read({**needed, "unheard_of": 1}, "here")


@pytest.mark.parametrize("preset", list(Preset))
@pytest.mark.parametrize("ndim", [2, 3])
def test_every_preset_survives_a_file_and_fits_its_network(preset, ndim, tmp_path):
    config = preset.settings(ndim)
    path = tmp_path / "run.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert RunConfig.from_yaml(path) == config
    assert config.network.ndim == ndim
    sizes = [(-1, config.train.patch_size)]
    if ndim == 3:
        sizes.append((-3, config.train.patch_slices))
    for axis, size in sizes:
        assert valid_size(config.network, size, axis) == size


def test_the_paper_preset_is_the_paper():
    paper = Preset.PAPER.settings()
    network, train = paper.network, paper.train
    assert (network.base_channels, network.padding, network.norm) == (
        64,
        "valid",
        "none",
    )
    assert network.dropout > 0
    assert output_size(network, train.patch_size) == 388
    assert (train.optimizer, train.momentum, train.batch_size) == ("sgd", 0.99, 1)
    assert (paper.weight_map.w0, paper.weight_map.sigma) == (10, 5)
    assert paper.weight_map.balance
    assert (paper.augment.elastic, paper.augment.elastic_grid) == (10, 3)


def test_names_of_earlier_versions_are_read(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "images:\n- {image: a.tif, labels: b.tif, validate: '24:30', regions: "
        "[{role: validate, slices: '3'}]}\nweights: {w0: 4}\n",
        encoding="utf-8",
    )
    settings = RunConfig.from_yaml(path)
    (one,) = settings.images
    assert settings.weight_map.w0 == 4
    assert one.validation == "24:30"
    assert one.regions[0].role is Role.VALIDATION
