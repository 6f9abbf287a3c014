"""Read from the XML of an .ods what calamine does not tell, and refuse what would break it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from xlsxwriter.utility import xl_col_to_name

from analysis.intake.files import UnreadableError
from analysis.intake.marks import MOST_CELLS, Box, Marks
from analysis.intake.marks_xlsx import refuse_doctypes

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_EXTRA = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_ERROR_SIGNS = ("#", "Err:")


def scan_ods(content: bytes) -> dict[str, Marks]:
    """Return each sheet's marks.

    Raises
    ------
    UnreadableError
        If the file is broken, declares a document type, or reaches too far.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refuse_doctypes(archive)
            with archive.open("content.xml") as stream:
                return dict(_scan(stream))
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, EOFError, OSError, ValueError):
        message = "tệp hỏng, phần bên trong không đọc được; hãy mở bằng LibreOffice rồi lưu lại"
        raise UnreadableError("truncated", message) from None


@dataclass
class _Sheet:
    """What is known of the sheet being read."""

    name: str
    is_hidden: bool
    row: int = 0
    column: int = 0
    columns: int = 0
    filled_to: int = 0  # columns up to the last filled cell of this row
    width: int = 0  # the same for all rows so far
    no_value: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Box] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)

    def marks(self) -> Marks:
        return Marks(
            frozenset(self.no_value),
            self.errors,
            tuple(self.merged),
            frozenset(self.hidden_rows),
            frozenset(self.hidden_columns),
            self.is_hidden,
        )


def _scan(stream: Any) -> Iterator[tuple[str, Marks]]:
    hidden_styles: set[str] = set()
    sheet: _Sheet | None = None
    style = ""
    for event, item in ElementTree.iterparse(stream, events=("start", "end")):
        if event == "start" and item.tag == f"{_TABLE}table" and sheet is None:
            hidden = item.get(f"{_TABLE}style-name", "") in hidden_styles
            sheet = _Sheet(item.get(f"{_TABLE}name", ""), hidden)
        elif event == "start" and item.tag == f"{_STYLE}style":
            style = item.get(f"{_STYLE}name", "")
        elif event == "end" and item.tag == f"{_STYLE}table-properties":
            if item.get(f"{_TABLE}display") == "false":
                hidden_styles.add(style)
        elif event == "end" and sheet is not None:
            _close(item, sheet)
            if item.tag == f"{_TABLE}table":
                yield sheet.name, sheet.marks()
                sheet = None


def _close(item: ElementTree.Element, sheet: _Sheet) -> None:
    if item.tag == f"{_TABLE}table-column":
        times = _times(item, "columns")
        if item.get(f"{_TABLE}visibility") in ("collapse", "filter"):
            sheet.hidden_columns |= set(range(sheet.columns, min(sheet.columns + times, 16384)))
        sheet.columns += times
    elif item.tag in _CELLS:
        _close_cell(item, sheet)
    elif item.tag == f"{_TABLE}table-row":
        times = _times(item, "rows")
        if item.get(f"{_TABLE}visibility") in ("collapse", "filter"):
            sheet.hidden_rows |= set(range(sheet.row, min(sheet.row + times, 1_048_576)))
        sheet.row += times
        _check_extent(sheet)
        sheet.column = sheet.filled_to = 0
        item.clear()


def _check_extent(sheet: _Sheet) -> None:
    """Refuse a small file whose repeated cells would fill the memory."""
    sheet.width = max(sheet.width, sheet.filled_to)
    if sheet.filled_to and sheet.width * sheet.row > MOST_CELLS:
        last = f"{xl_col_to_name(sheet.width - 1)}{sheet.row}"
        raise UnreadableError("too_wide", Marks.too_wide(sheet.name, last))


def _close_cell(item: ElementTree.Element, sheet: _Sheet) -> None:
    at, times = (sheet.row, sheet.column), _times(item, "columns")
    sheet.column += times
    is_filled = f"{_OFFICE}value-type" in item.attrib
    if is_filled:
        sheet.filled_to = sheet.column
    wide, high = (int(item.get(f"{_TABLE}number-{x}-spanned", 1)) for x in ("columns", "rows"))
    if wide > 1 or high > 1:
        sheet.merged.append((at, (at[0] + high - 1, at[1] + wide - 1)))
    shown = "".join(item.itertext()).strip()
    if item.get(f"{_EXTRA}value-type") == "error" or (
        f"{_TABLE}formula" in item.attrib and shown.startswith(_ERROR_SIGNS)
    ):
        sheet.errors[at] = shown or "#"
    elif f"{_TABLE}formula" in item.attrib and not is_filled:
        sheet.no_value.add(at)


def _times(item: ElementTree.Element, what: str) -> int:
    times = int(item.get(f"{_TABLE}number-{what}-repeated", 1))
    if not 1 <= times <= 1_048_576:
        raise ValueError(times)
    return times
