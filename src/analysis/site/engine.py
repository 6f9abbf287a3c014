"""papermill's engines for pages: a kernel forked from a warm process, or an ordinary one.

Both run an ordinary notebook and leave their findings in it: a kernel that died or ran out of time
becomes an error of the cell it was in, so that the gate has one thing to look at.
"""

from __future__ import annotations

import copy
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from functools import lru_cache, partial
from multiprocessing import Pipe
from typing import Any, Literal, Self

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import json_unpacker
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NBClientEngine, papermill_engines
from papermill.execute import remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from analysis.site.notebooks import parse_notebook
from analysis.site.seal import Seal
from analysis.site.shell import INLINE, Message, serve

#: How kernels are started: forked from the warm process, or as ordinary kernels.
Start = Literal["fork", "kernel"]

_TIME_IS_UP = "TimeoutError"
_DEAD = "DeadKernelError"
_MOST_STARTS = 3


class _KernelEndedError(Exception):
    """A forked kernel that will not answer any more: the error's name and what happened."""


class _KernelNotStartedError(Exception):
    """An ordinary kernel that ended before its first cell."""


class ForkedKernel:
    """A fork of this process that runs the cells of one notebook.

    Parameters
    ----------
    seconds : float
        How long it may live.
    megabytes : int
        How much memory it may take beside what it has from this process (on Linux).
    seal : Seal, optional
        What alone it may know.
    """

    def __init__(self, seconds: float, megabytes: int, seal: Seal | None = None) -> None:
        parent = os.getpid()
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._pipe, child_end = Pipe()
        with warnings.catch_warnings():
            # From Python 3.12 on fork warns about numpy's threads too, which survive it; the
            # caller has made sure that there are none of Python's.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = os.fork()
        if self._process == 0:
            self._pipe.close()
            serve(child_end, parent, megabytes, seal)
        child_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, source: str) -> Iterator[tuple[str, Message]]:
        """Run one cell and yield its messages, of which ``execute_reply`` is the last.

        Raises
        ------
        _KernelEndedError
            If the kernel dies or its time is up.
        """
        kind = ""
        try:
            self._pipe.send(source)
            while kind != "execute_reply":
                if not self._pipe.poll(max(0.0, self._deadline - time.monotonic())):
                    message = f"chạy quá thời hạn {self._seconds:g} giây"
                    raise _KernelEndedError(_TIME_IS_UP, message)
                kind, content = json_unpacker(self._pipe.recv_bytes())
                yield kind, content
        except (EOFError, ConnectionError):
            message = f"tiến trình chạy sổ tay {self._read_end()}"
            raise _KernelEndedError(_DEAD, message) from None

    def stop(self) -> None:
        """End the kernel and all that it started."""
        if self._process == 0:
            return
        self._pipe.close()
        # It is not yet reaped, so the number is still its own; what it started is in its group.
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError):
                kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        self._process = 0

    def _read_end(self) -> str:
        """Tell how a kernel ended that has closed its end of the pipe."""
        soon = time.monotonic() + 1.0
        while time.monotonic() < soon:
            end = os.waitid(os.P_PID, self._process, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if end is not None:
                if end.si_code == os.CLD_EXITED:
                    return f"đã tự thoát (mã {end.si_status})"
                return f"đã bị ngắt ({signal.Signals(end.si_status).name})"
            time.sleep(0.005)
        return "không còn trả lời"


class _ForkedClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client with a pipe for a kernel: the same handling of messages and outputs."""

    def __init__(self, manager: Any, kernel: ForkedKernel, **settings: Any) -> None:
        super().__init__(manager, record_timing=False, **settings)
        self._kernel = kernel

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
        self.clear_before_next_output = False
        reply: Message = {}
        try:
            for kind, content in self._kernel.run(cell.source):
                if kind == "execute_reply":
                    reply = content
                else:
                    self.process_message(_as_message(kind, content), cell, cell_index)
        except _KernelEndedError as failure:
            ename, evalue = failure.args
            reply = {"status": "error", "ename": ename, "evalue": evalue, "traceback": []}
            cell.outputs.append(_as_output(ename, evalue))
        if reply["status"] == "error" and not _may_fail(cell):
            raise CellExecutionError.from_cell_and_msg(cell, reply)
        return cell

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


def _as_message(kind: str, content: Message) -> Message:
    """Return what nbclient takes for a message from a kernel's socket."""
    header = {"msg_type": kind}
    return {"msg_type": kind, "header": header, "parent_header": {}, "content": content}


def _may_fail(cell: NotebookNode) -> bool:
    return "raises-exception" in cell.metadata.get("tags", [])


class ForkEngine(Engine):  # type: ignore[misc]
    """Runs the cells in a fork of this process, which should be warm and without threads."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        seconds: float,
        megabytes: int,
        seal: Seal | None,
        **_: Any,
    ) -> None:
        """Run the notebook that papermill manages."""
        with ForkedKernel(seconds, megabytes, seal) as kernel:
            _ForkedClient(nb_man, kernel).execute()


class KernelEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own way, with one time limit for the whole notebook."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        seconds: float,
        megabytes: int,
        seal: Seal | None,
        **settings: Any,
    ) -> None:
        """Run the notebook that papermill manages."""
        deadline = time.monotonic() + seconds
        closing = [f"--IPKernelApp.exec_lines={seal.as_code()}"] if seal is not None else []
        run = partial(
            super().execute_managed_notebook,
            nb_man,
            kernel_name,
            timeout_func=lambda _: max(1, round(deadline - time.monotonic())),
            shutdown_kernel="immediate",
            start_timeout=round(max(60, seconds)),  # a closed kernel reads the tables first
            # Each kernel would warn about its unencrypted, local port.
            extra_arguments=["--log-level=CRITICAL", *closing],
            **settings,
        )
        try:
            for _ in range(_MOST_STARTS - 1):
                with suppress(_KernelNotStartedError):
                    return _start(run, nb_man.nb)
            run()
        except CellTimeoutError:
            _mark_running_cell(nb_man.nb, _TIME_IS_UP, f"chạy quá thời hạn {seconds:g} giây")
        except DeadKernelError:
            _mark_running_cell(nb_man.nb, _DEAD, "tiến trình chạy sổ tay đã chết")


def _start(run: Callable[[], None], notebook: NotebookNode) -> None:
    """Run a notebook; tell a kernel that never started from one that died at work.

    A port is chosen first and opened later: on a busy machine somebody else may have taken it.
    """
    try:
        run()
    except (RuntimeError, DeadKernelError) as failure:
        if any(cell.metadata.papermill["start_time"] for cell in notebook.cells):
            raise
        raise _KernelNotStartedError from failure


def _as_output(ename: str, evalue: str) -> NotebookNode:
    output = {"output_type": "error", "ename": ename, "evalue": evalue, "traceback": []}
    return NotebookNode(output)  # type: ignore[no-untyped-call]


def _mark_running_cell(notebook: NotebookNode, ename: str, evalue: str) -> None:
    started = [cell for cell in notebook.cells if cell.metadata.papermill["start_time"]]
    started[-1].outputs.append(_as_output(ename, evalue))


#: The kernel of every page, whatever a notebook says of the one that it was saved with.
_KERNEL = "python3"
_ENGINES: dict[Start, str] = {"fork": "congdoan-fork", "kernel": "congdoan-kernel"}
papermill_engines.register(_ENGINES["fork"], ForkEngine)
papermill_engines.register(_ENGINES["kernel"], KernelEngine)


def run_notebook(
    text: str,
    parameters: dict[str, Any],
    *,
    start: Start,
    cwd: str,
    seconds: float,
    megabytes: int = 4000,
    seal: Seal | None = None,
) -> NotebookNode:
    """Run a notebook with papermill.

    These are the steps of papermill's ``execute_notebook`` without its files: that one writes and
    parses the notebook three times on the way, and saves it some thirty times, each in place.

    Parameters
    ----------
    text : str
        The notebook's.
    parameters : dict
        What its cell tagged ``parameters`` is overridden with: plain Python values.
    start : {"fork", "kernel"}
        How to start its kernel.
    cwd : str
        The folder that it runs in.
    seconds : float
        How long it may run.
    megabytes : int
        How much memory it may take, where kernels are forked on Linux.
    seal : Seal, optional
        On a page of the edition to share: what alone its kernel may know.

    Returns
    -------
    NotebookNode
        The notebook as far as it ran, whatever happened: only the gate tells whether it is good.
    """
    engine = _ENGINES[start]
    os.environ["MPLBACKEND"] = INLINE  # an ordinary kernel would keep what it finds
    prepared = copy.deepcopy(_prepare(text))
    if parameters:
        prepared = parameterize_notebook(
            prepared, parameters, kernel_name=_KERNEL, language="python", engine_name=engine
        )
    with chdir(cwd):
        executed: NotebookNode = papermill_engines.execute_notebook_with_engine(
            engine,
            prepared,
            _KERNEL,
            progress_bar=False,
            seconds=seconds,
            megabytes=megabytes,
            seal=seal,
        )
    return executed


@lru_cache(maxsize=2)
def _prepare(text: str) -> NotebookNode:
    """Return the notebook of a text as papermill reads it; not to be changed."""
    notebook = copy.deepcopy(parse_notebook(text))
    # Whatever it was saved with, or nothing: there is one kernel here.
    notebook.metadata["kernelspec"] = {"name": _KERNEL, "display_name": "Python 3"}
    prepared: NotebookNode = remove_error_markers(load_notebook_node(notebook))
    return prepared
