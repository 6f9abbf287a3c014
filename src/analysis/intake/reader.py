"""One file, from its bytes to a delivery, and what is wrong with it back to who sent it.

A child process opens the files, since one may make it run out of memory, hang or abort: the parent
lives on, says so, and starts another for the next file.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.intake.formread import find_form, read_form, read_task_sheet
from analysis.intake.officelists import Answers, lacks_codes
from analysis.intake.persons import find_persons, read_persons
from analysis.intake.sheets import Sheet, SheetReading, ask_part_of_year, own_notes, tell_note
from analysis.intake.spelling import check_years, make_records
from analysis.intake.tableread import find_header, name_headings, read_table
from analysis.intake.workbooks import UnreadableError, identify, read_sheets, scan
from analysis.intake.writings import TASK_MARKER, form_texts
from analysis.pages.fragments import render
from analysis.pages.template import POLICY, page_css
from analysis.problems import InputError, Problem, error, explain_os, has_errors, tell_first
from analysis.tables.delivery import Delivery, repeated_keys
from analysis.tables.dictionary import heading_of, own_columns, set_own_columns
from analysis.tables.files import write_atomically

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
        outcome: Outcome = _in_child(read_content, path.name, content, year, scale, answers)
    except UnreadableError as failure:
        return None, [failure.problem(path.name)]
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
        sheets, problems = read_sheets(name, content)
    except UnreadableError as failure:
        return None, [failure.problem(name)]
    if problems and any(find_persons(sheet.rows) for sheet in sheets):
        # Whatever is wrong with the file as a file, what stands in its cells is not shown.
        problems = [replace(problem, value="") for problem in problems]
    records = []
    for sheet in sheets:
        reading = _read_sheet(name, sheet, year, scale, answers)
        problems += reading.problems
        for block in reading.blocks:
            made, found = make_records(block, name)
            problems += found
            # Without its key a row is nobody's: that was refused already, and what it says is judged.
            if set(block.table.key) <= set(made.text) or lacks_codes(made):
                records.append(made)
    if not records and not has_errors(problems):
        problems.append(_explain_nothing(name, problems))
    coded = [one for one in records if not lacks_codes(one)]
    problems += repeated_keys(name, coded) + check_years(records, name, year)
    problems = list(dict.fromkeys(problems))
    digest = hashlib.sha256(content).hexdigest()
    return Delivery(name, digest, tuple(records)) if records else None, problems


def _explain_nothing(name: str, problems: list[Problem]) -> Problem:
    if any(problem.code in ("nothing_said", "no_rows") for problem in problems):
        return error("tệp không có số liệu nào để nhận", code="no_figures", file=name)
    message = (
        "không nhận ra bảng nào: cần dòng tiêu đề với các cột của bảng, hoặc biểu mẫu của congdoan"
    )
    return error(message, code="not_recognised", file=name)


def _read_sheet(
    file: str, sheet: Sheet, year: int | None, scale: int, answers: Answers
) -> SheetReading:
    reading = SheetReading(file, sheet)
    if sheet.is_empty or _explains(sheet):
        return reading
    if sheet.marks.visible != "yes":
        reading.add("hidden", _HIDDEN[sheet.marks.visible])
    elif tasks := find_form(sheet, TASK_MARKER):
        read_task_sheet(reading, tasks)
    elif form := find_form(sheet):
        ask_part_of_year(reading, form[0])
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

#: One file may take this long; 120,000 rows of an .xlsx take about half a minute.
SECONDS = 240
#: On top of what the process holds once everything is imported.
_MEMORY = 2_500_000_000
_ADVICE = "; hãy mở bằng Excel, xóa các dòng, cột thừa rồi lưu lại dạng .xlsx"
_LOST = {
    "crashed": "tệp làm chương trình đọc dừng đột ngột" + _ADVICE,
    "too_slow": f"đọc quá {SECONDS} giây chưa xong" + _ADVICE,
    "out_of_memory": "tệp cần quá nhiều bộ nhớ" + _ADVICE,
}


class FailedError(Exception):
    """Where the program itself failed in the child: its traceback."""


#: At most one child, and whose it is: a fork does not share its parent's.
_children: dict[int, subprocess.Popen[bytes]] = {}


def _in_child(task: Callable[..., Any], *arguments: Any) -> Any:
    """Have a function called in this process's child; refuse the file if no answer comes back."""
    process = _children.get(os.getpid())
    if process is None or process.poll() is not None:
        process = _start_child()
    timer = threading.Timer(SECONDS, process.kill)
    timer.daemon = True
    began = time.monotonic()
    timer.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        pickle.dump((task, own_columns(), arguments), process.stdin, pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()
        state, result = pickle.load(process.stdout)
    except BaseException as failure:
        # An answer left in the pipe would be taken for that of the next file.
        stop_child()
        if not isinstance(failure, EOFError | OSError | pickle.UnpicklingError):
            raise
        state = "too_slow" if time.monotonic() - began >= SECONDS else "crashed"
    finally:
        timer.cancel()
    if state == "failed":
        raise FailedError(result)
    if state != "done":
        raise UnreadableError(state, _LOST[state])
    return result


def _start_child() -> subprocess.Popen[bytes]:
    stop_child()
    _children.clear()
    # -P: a stray pandas.py beside the files sent is not imported.
    serve = [sys.executable, "-P", "-c", "from analysis.intake.reader import _serve; _serve()"]
    # A dying parser writes of panics and aborts, which help no analyst.
    errors = None if os.environ.get("CONGDOAN_DEBUG") else subprocess.DEVNULL
    pipe = subprocess.PIPE
    process = subprocess.Popen(serve, stdin=pipe, stdout=pipe, stderr=errors)
    _children[os.getpid()] = process
    return process


@atexit.register
def stop_child() -> None:
    """End the process that reads files, if there is one; the next file starts another."""
    if process := _children.pop(os.getpid(), None):
        process.kill()
        process.communicate()


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


# Lists of what is wrong, for those who sent the files: one page, and copies with the cells marked

#: openpyxl takes about 50 times a workbook's size; a larger one gets the list alone.
_MOST_MARKED = 5_000_000
_MOST_LETTERS = 2000
_FILLS = {"error": "FFFFB3B3", "warning": "FFFFE08A"}
#: Of a file's name, less what a name gets while it is written aside.
_MOST_BYTES = 255 - 16


def write_error_lists(problems_by_file: Mapping[Path, list[Problem]], folder: Path) -> list[Path]:
    """Write the list of every problem, and a marked copy of each workbook that can be marked.

    Parameters
    ----------
    problems_by_file : mapping of Path to list of Problem
        The files as they were read, with what was found; files without any problem are left out.
    folder : Path
        Where to put the list and the copies; the files themselves are never touched.

    Returns
    -------
    list of Path
        The page, then the copies; empty if there is nothing to tell.

    Raises
    ------
    InputError
        If the list itself cannot be written.
    """
    listed = {path: found for path, found in problems_by_file.items() if found}
    if not listed:
        return []
    folder, texts = Path(folder), form_texts()["errors"]
    page = folder / texts["file"]
    copies: list[Path] = []
    told: dict[Path, str] = {}
    taken: set[str] = set()
    for path, problems in listed.items():
        try:
            content = _marked(path, problems)
            if content is not None:
                copy = folder / _copy_name(path, taken)
                write_atomically(copy, content)
                copies.append(copy)
                told[path] = texts["marked"].format(copy=copy.name)
        except OSError as failure:
            # One copy that cannot be read or written takes neither the others nor the list with it.
            told[path] = texts["not_marked"].format(why=explain_os(failure))
    try:
        write_atomically(page, _page(listed, told))
    except OSError as failure:
        message = (
            f"không ghi được danh sách lỗi vào «{folder}» ({explain_os(failure)}); "
            "hãy chạy lại với --errors và một thư mục ghi được"
        )
        raise InputError([error(message, code="unwritable", file=page.name)]) from failure
    return [page, *copies]


def _marked(path: Path, problems: list[Problem]) -> bytes | None:
    """Return a copy with the cells marked; None for a file that shows no cells or cannot be opened."""
    if not any(problem.cell and problem.sheet for problem in problems):
        return None
    try:
        copy: bytes | None = _in_child(_mark_cells, path.name, path.read_bytes(), problems)
    except (UnreadableError, FailedError):
        return None
    return copy


def _mark_cells(name: str, content: bytes, problems: list[Problem]) -> bytes | None:
    """Return a copy of an .xlsx with each problem at its cell; None for what cannot be had as one."""
    from openpyxl import load_workbook  # nobody needs it who has no errors

    if identify(name, content) != "xlsx" or len(content) > _MOST_MARKED:
        return None
    scan("xlsx", content)  # refuses what openpyxl would choke on
    workbook = load_workbook(io.BytesIO(content))
    # A copy would be one more place where persons are named.
    heads = (
        [[cell or "" for cell in row] for row in s.iter_rows(max_row=41, values_only=True)]
        for s in workbook
    )
    if any(map(find_persons, heads)):
        return None
    messages: dict[tuple[str, str], list[Problem]] = {}
    for problem in tell_first(problems)[0]:
        if problem.cell and problem.sheet in workbook.sheetnames:
            messages.setdefault((problem.sheet, problem.cell), []).append(problem)
    if not messages:
        return None
    for (sheet, address), found in messages.items():
        _mark(workbook[sheet][address], found)
    workbook.active = workbook.sheetnames.index(next(iter(messages))[0])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _mark(cell: Any, found: list[Problem]) -> None:
    from openpyxl.cell.cell import MergedCell
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    if isinstance(cell, MergedCell):
        return
    texts = form_texts()["errors"]
    worst = min(problem.severity for problem in found)  # "error" stands before "warning"
    cell.fill = PatternFill("solid", fgColor=_FILLS[worst])
    text = "\n".join(f"{texts['severity'][one.severity]}: {one.message}" for one in found)
    # The reader knows its own words by their beginning when the copy comes back.
    author = texts["comment_author"]
    height = 60 + 20 * min(10, len(text) // 45 + 1)
    cell.comment = Comment(f"{author}:\n{text}"[:_MOST_LETTERS], author, height, 360)


def _copy_name(path: Path, taken: set[str]) -> str:
    """Return a copy's name, not used yet and no longer than a file system takes."""
    pattern: str = form_texts()["errors"]["copy"]
    room = _MOST_BYTES - len(pattern.format(stem="").encode())
    for ending in chain([""], (f"_{number}" for number in count(2))):
        stem = path.stem.encode()[: room - len(ending)].decode(errors="ignore").rstrip(" .")
        name = pattern.format(stem=stem + ending)
        if name.casefold() not in taken:
            break
    taken.add(name.casefold())
    return name


def _page(listed: Mapping[Path, list[Problem]], told: Mapping[Path, str]) -> str:
    texts = form_texts()["errors"]
    files = []
    for path, problems in listed.items():
        caption = texts["of_file"].format(file=path.name, **_counts(problems))
        # Errors stand above what only deserves a second look.
        ordered, more = tell_first(sorted(problems, key=lambda one: one.severity))
        said = " ".join(filter(None, [told.get(path, ""), more]))
        rows = [_row(problem) for problem in ordered]
        files.append({"name": path.name, "marked": said, "caption": caption, "rows": rows})
    everything = [problem for problems in listed.values() for problem in problems]
    columns = [
        {"key": key, "label": label, "number": False} for key, label in texts["columns"].items()
    ]
    return render(
        "errors",
        t=texts,
        policy=POLICY,
        css=Markup(page_css()),
        counted=texts["counted"].format(files=len(listed), **_counts(everything)),
        columns=columns,
        files=files,
    ).html.lstrip()


def _counts(problems: list[Problem]) -> dict[str, int]:
    errors = sum(problem.severity == "error" for problem in problems)
    return {"errors": errors, "warnings": len(problems) - errors}


def _row(problem: Problem) -> dict[str, Any]:
    texts = form_texts()["errors"]
    if problem.cell:
        kind = "sheet" if problem.sheet else "cell"
    elif problem.row is not None:
        kind = "row"
    else:
        kind = "whole_sheet" if problem.sheet else "file"
    place = texts["places"][kind]
    return {
        "place": place.format(sheet=problem.sheet, cell=problem.cell, row=problem.row),
        "heading": heading_of(problem.column),
        "value": problem.value,
        "message": f"{texts['severity'][problem.severity]}: {problem.message}",
    }
