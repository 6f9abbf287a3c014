"""papermill's engine for pages: the cells run in this very process, which is the page's own.

A process that died or ran out of time becomes an error of the cell it was in, so that the gate has
one thing to look at.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import chdir
from functools import lru_cache
from itertools import groupby
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import json_packer, json_unpacker
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.execute import remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from analysis.site.notebooks import parse_notebook
from analysis.site.seal import Seal, close
from analysis.site.shell import Message, limited_memory, make_shell

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
    """Run a notebook with papermill.

    These are the steps of papermill's ``execute_notebook`` without its files: that one writes and
    parses the notebook three times on the way, and saves it some thirty times, each in place.

    Parameters
    ----------
    text : str
        The notebook's.
    parameters : dict
        What its cell tagged ``parameters`` is overridden with: plain Python values.
    cwd : str
        The folder that it runs in.
    **limits
        ``megabytes`` (how much memory it may take), ``seal`` (what alone it may know, or None) and
        ``tell`` (takes its messages as they come).

    Returns
    -------
    NotebookNode
        The notebook as far as it ran, whatever happened: only the gate tells whether it is good.
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

    Parameters
    ----------
    text, parameters
        As `run_notebook` had them.
    told : iterable of (int, str, dict)
        What it handed to ``tell``; not empty.
    error : (str, str)
        What the cell it was in ends with: an error's name and message.
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
    prepared = copy.deepcopy(_prepare(text))
    if parameters:
        prepared = parameterize_notebook(
            prepared, parameters, kernel_name=_KERNEL, language="python", engine_name=_ENGINE
        )
    return prepared


@lru_cache(maxsize=2)
def _prepare(text: str) -> NotebookNode:
    """Return the notebook of a text as papermill reads it; not to be changed."""
    notebook = copy.deepcopy(parse_notebook(text))
    # Whatever it was saved with, or nothing: there is one kernel here.
    notebook.metadata["kernelspec"] = {"name": _KERNEL, "display_name": "Python 3"}
    prepared: NotebookNode = remove_error_markers(load_notebook_node(notebook))
    return prepared
