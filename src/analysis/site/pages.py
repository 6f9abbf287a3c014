"""Pages, each in a process of its own: a job that is plain data goes in, a result comes out.

The parent is warm and has no threads, neither here nor anywhere: it forks a child for each page, waits
on their pipes, and ends each child's whole process group. Where a fork is not safe the same function
runs in a spawned process. Nothing of it writes a file.
"""

from __future__ import annotations

import inspect
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from analysis.loading import keep_warm, open_study
from analysis.pages.template import TEMPLATE
from analysis.params import PAGE, Params
from analysis.problems import InputError, error
from analysis.reports import unit
from analysis.site.engine import (
    PageJob,
    Result,
    end_with,
    make_page,
    make_shell,
    prepare,
    stand_alone,
)
from analysis.site.ledger import Failure, fingerprint
from analysis.site.notebooks import find_failure, import_ahead, warm_up, write_notebook
from analysis.site.run import Start
from analysis.study import Study

#: How long a process may take until its first cell: a spawned one imports, a sealed one reads tables.
_START_SECONDS = 90.0
_CONNECT_SECONDS = 20.0
#: So few units' pages are not rehearsed.
_FEW = 10
#: Pages of one call: enough to make up for reading the tables, few enough to lose with a machine.
_MOST_CALLED = 40


def choose_start() -> Start:
    """Return the faster way to begin a page's process that is safe in this one.

    A fork copies only the thread that forks: locks that others hold stay locked for ever. macOS'
    own libraries do not survive a fork either, and Windows has none.
    """
    is_safe = sys.platform == "linux" and threading.active_count() == 1
    return "fork" if is_safe else "spawn"


def rehearse(study: Study, jobs: Sequence[PageJob]) -> None:
    """Do once in this process what its forks then need not: imports, caches, fonts, templates.

    The package's own sections are written once, never a notebook's code: whatever an analyst's
    cells change must not reach another page. A sixth of the time of 40 pages is saved that way.
    """
    keep_warm(study)
    # What is imported here may read anything: of an edition to share only the page may do it, sealed.
    for text in {job.notebook for job in jobs if job.seal is None}:
        import_ahead(text)
    warm_up(jobs[0].template)
    units = [job.parameters["unit_id"] for job in jobs if "unit_id" in job.parameters]
    # Fewer pages take no longer without it.
    for unit_id in units[:2] if len(units) > _FEW else ():
        with suppress(Exception):  # a page's own cell will say what is wrong
            report = unit(study, unit_id, study.params.year)
            for name, section in inspect.getmembers(report, inspect.ismethod):
                if not name.startswith("_") and not inspect.signature(section).parameters:
                    with suppress(Exception):
                        section()


def run_jobs(
    jobs: Iterable[PageJob], at_once: int, on_start: Callable[[PageJob], None] = lambda _: None
) -> Generator[Result, None, None]:
    """Make some pages at once and yield each result as it comes.

    Close the iterator to stop early: it leaves no process behind. ``on_start`` is called with each
    job as its process begins.
    """
    waiting = deque(jobs)
    working: dict[Connection, _PageProcess] = {}
    try:
        while waiting or working:
            while waiting and len(working) < at_once:
                with _heard_after():
                    child = _PageProcess(waiting.popleft())
                    working[child.pipe] = child
                on_start(child.job)
            soonest = min(child.deadline for child in working.values())
            wait(list(working), max(0.0, soonest - time.monotonic()))
            for pipe, child in list(working.items()):
                result = child.hear()
                if result is not None:
                    del working[pipe]
                    child.stop()
                    yield result
    finally:
        for child in working.values():
            child.stop()


@contextmanager
def _heard_after() -> Iterator[None]:
    """Let Ctrl-C be heard only afterwards: Python drops what is raised while it forks."""
    handler, heard = signal.getsignal(signal.SIGINT), []
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *given: heard.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for given in heard:
            handler(*given)


