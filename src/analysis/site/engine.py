"""The process of one page, which ends with it: papermill runs the cells in IPython's shell there.

The shell is ipykernel's own, so what a cell displays is worded just as an ordinary kernel words it;
only the sockets are missing.
"""

from __future__ import annotations

import asyncio
import copy
import ctypes
import gc
import io
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from numbers import Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ipykernel.compiler import XCachingCompiler
from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.session import Session, json_packer, json_unpacker
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from papermill.execute import remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from analysis.loading import keep_alone, open_study
from analysis.params import Params
from analysis.problems import InputError, error
from analysis.site.ledger import REPORTS, SHARED_REPORTS, Failure
from analysis.site.notebooks import (
    PictureError,
    export_page,
    find_failure,
    parse_notebook,
    read_end_mark,
    write_notebook,
)
from analysis.site.run import Start
from analysis.tables.files import STORE, TEXTS

#: Takes a cell's index and the cell as far as it ran; -1 and None once all have run.
Tell = Callable[[int, NotebookNode | None], None]
#: How often a cell that goes on printing is told of before it ends.
_TELL_SECONDS = 0.2
#: The kernel of every page, whatever a notebook says of the one that it was saved with.
_KERNEL = "python3"


class Seal(NamedTuple):
    """Which edition a page's process may know, and the project's folder."""

    params: Params
    root: str


@dataclass(frozen=True)
class PageJob:
    """A page to make."""

    page: str  # its link from the site's folder, which also tells jobs apart
    notebook: str  # the text
    parameters: dict[str, Any]
    cwd: str
    seconds: float  # how long it may run
    megabytes: int  # how much memory it may take
    template: Path
    start: Start | None = None  # the faster safe way by default
    seal: Seal | None = None  # in a run of the edition to share


@dataclass(frozen=True)
class Result:
    """What came of a job: a page, or a failure; and the executed notebook, as far as it ran."""

    page: str
    html: str | None
    executed: str | None
    failure: Failure | None


def make_page(job: PageJob, tell: Tell) -> Result:
    """Run a notebook, judge it and export it; whatever goes wrong is in the result."""
    executed = html = failure = None
    try:
        executed = _run_notebook(job, tell)
        failure = find_failure(executed)
        if failure is None:
            html = export_page(executed, read_end_mark(executed) or {}, job.template, job.cwd)
            if not html.strip():
                html, failure = None, Failure(None, "mẫu trang cho ra một trang trống")
    except PictureError as lost:
        failure = Failure(None, str(lost))
    except Exception as caught:
        # One page's trouble, of any kind, must not stop the others.
        failure = Failure(None, f"{type(caught).__name__}: {caught}")
    return Result(job.page, html, None if executed is None else write_notebook(executed), failure)


def _run_notebook(job: PageJob, tell: Tell) -> NotebookNode:
    """Run a notebook and return it as far as it ran.

    These are the steps of papermill's ``execute_notebook`` without its files: that one writes and
    parses the notebook three times on the way, and saves it some thirty times, each in place.
    """
    if job.seal is not None:
        _close(job.seal)
    manager = NotebookExecutionManager(prepare(job), progress_bar=False)
    with chdir(job.cwd), _limited_memory(job.megabytes):
        manager.notebook_start()
        _ShellClient(manager, tell).execute()
        manager.notebook_complete()
    tell(-1, None)
    executed: NotebookNode = manager.nb
    return executed


def prepare(job: PageJob) -> NotebookNode:
    """Return a job's notebook as papermill prepares it."""
    notebook = copy.deepcopy(parse_notebook(job.notebook))
    notebook.metadata["kernelspec"] = {"name": _KERNEL, "display_name": "Python 3"}
    prepared: NotebookNode = remove_error_markers(load_notebook_node(notebook))
    if job.parameters:
        prepared = parameterize_notebook(
            prepared, job.parameters, kernel_name=_KERNEL, language="python"
        )
    return prepared


