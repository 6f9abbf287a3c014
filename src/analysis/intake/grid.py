"""One reading of every kind of file: sheets of raw cells, and what is wrong or hidden about them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

import python_calamine as calamine
from xlsxwriter.utility import xl_col_to_name

from analysis.intake.cellvalues import Raw
from analysis.intake.csvtext import read_csv
from analysis.intake.files import SourceFile, UnreadableError
from analysis.intake.scan import MOST_CELLS, Marks, too_wide
from analysis.problems import Problem

_VISIBLE = (
    ("no", calamine.SheetVisibleEnum.Hidden),
    ("never", calamine.SheetVisibleEnum.VeryHidden),
)


@dataclass(frozen=True)
class Sheet:
    """One sheet.

    Parameters
    ----------
    name : str
        Empty for a CSV file.
    rows : list of list
        Raw cells from A1 on; rows are of one length.
    marks : Marks
        Cells without a usable value, merged, hidden.
    """

    name: str
    rows: list[list[Raw]]
    marks: Marks = field(default_factory=Marks)

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return all(cell == "" for row in self.rows for cell in row)


def address(row: int, column: int) -> str:
    """Return a cell's name.

    Examples
    --------
    >>> address(11, 3)
    'D12'
    """
    return f"{xl_col_to_name(column)}{row + 1}"


def letters(column: int) -> str:
    """Return a column's letters, from its number counted from 0.

    Examples
    --------
    >>> letters(27)
    'AB'
    """
    return address(0, column)[:-1]


def read_sheets(source: SourceFile) -> tuple[list[Sheet], list[Problem]]:
    """Read every sheet of a file.

    Returns
    -------
    sheets : list of Sheet
        In the file's order.
    problems : list of Problem
        Of a CSV file's lines.

    Raises
    ------
    UnreadableError
        If the file cannot be read at all.
    """
    if source.kind == "csv":
        rows, problems = read_csv(source.name, source.content)
        return [Sheet("", rows)], problems
    # Each kind of workbook has libraries of its own, which few files need.
    scan = import_module(f"analysis.intake.scan_{source.kind}").scan
    marks: dict[str, Marks] = scan(source.content)
    return _read_workbook(source.content, marks), []


def _read_workbook(content: bytes, marks: Mapping[str, Marks]) -> list[Sheet]:
    try:
        workbook = calamine.load_workbook(io.BytesIO(content))
        sheets = []
        for about in workbook.sheets_metadata:
            if about.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            sheets.append(_read_sheet(workbook, about, marks.get(about.name, Marks())))
    except calamine.PasswordError:
        raise UnreadableError(
            "password", "tệp được đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại"
        ) from None
    except (calamine.CalamineError, OSError, ValueError):
        message = "không đọc được bảng tính, tệp hỏng; hãy mở bằng Excel rồi lưu lại dạng .xlsx"
        raise UnreadableError("broken", message) from None
    return sheets


def _read_sheet(
    workbook: calamine.CalamineWorkbook, about: calamine.SheetMetadata, marks: Marks
) -> Sheet:
    sheet = workbook.get_sheet_by_name(about.name)
    end = sheet.end or (0, 0)
    if (end[0] + 1) * (end[1] + 1) > MOST_CELLS:
        raise too_wide(about.name, address(*end))
    rows: list[list[Raw]] = sheet.to_python(skip_empty_area=False)
    for row, column in (*marks.errors, *marks.no_value):
        # Some formats keep the error's text, or an old result, as if it were the value.
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = ""
    marks.merged = marks.merged or list(sheet.merged_cell_ranges or ())
    if marks.visible == "yes":
        marks.visible = next((word for word, one in _VISIBLE if one == about.visible), "yes")
    return Sheet(about.name, rows, marks)
