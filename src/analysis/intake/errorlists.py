"""Lists of what is wrong, for those who sent the files: one page, and copies with the cells marked."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.intake.files import UnreadableError, identify
from analysis.intake.persons import find_persons
from analysis.intake.reader import FailedError, LostError, in_child
from analysis.intake.workbooks import scan
from analysis.intake.writings import form_texts
from analysis.pages.fragments import render
from analysis.pages.template import POLICY, page_css
from analysis.problems import InputError, Problem, error, explain_os, tell_first
from analysis.tables.dictionary import heading_of
from analysis.tables.files import write_atomically

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
    folder = Path(folder)
    page = folder / form_texts()["errors"]["file"]
    texts = form_texts()["errors"]
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
    first = [*tell_first(problems)[0]]
    try:
        copy: bytes | None = in_child(_mark_cells, path.name, path.read_bytes(), first)
    except (LostError, FailedError):
        return None
    return copy


def _mark_cells(name: str, content: bytes, problems: list[Problem]) -> bytes | None:
    """Return a copy of an .xlsx with each problem at its cell; None for what cannot be had as one."""
    from openpyxl import load_workbook  # nobody needs it who has no errors

    if len(content) > _MOST_MARKED:
        return None
    try:
        source = identify(name, content)
        if source.kind != "xlsx":
            return None
        scan(source)  # refuses what openpyxl would choke on
    except UnreadableError:
        return None
    workbook = load_workbook(io.BytesIO(content))
    # A copy would be one more place where persons are named.
    heads = (
        [[cell or "" for cell in row] for row in s.iter_rows(max_row=41, values_only=True)]
        for s in workbook
    )
    if any(map(find_persons, heads)):
        return None
    messages: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        if problem.cell and problem.sheet in workbook.sheetnames:
            messages.setdefault((problem.sheet, problem.cell), []).append(problem)
    if not messages:
        return None
    for (sheet, address), found in messages.items():
        _mark(workbook[sheet], address, found)
    workbook.active = workbook.sheetnames.index(next(iter(messages))[0])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _mark(sheet: object, address: str, found: list[Problem]) -> None:
    from openpyxl.cell.cell import MergedCell
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    texts = form_texts()["errors"]
    cell = sheet[address]  # type: ignore[index]
    if isinstance(cell, MergedCell):
        return
    worst = min(found, key=lambda problem: problem.severity != "error")
    cell.fill = PatternFill("solid", fgColor=_FILLS[worst.severity])
    text = "\n".join(f"{texts['severity'][one.severity]}: {one.message}" for one in found)
    # The reader knows its own words by their beginning when the copy comes back.
    author = texts["comment_author"]
    comment = Comment(f"{author}:\n{text}"[:_MOST_LETTERS], author)
    comment.width, comment.height = 360, 60 + 20 * min(10, len(text) // 45 + 1)
    cell.comment = comment


def _copy_name(path: Path, taken: set[str]) -> str:
    """Return a copy's name, not used yet and no longer than a file system takes."""
    pattern: str = form_texts()["errors"]["copy"]
    ending, number = "", 1
    room = _MOST_BYTES - len(pattern.format(stem="").encode())
    while True:
        stem = path.stem.encode()[: room - len(ending)].decode(errors="ignore").rstrip(" .")
        name = pattern.format(stem=stem + ending)
        if name.casefold() not in taken:
            break
        number += 1
        ending = f"_{number}"
    taken.add(name.casefold())
    return name


def _page(listed: Mapping[Path, list[Problem]], told: Mapping[Path, str]) -> str:
    texts = form_texts()["errors"]
    everything = [problem for problems in listed.values() for problem in problems]
    files = []
    for path, problems in listed.items():
        caption = texts["of_file"].format(file=path.name, **_counts(problems))
        # Errors stand above what only deserves a second look.
        ordered, more = tell_first(sorted(problems, key=lambda one: one.severity != "error"))
        rows = [_row(problem) for problem in ordered]
        said = " ".join(filter(None, [told.get(path, ""), more]))
        files.append({"name": path.name, "marked": said, "caption": caption, "rows": rows})
    counted = texts["counted"].format(files=len(listed), **_counts(everything))
    columns = [
        {"key": key, "label": label, "number": False} for key, label in texts["columns"].items()
    ]
    return render(
        "errors",
        t=texts,
        policy=POLICY,
        css=Markup(page_css()),
        counted=counted,
        columns=columns,
        files=files,
    ).html.lstrip()


def _counts(problems: Iterable[Problem]) -> dict[str, int]:
    errors = [problem.severity == "error" for problem in problems]
    return {"errors": sum(errors), "warnings": len(errors) - sum(errors)}


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
