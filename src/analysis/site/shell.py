"""The child's side of a forked kernel: IPython runs the cells, a pipe takes their messages.

The shell is ipykernel's own, so what a cell displays is worded just as an ordinary kernel words it;
only the sockets are missing. Everything here runs in a process that ends with the notebook.
"""

from __future__ import annotations

import asyncio
import builtins
import ctypes
import gc
import io
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.session import Session, json_packer
from traitlets.config import Config

from analysis.site.seal import Seal, close

Message = dict[str, Any]
#: The only backend whose figures reach a page.
INLINE = "module://matplotlib_inline.backend_inline"


class _Session(Session):
    """Hands every message to a function instead of a socket."""

    emit: Callable[[str, Message], None]

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *_: Any, **__: Any) -> None:
        """Pass on a message, or a type and a content."""
        if isinstance(msg_or_type, dict):
            self.emit(msg_or_type["msg_type"], msg_or_type["content"])
        else:
            self.emit(msg_or_type, content)


class _Shell(ZMQInteractiveShell):
    displayhook: Any
    display_pub: Any

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no event loop to hook a window into."""


class _Stream(io.TextIOBase):
    """What ``sys.stdout`` and ``sys.stderr`` are to a cell; passed on line by line."""

    def __init__(self, name: str, number: int, emit: Callable[[str, Message], None]) -> None:
        self.name, self._number, self._emit = name, number, emit
        self._pieces: list[str] = []
        self._lock = threading.RLock()

    encoding = "utf-8"

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
            self._emit("stream", {"name": self.name, "text": text})


class _Descriptor:
    """What subprocesses and C code write to file descriptor 1 or 2, read after each cell."""

    def __init__(self, stream: _Stream) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._stream, self._seen = stream, 0
        os.dup2(self._file.fileno(), stream.fileno())

    def pass_on(self) -> None:
        handle = self._file.fileno()
        size = os.fstat(handle).st_size
        if size > self._seen:
            text = os.pread(handle, size - self._seen, self._seen)
            self._seen = size
            self._stream.write(text.decode("utf-8", "replace"))


@cache
def make_shell() -> _Shell:
    """Return this process's shell; a warm process makes it ahead, and its forks inherit it.

    It has run an empty cell by then and chosen the backend for figures: else each fork would load
    anew what IPython takes in late, and look through all installed packages for backends.
    """
    if InteractiveShell.initialized():
        type(InteractiveShell.instance()).clear_instance()
    config = Config()
    # No history file: it would need a thread, and runs would leave traces in the user's own.
    config.HistoryManager.enabled = False
    _Shell.compiler_class = XCachingCompiler  # type: ignore[assignment]
    # The user's own IPython folder may not be usable, and what starts from it is no page's business.
    with tempfile.TemporaryDirectory() as own:
        shell = _Shell.instance(config=config, ipython_dir=own)
    shell.kernel = SimpleNamespace(eventloop=None)  # ``exit()`` looks for it
    session = _Session(key=b"unused")
    shell.displayhook.session = shell.display_pub.session = session
    shell.displayhook.pub_socket = shell.display_pub.pub_socket = "pipe"
    shell.displayhook.topic = b"execute_result"
    _use_inline_figures()
    shell.run_cell("None")  # type: ignore[no-untyped-call]
    return shell


def serve(pipe: Connection, parent: int, megabytes: int, seal: Seal | None) -> NoReturn:
    """Run the cells that come through the pipe until it is closed, then end the process.

    Parameters
    ----------
    pipe : Connection
        Brings one cell's source at a time; takes messages, which are JSON as an ordinary kernel's
        are: ``[type, content]``, the last one of each cell being ``["execute_reply", …]``.
    parent : int
        The process without which there is no point in running.
    megabytes : int
        How much memory may be taken, beside what this process has already.
    seal : Seal or None
        What alone the cells may know, on a page of the edition to share.
    """
    try:
        _stand_alone(parent)
        lock = threading.Lock()

        def emit(kind: str, content: Message) -> None:
            # What is no JSON becomes what Jupyter makes of it.
            packed = json_packer([kind, content])
            with lock:
                pipe.send_bytes(packed)

        shell = make_shell()
        shell.display_pub.session.emit = emit
        streams = [_Stream("stdout", 1, emit), _Stream("stderr", 2, emit)]
        sys.stdout, sys.stderr = streams
        descriptors = [_Descriptor(stream) for stream in streams]
        _limit_memory(shell, megabytes)
        if seal is not None:
            close(seal)
        while True:
            try:
                source = pipe.recv()
            except EOFError:
                break
            emit("execute_input", {"execution_count": shell.execution_count})
            reply = _run_cell(shell, source)
            for stream, descriptor in zip(streams, descriptors, strict=True):
                stream.flush()
                descriptor.pass_on()
                stream.flush()
            emit("execute_reply", reply)
            if shell.exit_now:
                break
    finally:
        # Nothing of the parent's (exit handlers, buffered output, test runners) may run here.
        os._exit(0)


def _run_cell(shell: _Shell, source: str) -> Message:
    result = shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
    failure = result.error_before_exec or result.error_in_exec
    if failure is None and not shell._last_traceback_during_displayhook:
        return {"status": "ok"}
    return {
        "status": "error",
        "ename": type(failure).__name__,
        "evalue": str(failure),
        "traceback": shell._last_traceback or [],
    }


def _stand_alone(parent: int) -> None:
    """Be a group of one's own that dies with the parent, with signals as a kernel has them."""
    os.setsid()
    end_with(parent)
    # What is inherited stays where it is, and a notebook's life is too short to tidy up often.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.set_event_loop(asyncio.new_event_loop())
    handle = os.open(os.devnull, os.O_RDONLY)
    os.dup2(handle, 0)
    sys.stdin = os.fdopen(handle)
    builtins.input = _refuse_input
    # What this package keeps from being imported (see its __init__) is nobody else's loss.
    if sys.modules.get("rfc3987_syntax", sys) is None:
        del sys.modules["rfc3987_syntax"]


def _limit_memory(shell: _Shell, megabytes: int) -> None:
    """Let a cell that takes too much memory fail, rather than the system choose its victim."""
    if sys.platform != "linux":
        return
    import resource

    status = Path("/proc/self/status").read_text("utf-8")
    taken = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = taken * 1024 + megabytes * 2**20
    hard = before[1]
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    def tell(shell: Any, kind: Any, value: Any, trace: Any, tb_offset: Any = None) -> None:
        resource.setrlimit(resource.RLIMIT_DATA, before)  # telling takes memory too
        message = f"sổ tay dùng quá {megabytes} MB bộ nhớ (tham số page_megabytes)"
        failure = MemoryError(message)
        lines = shell.InteractiveTB.structured_traceback(MemoryError, failure, trace, tb_offset)
        shell._showtraceback(MemoryError, failure, lines)

    shell.set_custom_exc((MemoryError,), tell)  # type: ignore[no-untyped-call]


def end_with(parent: int) -> None:
    """Have Linux kill this process as soon as its parent dies."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)


def _refuse_input(prompt: object = "") -> str:
    message = "raw_input was called, but this frontend does not support input requests."
    raise StdinNotImplementedError(message)


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