class _PageProcess:
    """The process of one page, the pipe from it, and the cells that it has told of."""

    def __init__(self, job: PageJob) -> None:
        self.job = job
        start = job.start or choose_start()
        if start == "fork":
            make_shell()
        # Typed loosely: which contexts there are depends on the system.
        context: Any = multiprocessing.get_context(start)
        self.pipe, far_end = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(far_end, job, os.getpid()), daemon=True)
        with warnings.catch_warnings():
            # From Python 3.12 on fork warns about numpy's threads too, which survive it.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        far_end.close()
        self.deadline = time.monotonic() + _START_SECONDS + job.seconds
        self._at, self._cells = -1, dict[int, NotebookNode]()

    def hear(self) -> Result | None:
        """Return the page's result, or what became of its process; None while it is at work."""
        try:
            while self.pipe.poll():
                told = self.pipe.recv()
                if isinstance(told, Result):
                    return told
                if not self._cells:  # the first one has begun
                    self.deadline = time.monotonic() + self.job.seconds
                self._at, self._cells[self._at] = told[0], told[1]
        except (EOFError, OSError):
            self._process.join(1.0)
            code = self._process.exitcode or 0
            ended = f"đã bị ngắt ({signal.Signals(-code).name})" if code < 0 else ""
            ended = ended or f"đã tự thoát (mã {code})"
            return self._fail("DeadKernelError", f"tiến trình chạy sổ tay {ended}")
        if time.monotonic() < self.deadline:
            return None
        return self._fail("TimeoutError", f"chạy quá thời hạn {self.job.seconds:g} giây")

    def stop(self) -> None:
        """End the process and all that it started, which is in its group."""
        self.pipe.close()
        if hasattr(os, "killpg"):
            with suppress(OSError):  # it has ended, or not begun
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._process.close()

    def _fail(self, name: str, message: str) -> Result:
        """Return an error of the cell that the process was in, so that a judge has one thing to see."""
        if self._at < 0:
            return Result(self.job.page, None, None, Failure(None, f"{name}: {message}"))
        notebook = prepare(self.job)
        for index, cell in self._cells.items():
            notebook.cells[index] = cell
        ended = {"output_type": "error", "ename": name, "evalue": message, "traceback": []}
        notebook.cells[self._at].outputs.append(NotebookNode(ended))  # type: ignore[no-untyped-call]
        return Result(self.job.page, None, write_notebook(notebook), find_failure(notebook))


def _work(pipe: Connection, job: PageJob, parent: int) -> None:
    """Make a page in this process, tell the parent and end."""
    os.environ[PAGE] = job.page
    own, lock = os.getpid(), threading.Lock()

    def send(told: object) -> None:
        if os.getpid() != own:  # a cell has forked, and its child runs the rest once more
            os._exit(0)
        with lock:
            pipe.send(told)

    try:
        stand_alone(parent)
        send(make_page(job, lambda *told: send(told)))
    finally:
        # Nothing of the parent's (exit handlers, buffered output, test runners) may run here.
        os._exit(0)


def run_on_cluster(
    jobs: Sequence[PageJob], address: str, params: Params, root: Path, seen: str
) -> Generator[Result, None, None]:
    """Make pages on the Dask cluster of a scheduler's address and yield each result as it comes.

    The project's folder is at the same place on every machine, and what the runner saw there
    (`analysis.site.ledger.fingerprint`) is what they must see.

    Raises
    ------
    InputError
        If the extra ``cluster`` is not installed, or nobody answers at the address.
    """
    client = _connect(address)
    # The scheduler itself gives a killed worker's call to another one.
    executor = client.get_executor(pure=False)
    try:
        threads = max(1, sum(client.nthreads().values()))
        size = max(1, min(_MOST_CALLED, len(jobs) // (2 * threads)))
        parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        calls = {executor.submit(make_pages, part, params, root, seen): part for part in parts}
        for call in as_completed(calls):
            try:
                yield from call.result()
            except Exception as caught:  # one call's trouble must not stop the others
                message = f"cụm máy không làm được trang: {type(caught).__name__}: {caught}"
                yield from _fail(calls[call], message)
    finally:
        executor.shutdown(wait=False)  # calls off what has not begun
        client.close()


def make_pages(jobs: Sequence[PageJob], params: Params, root: Path, seen: str) -> list[Result]:
    """Make pages in a process beside this one, which has threads and must not be forked."""
    command = [sys.executable, "-P", "-c", f"from {__name__} import _help; _help()"]
    given = pickle.dumps((os.getpid(), jobs, params, root, seen))
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, cwd=root, check=True)
    results: list[Result] = pickle.loads(done.stdout)
    return results


def _help() -> None:
    """Make the pages that standard input asks for as the runner does: from the same bytes, or not."""
    parent, jobs, params, root, seen = pickle.load(sys.stdin.buffer)
    end_with(parent)
    if fingerprint(params, root) != seen:
        message = "có số liệu, kế hoạch, chương trình hoặc thư viện khác máy điều khiển"
        message = f"máy làm trang {message}, hoặc số liệu bị sửa trong lúc chạy; hãy chạy lại"
        results = _fail(jobs, message)
    else:
        # The same template, wherever the package lies on this machine.
        jobs = [replace(job, template=TEMPLATE) for job in jobs]
        rehearse(open_study(params, root), jobs)
        results = list(run_jobs(jobs, 1))
    pickle.dump(results, sys.stdout.buffer)


def _fail(jobs: Sequence[PageJob], message: str) -> list[Result]:
    return [Result(job.page, None, None, Failure(None, message)) for job in jobs]


def _connect(address: str) -> Any:
    """Return a client of the scheduler, or refuse in words."""
    try:
        distributed = import_module("distributed")
    except ImportError:
        message = "chưa cài phần chạy trên nhiều máy; cài bằng lệnh: pip install distributed"
        raise InputError([error(message, code="no_cluster", value=address)]) from None
    client = None
    message = "không kết nối được với bộ điều phối Dask ở địa chỉ này"
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        message = "bộ điều phối Dask ở địa chỉ này không có máy làm trang nào"
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError):
        if client is not None:
            client.close()
        raise InputError([error(message, code="no_scheduler", value=address)]) from None
    return client
