"""What is found in a sheet: rows of canonical tables, and cells that say less than they hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.intake.grid import Sheet, address
from analysis.intake.raw import Raw, shown
from analysis.problems import Problem, Severity
from analysis.tables.dictionary import Table

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
class Finding:
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
    ) -> None:
        """Add a problem of one cell, or of the sheet."""
        row, cell = (None, "") if at is None else (at[0] + 1, address(*at))
        if value is None and at is not None:
            value = shown(cell_at(self.sheet, at))
        self.problems.append(
            Problem(
                *(severity, code, self.file, row, column),
                "" if value is None else str(value),
                message,
                sheet=self.sheet.name,
                cell=cell,
            )
        )


def cell_at(sheet: Sheet, at: tuple[int, int]) -> Raw:
    """Return a raw cell; empty outside of what was read."""
    row, column = at
    inside = row < len(sheet.rows) and column < len(sheet.rows[row])
    return sheet.rows[row][column] if inside else ""


# What no figure may be


def check_cells(finding: Finding, used: set[tuple[int, int]]) -> None:
    """Add a problem for every cell in use that shows less, or more, than it holds."""
    marks, sheet = finding.sheet.marks, finding.sheet
    for at in sorted(used & set(marks.errors)):
        message = "ô báo lỗi của Excel; hãy sửa công thức hoặc gõ thẳng giá trị"
        finding.add("error_cell", message, at, value=marks.errors[at])
    for at in sorted(used & marks.no_value):
        message = "công thức chưa được tính; hãy mở tệp bằng Excel, lưu lại, hoặc gõ thẳng giá trị"
        finding.add("formula_without_value", message, at)
    for first, last in marks.merged:
        if _touches(first, last, used):
            message = f"ô gộp ({address(*first)}:{address(*last)}) trên vùng số liệu; hãy bỏ gộp và ghi đủ từng ô"
            finding.add("merged", message, first)
    filled = {at for at in used if cell_at(sheet, at) != ""} if _has_hidden(sheet) else set()
    _add_hidden(finding, filled, 0, marks.hidden_rows, "dòng")
    _add_hidden(finding, filled, 1, marks.hidden_columns, "cột")


def _has_hidden(sheet: Sheet) -> bool:
    return bool(sheet.marks.hidden_rows or sheet.marks.hidden_columns)


def _touches(first: tuple[int, int], last: tuple[int, int], used: set[tuple[int, int]]) -> bool:
    size = (last[0] - first[0] + 1) * (last[1] - first[1] + 1)
    if size > len(used):
        return any(first[0] <= r <= last[0] and first[1] <= c <= last[1] for r, c in used)
    cells = ((r, c) for r in range(first[0], last[0] + 1) for c in range(first[1], last[1] + 1))
    return any(at in used for at in cells)


def _add_hidden(
    finding: Finding, filled: set[tuple[int, int]], axis: int, hidden: frozenset[int], what: str
) -> None:
    for number in sorted({at[axis] for at in filled} & hidden):
        first = min(at for at in filled if at[axis] == number)
        message = f"{what} này đang bị ẩn mà có số liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
        finding.add("hidden", message, first)
