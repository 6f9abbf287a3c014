"""A file as sheets of raw cells: workbooks, and text tables with their encodings, separators and broken lines."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

import python_calamine as calamine
from xlsxwriter.utility import xl_col_to_name

from analysis.intake.files import SourceFile, UnreadableError
from analysis.intake.formtexts import Raw, shown, tidy
from analysis.intake.legacy import decode
from analysis.intake.scan import MOST_CELLS, Marks, too_wide
from analysis.problems import Problem, error
from analysis.tables.texts import split_csv

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

    def __getitem__(self, at: tuple[int, int]) -> Raw:
        """Return the cell of a row and a column; empty outside of what was read."""
        row, column = at
        inside = row < len(self.rows) and column < len(self.rows[row])
        return self.rows[row][column] if inside else ""

    def text(self, row: int, column: int) -> str:
        """Return what stands in a cell as a person would have typed it."""
        return tidy(shown(self[row, column]))

    def is_said(self, at: tuple[int, int]) -> bool:
        """Tell whether something stands in a cell, be it without a usable value."""
        return self[at] != "" or self.marks.is_said(at)


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


#: Where two stand equally often, the comma is in the figures.
_SEPARATORS = "\t;,"
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def read_csv(file: str, content: bytes) -> tuple[list[list[Raw]], list[Problem]]:
    """Read the rows of a text table.

    Parameters
    ----------
    file : str
        Its name, for problems.
    content : bytes
        The file.

    Returns
    -------
    rows : list of list of str
        Rows of one length.
    problems : list of Problem
        Broken lines, an old encoding.

    Raises
    ------
    UnreadableError
        If the encoding cannot be told, or nothing stands in the file.
    """
    try:
        text, old = decode(content)
    except UnicodeDecodeError:
        message = "không nhận ra bảng mã của tệp; hãy lưu lại dạng CSV UTF-8"
        raise UnreadableError("not_utf8", message) from None
    problems = []
    if old is not None:
        message = f"tệp viết bằng bảng mã cũ {old}; hãy chuyển sang Unicode rồi lưu dạng CSV UTF-8"
        problems.append(error(message, code="legacy_encoding", file=file))
    named = _SEPARATOR_LINE.match(text)
    if named:
        text = "\n" + text[named.end() :]  # rows are counted as the file has them
    if not text.strip():
        raise UnreadableError("empty_file", "tệp trống, không có dòng tiêu đề")
    separator = named[1] if named else _separator(text)
    rows: list[list[Raw]] = [[*row] for row in split_csv(file, text, problems, separator)]
    problems += (ragged := _ragged(file, rows))
    too_long = {problem.row for problem in ragged}
    width = max((len(row) for n, row in enumerate(rows, 1) if n not in too_long), default=0)
    for row in rows:
        row[:] = [*row[:width], *[""] * (width - len(row))]
    return rows, problems


def _separator(text: str) -> str:
    """Return the sign that most often stands between the headings."""
    start = re.sub(r'"[^"]*"', "", text[:20_000])
    lines = [line for line in start.splitlines() if line.strip()][:20]
    return max(_SEPARATORS, key=lambda sign: max((line.count(sign) for line in lines), default=0))


def _ragged(file: str, rows: list[list[Raw]]) -> list[Problem]:
    """Find lines that are not as long as the others; only titles above them may be shorter."""
    lengths = Counter(len(row) for row in rows if any(cell != "" for cell in row))
    if not lengths:
        return []
    usual = lengths.most_common(1)[0][0]
    first = next(number for number, row in enumerate(rows) if len(row) == usual)
    return [
        error(
            f"dòng có {len(row)} ô, các dòng khác có {usual} ô",
            code="ragged",
            file=file,
            row=number + 1,
        )
        for number, row in enumerate(rows)
        if len(row) > usual or (len(row) < usual and number > first and any(row))
    ]
