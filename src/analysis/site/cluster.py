"""The same pages from many machines: an existing Dask cluster in place of local workers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Sequence
from importlib import import_module
from typing import Any

from analysis.problems import InputError, error
from analysis.site.gate import Failure
from analysis.site.helper import Helper, Recipe
from analysis.site.pages import PageJob, Result
from analysis.site.pool import OnStart

_CONNECT_SECONDS = 20.0
#: Tasks under way for each thread of the cluster: the next one waits there, not here.
_AHEAD = 2

_own = threading.local()


def run_on_cluster(
    tasks: Sequence[PageJob], address: str, recipe: Recipe, on_start: OnStart | None = None
) -> Generator[Result, None, None]:
    """Make pages on a Dask cluster and yield each result as it comes.

    Close the iterator to stop early: what has not begun is called off.

    Parameters
    ----------
    tasks : sequence of PageJob
        The pages.
    address : str
        The scheduler's, for example ``tcp://192.168.1.10:8786``.
    recipe : Recipe
        What the workers read, at the same place on every machine.
    on_start : callable, optional
        Called with each task as it is sent.

    Raises
    ------
    InputError
        If the extra ``cluster`` is not installed, or nobody answers at the address.
    """
    distributed = _import_distributed(address)
    client = _connect(distributed, address)
    waiting = deque(tasks)
    under_way: dict[Any, PageJob] = {}
    try:
        arriving = distributed.as_completed(loop=client.loop)

        def send_more() -> None:
            most = max(1, sum(client.nthreads().values())) * _AHEAD
            while waiting and len(under_way) < most:
                task = waiting.popleft()
                # The scheduler itself gives a killed worker's task to another one.
                future = client.submit(make_page_here, task, recipe, pure=False)
                under_way[future] = task
                arriving.add(future)
                if on_start is not None:
                    on_start(task)

        send_more()
        for future in arriving:
            task = under_way.pop(future)
            yield _take(future, task)
            send_more()
    finally:
        client.cancel(list(under_way))
        client.close()


def make_page_here(task: PageJob, recipe: Recipe) -> Result:
    """Make a page on this worker, in the warm helper of this thread."""
    helper: Helper | None = getattr(_own, "helper", None)
    if helper is None or not helper.is_alive or helper.recipe != recipe:
        if helper is not None:
            helper.stop()
        helper = _own.helper = Helper(recipe)
    return helper.make(task)


def _take(future: Any, task: PageJob) -> Result:
    try:
        result: Result = future.result()
    except Exception as caught:  # one page's trouble, of any kind, must not stop the others
        message = f"cụm máy không làm được trang: {type(caught).__name__}: {caught}"
        return Result(task.page, None, None, Failure(None, message), 0.0)
    return result


def _import_distributed(address: str) -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        message = "chưa cài phần chạy trên nhiều máy; cài bằng lệnh: pip install distributed"
        raise InputError([error(message, code="no_cluster", value=address)]) from None


def _connect(distributed: Any, address: str) -> Any:
    message = "không kết nối được với bộ điều phối Dask ở địa chỉ này"
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError):
        raise InputError([error(message, code="no_scheduler", value=address)]) from None
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError:
        client.close()
        message = "bộ điều phối Dask ở địa chỉ này không có máy làm trang nào"
        raise InputError([error(message, code="no_workers", value=address)]) from None
    return client
