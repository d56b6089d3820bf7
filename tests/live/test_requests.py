"""The mailbox: what is asked for is there when the thread comes to look."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from napari_unet.config import RunConfig, TrainConfig, UNetConfig
from napari_unet.data.stack import Stack
from napari_unet.live.events import Idle
from napari_unet.live.loop import LiveLoop
from napari_unet.live.requests import LiveRequests


def labels(value):
    return np.full((9, 9), value, np.uint8)


def test_the_newest_labels_are_taken_once_with_all_rows_that_have_changed():
    requests = LiveRequests()
    requests.update(3, labels(1), slice(2, 4))
    requests.update(3, labels(2), slice(6, 7))
    requests.update(5, labels(3), slice(1, 2))
    requests.update(5, labels(4))
    painted, updates = requests.take()
    assert {z: int(one.labels[0, 0]) for z, one in painted.items()} == {3: 2, 5: 4}
    assert [painted[3].rows, painted[5].rows] == [slice(2, 7), None]
    assert (updates, requests.num_updates) == (4, 4)
    assert requests.take() == ({}, 4)


@pytest.mark.parametrize(
    "ask",
    [
        lambda requests: requests.update(0, labels(1)),
        lambda requests: requests.look_at(1),
        lambda requests: requests.pause(False),
        lambda requests: requests.keep(),
    ],
)
def test_whoever_waits_is_woken_by_what_is_asked_for(ask):
    requests = LiveRequests()
    asking = threading.Thread(target=ask, args=[requests])

    def nothing_is_ready() -> bool:
        asking.start()  # what it asks for has to wait until this thread sleeps
        return False

    began = time.monotonic()
    requests.wait(30, nothing_is_ready)
    asking.join()
    assert time.monotonic() - began < 10


def test_nobody_waits_where_there_is_something_to_do():
    requests = LiveRequests()
    began = time.monotonic()
    requests.wait(30, lambda: True)
    requests.update(0, labels(1))
    requests.wait(30, lambda: False)
    assert time.monotonic() - began < 10


def test_a_loop_takes_what_was_asked_for_before_it_was_there_and_ends_soon():
    requests = LiveRequests()
    assert requests.model() is None
    requests.pause()
    painted = np.ones((64, 64), np.uint8)
    painted[20:] = 2
    requests.update(0, painted)
    stack = Stack(np.zeros((2, 64, 64), np.uint8), "ZYX", (1.0,) * 3, "pixel", "em")
    config = RunConfig(
        network=UNetConfig(base_channels=4, depth=1),
        train=TrainConfig(live_patch_size=32, batch_size=1, threads=1),
    )
    loop = LiveLoop(stack, config=config, requests=requests)
    assert requests.model() is None, "it has learnt nothing"
    stop, paused, ended = threading.Event(), threading.Event(), []

    def run() -> None:
        for item in loop.run(stop):
            assert item == Idle("Paused")
            paused.set()
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    assert paused.wait(30)
    asked = time.monotonic()
    stop.set()
    thread.join(30)
    # It sleeps 0.15 seconds at a time; the rest is for machines that are busy.
    assert ended[0] - asked < 1
