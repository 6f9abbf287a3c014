"""Reading files that others sent, in a child process that may die of them."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

from analysis.intake.files import UnreadableError, identify
from analysis.intake.headings import Answers
from analysis.intake.reading import Outcome
from analysis.problems import Problem, error
from analysis.tables.dictionary import own_columns

#: One file may take this long; 120,000 rows of an .xlsx take about half a minute.
SECONDS = 240


def read_delivery(
    path: Path,
    *,
    year: int | None = None,
    scale: int = 1,
    answers: Answers = Answers(),  # noqa: B008 - frozen
) -> Outcome:
    """Read one file: a filled form, a district's workbook, or a plain table.

    Parameters
    ----------
    path : Path
        An ``.xlsx``, ``.xls``, ``.ods`` or CSV file.
    year : int, optional
        The year that the user says the files are for; it must agree with the file.
    scale : int
        By what the money of a table may be multiplied that states another unit than đồng.
    answers : Answers
        What the office has answered about its own lists.

    Returns
    -------
    delivery : Delivery or None
        What could be read, to be checked further; None when nothing could. What is wrong in it
        stands as an empty cell.
    problems : list of Problem
        Every error of the file with sheet, cell and value, or only warnings; with an error the
        delivery is not to be taken in.

    Raises
    ------
    OSError
        If the file itself cannot be read.
    FailedError
        If the program itself failed over it.

    Examples
    --------
    >>> delivery, problems = read_delivery(Path("data/sample/district.csv"))
    >>> [records.table for records in delivery.records], problems
    (['district'], [])
    """
    path = Path(path)
    content = path.read_bytes()
    try:
        # Only the first bytes and the directory of a zip are looked at here: nothing is unpacked.
        identify(path.name, content)
    except UnreadableError as failure:
        return None, [error(failure.message, code=failure.code, file=path.name)]
    try:
        outcome: Outcome = _child().ask("read", path.name, content, year, scale, answers)
    except _LostError as loss:
        return None, [error(str(loss), code=loss.code, file=path.name)]
    return outcome


def mark_copy(name: str, content: bytes, problems: list[Problem]) -> bytes | None:
    """Return a copy of a workbook with its wrong cells marked; None if that cannot be had."""
    try:
        copy: bytes | None = _child().ask("mark", name, content, problems)
    except (_LostError, FailedError):
        return None
    return copy


class FailedError(Exception):
    """Where the program itself failed in the child: its traceback."""


class _LostError(Exception):
    """Why the child has no answer: a code for machines and a Vietnamese sentence."""

    _ADVICE = "; hãy mở bằng Excel, xóa các dòng, cột thừa rồi lưu lại dạng .xlsx"
    _MESSAGES: ClassVar = {
        "crashed": "tệp làm chương trình đọc dừng đột ngột" + _ADVICE,
        "too_slow": f"đọc quá {SECONDS} giây chưa xong" + _ADVICE,
        "out_of_memory": "tệp cần quá nhiều bộ nhớ" + _ADVICE,
    }

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(self._MESSAGES[code])


class _Child:
    """A worker process that reads file after file, and is started again when it dies."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, task: str, *arguments: Any) -> Any:
        """Have a task done.

        Raises
        ------
        _LostError
            If no answer came back.
        FailedError
            If the task failed.
        """
        process = self._start()
        late = threading.Event()
        timer = threading.Timer(SECONDS, _end, (process, late))
        timer.daemon = True
        timer.start()
        try:
            state, result = _exchange(process, (task, own_columns(), arguments))
        except (EOFError, OSError, pickle.UnpicklingError):
            self.stop()
            raise _LostError("too_slow" if late.is_set() else "crashed") from None
        except BaseException:
            # An answer left in the pipe would be taken for that of the next file.
            self.stop()
            raise
        finally:
            timer.cancel()
            timer.join()
        if state == "failed":
            raise FailedError(result)
        if state != "done":
            raise _LostError(state)
        return result

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            # -P: a stray pandas.py beside the files sent is not imported.
            command = [sys.executable, "-P", "-m", "analysis.intake.worker"]
            # A dying parser writes of panics and aborts, which help no analyst.
            errors = None if os.environ.get("CONGDOAN_DEBUG") else subprocess.DEVNULL
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        return self._process

    def stop(self) -> None:
        """End the process and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # What could not be sent is of no use to a dead process.
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _exchange(process: subprocess.Popen[bytes], request: Any) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    pickle.dump(request, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()
    return pickle.load(process.stdout)


_children: list[_Child] = []


def _child() -> _Child:
    """Return this process's worker; a fork does not share its parent's."""
    if not _children or _children[-1].owner != os.getpid():
        _children[:] = [_Child()]
        atexit.register(_children[-1].stop)
    return _children[-1]
