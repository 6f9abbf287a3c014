"""Pages, each in a process of its own: a job that is plain data goes in, a result comes out.

The parent is warm and has no threads, neither here nor anywhere: it forks a child for each page, waits
on their pipes, and ends each child's whole process group. Where a fork is not safe the same function
runs in a spawned process. Nothing of it writes a file.
"""

from __future__ import annotations

import inspect
import logging
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
from dataclasses import dataclass, replace
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
    Message,
    Seal,
    Tell,
    end_with,
    make_shell,
    replay,
    run_notebook,
    stand_alone,
)
from analysis.site.export import PictureError, export_page, find_failure, read_end_mark, warm_up
from analysis.site.ledger import Failure, fingerprint
from analysis.site.notebooks import import_ahead, write_notebook
from analysis.site.run import Start
from analysis.study import Study

_log = logging.getLogger(__name__)
#: How long a process may take until its first cell: a spawned one imports, a sealed one reads tables.
_START_SECONDS = 90.0
#: How many messages of one page are heard before the others'.
_MOST_HEARD = 10_000
_CONNECT_SECONDS = 20.0
#: Pages of one call: enough to make up for reading the tables, few enough to lose with a machine.
_MOST_CALLED = 40


@dataclass(frozen=True)
class PageJob:
    """A page to make.

    Attributes
    ----------
    page : str
        Its link from the site's folder, which also tells jobs apart.
    label : str
        What the progress bar calls it.
    notebook : str
        The notebook's text.
    parameters : dict
        What the notebook runs with.
    cwd : str
        The folder that it runs in.
    seconds : float
        How long it may run.
    megabytes : int
        How much memory it may take.
    template : Path
        The nbconvert template it is exported with.
    start : {"fork", "spawn"}
        How its process begins.
    seal : Seal or None
        In a run of the edition to share, what alone its process may know.
    """

    page: str
    label: str
    notebook: str
    parameters: dict[str, Any]
    cwd: str
    seconds: float
    megabytes: int
    template: Path
    start: Start
    seal: Seal | None = None


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes
    ----------
    page : str
        The job's page.
    html : str or None
        The page; None if the job failed.
    executed : str or None
        The executed notebook, as far as it ran.
    failure : Failure or None
        Why there is no page.
    """

    page: str
    html: str | None
    executed: str | None
    failure: Failure | None


def make_page(job: PageJob, tell: Tell) -> Result:
    """Run a notebook, judge it and export it; whatever goes wrong is in the result.

    Its cells run in this process, which should not outlive the page.
    """
    executed: NotebookNode | None = None
    html = None
    try:
        executed = run_notebook(
            job.notebook,
            job.parameters,
            cwd=job.cwd,
            megabytes=job.megabytes,
            seal=job.seal,
            tell=tell,
        )
        failure = find_failure(executed)
        if failure is None:
            html = export_page(executed, read_end_mark(executed) or {}, job.template, job.cwd)
            if not html.strip():
                html, failure = None, Failure(None, "mẫu trang cho ra một trang trống")
    except PictureError as lost:
        failure = Failure(None, str(lost))
    except Exception as caught:
        # One page's trouble, of any kind, must not stop the others.
        _log.debug("page %s", job.page, exc_info=True)
        failure = Failure(None, f"{type(caught).__name__}: {caught}")
    return Result(job.page, html, None if executed is None else write_notebook(executed), failure)


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
    cells change must not reach another page. Half of a cold page's time is saved that way.
    """
    keep_warm(study)
    # What is imported here may read anything: of an edition to share only the page may do it, sealed.
    for text in {job.notebook for job in jobs if job.seal is None}:
        import_ahead(text)
    warm_up(jobs[0].template)
    units = [job.parameters["unit_id"] for job in jobs if "unit_id" in job.parameters]
    # One page of a kind draws as much as the rehearsal would.
    for unit_id in units[:2] if len(units) > 2 else ():
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
    """The process of one page, the pipe from it, and what it has told so far."""

    def __init__(self, job: PageJob) -> None:
        self.job = job
        if job.start == "fork":
            make_shell()
        # Typed loosely: which contexts there are depends on the system.
        context: Any = multiprocessing.get_context(job.start)
        self.pipe, far_end = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(far_end, job, os.getpid()), daemon=True)
        with warnings.catch_warnings():
            # From Python 3.12 on fork warns about numpy's threads too, which survive it.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        far_end.close()
        self.deadline = time.monotonic() + _START_SECONDS + job.seconds
        self._told: list[tuple[int, str, Message]] = []

    def hear(self) -> Result | None:
        """Return the page's result, or what became of its process; None while it is at work."""
        try:
            # A cell that prints without end must not keep its own deadline from being looked at.
            for _ in range(_MOST_HEARD):
                if not self.pipe.poll():
                    break
                told = self.pipe.recv()
                if isinstance(told, Result):
                    return told
                if not self._told:  # the first cell has begun
                    self.deadline = time.monotonic() + self.job.seconds
                self._told.append(told)
        except (EOFError, OSError):
            return self._fail("DeadKernelError", f"tiến trình chạy sổ tay {self._read_end()}")
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
        if not self._told or self._told[-1][1] == "execute_reply":
            return Result(self.job.page, None, None, Failure(None, f"{name}: {message}"))
        notebook = replay(self.job.notebook, self.job.parameters, self._told, (name, message))
        return Result(self.job.page, None, write_notebook(notebook), find_failure(notebook))

    def _read_end(self) -> str:
        """Tell how a process ended that has closed its end of the pipe."""
        self._process.join(1.0)
        code = self._process.exitcode
        if code is None:
            return "không còn trả lời"
        return (
            f"đã tự thoát (mã {code})"
            if code >= 0
            else f"đã bị ngắt ({signal.Signals(-code).name})"
        )


