"""YAML and JSON as people write them, and as nobody should."""

from __future__ import annotations

import pytest

from napari_unet.config import ImageConfig, RunConfig
from napari_unet.config.structured_text import parse_json, parse_yaml
from napari_unet.errors import InputError

KEYS = ", ".join(f"k{n}: 1" for n in range(200))


@pytest.mark.parametrize("words", ["24:30", "2026-13-45", "2026-11-29 10:00", "1:2.5"])
def test_what_looks_like_times_is_text(words):
    assert parse_yaml(f"a: {words}") == {"a": words}


def test_numbers_stay_numbers():
    assert parse_yaml("[1, -2, 0x10, 1.5, 1e-3, .inf]")[:4] == [1, -2, 16, 1.5]


def test_slices_need_no_quotes(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("images: [{image: a, labels: b, validate: 24:30}]")
    (image,) = RunConfig.from_yaml(path).images
    assert image.validation == "24:30"
    config = RunConfig(images=(ImageConfig(image="a", labels="b", train="0:9"),))
    path.write_text(config.to_yaml())
    assert RunConfig.from_yaml(path) == config


def test_a_single_slice_needs_no_quotes(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "images: [{image: a, labels: b, validation: 7, complete: 3, "
        "regions: [{role: test, slices: -1}]}]"
    )
    (image,) = RunConfig.from_yaml(path).images
    assert (image.validation, image.complete) == ("7", "3")
    assert image.regions[0].slices == "-1"


def test_anchors_and_merges_are_read():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]"
    assert parse_yaml(text)["b"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("train:\n  steps: 1\n  steps: 2\n", "steps stands twice, from line 2 on"),
        ("a: " + "9" * 5000, "Exceeds the limit"),
        ("a: 0x" + "f" * 5000, "the number in line 1 is too large"),
        ("a: !!timestamp 2026-13-45", "month must be in 1..12"),
        ("[" * 5000, "nested too deeply"),
        ("a: &a 1\nb: [" + "*a, " * 1001 + "]", "repeated by anchors"),
        (f"a: &a {{{KEYS}}}\nb: {{<<: [{'*a, ' * 60}]}}", "repeated by anchors"),
        ("a: b: c", "not allowed here in line 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(tmp_path, text, reason):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(InputError, match=f"run.yaml cannot be read.*{reason}") as told:
        RunConfig.from_yaml(tmp_path / "run.yaml")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "{", ""])
def test_json_that_cannot_be_read_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize(
    "data", [{"k" * 10_000: 1}, {"train": {"steps": "v" * 10_000}}, {"a": ["b"] * 9999}]
)
def test_a_message_quotes_the_beginning_of_what_is_long(data):
    with pytest.raises(InputError) as told:
        RunConfig.read(data, "run.yaml")
    assert len(str(told.value)) < 250


def test_what_holds_itself_many_times_is_quoted_in_short(tmp_path):
    """Nine lists, each of nine of the one before: written out, 400 million words."""
    text = "a0: &a0 [x]\n"
    for n in range(1, 10):
        text += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n"
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(InputError, match="Extra inputs"):
        RunConfig.from_yaml(tmp_path / "run.yaml")
