"""Many pages at once: warm worker processes, each given one task at a time.

There are no threads here, neither in the parent (a fork needs that) nor in the workers. The parent
waits on the workers' pipes; a worker that dies or hangs costs its own task and is replaced.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from analysis.site.engine import Start
from analysis.site.gate import Failure
from analysis.site.pages import PageJob, Result, make_page
from analysis.site.shell import end_with, make_shell

#: A worker ends its own notebook in time; one that is this much later hangs itself.
GRACE_SECONDS = 60.0
#: How long a worker may take to end its kernel when it is told to stop.
_STOP_SECONDS = 2.0

OnStart = Callable[[PageJob], None]


def choose_start() -> Start:
    """Return the faster way to start kernels that is safe in this process.

    A fork copies only the thread that forks: locks that others hold stay locked for ever. macOS'
    own libraries do not survive a fork either, and Windows has none.
    """
    is_safe = sys.platform == "linux" and threading.active_count() == 1
    return "fork" if is_safe else "kernel"


def run_tasks(
    tasks: Sequence[PageJob], jobs: int, on_start: OnStart | None = None
) -> Generator[Result, None, None]:
    """Make pages in parallel and yield each result as it comes.

    Close the iterator to stop early: it leaves no process behind.

    Parameters
    ----------
    tasks : sequence of PageJob
        All with the same way to start kernels.
    jobs : int
        How many at a time.
    on_start : callable, optional
        Called with each task as a worker takes it.
    """
    waiting = deque(tasks)
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task for worker in workers):
            while waiting and len(workers) < min(jobs, len(tasks)):
                workers.append(_Worker(waiting[0].start, [worker.pipe for worker in workers]))
            for worker in workers:
                if waiting and worker.task is None:
                    task = waiting.popleft()
                    worker.begin(task)
                    if on_start is not None:
                        on_start(task)
            for worker in _wait_for_any(workers):
                result = worker.finish()
                if worker.is_lost:
                    workers.remove(worker)
                yield result
    finally:
        _stop_all(workers)


class _Worker:
    """A process, the pipe to it, and the task that it is at."""

    def __init__(self, start: Start, others: Sequence[Connection]) -> None:
        # Typed loosely: which contexts there are depends on the system.
        context: Any = multiprocessing.get_context("fork" if start == "fork" else "spawn")
        self.pipe, far_end = context.Pipe()
        # A fork inherits the parent's ends of all pipes; kept open they would never report its end.
        inherited = [self.pipe, *others] if start == "fork" else []
        self.process: BaseProcess = context.Process(
            target=_work, args=(far_end, inherited, os.getpid(), start), daemon=True
        )
        with warnings.catch_warnings():
            # From Python 3.12 on it warns about numpy's threads too, which survive a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        far_end.close()
        self.task: PageJob | None = None
        self.is_lost = False
        self.began = self.deadline = 0.0

    def begin(self, task: PageJob) -> None:
        self.task, self.began = task, time.monotonic()
        self.deadline = self.began + task.seconds + GRACE_SECONDS
        with suppress(ConnectionError):  # a dead worker is found out by `finish`
            self.pipe.send(task)

    def finish(self) -> Result:
        """Return the task's result, or what became of the worker."""
        assert self.task is not None
        page, self.task = self.task.page, None
        message = "tiến trình làm trang không trả lời"
        if self.pipe.poll():
            with suppress(EOFError, ConnectionError):
                result: Result = self.pipe.recv()
                return result
            message = "tiến trình làm trang đã chết"
        self.is_lost = True
        _stop_all([self])
        return Result(page, None, None, Failure(None, message), time.monotonic() - self.began)


def _wait_for_any(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait for a result, for an end, or for a worker to be overdue."""
    busy = [worker for worker in workers if worker.task is not None]
    next_deadline = min(worker.deadline for worker in busy)
    ready = wait([worker.pipe for worker in busy], max(0.0, next_deadline - time.monotonic()))
    now = time.monotonic()
    return [worker for worker in busy if worker.pipe in ready or worker.deadline <= now]


def _stop_all(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()


def _work(pipe: Connection, inherited: Sequence[Connection], parent: int, start: Start) -> None:
    """Make pages until the parent closes the pipe."""
    obey_parent(parent)
    for connection in inherited:
        connection.close()
    if start == "fork":
        make_shell()
    gc.freeze()  # keep the pages of memory that are shared with the parent shared
    with suppress(EOFError, ConnectionError):
        while True:
            pipe.send(make_page(pipe.recv()))


def obey_parent(parent: int) -> None:
    """Let a working process end with its parent, and only as that one wants."""
    end_with(parent)
    # Ctrl-C reaches the whole group: the parent alone decides. Its SIGTERM must not kill us at
    # once, for the kernel would live on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _leave(*_: object) -> None:
    raise SystemExit(0)