class _ShellClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client with this process for a kernel: the same handling of messages and outputs."""

    def __init__(self, manager: NotebookExecutionManager, tell: Tell) -> None:
        super().__init__(manager, record_timing=False)
        self._tell, self._tell_at = tell, 0.0
        self._lock = threading.RLock()  # a cell's threads may put out too

    def execute(self, **_: Any) -> NotebookNode:
        self.reset_execution_trackers()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = dict(IPythonKernel.language_info)
        executed: NotebookNode = self.nb
        return executed

    def execute_cell(self, cell: NotebookNode, cell_index: int, **_: Any) -> NotebookNode:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or self.skip_cells_with_tag in tags:
            return cell
        shell = make_shell()
        cell.execution_count = shell.execution_count
        self._tell(cell_index, cell)
        if shell.exit_now:  # an ordinary kernel would be gone by now
            os._exit(0)
        self._tell_at, self.clear_before_next_output = 0.0, False
        shell.session.emit = partial(self._take, cell, cell_index)
        result = shell.run_cell(cell.source, store_history=True)  # type: ignore[no-untyped-call]
        for stream in shell.streams:
            stream.take_in()
        shell.session.emit = None
        self._tell(cell_index, cell)
        is_wrong = result.error_before_exec or result.error_in_exec
        is_wrong = is_wrong or shell._last_traceback_during_displayhook
        if is_wrong and "raises-exception" not in tags:
            raise CellExecutionError("", "", "")  # the cell has it all
        return cell

    def _take(self, cell: NotebookNode, index: int, kind: str, content: dict[str, Any]) -> None:
        """Take what nbclient would read from a kernel's socket, and tell the parent now and then."""
        # What is no JSON becomes what Jupyter makes of it.
        content = json_unpacker(json_packer(content))
        header = {"msg_type": kind}
        message = {"msg_type": kind, "header": header, "parent_header": {}, "content": content}
        with self._lock:
            self.process_message(message, cell, index)
            if kind == "stream" and time.monotonic() >= self._tell_at:
                self._tell(index, cell)
                self._tell_at = time.monotonic() + _TELL_SECONDS

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Join what a stream writes between two displays, as a kernel's buffer does."""
        if msg["msg_type"] == "stream" and not self.clear_before_next_output:
            for earlier in reversed(outs):
                if earlier.output_type != "stream":
                    break
                if earlier.name == msg["content"]["name"]:
                    earlier.text += msg["content"]["text"]
                    return earlier
        output: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
        return output


class _Session(Session):
    """Hands every message to a function instead of a socket; between cells nobody listens."""

    emit: Callable[[str, dict[str, Any]], None] | None = None

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *_: Any, **__: Any) -> None:
        if isinstance(msg_or_type, dict):
            msg_or_type, content = msg_or_type["msg_type"], msg_or_type["content"]
        if self.emit is not None:
            self.emit(msg_or_type, content)


class _DisplayHook(ZMQShellDisplayHook):
    """Shows what a cell's last line returns, unless it drew something.

    ``axes.set_title("...")`` returns ``Text(0.5, 1.0, '...')`` and ``axes.set_xlim(...)`` two
    numbers, which are nothing to read.
    """

    def __call__(self, result: Any = None) -> None:
        several = result if isinstance(result, list | tuple) else [result]
        homes = [type(one).__module__ for one in several]
        is_drawn = any(n.startswith("matplotlib.") and n != "matplotlib.figure" for n in homes)
        if isinstance(result, tuple) and all(isinstance(one, Real) for one in result):
            pyplot = sys.modules.get("matplotlib.pyplot")
            is_drawn = pyplot is not None and bool(pyplot.get_fignums())
        if not is_drawn:
            super().__call__(result)  # type: ignore[no-untyped-call]


