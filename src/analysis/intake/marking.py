"""A copy of a workbook with the wrong cells filled and explained."""

from __future__ import annotations

import io

from openpyxl import load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from analysis.intake.files import UnreadableError, identify
from analysis.intake.formtexts import form_texts
from analysis.intake.persons import find_persons
from analysis.intake.workbooks import scan
from analysis.problems import Problem

_FILLS = {
    "error": PatternFill("solid", fgColor="FFFFB3B3"),
    "warning": PatternFill("solid", fgColor="FFFFE08A"),
}
#: openpyxl takes about 50 times a workbook's size; a larger one gets the list alone.
_MOST_BYTES = 5_000_000
_MOST_LETTERS = 2000


def mark_cells(name: str, content: bytes, problems: list[Problem]) -> bytes | None:
    """Return a copy of an .xlsx with each problem at its cell.

    Parameters
    ----------
    name : str
        The file's name.
    content : bytes
        The workbook; it is not changed.
    problems : list of Problem
        What is wrong; those without a sheet and a cell are left out.

    Returns
    -------
    bytes or None
        The copy; None if the file is no .xlsx, too large, or cannot be opened.
    """
    if len(content) > _MOST_BYTES:
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
    texts = form_texts()["errors"]
    cell = sheet[address]  # type: ignore[index]
    if isinstance(cell, MergedCell):
        return
    worst = min(found, key=lambda problem: problem.severity != "error")
    cell.fill = _FILLS[worst.severity]
    text = "\n".join(f"{texts['severity'][one.severity]}: {one.message}" for one in found)
    # The reader knows its own words by their beginning when the copy comes back.
    author = texts["comment_author"]
    comment = Comment(f"{author}:\n{text}"[:_MOST_LETTERS], author)
    comment.width, comment.height = 360, 60 + 20 * min(10, len(text) // 45 + 1)
    cell.comment = comment
