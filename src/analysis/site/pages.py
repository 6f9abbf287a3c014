"""One page: a task that is plain data goes in, a result that is plain data comes out.

The same function works in a forked worker, in a spawned one and on another machine; nothing of it
writes a file.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from analysis.site.engine import Start, run_notebook
from analysis.site.export import PictureError, Template, export_page
from analysis.site.gate import Failure, find_failure, read_end_mark
from analysis.site.notebooks import write_notebook
from analysis.site.seal import Seal

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageJob:
    """A page to make.

    Attributes
    ----------
    page : str
        Its link from the site's folder, which also tells tasks apart.
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
    template : Template
        What it is exported with.
    start : {"fork", "kernel"}
        How its kernel is started.
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
    template: Template
    start: Start
    seal: Seal | None = None


@dataclass(frozen=True)
class Result:
    """What came of a task.

    Attributes
    ----------
    page : str
        The task's page.
    html : str or None
        The page; None if the task failed.
    executed : str or None
        The executed notebook, as far as it ran.
    failure : Failure or None
        Why there is no page.
    seconds : float
        Wall time.
    """

    page: str
    html: str | None
    executed: str | None
    failure: Failure | None
    seconds: float


def make_page(task: PageJob) -> Result:
    """Run a notebook, judge it and export it; whatever goes wrong is in the result."""
    began = time.monotonic()
    executed: NotebookNode | None = None
    html = None
    try:
        executed = run_notebook(
            task.notebook,
            task.parameters,
            start=task.start,
            cwd=task.cwd,
            seconds=task.seconds,
            megabytes=task.megabytes,
            seal=task.seal,
        )
        failure = find_failure(executed)
        if failure is None:
            html = export_page(executed, read_end_mark(executed) or {}, task.template, task.cwd)
            if not html.strip():
                html, failure = None, Failure(None, "mẫu trang cho ra một trang trống")
    except PictureError as lost:
        failure = Failure(None, str(lost))
    except Exception as caught:
        # One page's trouble, of any kind, must not stop the others.
        _log.debug("page %s", task.page, exc_info=True)
        failure = Failure(None, f"{type(caught).__name__}: {caught}")
    text = None if executed is None else write_notebook(executed)
    return Result(task.page, html, text, failure, time.monotonic() - began)