class PageShell(ZMQInteractiveShell):
    """Runs one page's cells."""

    displayhook_class = _DisplayHook
    displayhook: Any
    display_pub: Any
    session: Any
    #: What stands for standard output and error, once the process is a page's own.
    streams: tuple[_Stream, ...] = ()

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no event loop to hook a window into."""


class _Stream(io.TextIOBase):
    """What ``sys.stdout`` or ``sys.stderr`` is to a cell; passed on line by line.

    What subprocesses and C code write to the file descriptor is read after each cell.
    """

    encoding = "utf-8"

    def __init__(self, name: str, number: int, session: _Session) -> None:
        self.name, self._number, self._session = name, number, session
        self._pieces: list[str] = []
        self._lock = threading.RLock()
        self._file, self._seen = tempfile.TemporaryFile(), 0  # noqa: SIM115
        os.dup2(self._file.fileno(), number)

    def fileno(self) -> int:
        return self._number

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        with self._lock:
            self._pieces.append(text)
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            text, self._pieces = "".join(self._pieces), []
        if text:
            self._session.send(None, "stream", {"name": self.name, "text": text})

    def take_in(self) -> None:
        self.flush()
        handle = self._file.fileno()
        written = os.fstat(handle).st_size - self._seen
        if written > 0:
            # Others go on writing where the file's place is left; Windows can only move it back.
            if hasattr(os, "pread"):
                text = os.pread(handle, written, self._seen)
            else:
                os.lseek(handle, self._seen, os.SEEK_SET)
                text = os.read(handle, written)
                os.lseek(handle, 0, os.SEEK_END)
            self._seen += len(text)
            self.write(text.decode("utf-8", "replace"))
            self.flush()


@cache
def make_shell() -> PageShell:
    """Return this process's shell; a warm process makes it ahead, and its forks inherit it.

    It has run an empty cell by then and chosen the backend for figures: else each fork would load
    anew what IPython takes in late, and look through all installed packages for backends.
    """
    if InteractiveShell.initialized():
        type(InteractiveShell.instance()).clear_instance()
    config = Config()
    # No history file: it would need a thread, and runs would leave traces in the user's own.
    config.HistoryManager.enabled = False
    PageShell.compiler_class = XCachingCompiler  # type: ignore[assignment]
    # The user's own IPython folder may not be usable, and what starts from it is no page's business.
    with tempfile.TemporaryDirectory() as own:
        shell = PageShell.instance(config=config, ipython_dir=own)
    shell.kernel = SimpleNamespace(eventloop=None)  # ``exit()`` looks for it
    shell.session = shell.displayhook.session = shell.display_pub.session = _Session(key=b"unused")
    shell.displayhook.pub_socket = shell.display_pub.pub_socket = "pipe"
    shell.displayhook.topic = b"execute_result"
    # Whatever backend the user's environment names: another one would show nothing, in silence.
    shell.enable_matplotlib("inline")  # type: ignore[no-untyped-call]
    html = shell.display_formatter.formatters["text/html"]  # type: ignore[union-attr]
    html.for_type_by_name("pandas", "Series", _show_series)
    shell.run_cell("None")  # type: ignore[no-untyped-call]
    return shell


def _show_series(series: Any) -> str:
    """Show a column of figures as the table that it was taken from is shown."""
    from analysis.exploring.answer import Answer

    index = series.index
    # Names that differ from each other, where there are none: spaces head an empty column.
    names = [
        name if name not in (None, series.name) else " " * (place + 1)
        for place, name in enumerate(index.names)
    ]
    frame = Answer(series.to_frame("" if series.name is None else series.name))
    if any(index.names) or not hasattr(index, "step"):  # else its rows are merely numbered
        frame = frame.reset_index(names=names)
    frame.attrs = series.attrs
    if "look" in frame.attrs:
        return frame._repr_html_()
    return str(frame.to_html(index=False, border=0, na_rep="", notebook=True))


def stand_alone(parent: int) -> None:
    """Make this process a page's own: it leads its process group and dies with its parent.

    Signals and standard input are as an ordinary kernel has them.
    """
    has_groups = hasattr(os, "setsid")
    if has_groups:
        os.setsid()
    end_with(parent)
    # What is inherited stays where it is, and a notebook's life is too short to tidy up often.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    # Without groups Ctrl-C reaches this process too, though the parent alone decides.
    signal.signal(signal.SIGINT, signal.default_int_handler if has_groups else signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.set_event_loop(asyncio.new_event_loop())
    handle = os.open(os.devnull, os.O_RDONLY)
    os.dup2(handle, 0)
    sys.stdin = os.fdopen(handle)
    shell = make_shell()
    shell.streams = _Stream("stdout", 1, shell.session), _Stream("stderr", 2, shell.session)
    sys.stdout, sys.stderr = shell.streams
    # What this package keeps from being imported (see its __init__) is nobody else's loss.
    if sys.modules.get("rfc3987_syntax", sys) is None:
        del sys.modules["rfc3987_syntax"]


def end_with(parent: int) -> None:
    """Have this process end as soon as its parent dies."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)
    else:
        threading.Thread(target=_outlive, daemon=True).start()


