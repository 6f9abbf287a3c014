"""Lists of what is wrong, for those who sent the files: one page, and copies with the cells marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analysis.atomic import write_atomically
from analysis.intake.reader import mark_copy
from analysis.intake.words import form_texts
from analysis.pages.fragments import render
from analysis.pages.template import POLICY, page_css
from analysis.problems import Problem
from analysis.tables.dictionary import dictionary


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
    OSError
        If the folder cannot be written.
    """
    listed = {path: found for path, found in problems_by_file.items() if found}
    if not listed:
        return []
    folder = Path(folder)
    page = folder / form_texts()["errors"]["file"]
    copies: dict[Path, Path] = {}
    taken: set[str] = set()
    for path, problems in listed.items():
        content = _marked(path, problems)
        if content is not None:
            copies[path] = folder / _copy_name(path, taken)
            write_atomically(copies[path], content)
    write_atomically(page, _page(listed, copies))
    return [page, *copies.values()]


def _marked(path: Path, problems: list[Problem]) -> bytes | None:
    """Return a copy with the cells marked; None for a file that shows no cells or cannot be opened."""
    if not any(problem.cell and problem.sheet for problem in problems):
        return None
    return mark_copy(path.name, path.read_bytes(), problems)


def _copy_name(path: Path, taken: set[str]) -> str:
    pattern: str = form_texts()["errors"]["copy"]
    stem, number = path.stem, 1
    while (name := pattern.format(stem=stem)).casefold() in taken:
        number += 1
        stem = f"{path.stem}_{number}"
    taken.add(name.casefold())
    return name


def _page(listed: Mapping[Path, list[Problem]], copies: Mapping[Path, Path]) -> str:
    texts = form_texts()["errors"]
    everything = [problem for problems in listed.values() for problem in problems]
    files = []
    for path, problems in listed.items():
        copy = texts["marked"].format(copy=copies[path].name) if path in copies else ""
        caption = texts["of_file"].format(file=path.name, **_counts(problems))
        # Errors stand above what only deserves a second look.
        ordered = sorted(problems, key=lambda problem: problem.severity != "error")
        rows = [_row(problem) for problem in ordered]
        files.append({"name": path.name, "marked": copy, "caption": caption, "rows": rows})
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
        "heading": _heading(problem.column),
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


def _heading(column: str) -> str:
    """Return a column's Vietnamese heading; in every table where it stands it is about the same."""
    for table in dictionary().tables.values():
        if column in table.columns:
            return table.columns[column].vi
    return column
