"""Who works on the blocks of a volume: this process, processes of dask, or a cluster.

Nothing here schedules anything: threads, dask.distributed and dask-jobqueue do. Blocks
are independent and may be worked on twice, so that it does not matter who dies when.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from napari_unet.config.engine import EngineConfig
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.predict.blocks import Block
from napari_unet.predict.cluster import jobs_in_queue, missing_package, start_cluster

if TYPE_CHECKING:
    from threading import Event

_AGAIN = "start the same command again, which goes on with what is missing"
_WAIT = 0.5
_ANSWER, _COMING, _GONE, _SILENT = 20.0, 120.0, 60.0, 5.0
"""Seconds at most: a scheduler to answer, the first worker to start, the last to come
back, and none to work before the user hears of it."""
_ENDED = (
    "All workers have ended, probably for want of memory: start the same command again "
    "with fewer --workers or a smaller --tile-size, which goes on with what is "
    "missing, or with a smaller --block and --overwrite, which begins anew."
)
_NO_WORKERS = (
    "The dask scheduler at {0} has no workers: start one with `dask worker {0}`; the "
    "prediction goes on once it is there."
)
_COMPUTING = threading.Lock()
"""Held in a worker while it computes: its other thread reads and writes meanwhile."""


class Work(Protocol):
    """What is done with every block; it travels to other processes as a whole."""

    def read(self, block: Block) -> Any:
        """Read what the block needs."""

    def compute(self, block: Block, read: Any, stop: Event) -> Any:
        """Make the block's result; None once `stop` is set."""

    def write(self, block: Block, made: Any) -> Any:
        """Write the result, whatever was written before, and return a little."""


@dataclass(frozen=True, eq=False)
class BlockFinished:
    """A block is written, with what its `Work.write` returned."""

    block: Block
    result: Any


@dataclass(frozen=True)
class Waiting:
    """Nobody works at the moment; why, and what to do, in words."""

    words: str


class Engine(Protocol):
    """Who works."""

    def run(
        self, work: Work, blocks: Iterable[Block], stop: Event
    ) -> Iterator[BlockFinished | Waiting]:
        """Work on all blocks, in any order, until there are none or `stop` is set."""


class LocalEngine:
    """Works in this process: the next block is read and the last written meanwhile."""

    def run(
        self, work: Work, blocks: Iterable[Block], stop: Event
    ) -> Iterator[BlockFinished]:
        """Work as `Engine.run` does, in the order of the blocks."""
        waiting, written = iter(blocks), deque[tuple[Block, Future[Any]]]()
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
            following = _read_next(reader, work, waiting)
            while following is not None and not stop.is_set():
                block, reading = following
                read = reading.result()
                following = _read_next(reader, work, waiting)
                made = work.compute(block, read, stop)
                if made is None:
                    break
                written.append((block, writer.submit(work.write, block, made)))
                while len(written) > 1 or (written and written[0][1].done()):
                    yield _finished(written)
            while written:
                yield _finished(written)


