"""The same pages from many machines: an existing Dask cluster in place of this machine's processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from analysis.loading import open_study
from analysis.pages.template import TEMPLATE
from analysis.params import Params
from analysis.problems import InputError, error
from analysis.site.gate import Failure
from analysis.site.ledger import fingerprint
from analysis.site.pages import PageJob, Result, choose_start, rehearse, run_jobs
from analysis.site.shell import end_with

_CONNECT_SECONDS = 20.0
#: Pages of one call: enough to make up for reading the tables, few enough to lose with a machine.
_MOST = 40


def run_on_cluster(
    jobs: Sequence[PageJob], address: str, params: Params, root: Path, seen: str
) -> Generator[Result, None, None]:
    """Make pages on a Dask cluster and yield each result as it comes.

    Parameters
    ----------
    jobs : sequence of PageJob
        The pages.
    address : str
        The scheduler's, for example ``tcp://192.168.1.10:8786``.
    params : Params
        The settings of the run.
    root : Path
        The project's folder, at the same place on every machine.
    seen : str
        What the runner saw there (`analysis.site.ledger.fingerprint`).

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
        size = max(1, min(_MOST, len(jobs) // (2 * threads)))
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
    command = [sys.executable, "-m", "analysis.site.cluster", str(os.getpid())]
    done = subprocess.run(
        command,
        input=pickle.dumps((jobs, params, root, seen)),
        stdout=subprocess.PIPE,
        cwd=root,
        check=True,
    )
    results: list[Result] = pickle.loads(done.stdout)
    return results


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


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    sys.stdout.buffer.write(pickle.dumps(_make_warm(*pickle.load(sys.stdin.buffer))))