def _outlive() -> None:
    """Wait for the parent's end, and end too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _limited_memory(megabytes: int) -> Iterator[None]:
    """Let a cell that takes too much memory fail, rather than the system choose its victim.

    What counts is taken beside what the process has already; on Linux alone.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    status = Path("/proc/self/status").read_text("utf-8")
    taken = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    most, hard = taken * 1024 + megabytes * 2**20, before[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))

    def tell(shell: Any, kind: Any, value: Any, trace: Any, tb_offset: Any = None) -> None:
        resource.setrlimit(resource.RLIMIT_DATA, before)  # telling takes memory too
        message = f"sổ tay dùng quá {megabytes} MB bộ nhớ (tham số page_megabytes)"
        shell.showtraceback((MemoryError, MemoryError(message), trace), tb_offset=tb_offset)

    make_shell().set_custom_exc((MemoryError,), tell)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


_PROGRAMS = frozenset(
    {"os.exec", "os.forkpty", "os.posix_spawn", "os.startfile", "os.system", "subprocess.Popen"}
)
# They open files without Python's knowing.
_UNSEEN_MODULES = ("csv", "dataset", "feather", "fs", "json", "orc", "parquet")
_UNSEEN = (*_UNSEEN_MODULES, "OSFile", "input_stream", "memory_map")
# A folder with one of these holds a dataset.
_EXACT = (STORE, "roster.csv", "roster.parquet")


def _close(seal: Seal) -> None:
    """Keep the share edition alone, and refuse from now on to open what is exact.

    A fork has the edition already; a spawned process reads the tables for it now.
    """
    root = Path(seal.root)
    keep_alone(open_study(seal.params, root))
    tables, reports, shared = (
        (root / folder).resolve() for folder in (seal.params.data, REPORTS, SHARED_REPORTS)
    )

    def refuse(message: str, value: str) -> InputError:
        return InputError([error(f"sổ tay của bản chia sẻ {message}", code="sealed", value=value)])

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event in _PROGRAMS:
            raise refuse("không được chạy chương trình khác", event)
        if event in ("open", "sqlite3.connect") and isinstance(given[0], (str, bytes, os.PathLike)):
            name = os.fsdecode(given[0])
            name = unquote(urlsplit(name).path) if name.startswith("file:") else name
            path = Path(os.path.realpath(name))
            is_internal = path.is_relative_to(reports) and not path.is_relative_to(shared)
            # Its copies too, and other datasets, wherever they lie.
            is_exact = path.parent == tables or path.is_relative_to(tables / TEXTS)
            if is_exact or is_internal or any((path.parent / one).exists() for one in _EXACT):
                message = "không được đọc số liệu gốc hay bản nội bộ; hãy dùng analysis.load"
                raise refuse(message, path.name)

    sys.addaudithook(watch)
    for name in _UNSEEN_MODULES:
        sys.modules[f"pyarrow.{name}"] = None  # type: ignore[assignment]  # not to be imported
    for name in _UNSEEN:
        vars(sys.modules["pyarrow"]).pop(name, None)
