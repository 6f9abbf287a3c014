"""Lists of what is wrong, for those who sent the files: one page, and copies with the cells marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.atomic import write_atomically
from analysis.intake.formtexts import form_texts
from analysis.intake.reader import mark_copy
from analysis.pages.fragments import render
from analysis.pages.template import POLICY, page_css
from analysis.problems import InputError, Problem, error, explain_os, tell_first
from analysis.tables.dictionary import heading_of

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
    return mark_copy(path.name, path.read_bytes(), [*tell_first(problems)[0]])


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
    severity = form_texts()["errors"]["severity"][problem.severity]
    return {
        "place": _place(problem),
        "heading": heading_of(problem.column),
        "value": problem.value,
        "message": f"{severity}: {problem.message}",
    }


def _place(problem: Problem) -> str:
    places = form_texts()["errors"]["places"]
    if problem.cell:
        kind = "sheet" if problem.sheet else "cell"
    elif problem.row is not None:
        kind = "row"
    else:
        kind = "whole_sheet" if problem.sheet else "file"
    text: str = places[kind].format(sheet=problem.sheet, cell=problem.cell, row=problem.row)
    return text
