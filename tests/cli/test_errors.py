"""What a user can put right is one line on stderr, exit code 1, and no traceback."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
import tifffile
import typer.core

from napari_unet.cli import main
from napari_unet.predict.predictor import Predictor


def broken_inputs(files):
    """Commands that fail, with a part of the line that each should end in."""
    (files / "text.tif").write_text("not a picture", encoding="utf-8")
    (files / "pickle.safetensors").write_bytes(pickle.dumps({"weights": [1, 2]}))
    tifffile.imwrite(files / "other.tif", np.ones((5, 40, 40), np.uint8))
    tifffile.imwrite(files / "empty.tif", np.zeros((5, 48, 64), np.uint8))
    shutil.copytree(files / "run", files / "taken")
    image, labels = files / "image.tif", files / "labels.tif"
    train = ("train", "--out", files / "new", "--image", image, "--labels")
    predict = ("predict", files / "run" / "last.safetensors")
    out = ("--out", files / "out.tif")
    return {
        "labels of another shape": ((*train, files / "other.tif"), "5 x 40 x 40"),
        "annotations without a label": ((*train, files / "empty.tif"), "no labels"),
        "a missing file": ((*train, files / "gone.tif"), "does not exist"),
        "a path with NUL": ((*train, "a\0b.tif"), "the character NUL"),
        "an unknown device": ((*train, labels, "--device", "tpu9"), "tpu9"),
        "slices of letters": (
            (*train, labels, "--validation", "a:b"),
            "cannot be read",
        ),
        "an image without labels": (train[:-1], "holds no labels"),
        "a run that exists": (
            ("train", "--out", files / "taken", *train[3:], labels),
            "holds a run already",
        ),
        "text in a TIFF file": ((*predict, files / "text.tif", *out), "text.tif"),
        "a pickle as model": (
            ("predict", files / "pickle.safetensors", image, *out),
            "pickle.safetensors",
        ),
        "a model after the image": (
            ("predict", image, "em-membranes", *out),
            "which comes before the image",
        ),
        "too many slices": ((*predict, image, *out, "--slices", "3:9"), "has 5"),
        "a folder as output": (
            (*predict, image, "--out", files / "run"),
            "is a folder",
        ),
        "a value that is no number": (
            ("measure", files / "labels.tif", "--ignore", "x"),
            "ignore = 'x': give a whole number, or the word none.",
        ),
        "a file for a folder": (
            ("measure", files / "labels.tif", "--each"),
            "choose the folder that it lies in",
        ),
        "a picture as output": (
            (*predict, image, "--out", files / "out.png"),
            "end the name in .tif",
        ),
    }


def test_bad_input_is_one_line_on_stderr_and_exit_code_1(files, train, capfd):
    """Through `main`, as the program does, but in this process for its speed."""
    train()
    before = sys.argv
    for what, (arguments, words) in broken_inputs(files).items():
        sys.argv = ["napari-unet", *map(str, arguments)]
        capfd.readouterr()
        try:
            with pytest.raises(SystemExit) as leaving:
                main()
        finally:
            sys.argv = before
        printed = capfd.readouterr()
        assert leaving.value.code == 1, what
        assert words in printed.err, what
        assert printed.err.startswith("Error: "), what
        assert printed.err.count("\n") == 1, what
        assert "Traceback" not in printed.out + printed.err, what
        assert not (files / "new").exists(), what


def test_a_full_memory_is_one_line_too(files, train, failed, monkeypatch):
    train()

    def full(*_args, **_options):
        raise MemoryError("Unable to allocate 20.0 GiB")

    monkeypatch.setattr(Predictor, "empty", full)
    command = ("predict", files / "run" / "last.safetensors", files / "image.tif")
    printed = failed(*command, "--out", "o.tif")
    assert printed.startswith(
        "Error: The memory is full (Unable to allocate 20.0 GiB):"
    )
    assert printed.count("\n") == 1


def test_a_process_ends_with_code_1_and_one_line(files, shell):
    done = shell("predict", files / "no", files / "image.tif", "--out", "o.tif")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: There is no model file {files / 'no'}, nor")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("place", [0, -1])
def test_debug_shows_the_traceback_wherever_it_stands(files, shell, place):
    words = ["score", files / "gone.tif", files / "labels.tif"]
    words.insert(place % (len(words) + 1), "--debug")
    done = shell(*words)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "does not exist: check the path" in done.stderr.splitlines()[-1]


def test_a_command_that_is_used_wrongly_ends_with_code_2(shell):
    assert shell("train", "--no-such-option").returncode == 2


def test_a_pattern_is_every_folder_that_fits_where_the_shell_leaves_it(
    files, monkeypatch, capsys
):
    for name in ("first", "second"):
        (files / "runs" / name).mkdir(parents=True)
    windows = types.SimpleNamespace(**{**vars(os), "name": "nt"})
    monkeypatch.setattr(typer.core, "os", windows)
    words = ["napari-unet", "experiment", "table", str(files / "runs" / "*")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        main()
    assert f"{files / 'runs'}{os.sep}*" not in capsys.readouterr().err


def test_a_log_file_that_knows_few_letters_takes_every_name(files, shell, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    out = files / "細胞.tif"
    done = shell("baseline", "otsu", files / "image.tif", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\\u7d30\\u80de.tif\n")
    assert out.exists()


@pytest.mark.parametrize("name", ["x" * 300 + ".tif", "loop.tif"])
def test_names_that_no_disk_takes_are_told(files, failed, name):
    (files / "loop.tif").symlink_to(files / "loop.tif")
    path, image, labels = files / name, files / "image.tif", files / "labels.tif"
    commands = [
        ("weights", path, files / "o.tif"),
        ("predict", path, image, "--out", files / "o.tif"),
        ("predict", "em-membranes", path, "--out", files / "o.tif"),
        ("score", labels, path),
        ("train", "--config", path, "--out", files / "run"),
        ("train", "--image", path, "--labels", labels, "--out", files / "run"),
        ("train", "--resume", path),
        ("import", path),
        ("export", path, files / "m.zip"),
        ("experiment", "table", path),
    ]
    if name != "loop.tif":  # a link that leads nowhere is replaced
        commands += [
            ("weights", labels, path),
            ("score", labels, labels, "--csv", path),
        ]
    for words in commands:
        printed = failed(*words)
        assert printed.startswith("Error: "), words
        assert printed.count("\n") == 1, words


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may search anything"
)
def test_a_folder_that_one_may_not_search_is_told(files, failed):
    closed = files / "closed"
    closed.mkdir(mode=0o600)
    image, labels = files / "image.tif", files / "labels.tif"
    for words in (
        ("predict", closed / "m.safetensors", image, "--out", files / "o.tif"),
        ("train", "--resume", closed / "run"),
        ("train", "--image", image, "--labels", labels, "--out", closed / "run"),
        ("experiment", "table", closed / "run"),
    ):
        printed = failed(*words)
        assert "ermission denied" in printed, words
        assert printed.count("\n") == 1, words


EARLY = """
import sys

class Interrupted:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from napari_unet.cli import main
main()
"""


def test_ctrl_c_while_the_program_is_loaded_ends_it_in_peace():
    done = subprocess.run(
        [sys.executable, "-c", EARLY], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")
