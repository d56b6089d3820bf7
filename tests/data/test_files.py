"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from napari_unet.data.files import atomic_write, write_text
from napari_unet.errors import OutputError

FULL_DISK = """
import resource, signal, sys
import numpy as np
from napari_unet.data.write import write_stack
from napari_unet.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True  # which would be cut off, and stay
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
array = np.random.default_rng(0).random((4, 100, 100), dtype=np.float32)
try:
    write_stack(sys.argv[1], array)
except OutputError as error:
    sys.exit(f"told: {error}")
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_whole_in_folders_that_did_not_exist(tmp_path):
    path = tmp_path / "new" / "folder" / "scores.csv"
    with atomic_write(path) as temporary:
        temporary.write_text("iou")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == ".csv"
    assert path.read_text() == "iou"
    assert names(path.parent) == ["scores.csv"]


def test_an_error_in_the_block_keeps_the_previous_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as temporary:
        temporary.write_text(f"half {1 / 0}")
    assert path.read_text() == "before"
    assert names(tmp_path) == ["scores.csv"]


def test_an_operating_system_error_says_what_where_and_what_to_do(tmp_path):
    path = tmp_path / "scores.csv"
    full = OSError(28, "No space left on device")
    with pytest.raises(OutputError) as caught, atomic_write(path):
        raise full
    assert str(caught.value) == (
        f"{path} cannot be written: No space left on device; free some space or "
        "choose another folder."
    )


def test_a_folder_in_the_place_of_the_file_is_refused_before_the_work(tmp_path):
    with pytest.raises(OutputError, match="Is a directory"), atomic_write(tmp_path):
        pytest.fail("the block ran")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "scores.csv"
    with pytest.raises(OutputError, match="choose another folder"), atomic_write(path):
        pytest.fail("the block ran")


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_permissions_of_the_previous_file_are_kept(tmp_path):
    path = tmp_path / "scores.csv"
    path.touch(mode=0o640)
    path.chmod(0o640)
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "target.csv").write_text("before")
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "target.csv")
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "target.csv").read_text() == "new"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_protected_file_is_not_replaced(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("before")
    path.chmod(0o444)
    with pytest.raises(OutputError, match="Permission denied"), atomic_write(path):
        pytest.fail("the block ran")
    assert path.read_text() == "before"


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
def test_a_write_that_fails_half_way_leaves_the_previous_stack_whole(tmp_path):
    path = tmp_path / "probabilities.tif"
    path.write_bytes(b"before")
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"told: {path} cannot be written: ")
    assert "free some space or choose another folder" in ended.stderr
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["probabilities.tif"]


KILLED = """
import os, sys
from napari_unet.data.files import atomic_write
with atomic_write(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_program_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "scores.csv"
    with atomic_write(path) as mine:
        mine.write_text("mine")
        subprocess.run([sys.executable, "-c", KILLED, path], check=False)
        (left,) = set(tmp_path.iterdir()) - {mine}
        (tmp_path / ".hidden.csv").touch()
        for one in tmp_path.iterdir():
            os.utime(one, (1, 1))
        write_text(tmp_path / "other.csv", "iou")
        assert not left.exists()
        assert mine.exists()
    assert names(tmp_path) == [".hidden.csv", "other.csv", "scores.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be opened there")
def test_the_folder_is_synced_after_the_rename(tmp_path, monkeypatch):
    done = []
    flush, rename = os.fsync, Path.replace

    def fsync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        flush(descriptor)

    def replace(path, target):
        done.append("renamed")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_text(tmp_path / "scores.csv", "iou")
    assert done == ["file", "renamed", "folder"]