class DaskEngine:
    """Works in the processes of a dask cluster.

    Two blocks are on the way for each thread of a worker, and never all: graphs of
    everything take a scheduler's time and memory. What a worker did not finish that
    dies, another does. Where all have ended, new ones are started as long as any block
    was done meanwhile.

    Parameters
    ----------
    client
        A `distributed.Client`.
    threads
        Threads that each worker computes with; those that it has when left out.
    start
        Starts the workers that are missing, if they are the engine's own.
    queued
        Returns in words what is waited for while there is no worker, where they may be
        long in coming.
    """

    def __init__(
        self,
        client: Any,
        threads: int | None = None,
        start: Callable[[], object] | None = None,
        queued: Callable[[], str] | None = None,
    ) -> None:
        self._client, self._threads = client, threads
        self._start, self._queued = start, queued

    def run(
        self, work: Work, blocks: Iterable[Block], stop: Event
    ) -> Iterator[BlockFinished | Waiting]:
        """Work as `Engine.run` does; `stop` lets go of what has not begun.

        Raises
        ------
        NapariUNetError
            When the scheduler or all workers have gone, or a block ends its workers.
        """
        waiting, running = iter(blocks), dict[Any, Block]()
        workers = _Presence(self._start, self._queued)
        try:
            with _told():
                self._submit(work, waiting, running, workers)
            while running and not stop.is_set():
                with _told():
                    finished = self._next(running)
                    workers.useful |= bool(finished)
                    self._submit(work, waiting, running, workers)
                yield from finished
                yield from workers.news()
        finally:
            # A client that lost its scheduler has nothing to cancel any more.
            if running and self._client.status == "running":
                self._client.cancel(list(running))

    def _submit(
        self,
        work: Work,
        waiting: Iterator[Block],
        running: dict[Any, Block],
        workers: _Presence,
    ) -> None:
        threads = sum(self._client.nthreads().values())
        workers.look(present=threads > 0)
        free = max(0, max(2, 2 * threads) - len(running))
        for block in itertools.islice(waiting, free):
            # Not pure: a block is worked on again where it was before.
            future = self._client.submit(
                _work_on, work, block, self._threads, pure=False
            )
            running[future] = block

    def _next(self, running: dict[Any, Block]) -> list[BlockFinished]:
        """Return what is finished after a short while, and take it from `running`."""
        from distributed import wait

        try:
            with self._client.as_current():
                done = wait(list(running), _WAIT, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            return []
        finished = []
        for one in done:
            try:
                result = one.result(timeout=_WAIT)
            except TimeoutError:
                continue  # it died with its worker, and is done again
            finished.append(BlockFinished(running.pop(one), result))
        return finished


class _Presence:
    """Knows since when there are no workers, and whether new ones are of use.

    Parameters
    ----------
    start, queued
        As `DaskEngine` takes them.
    """

    def __init__(
        self, start: Callable[[], object] | None, queued: Callable[[], str] | None
    ) -> None:
        self._start, self._coming = start, _COMING if queued is None else math.inf
        self._queued, self._said = queued, ""
        self._seen = time.monotonic()
        self._last_moment = self._seen + self._coming
        self.useful = False

    def look(self, *, present: bool) -> None:
        """Start workers anew where all have ended, or give up.

        Raises
        ------
        NapariUNetError
            When they did nothing.
        """
        now = time.monotonic()
        if present:
            self._seen, self._last_moment, self._said = now, now + _GONE, ""
        elif now > self._last_moment:
            if self._start is None or not self.useful:
                raise NapariUNetError(_ENDED)
            self._start()
            self.useful, self._last_moment = False, now + self._coming

    def news(self) -> Iterator[Waiting]:
        """Tell what is waited for once nobody came for a while, and what changes."""
        if self._queued is None or time.monotonic() - self._seen < _SILENT:
            return
        words = self._queued()
        if words != self._said:
            self._said = words
            yield Waiting(words)


def opening(config: EngineConfig) -> Iterator[Waiting]:
    """Tell what is waited for when an engine is opened, if that may take long."""
    if config.engine != "local" and config.scheduler is not None:
        yield Waiting(f"Connecting to the dask scheduler at {config.scheduler} ...")


@contextmanager
def open_engine(config: EngineConfig) -> Iterator[Engine]:
    """Yield who works, as long as the context lasts.

    Raises
    ------
    InputError
        When dask is missing, or no scheduler answers.
    """
    if config.engine == "local":
        yield LocalEngine()
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(missing_package(config.engine)) from error
    if config.scheduler is not None:
        try:
            client = Client(config.scheduler, timeout=_ANSWER, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"No dask scheduler answers at {config.scheduler}: start one with "
                "`dask scheduler`, and give the address that it prints."
            ) from error
        words = _NO_WORKERS.format(config.scheduler)
        with client:
            yield DaskEngine(client, queued=lambda: words)
        return
    cluster, threads = start_cluster(config)
    start = partial(cluster.scale, config.workers)
    queued = partial(jobs_in_queue, cluster) if config.engine == "slurm" else None
    try:
        with Client(cluster, set_as_default=False) as client:
            yield DaskEngine(client, threads, start, queued)
    finally:
        # A worker that is slow to end spoils no result, and hides no other error.
        with suppress(TimeoutError):
            cluster.close()


@contextmanager
def _told() -> Iterator[None]:
    """Say in a sentence that a cluster has gone, or that a block ends its workers."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except KilledWorker as error:
        raise NapariUNetError(
            "A block ended its worker several times: give the workers more memory, or "
            f"take a smaller --tile-size, and {_AGAIN}."
        ) from error
    except (CommClosedError, CancelledError) as error:
        raise NapariUNetError(
            f"The scheduler does not answer any more: {_AGAIN}."
        ) from error


def _work_on(work: Work, block: Block, threads: int | None) -> Any:
    """Work on a block; runs in a thread of a worker."""
    import torch
    from distributed import get_worker

    from napari_unet.model.allocator import keep_freed_memory, return_freed_memory
    from napari_unet.model.threads import PROCESS

    # Where a worker hands back at once what it frees, as dask has it, clearing pages
    # anew for every layer takes as long as the layers do.
    keep_freed_memory()
    worker = get_worker()
    PROCESS.most = threads or worker.state.nthreads
    # This holds for the calling thread alone.
    if torch.cuda.device_count() > 1 and str(worker.name).isdigit():
        torch.cuda.set_device(int(worker.name) % torch.cuda.device_count())
    read = work.read(block)
    with _COMPUTING:
        made = work.compute(block, read, threading.Event())
    del read
    written = work.write(block, made)
    return_freed_memory()
    return written


def _read_next(
    reader: ThreadPoolExecutor, work: Work, waiting: Iterator[Block]
) -> tuple[Block, Future[Any]] | None:
    block = next(waiting, None)
    return None if block is None else (block, reader.submit(work.read, block))


def _finished(written: deque[tuple[Block, Future[Any]]]) -> BlockFinished:
    block, writing = written.popleft()
    return BlockFinished(block, writing.result())
