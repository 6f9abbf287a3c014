"""Read from the XML of an .ods what calamine does not tell, and refuse what would break it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.etree import ElementTree

from xlsxwriter.utility import xl_col_to_name

from analysis.intake.files import UnreadableError
from analysis.intake.scan import MOST_CELLS, Marks, Place, is_plain, too_wide
from analysis.intake.scan_xlsx import refuse_doctypes

_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_TABLE, _OFFICE, _STYLE, _TEXT, _NUMBER = (
    _NAMES % name for name in ("table", "office", "style", "text", "datastyle")
)
_EXTRA = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
#: A style of texts may hold sections for numbers too.
_NUMBER_STYLES = tuple(
    f"{_NUMBER}{kind}-style" for kind in ("number", "percentage", "currency", "text")
)
_DIGITS = (f"{_NUMBER}number", f"{_NUMBER}scientific-number")
_NUMBERS = ("float", "percentage", "currency")
_ERROR_SIGNS = ("#", "Err:")


def scan(content: bytes) -> dict[str, Marks]:
    """Return each sheet's marks.

    Raises
    ------
    UnreadableError
        If the file is broken, declares a document type, or reaches too far.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refuse_doctypes(archive)
            scan = _Scan()
            if "styles.xml" in archive.namelist():
                with archive.open("styles.xml") as stream:
                    scan.run(stream)
            with archive.open("content.xml") as stream:
                scan.run(stream)
            return scan.found
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, EOFError, OSError, ValueError):
        message = "tệp hỏng, phần bên trong không đọc được; hãy mở bằng LibreOffice rồi lưu lại"
        raise UnreadableError("truncated", message) from None


class _Styles:
    """How cells, letters and sheets look, by the names of their styles."""

    def __init__(self) -> None:
        self.own: dict[str, ElementTree.Element] = {}
        self.codes: dict[str, str] = {}

    def add(self, item: ElementTree.Element) -> None:
        name = item.get(f"{_STYLE}name", "")
        if item.tag in _NUMBER_STYLES:
            self.codes[name] = _code_of(item, self.codes)
        else:
            self.own[name] = item

    def _chain(self, name: str) -> Iterator[ElementTree.Element]:
        """Yield a style, then those that it inherits from."""
        seen: set[str] = set()
        while name in self.own and name not in seen:
            seen.add(name)
            yield self.own[name]
            name = self.own[name].get(f"{_STYLE}parent-style-name", "")

    def code(self, name: str, kind: str) -> str:
        """Return the format code of a number of this kind."""
        named = (style.get(f"{_STYLE}data-style-name") for style in self._chain(name))
        code = self.codes.get(next((one for one in named if one), ""), "")
        return code or ("0%" if kind == "percentage" else "General")

    def is_struck(self, name: str) -> bool:
        for style in self._chain(name):
            for kind in ("style", "type"):
                found = style.find(f"{_STYLE}text-properties[@{_STYLE}text-line-through-{kind}]")
                if found is not None:
                    return found.get(f"{_STYLE}text-line-through-{kind}") != "none"
        return False

    def is_hidden(self, name: str) -> bool:
        """Tell whether sheets of this style are not displayed."""
        found = (style.find(f"{_STYLE}table-properties") for style in self._chain(name))
        return any(item is not None and item.get(f"{_TABLE}display") == "false" for item in found)


