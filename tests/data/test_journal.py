"""Annotations are kept whole, in few files, and a crash is told from a close."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_unet.data.calibration import unit_factor
from napari_unet.data.journal import Journal, JournalEntry
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError, OutputError

PLACE = {"scale": [50.0, 4.0, 4.0], "units": ["nanometer"] * 3}


def painted(value: int = 1, dtype: type = np.uint8) -> np.ndarray:
    labels = np.zeros((3, 20, 24), dtype)
    labels[1, 2:5, 3:9] = value
    return labels


def crash(folder: Path, value: int = 1, names: tuple[str, ...] = ("em",)) -> None:
    """Write annotations in a program that is killed, and so never closes."""
    code = (
        "import os, sys, numpy as np\n"
        "from napari_unet.data.journal import Journal\n"
        f"labels = np.full((1, 8, 8), {value}, np.uint8)\n"
        "journal = Journal(sys.argv[1])\n"
        f"for name in {names}:\n"
        "    journal.write(labels, name)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)


def age(entry: JournalEntry, by: timedelta) -> None:
    """Make an entry older than it is."""
    card = entry.path.with_suffix(".json")
    words = json.loads(card.read_text())
    words["time"] = (entry.time - by).isoformat()
    card.write_text(json.dumps(words))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
@pytest.mark.parametrize("shape", [(20, 24), (1, 20, 24), (3, 20, 24), (1, 2, 20, 24)])
def test_labels_come_back_as_they_were(
    tmp_path: Path, dtype: type, shape: tuple[int, ...]
) -> None:
    labels = np.random.default_rng(0).integers(0, 7, shape).astype(dtype)
    journal = Journal(tmp_path)
    entry = journal.write(labels, "em annotations")
    back = Journal(tmp_path).read(journal.entries()[0])
    np.testing.assert_array_equal(back, labels)
    assert back.dtype == labels.dtype
    assert entry.pixels == np.count_nonzero(labels)
    assert entry.name == "em annotations"


def test_any_program_opens_the_file_at_its_pixel_size(tmp_path: Path) -> None:
    entry = Journal(tmp_path).write(painted(), "em", PLACE)
    stack = read_stack(entry.path)
    assert stack.axes == "ZYX"
    np.testing.assert_allclose(stack.pixel_size, (50, 4, 4))
    assert stack.unit == "nm"
    assert Journal(tmp_path).entries()[0].place == PLACE


def test_a_unit_that_files_do_not_know_loses_nothing(tmp_path: Path) -> None:
    place = {"scale": [1.0, 1.0, 1.0], "units": ["second"] * 3}
    entry = Journal(tmp_path).write(painted(), "em", place)
    np.testing.assert_array_equal(Journal(tmp_path).read(entry), painted())


@pytest.mark.parametrize("size", [5e-11, 1e12])
def test_pixels_beyond_what_imagej_counts_lose_nothing(
    tmp_path: Path, size: float
) -> None:
    place = {"scale": [size] * 3, "units": ["meter"] * 3}
    entry = Journal(tmp_path).write(painted(), "em", place)
    np.testing.assert_array_equal(Journal(tmp_path).read(entry), painted())
    stack = read_stack(entry.path)
    meters = unit_factor(stack.unit, "m")
    np.testing.assert_allclose([one * meters for one in stack.pixel_size], size)


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    entry = first.write(painted(), "em")
    assert first.write(painted(), "em").path == entry.path
    assert Journal(tmp_path).write(painted(), "em").path == entry.path
    assert first.write(painted(2), "em").path != entry.path
    assert first.write(painted(), "em").path != entry.path
    assert len(first.entries()) == 3


def test_layers_have_histories_of_their_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for value in range(1, 4):
        journal.write(painted(value), "a/b: c*")
        journal.write(painted(value), "b")
    assert sorted(one.name for one in journal.entries()) == 3 * ["a/b: c*"] + 3 * ["b"]


def test_twenty_stay_and_before_these_one_an_hour_and_one_a_day(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for value in range(8):
        age(journal.write(painted(value + 1), "em"), timedelta(days=3))
    for value in range(20):
        journal.write(painted(value + 20), "em")
    kept = journal.entries()
    day = kept[0].time - timedelta(days=3)
    assert len(kept) == 21
    assert kept[-1].time.date() == day.date()
    assert journal.read(kept[-1]).max() == 8


def test_the_newest_of_a_crash_is_never_cleared_away(tmp_path: Path) -> None:
    crash(tmp_path, 77)
    journal = Journal(tmp_path)
    for value in range(30):
        journal.write(painted(value + 1), "em")
    (left,) = journal.after_crash()
    assert journal.read(left).max() == 77


def test_foreign_files_in_the_folder_are_listed_and_never_removed(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    path = journal.write(painted(5), "em").path
    path.with_suffix(".json").unlink()
    for value in range(30):
        journal.write(painted(value + 1), "other")
    (old,) = [one for one in journal.entries() if one.path == path]
    assert journal.read(old).max() == 5


def test_a_clean_close_offers_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(painted(), "em")
    journal.close()
    assert Journal(tmp_path).after_crash() == []
    assert not list(tmp_path.glob("open-*"))


def test_what_a_killed_program_left_is_offered_until_it_is_forgotten(
    tmp_path: Path,
) -> None:
    crash(tmp_path, 3)
    journal = Journal(tmp_path)
    (left,) = journal.after_crash()
    assert left.time > datetime.now().astimezone() - timedelta(minutes=5)
    np.testing.assert_array_equal(journal.read(left), np.full((1, 8, 8), 3))
    journal.forget(left)
    assert Journal(tmp_path).after_crash() == []
    assert [one.path for one in journal.entries()] == [left.path]


def test_every_layer_of_every_crash_is_offered_by_itself(tmp_path: Path) -> None:
    crash(tmp_path, 3, ("em", "lung"))
    crash(tmp_path, 4)
    journal = Journal(tmp_path)
    for value in range(30):  # none of them is cleared away meanwhile
        journal.write(painted(value + 1), "em")
        journal.write(painted(value + 1), "lung")
    left = journal.after_crash()
    assert [(one.name, journal.read(one).max()) for one in left] == [
        ("em", 4),
        ("lung", 3),
        ("em", 3),
    ]
    journal.forget(left[1])
    assert journal.after_crash() == [left[0], left[2]]
    journal.forget(left[0])
    assert journal.after_crash() == [left[2]]
    assert Journal(tmp_path).after_crash() == left[1:]  # a session is one mark
    journal.forget(left[2])
    assert Journal(tmp_path).after_crash() == []


def test_another_program_at_work_is_no_crash(tmp_path: Path) -> None:
    other = Journal(tmp_path)
    other.write(painted(), "em")
    mine = Journal(tmp_path)
    assert mine.after_crash() == []
    assert mine.session.others() == [other.session.id]
    assert other.session.is_first
    assert not mine.session.is_first
    other.close()
    assert mine.session.is_first


def test_a_number_given_to_another_program_is_a_crash(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(painted(), "em")
    (mark,) = tmp_path.glob("open-*.json")
    words = json.loads(mark.read_text())
    assert words["pid"] == psutil.Process().pid
    mark.write_text(json.dumps({**words, "started": words["started"] - 60}))
    assert len(Journal(tmp_path).after_crash()) == 1


def test_another_computer_is_at_work_as_long_as_it_renews_its_mark(
    tmp_path: Path,
) -> None:
    import os
    import time

    journal = Journal(tmp_path)
    journal.write(painted(), "em")
    (mark,) = tmp_path.glob("open-*.json")
    mark.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 0.0}))
    assert Journal(tmp_path).after_crash() == []
    os.utime(mark, (time.time() - 3600,) * 2)
    assert len(Journal(tmp_path).after_crash()) == 1


def test_a_damaged_mark_or_card_stops_nothing(tmp_path: Path) -> None:
    crash(tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_text("[")
    journal = Journal(tmp_path)
    assert len(journal.entries()) == 1
    journal.after_crash()
    journal.write(painted(), "em")


def test_what_was_half_written_at_a_kill_is_no_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(painted(), "em")
    (tmp_path / ".0a1b2c3d4e5f.tif").write_bytes(b"II*")
    assert [one.name for one in journal.entries()] == ["em"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    journal = Journal(tmp_path)
    journal.write(painted(), "em")
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="free some space"):
            journal.write(painted(2), "em")
    assert len(list(tmp_path.glob("*.tif"))) == 1
    journal.write(painted(2), "em")
    assert len(journal.entries()) == 2


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        Journal(tmp_path / "taken" / "annotations").write(painted(), "em")


def test_labels_of_five_dimensions_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="time, slices, Y and X"):
        Journal(tmp_path).write(np.ones((1, 1, 1, 2, 2), np.uint8), "em")


def test_a_file_exchanged_for_another_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    entry = journal.write(painted(), "em")
    other = journal.write(painted()[:1], "other")
    entry.path.write_bytes(other.path.read_bytes())
    with pytest.raises(InputError, match="older entry"):
        journal.read(entry)


@pytest.mark.parametrize("value", [2**40, 2**63 - 1, -1])
@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_ids_of_64_bits_come_back_whole(tmp_path, value, ndim):
    labels = painted(value, np.int64)
    labels = {2: labels[1], 3: labels, 4: labels[None]}[ndim]
    entry = Journal(tmp_path).write(labels, "em")
    again = Journal(tmp_path)
    kept = again.read(again.entry(entry.path))
    assert kept.dtype == labels.dtype
    np.testing.assert_array_equal(kept, labels)


def test_the_largest_ids_come_back_whole(tmp_path):
    labels = painted(2**64 - 1, np.uint64)
    journal = Journal(tmp_path)
    np.testing.assert_array_equal(journal.read(journal.write(labels, "em")), labels)
    # The file alone holds them too, in their axes.
    (file,) = tmp_path.glob("*.tif")
    stack = read_stack(file)
    assert (stack.axes, stack.dtype) == ("ZYX", np.uint64)


def test_a_disk_that_was_turned_read_only_is_told(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.write(painted(), "em")

    def closed(*_args, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "touch", closed)
    with pytest.raises(OutputError, match="Read-only file system"):
        journal.write(painted(2), "em")


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "2026-13-45T00:00:00Z"},
        {"time": "2026-11-29T10:00:00"},
        {"time": 10**400},
        {"pixels": 10**30},
    ],
)
def test_a_card_that_cannot_be_leaves_the_annotations(tmp_path, changes):
    journal = Journal(tmp_path)
    journal.write(painted(), "sound")
    entry = journal.write(painted(2), "odd")
    card = entry.path.with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), **changes}))
    found = {one.path: one for one in Journal(tmp_path).entries()}
    assert len(found) == 2
    np.testing.assert_array_equal(journal.read(found[entry.path]), painted(2))


@pytest.mark.parametrize(
    "changes", [{"shape": (-1, 20, 24)}, {"shape": (7, 7)}, {"dtype": "pixels"}]
)
def test_labels_that_do_not_fit_their_card_are_refused(tmp_path, changes):
    entry = Journal(tmp_path).write(painted(), "em")
    odd = entry.model_copy(update=changes)
    with pytest.raises(InputError, match="is not what was written"):
        Journal(tmp_path).read(odd)


def test_a_card_nested_beyond_reading_leaves_the_annotations(tmp_path):
    entry = Journal(tmp_path).write(painted(), "em")
    entry.path.with_suffix(".json").write_text("[" * 100_000)
    (found,) = Journal(tmp_path).entries()
    assert found.name == entry.path.stem
