"""The process of one page, which ends with it: papermill runs the cells in IPython's shell there.

The shell is ipykernel's own, so what a cell displays is worded just as an ordinary kernel words it;
only the sockets are missing. A process that died or ran out of time becomes an error of the cell it
was in, so that the judge of the notebook has one thing to look at.
"""

from __future__ import annotations

import asyncio
import builtins
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
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager
from functools import cache
from itertools import groupby
from numbers import Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ipykernel.compiler import XCachingCompiler
from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.session import Session, json_packer, json_unpacker
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.execute import remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from analysis.params import Params
from analysis.problems import InputError, error
from analysis.site.layout import REPORTS, SHARED_REPORTS
from analysis.site.notebooks import parse_notebook
from analysis.tables.files import STORE, TEXTS

Message = dict[str, Any]
#: Takes what a cell puts out: a type of Jupyter's messages and its content.
Emit = Callable[[str, Message], None]
#: The only backend whose figures reach a page.
INLINE = "module://matplotlib_inline.backend_inline"


class _Session(Session):
    """Hands every message to a function instead of a socket."""

    emit: Emit | None = None

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *_: Any, **__: Any) -> None:
        """Pass on a message, or a type and a content; between cells nobody listens."""
        if self.emit is None:
            return
        if isinstance(msg_or_type, dict):
            self.emit(msg_or_type["msg_type"], msg_or_type["content"])
        else:
            self.emit(msg_or_type, content)


