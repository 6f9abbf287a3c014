"""One run at a time for one output folder: a lock of the system's, which dies with its owner."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.problems import InputError, error

# A record lock does not keep its own process out, so that is done here.
_held: set[Path] = set()


@contextmanager
def hold_alone(path: Path) -> Iterator[None]:
    """Keep every other run out as long as the context lasts.

    What counts is a lock that the system holds on the open file, not that the file is there: one
    that a killed run has left behind keeps nobody out. Record locks are of one process and not of
    its forks, so that no kernel that outlives its runner can keep them.

    Parameters
    ----------
    path : Path
        The lock file; its folder is made if need be.

    Raises
    ------
    InputError
        If another run has it.
    OSError
        If the folder cannot be written.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path in _held:
        raise _is_taken(path)
    with path.open("ab") as file:
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError):
            raise _is_taken(path) from None
        _held.add(path)
        try:
            yield
        finally:
            # The file stays: somebody may have opened it already, to lock what would be no more.
            _held.discard(path)


def _is_taken(path: Path) -> InputError:
    message = (
        "một lượt lập báo cáo khác đang ghi vào thư mục này; hãy đợi lượt ấy xong rồi chạy lại"
    )
    return InputError([error(message, code="busy", file=path.parent.name)])


if sys.platform == "win32":
    import msvcrt
    import os

    def _lock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
