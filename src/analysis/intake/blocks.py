"""What is found in a sheet: rows of canonical tables, and cells that say less than they hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from analysis.intake.formtexts import Raw, fold, form_texts, shown
from analysis.intake.grid import Sheet, address
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
            value = shown(cell_at(self.sheet, at))
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


def cell_at(sheet: Sheet, at: tuple[int, int]) -> Raw:
    """Return a raw cell; empty outside of what was read."""
    row, column = at
    inside = row < len(sheet.rows) and column < len(sheet.rows[row])
    return sheet.rows[row][column] if inside else ""


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
