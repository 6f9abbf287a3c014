"""A warm process beside a busy one: it has no threads, so that it may fork kernels.

A Dask worker runs threads, and a fork of it would not be safe. Each of its threads keeps one helper,
which reads the study once and then makes page after page.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from analysis.params import Params
from analysis.site.gate import Failure
from analysis.site.layout import NOTEBOOKS
from analysis.site.pages import PageJob, Result, make_page
from analysis.site.pool import GRACE_SECONDS, choose_start, obey_parent
from analysis.site.shell import make_shell
from analysis.site.templates import TEMPLATE
from analysis.site.unchanged import fingerprint

#: How long a helper may take to read the study.
_LOAD_SECONDS = 1800.0


@dataclass(frozen=True)
class Recipe:
    """What a helper needs to be warm.

    Attributes
    ----------
    params : Params
        The settings of the run.
    root : str
        The project's folder, at the same place on every machine.
    seen : str
        What the runner saw there (`analysis.site.unchanged.fingerprint`).
    """

    params: Params
    root: str
    seen: str


class Helper:
    """A warm process and the pipe to it.

    Parameters
    ----------
    recipe : Recipe
        What it reads.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._pipe, far_end = Pipe()
        command = "from analysis.site.helper import serve; serve({}, {})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", command.format(far_end.fileno(), os.getpid())],
            pass_fds=[far_end.fileno()],
            stdin=subprocess.DEVNULL,
            cwd=recipe.root,
        )
        far_end.close()
        self._seconds = _LOAD_SECONDS  # for the first page, before which it reads the study
        self._pipe.send(recipe)

    def make(self, task: PageJob) -> Result:
        """Make a page; a helper that dies or hangs is a failure of the page it was at."""
        began = time.monotonic()
        message = "tiến trình làm trang không trả lời"
        with suppress(EOFError, ConnectionError):
            self._pipe.send(task)
            message = "tiến trình làm trang đã chết"
            if self._pipe.poll(self._seconds + task.seconds + GRACE_SECONDS):
                result: Result = self._pipe.recv()
                self._seconds = 0.0
                return result
            message = "tiến trình làm trang không trả lời"
        self.stop()
        return Result(task.page, None, None, Failure(None, message), time.monotonic() - began)

    @property
    def is_alive(self) -> bool:
        """Whether it can make pages."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it, and with it the kernel that it may be running."""
        self._pipe.close()
        self._process.terminate()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(handle: int, parent: int) -> None:
    """Make pages until the other end is closed; what `Helper` runs."""
    obey_parent(parent)
    pipe = Connection(handle)
    recipe: Recipe = pipe.recv()
    wrong = _get_warm(recipe)
    with suppress(EOFError, ConnectionError):
        while True:
            task: PageJob = pipe.recv()
            if wrong is not None:
                pipe.send(Result(task.page, None, None, wrong, 0.0))
                continue
            # The same template, wherever the package lies on this machine.
            pipe.send(make_page(replace(task, template=TEMPLATE, start=choose_start())))


def _get_warm(recipe: Recipe) -> Failure | None:
    """Read the study, and tell what would make other pages here than where the run was started."""
    from analysis.loading import open_study
    from analysis.site.rehearsal import rehearse_notebooks

    root = Path(recipe.root)
    try:
        study = open_study(recipe.params, root)
    except Exception as caught:
        return Failure(None, f"máy làm trang không đọc được số liệu: {caught}")
    if not recipe.seen:
        return Failure(None, "số liệu bị sửa trong lúc máy điều khiển đang đọc; hãy chạy lại")
    if fingerprint(recipe.params, root) != recipe.seen:
        message = (
            "máy làm trang có số liệu, kế hoạch, chương trình hoặc thư viện khác máy điều khiển"
        )
        return Failure(None, message)
    texts = [(root / "notebooks" / name).read_text("utf-8") for name in NOTEBOOKS]
    rehearse_notebooks(study, texts, TEMPLATE)
    make_shell()
    return None
