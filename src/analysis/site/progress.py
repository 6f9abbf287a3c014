"""What is running, how long it will take, how much has failed: one line on standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tqdm import tqdm

Progress = Callable[["Status"], None]
_FORMAT = "{desc} |{bar}| {n_fmt}/{total_fmt} trang, còn {remaining}{postfix}"


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes
    ----------
    done, total : int
        Pages.
    failed : int
        How many of those done have failed.
    running : tuple of str
        What is being made.
    """

    done: int
    total: int
    failed: int
    running: tuple[str, ...]


class _ProgressBar(tqdm):  # type: ignore[misc]
    monitor_interval = 0  # it would be a thread, and workers may still have to be forked


@contextmanager
def show_bar(total: int) -> Iterator[Progress]:
    """Draw a progress bar on standard error as long as the context lasts."""
    _ProgressBar.set_lock(threading.RLock())
    is_live = sys.stderr.isatty()
    bar = _ProgressBar(
        total=total,
        file=sys.stderr,
        bar_format=_FORMAT,
        mininterval=0.2 if is_live else 30.0,
        dynamic_ncols=is_live,
        leave=is_live,
    )

    def show(status: Status) -> None:
        names = ", ".join(status.running[:3]) + ("…" if len(status.running) > 3 else "")
        bar.set_description_str(f"Đang làm {names}" if names else "Làm trang", refresh=False)
        bar.set_postfix_str(f"lỗi: {status.failed}", refresh=False)
        bar.update(status.done - bar.n)

    with bar:
        yield show
