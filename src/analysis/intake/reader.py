"""One file, from its bytes to a delivery, read by a child process that may die of it.

What a child opens may make it run out of memory, hang or abort: the parent lives on, says so, and
starts another for the next file.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from analysis.intake.files import SourceFile, UnreadableError, identify
from analysis.intake.formread import find_form, read_form, read_task_sheet
from analysis.intake.headings import find_header, name_headings
from analysis.intake.officelists import Answers, lacks_codes
from analysis.intake.persons import find_persons, read_persons
from analysis.intake.sheets import Sheet, SheetReading, ask_part_of_year, own_notes, tell_note
from analysis.intake.spelling import check_years, make_records
from analysis.intake.tableread import read_table
from analysis.intake.workbooks import read_sheets
from analysis.intake.writings import TASK_MARKER, form_texts
from analysis.problems import Problem, error, has_errors
from analysis.tables.delivery import Delivery, repeated_keys
from analysis.tables.dictionary import own_columns, set_own_columns

#: One file may take this long; 120,000 rows of an .xlsx take about half a minute.
SECONDS = 240
#: On top of what the process holds once everything is imported.
_MEMORY = 2_500_000_000
_HIDDEN = {
    "no": "trang tính đang bị ẩn mà có dữ liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi",
    "never": (
        "trang tính bị ẩn hẳn (very hidden) mà có dữ liệu, Excel không cho bỏ ẩn bằng chuột phải; hãy "
        "chép các trang nhìn thấy sang một tệp mới rồi gửi tệp đó, hoặc mở bằng LibreOffice, chọn "
        "Trang tính → Hiện trang tính, rồi xem lại"
    ),
}
Outcome = tuple[Delivery | None, list[Problem]]


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
        outcome: Outcome = in_child(read_content, path.name, content, year, scale, answers)
    except LostError as loss:
        return None, [error(str(loss), code=loss.code, file=path.name)]
    return outcome


def read_content(
    name: str,
    content: bytes,
    year: int | None,
    scale: int = 1,
    answers: Answers = Answers(),  # noqa: B008 - frozen
) -> Outcome:
    """Read a file's bytes, as `read_delivery` tells; a list of units without codes stays without."""
    try:
        source = identify(name, content)
        sheets, problems = read_sheets(source)
    except UnreadableError as failure:
        return None, [error(failure.message, code=failure.code, file=name)]
    if problems and any(find_persons(sheet.rows) for sheet in sheets):
        # Whatever is wrong with the file as a file, what stands in its cells is not shown.
        problems = [replace(problem, value="") for problem in problems]
    readings = [
        _read_sheet(source, sheet, year, scale, answers) for sheet in sheets if not sheet.is_empty
    ]
    problems += [problem for reading in readings for problem in reading.problems]
    blocks = [block for reading in readings for block in reading.blocks]
    if not blocks and not has_errors(problems):
        problems.append(_explain_nothing(name, problems))
    records = []
    for block in blocks:
        made, found = make_records(block, name)
        problems += found
        # Without its key a row is nobody's: that was refused already, and what it says is judged.
        if set(block.table.key) <= set(made.text) or lacks_codes(made):
            records.append(made)
    coded = [one for one in records if not lacks_codes(one)]
    problems += repeated_keys(name, coded) + check_years(records, name, year)
    problems = list(dict.fromkeys(problems))
    if not records:
        return None, problems
    digest = hashlib.sha256(content).hexdigest()
    return Delivery(name, digest, tuple(records)), problems


def _explain_nothing(name: str, problems: list[Problem]) -> Problem:
    if any(problem.code in ("nothing_said", "no_rows") for problem in problems):
        return error("tệp không có số liệu nào để nhận", code="no_figures", file=name)
    message = (
        "không nhận ra bảng nào: cần dòng tiêu đề với các cột của bảng, hoặc biểu mẫu của congdoan"
    )
    return error(message, code="not_recognised", file=name)


def _read_sheet(
    source: SourceFile, sheet: Sheet, year: int | None, scale: int, answers: Answers
) -> SheetReading:
    reading = SheetReading(source.name, sheet)
    if sheet.marks.visible != "yes":
        reading.add("hidden", _HIDDEN[sheet.marks.visible])
    elif _explains(sheet):
        pass  # whether a sheet is somebody's list is dear to tell
    elif tasks := find_form(sheet, TASK_MARKER):
        read_task_sheet(reading, tasks)
    elif form := find_form(sheet):
        ask_part_of_year(reading, form.row)
        read_form(reading, form)
    elif persons := find_persons(sheet.rows):
        read_persons(reading, persons, year)
    else:
        reading = name_headings(reading, answers)
        _read_list(reading, year, scale, answers)
    return reading


def _explains(sheet: Sheet) -> bool:
    """Tell whether this is a form's own sheet of explanations or of words, by its name and title."""
    texts = form_texts()
    return any(
        sheet.name == texts["sheets"][kind] and sheet.rows[0][0] == texts["titles"][kind]
        for kind in ("guide", "words")
    )


def _read_list(reading: SheetReading, year: int | None, scale: int, answers: Answers) -> None:
    header = find_header(reading.sheet)
    if header is None:
        message = "không nhận ra bảng nào trong trang tính này, không lấy gì vào"
        reading.add("not_recognised", message, severity="warning")
        return
    ask_part_of_year(reading, header.row)
    read_table(reading, header, year, scale, answers)
    for at, note in own_notes(reading.sheet.marks).items():
        tell_note(reading, at, note)


# The child


class FailedError(Exception):
    """Where the program itself failed in the child: its traceback."""


class LostError(Exception):
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

    def ask(self, task: Callable[..., Any], *arguments: Any) -> Any:
        """Have a function of a module called there; it goes by its name."""
        process = self._start()
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            request = (task, own_columns(), arguments)
            pickle.dump(request, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            state, result = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            self.stop()
            raise LostError("too_slow" if late.is_set() else "crashed") from None
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
            raise LostError(state)
        return result

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            # -P: a stray pandas.py beside the files sent is not imported.
            serve = "from analysis.intake.reader import _serve; _serve()"
            # A dying parser writes of panics and aborts, which help no analyst.
            errors = None if os.environ.get("CONGDOAN_DEBUG") else subprocess.DEVNULL
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", serve],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
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


_children: list[_Child] = []


def in_child(task: Callable[..., Any], *arguments: Any) -> Any:
    """Have a function called in this process's child; a fork does not share its parent's.

    Raises
    ------
    LostError
        If no answer came back.
    FailedError
        If the program itself failed over it.
    """
    if not _children or _children[-1].owner != os.getpid():
        _children[:] = [_Child()]
        atexit.register(_children[-1].stop)
    return _children[-1].ask(task, *arguments)


def _serve() -> None:
    """Do in the child what the parent asks, one pickled request after the other, until it closes the pipe."""
    requests = sys.stdin.buffer
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit_memory()
    while True:
        try:
            task, own, arguments = pickle.load(requests)
            set_own_columns(own)
        except EOFError:
            return
        answer: tuple[str, Any]
        try:
            answer = ("done", task(*arguments))
        except MemoryError:
            answer = ("out_of_memory", None)
        except Exception:
            if os.environ.get("CONGDOAN_DEBUG"):
                raise
            answer = ("failed", traceback.format_exc())
        del arguments
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _limit_memory() -> None:
    """Bound the address space, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        used = pages * resource.getpagesize()
    except OSError:
        used = 2_000_000_000
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = used + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
