"""What is found in a sheet: rows of canonical tables, and cells that say less, or more, than they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import cache

from analysis.intake.formtexts import Raw, fold, form_texts, shown
from analysis.intake.grid import Sheet, address
from analysis.intake.scan import Marks, Place, look_of
from analysis.intake.wordlists import find, units
from analysis.problems import Problem, Severity
from analysis.tables.dictionary import Column, Table

#: The register's column that people print beside the codes of any table.
NAME = "name"


@dataclass(frozen=True)
class Block:
    """Raw cells of one canonical table, and where they stand.

    Parameters
    ----------
    table : Table
        Of the dictionary.
    sheet : str
        The sheet's name.
    rows : list of int
        Row numbers, counted from 1.
    columns : dict of str to list
        Raw cells by column, as long as ``rows``; the printed `NAME` also where the table has none.
    addresses : dict of str to str
        As in `analysis.tables.delivery.Records`.
    scale : int
        By what its money is to be multiplied, to be in đồng.
    """

    table: Table
    sheet: str
    rows: list[int]
    columns: dict[str, list[Raw]]
    addresses: dict[str, str]
    scale: int = 1


@dataclass
class SheetReading:
    """What was found in one sheet."""

    file: str
    sheet: Sheet
    blocks: list[Block] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        at: tuple[int, int] | None = None,
        *,
        column: str = "",
        value: object = None,
        severity: Severity = "error",
        advice: str = "",
    ) -> None:
        """Add a problem of one cell, or of the sheet."""
        row, cell = (None, "") if at is None else (at[0] + 1, address(*at))
        if value is None and at is not None:
            value = shown(self.sheet[at])
        self.problems.append(
            Problem(
                *(severity, code, self.file, row, column),
                "" if value is None else str(value),
                message,
                sheet=self.sheet.name,
                cell=cell,
                advice=advice,
            )
        )


def ask_part_of_year(finding: SheetReading, above: int) -> None:
    """Refuse a sheet whose title speaks of a part of the year: figures are of the whole of it."""
    for row, cells in enumerate(finding.sheet.rows[:above]):
        for place, cell in enumerate(cells):
            said = _part_of_year().search(fold(cell)) if isinstance(cell, str) else None
            if said:
                message = (
                    f"ghi là số liệu «{said[0]}», ở đây cần số liệu cả năm: hãy gửi số liệu cả năm,"
                    " hoặc sửa dòng này nếu số liệu đúng là của cả năm"
                )
                finding.add("part_of_year", message, (row, place))


@cache
def _part_of_year() -> re.Pattern[str]:
    return re.compile(form_texts()["part_of_year"])


def check_cells(finding: SheetReading, used: Mapping[Place, Column]) -> None:
    """Add a problem for every cell in use that shows less, or more, than it holds.

    Parameters
    ----------
    finding : SheetReading
        The sheet; problems are added.
    used : mapping of (int, int) to Column
        The cells that are read, and what each is taken for.
    """
    marks, sheet = finding.sheet.marks, finding.sheet
    for at in sorted(used.keys() & marks.errors):
        message = "ô báo lỗi của Excel; hãy sửa công thức hoặc gõ thẳng giá trị"
        finding.add("error_cell", message, at, value=marks.errors[at])
    for at in sorted(used.keys() & marks.no_value):
        message = "công thức chưa được tính; hãy mở tệp bằng Excel, lưu lại, hoặc gõ thẳng giá trị"
        finding.add("formula_without_value", message, at)
    for at in sorted(used.keys() & marks.formats):
        _check_look(finding, at, used[at], marks.formats[at])
    for at in sorted(used.keys() & marks.part_struck):
        message = "một phần chữ trong ô bị gạch ngang, không rõ lấy phần nào; hãy gõ lại phần đúng"
        finding.add("struck", message, at)
    for first, last in marks.merged:
        if _touches(first, last, used.keys()):
            message = f"ô gộp ({address(*first)}:{address(*last)}) trên vùng số liệu; hãy bỏ gộp và ghi đủ từng ô"
            finding.add("merged", message, first)
    is_hiding = marks.hidden_rows or marks.hidden_columns
    filled = {at for at in used if sheet[at] != ""} if is_hiding else set()
    _add_hidden(finding, filled, 0, marks.hidden_rows, "dòng")
    _add_hidden(finding, filled, 1, marks.hidden_columns, "cột")
    for at in sorted(used.keys() & marks.struck):
        if sheet[at] != "":
            message = "số liệu bị gạch ngang mà vẫn được lấy; nếu đã bỏ thì hãy xóa khỏi ô"
            finding.add("struck", message, at, severity="warning")


def own_notes(marks: Marks) -> dict[Place, str]:
    """Return the comments that people hung on cells, each on one line; not those of a marked copy."""
    author = form_texts()["errors"]["comment_author"]
    lines = {at: " ".join(note.split()) for at, note in marks.notes.items()}
    return {
        at: note for at, note in sorted(lines.items()) if note and not note.startswith(f"{author}:")
    }


def tell_note(finding: SheetReading, at: Place, note: str) -> None:
    """Tell of a comment that is not taken in."""
    message = f"ghi chú gắn vào ô không được lấy vào: «{note}»"
    finding.add("cell_note", message, at, severity="warning")


def _check_look(finding: SheetReading, at: Place, column: Column, code: str) -> None:
    """Refuse a number that a person sees as another one, or as one of another unit."""
    raw = finding.sheet[at]
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return
    look = look_of(raw, code.replace("%", "") if column.type.name == "share" else code)
    if look.is_same and (look.words == "" or find(look.words, units()) == column.unit):
        return
    shown = f"ô hiện «{look.text}»" if look.text else "định dạng của ô giấu số đi"
    wanted = f"số {column.unit}" if column.type.is_number else "bằng chữ"
    message = f"{shown} nhưng bên trong là số này; hãy xóa định dạng của ô rồi gõ lại {wanted}"
    finding.add("other_look", message, at, column=column.name)


def _touches(first: Place, last: Place, used: Set[Place]) -> bool:
    size = (last[0] - first[0] + 1) * (last[1] - first[1] + 1)
    if size > len(used):
        return any(first[0] <= r <= last[0] and first[1] <= c <= last[1] for r, c in used)
    cells = ((r, c) for r in range(first[0], last[0] + 1) for c in range(first[1], last[1] + 1))
    return any(at in used for at in cells)


def _add_hidden(
    finding: SheetReading, filled: set[Place], axis: int, hidden: set[int], what: str
) -> None:
    for number in sorted({at[axis] for at in filled} & hidden):
        first = min(at for at in filled if at[axis] == number)
        message = f"{what} này đang bị ẩn mà có số liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
        finding.add("hidden", message, first)