class _DisplayHook(ZMQShellDisplayHook):
    """Shows what a cell's last line returns, unless it drew something.

    ``axes.set_title("...")`` returns ``Text(0.5, 1.0, '...')`` and ``axes.set_xlim(...)`` two
    numbers, which are nothing to read.
    """

    def __call__(self, result: Any = None) -> None:
        """Show a result."""
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
    #: What stands for standard output and error, once the process is a page's own.
    streams: tuple[_Stream, ...] = ()

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no event loop to hook a window into."""

    def run(self, source: str, emit: Emit) -> Message:
        """Run a cell and return an ordinary kernel's reply.

        What it puts out is handed over in the order in which an ordinary kernel would send it.
        """
        session = self.display_pub.session
        session.emit = emit
        emit("execute_input", {"execution_count": self.execution_count})
        result = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        for stream in self.streams:
            stream.take_in()
        session.emit = None
        failure = result.error_before_exec or result.error_in_exec
        if failure is None and not self._last_traceback_during_displayhook:
            return {"status": "ok"}
        return {
            "status": "error",
            "ename": type(failure).__name__,
            "evalue": str(failure),
            "traceback": self._last_traceback or [],
        }


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
            # The place at which others write stays; Windows can only move it back.
            if hasattr(os, "pread"):
                text = os.pread(handle, written, self._seen)
            else:
                os.lseek(handle, self._seen, os.SEEK_SET)
                text = os.read(handle, written)
                os.lseek(handle, 0, os.SEEK_END)
            self._seen += written
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
    shell.displayhook.session = shell.display_pub.session = _Session(key=b"unused")
    shell.displayhook.pub_socket = shell.display_pub.pub_socket = "pipe"
    shell.displayhook.topic = b"execute_result"
    _use_inline_figures()
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


def _use_inline_figures() -> None:
    """Show figures as an ordinary kernel does, though matplotlib is imported already.

    Whatever backend the user's environment names: another one would show nothing, in silence.
    """
    os.environ["MPLBACKEND"] = INLINE
    # The backend hooks itself into the shell when it is first imported.
    sys.modules.pop("matplotlib_inline.backend_inline", None)
    if "matplotlib" in sys.modules:
        import matplotlib

        matplotlib.rcParams["backend"] = INLINE
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and getattr(pyplot, "_backend_mod", None) is not None:
        pyplot.switch_backend(INLINE)


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

    def refuse_input(prompt: object = "") -> str:
        message = "raw_input was called, but this frontend does not support input requests."
        raise StdinNotImplementedError(message)

    builtins.input = refuse_input
    shell = make_shell()
    session = shell.display_pub.session
    shell.streams = (_Stream("stdout", 1, session), _Stream("stderr", 2, session))
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
def limited_memory(megabytes: int) -> Iterator[None]:
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
        failure = MemoryError(message)
        lines = shell.InteractiveTB.structured_traceback(MemoryError, failure, trace, tb_offset)
        shell._showtraceback(MemoryError, failure, lines)

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


class Seal(NamedTuple):
    """Which edition a page's process may know, and the project's folder."""

    params: Params
    root: str


def close(seal: Seal) -> None:
    """Keep the share edition alone, and refuse from now on to open what is exact.

    A fork has the edition already; a spawned process reads the tables for it now.
    """
    from analysis.loading import keep_alone, open_study

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


#: Takes each message of a cell as it comes: the cell's index, the message's type and its content.
Tell = Callable[[int, str, Message], None]


class _ShellClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client with this process for a kernel: the same handling of messages and outputs."""

    def __init__(self, manager: Any, tell: Tell) -> None:
        super().__init__(manager, record_timing=False)
        self._tell = tell
        self._lock = threading.RLock()

    def execute(self, **_: Any) -> NotebookNode:
        self.reset_execution_trackers()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = dict(IPythonKernel.language_info)
        executed: NotebookNode = self.nb
        return executed

    def execute_cell(self, cell: NotebookNode, cell_index: int, **_: Any) -> NotebookNode:
        skipped = self.skip_cells_with_tag in cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or skipped:
            return cell
        cell.outputs = []
        shell = make_shell()
        if shell.exit_now:  # an ordinary kernel would be gone by now
            self._tell(cell_index, "execute_input", {})
            os._exit(0)

        def emit(kind: str, content: Message) -> None:
            # What is no JSON becomes what Jupyter makes of it.
            content = json_unpacker(json_packer(content))
            with self._lock:
                self._tell(cell_index, kind, content)
                self.take(kind, content, cell, cell_index)

        reply = shell.run(cell.source, emit)
        self._tell(cell_index, "execute_reply", {})
        if reply["status"] == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            raise CellExecutionError.from_cell_and_msg(cell, reply)
        return cell

    def take(self, kind: str, content: Message, cell: NotebookNode, cell_index: int) -> None:
        """Take what nbclient would read from a kernel's socket."""
        if kind == "execute_input":
            self.clear_before_next_output = False
        header = {"msg_type": kind}
        message = {"msg_type": kind, "header": header, "parent_header": {}, "content": content}
        self.process_message(message, cell, cell_index)

    def output(
        self, outs: list[NotebookNode], msg: Message, display_id: str | None, cell_index: int
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


class ShellEngine(Engine):  # type: ignore[misc]
    """Runs the cells in this process, which should end with the page."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        megabytes: int,
        seal: Seal | None,
        tell: Tell,
        **_: Any,
    ) -> None:
        """Run the notebook that papermill manages."""
        if seal is not None:
            close(seal)
        with limited_memory(megabytes):
            _ShellClient(nb_man, tell).execute()


#: The kernel of every page, whatever a notebook says of the one that it was saved with.
_KERNEL = "python3"
_ENGINE = "congdoan"
papermill_engines.register(_ENGINE, ShellEngine)


def run_notebook(text: str, parameters: dict[str, Any], *, cwd: str, **limits: Any) -> NotebookNode:
    """Run a notebook with papermill in a folder, and return it as far as it ran, whatever happened.

    These are the steps of papermill's ``execute_notebook`` without its files: that one writes and
    parses the notebook three times on the way, and saves it some thirty times, each in place.

    Parameters
    ----------
    text, parameters, cwd
        The notebook's, what its cell tagged ``parameters`` is overridden with, and the folder.
    **limits
        ``megabytes`` (how much memory it may take), ``seal`` (what alone it may know, or None) and
        ``tell`` (takes its messages as they come).
    """
    prepared = _parameterise(text, parameters)
    with chdir(cwd):
        executed: NotebookNode = papermill_engines.execute_notebook_with_engine(
            _ENGINE, prepared, _KERNEL, progress_bar=False, **limits
        )
    return executed


def replay(
    text: str,
    parameters: dict[str, Any],
    told: Iterable[tuple[int, str, Message]],
    error: tuple[str, str],
) -> NotebookNode:
    """Return the notebook of a process that ended in the middle, from what it had told until then.

    The cell that it was in ends with the error's name and message.
    """
    notebook = _parameterise(text, parameters)
    manager = NotebookExecutionManager(notebook, progress_bar=False)
    manager.notebook_start()
    client = _ShellClient(manager, lambda *_: None)
    index = -1
    for (index, kind, name), messages in groupby(told, lambda m: (m[0], m[1], m[2].get("name"))):
        contents = [content for _, _, content in messages]
        if kind == "stream":  # there may be a million of them
            contents = [{"name": name, "text": "".join(content["text"] for content in contents)}]
        for content in contents if kind != "execute_reply" else ():
            client.take(kind, content, notebook.cells[index], index)
    ended = {"output_type": "error", "ename": error[0], "evalue": error[1], "traceback": []}
    notebook.cells[index].outputs.append(NotebookNode(ended))  # type: ignore[no-untyped-call]
    return notebook


def _parameterise(text: str, parameters: dict[str, Any]) -> NotebookNode:
    """Return the notebook of a text as papermill prepares it."""
    notebook = copy.deepcopy(parse_notebook(text))
    # Whatever it was saved with, or nothing: there is one kernel here.
    notebook.metadata["kernelspec"] = {"name": _KERNEL, "display_name": "Python 3"}
    prepared: NotebookNode = remove_error_markers(load_notebook_node(notebook))
    if parameters:
        prepared = parameterize_notebook(
            prepared, parameters, kernel_name=_KERNEL, language="python", engine_name=_ENGINE
        )
    return prepared