def _code_of(item: ElementTree.Element, codes: dict[str, str]) -> str:
    """Return a number style as Excel would write it."""
    code = ""
    for part in item:
        text = "".join(part.itertext())
        if part.tag in _DIGITS:
            factor = float(part.get(f"{_NUMBER}display-factor", 1))
            thousands = "," * (round(factor) // 1000 and len(f"{round(factor)}") // 3)
            places = min(int(part.get(f"{_NUMBER}decimal-places", 0)), 9)
            code += "0" if part.get(f"{_NUMBER}min-integer-digits") != "0" else "#"
            code += f".{'0' * places}{thousands}" if places else thousands
        elif part.tag in (f"{_NUMBER}text", f"{_NUMBER}currency-symbol"):
            is_percent = item.tag == f"{_NUMBER}percentage-style" and text.strip() == "%"
            code += "%" if is_percent else f'"{text}"'
        elif part.tag == f"{_NUMBER}text-content":
            code += "@"
        elif part.tag == f"{_STYLE}map":
            other = codes.get(part.get(f"{_STYLE}apply-style-name", ""), "")
            condition = part.get(f"{_STYLE}condition", "").removeprefix("value()")
            code = f"[{condition.replace('!=', '<>')}]{other};{code}"
    return code


@dataclass
class _Sheet:
    """What is known of the sheet being read."""

    name: str
    marks: Marks = field(default_factory=Marks)
    row: int = 0
    column: int = 0
    columns: int = 0
    filled_to: int = 0  # columns up to the last filled cell of this row
    width: int = 0  # the same for all rows so far
    looks: list[tuple[int, str]] = field(default_factory=list)  # columns up to here: their style
    row_marks: list[tuple[int, int, str, str]] = field(default_factory=list)


class _Scan:
    """A walk through the XML of a workbook."""

    def __init__(self) -> None:
        self.styles = _Styles()
        self.found: dict[str, Marks] = {}
        self.sheet: _Sheet | None = None

    def run(self, stream: IO[bytes]) -> None:
        for event, item in ElementTree.iterparse(stream, events=("start", "end")):
            if event == "start":
                if item.tag == f"{_TABLE}table" and self.sheet is None:
                    self.sheet = _Sheet(item.get(f"{_TABLE}name", ""))
                    if self.styles.is_hidden(item.get(f"{_TABLE}style-name", "")):
                        self.sheet.marks.visible = "no"
            elif item.tag == f"{_STYLE}style" or item.tag in _NUMBER_STYLES:
                self.styles.add(item)
            elif self.sheet is not None:
                self._close(item, self.sheet)
                if item.tag == f"{_TABLE}table":
                    self.found[self.sheet.name] = self.sheet.marks
                    self.sheet = None

    def _close(self, item: ElementTree.Element, sheet: _Sheet) -> None:
        is_hidden = item.get(f"{_TABLE}visibility") in ("collapse", "filter")
        if item.tag == f"{_TABLE}table-column":
            times = _times(item, "columns")
            if is_hidden:
                columns = range(sheet.columns, min(sheet.columns + times, 16384))
                sheet.marks.hidden_columns |= set(columns)
            sheet.columns += times
            look = item.get(f"{_TABLE}default-cell-style-name", "")
            sheet.looks.append((sheet.columns, look))
        elif item.tag in _CELLS:
            self._close_cell(item, sheet)
        elif item.tag == f"{_TABLE}table-row":
            times = _times(item, "rows")
            rows = range(sheet.row, min(sheet.row + times, 1_048_576))
            if is_hidden:
                sheet.marks.hidden_rows |= set(rows)
            sheet.row += times
            _check_extent(sheet)
            _put_marks(sheet, rows)
            sheet.column = sheet.filled_to = 0
            item.clear()

    def _close_cell(self, item: ElementTree.Element, sheet: _Sheet) -> None:
        at, times = (sheet.row, sheet.column), _times(item, "columns")
        sheet.column += times
        kind = item.get(f"{_OFFICE}value-type", "")
        if kind:
            sheet.filled_to = sheet.column
        wide, high = (int(item.get(f"{_TABLE}number-{x}-spanned", 1)) for x in ("columns", "rows"))
        if wide > 1 or high > 1:
            sheet.marks.merged.append((at, (at[0] + high - 1, at[1] + wide - 1)))
        note = item.find(f"{_OFFICE}annotation")
        if note is not None:
            sheet.marks.notes[at] = "\n".join(_texts(note))
        sheet.row_marks += [
            (at[1], times, mark, text) for mark, text in self._marks_of(item, kind, sheet)
        ]

    def _marks_of(
        self, item: ElementTree.Element, kind: str, sheet: _Sheet
    ) -> Iterator[tuple[str, str]]:
        """Yield what is to be marked of a cell: which mark, and what it says."""
        shown = "\n".join(_texts(item)).strip()
        is_formula = f"{_TABLE}formula" in item.attrib
        if item.get(f"{_EXTRA}value-type") == "error" or (
            is_formula and shown.startswith(_ERROR_SIGNS)
        ):
            yield "errors", shown or "#"
        elif is_formula and not kind:
            yield "no_value", ""
        if not kind:
            return
        beside = next((look for end, look in sheet.looks if end >= sheet.column), "")
        look = item.get(f"{_TABLE}style-name", beside)
        if kind in _NUMBERS and not is_plain(code := self.styles.code(look, kind)):
            yield "formats", code
        if self.styles.is_struck(look):
            yield "struck", ""
        spans = (span.get(f"{_TEXT}style-name", "") for span in item.iter(f"{_TEXT}span"))
        if any(self.styles.is_struck(span) for span in spans):
            yield "part_struck", ""


def _texts(item: ElementTree.Element) -> list[str]:
    return ["".join(part.itertext()) for part in item.findall(f"{_TEXT}p")]


def _put_marks(sheet: _Sheet, rows: range) -> None:
    """Mark the cells of a row that has ended, each as often as it is repeated."""
    for first, times, name, text in sheet.row_marks:
        mark = getattr(sheet.marks, name)
        places: Iterator[Place] = (
            (row, column) for row in rows for column in range(first, first + times)
        )
        if isinstance(mark, dict):
            mark.update(dict.fromkeys(places, text))
        else:
            mark.update(places)
    sheet.row_marks.clear()


def _check_extent(sheet: _Sheet) -> None:
    """Refuse a small file whose repeated cells would fill the memory."""
    marked = max((first + times for first, times, _, _ in sheet.row_marks), default=0)
    sheet.width = max(sheet.width, sheet.filled_to, marked)
    if (sheet.filled_to or marked) and sheet.width * sheet.row > MOST_CELLS:
        raise too_wide(sheet.name, f"{xl_col_to_name(sheet.width - 1)}{sheet.row}")


def _times(item: ElementTree.Element, what: str) -> int:
    times = int(item.get(f"{_TABLE}number-{what}-repeated", 1))
    if not 1 <= times <= 1_048_576:
        raise ValueError(times)
    return times