def _work(pipe: Connection, job: PageJob, parent: int) -> None:
    """Make a page in this process, tell the parent and end."""
    os.environ[PAGE] = job.page
    try:
        stand_alone(parent)
        own, lock = os.getpid(), threading.Lock()

        def send(told: object) -> None:
            if os.getpid() != own:  # a cell has forked, and its child runs the rest once more
                os._exit(0)
            with lock:
                pipe.send(told)

        send(make_page(job, lambda *told: send(told)))
    finally:
        # Nothing of the parent's (exit handlers, buffered output, test runners) may run here.
        os._exit(0)


def run_on_cluster(
    jobs: Sequence[PageJob], address: str, params: Params, root: Path, seen: str
) -> Generator[Result, None, None]:
    """Make pages on a Dask cluster and yield each result as it comes.

    Parameters
    ----------
    jobs, address
        The pages; the scheduler's address, for example ``tcp://192.168.1.10:8786``.
    params, root, seen
        The settings, the project's folder, at the same place on every machine, and what the runner
        saw there (`analysis.site.ledger.fingerprint`).

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
    helper = "from analysis.site.pages import _help; _help()"
    command = [sys.executable, "-P", "-c", helper, str(os.getpid())]
    done = subprocess.run(
        command,
        input=pickle.dumps((jobs, params, root, seen)),
        stdout=subprocess.PIPE,
        cwd=root,
        check=True,
    )
    results: list[Result] = pickle.loads(done.stdout)
    return results


def _help() -> None:
    """Make the pages that standard input asks for, in a process that has no threads."""
    end_with(int(sys.argv[1]))
    sys.stdout.buffer.write(pickle.dumps(_make_warm(*pickle.load(sys.stdin.buffer))))


def _make_warm(jobs: Sequence[PageJob], params: Params, root: Path, seen: str) -> list[Result]:
    """Make pages as the runner does: from the same bytes, or not at all."""
    if not seen:
        return _fail(jobs, "số liệu bị sửa trong lúc máy điều khiển đang đọc; hãy chạy lại")
    if fingerprint(params, root) != seen:
        message = "có số liệu, kế hoạch, chương trình hoặc thư viện khác máy điều khiển"
        return _fail(jobs, f"máy làm trang {message}")
    # The same template, wherever the package lies on this machine.
    jobs = [replace(job, template=TEMPLATE) for job in jobs]
    rehearse(open_study(params, root), jobs)
    start = choose_start()
    return list(run_jobs([replace(job, start=start) for job in jobs], 1))


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
