"""Workbooks as sheets: .xlsx, .ods and .xls, each looked through for what calamine does not tell."""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any
from xml.etree import ElementTree
from xml.parsers import expat

import python_calamine as calamine

from analysis.intake.files import SourceFile, UnreadableError, read_csv
from analysis.intake.sheets import At, Marks, Sheet, address, is_plain
from analysis.intake.writings import Raw
from analysis.problems import Problem

#: Rows times columns of the smallest box around all filled cells; a reader makes room for all of it.
_MOST_CELLS = 12_000_000
#: A document's root element begins well before this.
_PROLOGUE = 65_536
_ROOT = re.compile(rb"<[A-Za-z_]")
_BROKEN = "tệp hỏng hoặc bị cắt cụt; hãy mở bằng Excel hoặc LibreOffice rồi lưu lại dạng .xlsx"
_LOCKED = "tệp được đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại"
_VISIBLE = (
    ("no", calamine.SheetVisibleEnum.Hidden),
    ("never", calamine.SheetVisibleEnum.VeryHidden),
)


def read_sheets(source: SourceFile) -> tuple[list[Sheet], list[Problem]]:
    """Read every sheet of a file, in its order, and tell what is wrong with a CSV file's lines.

    Raises
    ------
    UnreadableError
        If the file cannot be read at all.
    """
    if source.kind == "csv":
        rows, problems = read_csv(source.name, source.content)
        return [Sheet("", rows)], problems
    return _read_workbook(source.content, scan(source)), []


def scan(source: SourceFile) -> dict[str, Marks]:
    """Return the marks of each sheet of a workbook.

    Raises
    ------
    UnreadableError
        If the file is broken, locked by a password or counts days from 1904; if its XML declares a
        document type, is not what the directory of the zip says, or reaches further than a reader
        could bear.
    """
    try:
        if source.kind == "xls":
            return _scan_xls(source.content)
        with zipfile.ZipFile(io.BytesIO(source.content)) as archive:
            _refuse_doctypes(archive)
            return _XlsxParts(archive).scan() if source.kind == "xlsx" else _scan_ods(archive)
    except (zipfile.BadZipFile, ElementTree.ParseError, expat.ExpatError):
        raise UnreadableError("truncated", _BROKEN) from None
    except (KeyError, EOFError, OSError, ValueError, IndexError):
        raise UnreadableError("truncated", _BROKEN) from None


def _read_workbook(content: bytes, marks: Mapping[str, Marks]) -> list[Sheet]:
    try:
        workbook = calamine.load_workbook(io.BytesIO(content))
        sheets = []
        for about in workbook.sheets_metadata:
            if about.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            sheets.append(_read_sheet(workbook, about, marks.get(about.name, Marks())))
    except calamine.PasswordError:
        raise UnreadableError("password", _LOCKED) from None
    except (calamine.CalamineError, OSError, ValueError):
        raise UnreadableError("broken", _BROKEN) from None
    return sheets


def _read_sheet(
    workbook: calamine.CalamineWorkbook, about: calamine.SheetMetadata, marks: Marks
) -> Sheet:
    sheet = workbook.get_sheet_by_name(about.name)
    end = sheet.end or (0, 0)
    if (end[0] + 1) * (end[1] + 1) > _MOST_CELLS:
        raise _too_wide(about.name, address(*end))
    rows: list[list[Raw]] = sheet.to_python(skip_empty_area=False)
    for row, column in (*marks.errors, *marks.no_value):
        # Some formats keep the error's text, or an old result, as if it were the value.
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = ""
    marks.merged = marks.merged or list(sheet.merged_cell_ranges or ())
    if marks.visible == "yes":
        marks.visible = next((word for word, one in _VISIBLE if one == about.visible), "yes")
    return Sheet(about.name, rows, marks)


def _too_wide(sheet: str, last: str) -> UnreadableError:
    """Return why a sheet that reaches too far is not read."""
    message = (
        f"trang tính «{sheet}» trải tới tận ô {last}; hãy xóa các dòng, cột thừa ở cuối rồi lưu lại"
    )
    return UnreadableError("too_wide", message)


def _counts_from_1904() -> UnreadableError:
    """Return why a workbook of another calendar is not read."""
    message = (
        "tệp đếm ngày từ năm 1904 (máy Mac cũ) nên ngày dễ sai; hãy chép số liệu sang một tệp mới"
    )
    return UnreadableError("date_1904", message)


def _refuse_doctypes(archive: zipfile.ZipFile) -> None:
    """Refuse a document type: it can name files of this machine or grow without end."""
    for entry in archive.infolist():
        if not entry.filename.lower().endswith((".xml", ".rels")):
            continue
        with archive.open(entry) as stream:
            start = stream.read(_PROLOGUE)
        root = _ROOT.search(start)
        prologue = start[: root.start()] if root else start
        # An encoding that hides the word from this look is no more wanted than the word.
        if b"<!DOCTYPE" in prologue or b"\0" in prologue or len(prologue) == _PROLOGUE:
            message = (
                "tệp chứa khai báo DOCTYPE, không an toàn nên không đọc; hãy lưu lại bằng Excel"
            )
            raise UnreadableError("doctype", message)


# .xlsx

_YES, _NO = ("1", "true"), ("0", "false")
#: The formats that show the money of the PC's own country, which files write as dollars.
_OWN_MONEY = (5, 6, 7, 8, 42, 44)
_MOST_COLUMNS = 16_384


def _local(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]


def _is_on(item: ElementTree.Element | None) -> bool:
    """Tell whether a font's mark stands and is not switched off."""
    return item is not None and item.get("val", "1") not in _NO


class _XlsxParts:
    """The parts of a workbook beside its sheets."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.parts = {name.lower().replace("\\", "/"): name for name in archive.namelist()}
        self.is_to_compute = False

    def scan(self) -> dict[str, Marks]:
        main = "xl/workbook.xml"
        links = {key: part for key, _, part in self.links(main)}
        kinds = {kind: part for _, kind, part in self.links(main)}
        sheets = {}
        for item in self.root(main).iter():
            if _local(item) == "workbookPr" and item.get("date1904") in _YES:
                raise _counts_from_1904()
            if _local(item) == "calcPr":
                self.is_to_compute = item.get("fullCalcOnLoad") in _YES
            if _local(item) == "sheet":
                key = next((value for name, value in item.items() if name.endswith("}id")), "")
                # A sheet that cannot be looked through is not read either.
                sheets[item.get("name", "")] = links[key]
        styles = self.styles(kinds.get("styles", ""))
        struck = self.struck_texts(kinds.get("sharedStrings", ""))
        found = {}
        for name, part in sheets.items():
            scan = _XlsxScan(name, styles, struck, self.is_to_compute)
            with self.open(part) as stream:
                found[name] = scan.run(stream)
            found[name].notes = self.notes(part)
        return found

    def open(self, part: str) -> IO[bytes]:
        return self.archive.open(self.parts[part.lower()])

    def root(self, part: str) -> ElementTree.Element:
        # Without a document type there is nothing that the parser would expand or fetch.
        with self.open(part) as stream:
            return ElementTree.parse(stream).getroot()

    def links(self, part: str) -> Iterator[tuple[str, str, str]]:
        """Yield what a part leads to: the link's id, the kind of the other part, its name."""
        folder, name = posixpath.split(part)
        rels = f"{folder}/_rels/{name}.rels"
        for link in self.root(rels) if rels.lower() in self.parts else ():
            target = posixpath.normpath(posixpath.join("/", folder, link.get("Target", "")))
            kind = posixpath.basename(link.get("Type", ""))
            yield link.get("Id", ""), kind, target.lstrip("/")

    def styles(self, part: str) -> dict[str, tuple[str, bool]]:
        """Return the looks worth a mark, by number: a format's code or nothing, and whether struck."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        if not part:
            return {}
        codes: dict[int, str] = dict(BUILTIN_FORMATS)
        codes |= {number: codes[number].replace('"$"', '"₫"') for number in _OWN_MONEY}
        struck: list[bool] = []
        looks = {}
        for group in self.root(part):
            if _local(group) == "numFmts":
                codes |= {int(x.get("numFmtId", 0)): x.get("formatCode", "") for x in group}
            elif _local(group) == "fonts":
                struck = [_is_on(font.find("{*}strike")) for font in group]
            elif _local(group) == "cellXfs":
                for number, look in enumerate(group):
                    code = codes.get(int(look.get("numFmtId", 0)), "")
                    font = int(look.get("fontId", 0))
                    is_struck = font < len(struck) and struck[font]
                    if is_struck or not is_plain(code):
                        looks[str(number)] = ("" if is_plain(code) else code, is_struck)
        return looks

    def struck_texts(self, part: str) -> set[str]:
        """Return the numbers of the shared texts of which some letters are struck out."""
        if not part:
            return set()
        found, number, is_struck = set(), 0, False
        with self.open(part) as stream:
            for _, item in ElementTree.iterparse(stream):
                if _local(item) == "strike":
                    is_struck |= _is_on(item)
                elif _local(item) == "si":
                    if is_struck:
                        found.add(str(number))
                    number, is_struck = number + 1, False
                    item.clear()
        return found

    def notes(self, sheet: str) -> dict[At, str]:
        """Return a sheet's comments; of a thread, what was written rather than what stands for it."""
        notes: dict[At, str] = {}
        threads: dict[At, list[str]] = {}
        for _, kind, part in self.links(sheet):
            if kind not in ("comments", "threadedComment"):
                continue
            for item in self.root(part).iter():
                text = "".join(x.text or "" for x in item.iter() if _local(x) in ("t", "text"))
                if _local(item) == "comment":
                    notes[_place(item.get("ref", ""))] = text.strip()
                elif _local(item) == "threadedComment":
                    threads.setdefault(_place(item.get("ref", "")), []).append(text.strip())
        return notes | {at: "\n".join(texts) for at, texts in threads.items()}


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError(letters)
        number = number * 26 + ord(letter) - 64
    return number - 1


def _place(address: str) -> At:
    letters = address.rstrip("0123456789")
    return int(address[len(letters) :]) - 1, _column(letters)


@dataclass
class _XlsxScan:
    """A walk through the XML of one sheet that keeps only what is worth a mark.

    Programs may leave the addresses of rows and cells to be counted.
    """

    name: str
    styles: dict[str, tuple[str, bool]]
    struck_texts: set[str]
    is_to_compute: bool
    marks: Marks = field(default_factory=Marks)
    row: int = -1
    column: int = -1
    rows: int = 0
    columns: int = 0
    # Of the cell being read: whether there is something to close, its type, value, formula's range.
    is_open: bool = False
    kind: str = ""
    value: str | None = None
    formula: str | None = None

    def run(self, stream: IO[bytes]) -> Marks:
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._root
        self.parser.ParseFile(stream)
        self._close()
        return self.marks

    def _root(self, root: str, _: dict[str, str]) -> None:
        handlers = {"row": self._row, "c": self._cell, "v": self._value, "f": self._formula}
        handlers |= {"strike": self._strike, "col": self._columns}
        space = root[: root.rfind("}") + 1]
        get = {space + name: handler for name, handler in handlers.items()}.get

        def begin(tag: str, attributes: dict[str, str]) -> None:
            handler = get(tag)
            if handler is not None:
                handler(attributes)

        self.parser.StartElementHandler = begin

    def _columns(self, attributes: dict[str, str]) -> None:
        if attributes.get("hidden") in _YES or float(attributes.get("width", 1)) == 0:
            first, last = int(attributes["min"]), int(attributes["max"])
            self.marks.hidden_columns |= set(range(first - 1, min(last, _MOST_COLUMNS)))

    def _row(self, attributes: dict[str, str]) -> None:
        self._close()
        self.row, self.column = int(attributes.get("r", self.row + 2)) - 1, -1
        if attributes.get("hidden") in _YES or float(attributes.get("ht", 1)) == 0:
            self.marks.hidden_rows.add(self.row)

    def _cell(self, attributes: dict[str, str]) -> None:
        if self.is_open:
            self._close()
        address = attributes.get("r")
        if address is None:
            self.column += 1
        else:
            self.row, self.column = _place(address)
        if self.row >= self.rows or self.column >= self.columns:
            self._widen()
        self.kind = attributes.get("t", "n")
        self.is_open = self.kind == "e"
        look = self.styles.get(attributes.get("s", "0"))
        if look is not None:
            at = (self.row, self.column)
            if look[0] and self.kind == "n":
                self.marks.formats[at] = look[0]
            if look[1]:
                self.marks.struck.add(at)

    def _widen(self) -> None:
        self.rows, self.columns = max(self.rows, self.row + 1), max(self.columns, self.column + 1)
        if self.rows * self.columns > _MOST_CELLS:
            raise _too_wide(self.name, address(self.rows - 1, self.columns - 1))

    def _formula(self, attributes: dict[str, str]) -> None:
        self.is_open, self.formula = True, attributes.get("ref", "")
        if attributes.get("t") != "array":
            self.formula = ""

    def _value(self, _: dict[str, str]) -> None:
        if self.is_open or (self.struck_texts and self.kind == "s"):
            self.is_open, self.value = True, ""
            self.parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        self.value = (self.value or "") + text

    def _strike(self, attributes: dict[str, str]) -> None:
        if attributes.get("val", "1") not in _NO:
            self.marks.part_struck.add((self.row, self.column))

    def _close(self) -> None:
        """Judge the cell that has ended."""
        at, value = (self.row, self.column), self.value and self.value.strip()
        if self.kind == "e":
            self.marks.errors[at] = value or "#"
        elif self.formula is None:
            if value in self.struck_texts and self.kind == "s":
                self.marks.part_struck.add(at)
        elif self._lacks_value(value):
            self.marks.no_value |= self._filled_by(self.formula) or {at}
        self.parser.CharacterDataHandler = None
        self.is_open, self.kind, self.value, self.formula = False, "", None, None

    def _lacks_value(self, value: str | None) -> bool:
        """Tell whether a formula was never computed; writing libraries put a zero for Excel to replace."""
        if not value:
            return value is None or self.kind != "str"
        return self.is_to_compute and self.kind == "n" and float(value) == 0

    def _filled_by(self, area: str) -> set[At]:
        """Return the cells that an array formula fills."""
        if not area:
            return set()
        first, _, last = area.partition(":")
        (top, left), (bottom, right) = _place(first), _place(last or first)
        if (right - left + 1) * (bottom - top + 1) > _MOST_CELLS:
            raise _too_wide(self.name, area)
        rows, columns = range(top, bottom + 1), range(left, right + 1)
        return {(row, column) for row in rows for column in columns}


# .ods

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
_ODS_DIGITS = (f"{_NUMBER}number", f"{_NUMBER}scientific-number")
_NUMBERS = ("float", "percentage", "currency")
_ERROR_SIGNS = ("#", "Err:")


def _scan_ods(archive: zipfile.ZipFile) -> dict[str, Marks]:
    scan = _OdsScan()
    if "styles.xml" in archive.namelist():
        with archive.open("styles.xml") as stream:
            scan.run(stream)
    with archive.open("content.xml") as stream:
        scan.run(stream)
    return scan.found


class _OdsStyles:
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
        if part.tag in _ODS_DIGITS:
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
class _OdsSheet:
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


class _OdsScan:
    """A walk through the XML of a workbook."""

    def __init__(self) -> None:
        self.styles = _OdsStyles()
        self.found: dict[str, Marks] = {}
        self.sheet: _OdsSheet | None = None

    def run(self, stream: IO[bytes]) -> None:
        for event, item in ElementTree.iterparse(stream, events=("start", "end")):
            if event == "start":
                if item.tag == f"{_TABLE}table" and self.sheet is None:
                    self.sheet = _OdsSheet(item.get(f"{_TABLE}name", ""))
                    if self.styles.is_hidden(item.get(f"{_TABLE}style-name", "")):
                        self.sheet.marks.visible = "no"
            elif item.tag == f"{_STYLE}style" or item.tag in _NUMBER_STYLES:
                self.styles.add(item)
            elif self.sheet is not None:
                self._close(item, self.sheet)
                if item.tag == f"{_TABLE}table":
                    self.found[self.sheet.name] = self.sheet.marks
                    self.sheet = None

    def _close(self, item: ElementTree.Element, sheet: _OdsSheet) -> None:
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

    def _close_cell(self, item: ElementTree.Element, sheet: _OdsSheet) -> None:
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
        self, item: ElementTree.Element, kind: str, sheet: _OdsSheet
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


def _put_marks(sheet: _OdsSheet, rows: range) -> None:
    """Mark the cells of a row that has ended, each as often as it is repeated."""
    for first, times, name, text in sheet.row_marks:
        mark = getattr(sheet.marks, name)
        places: Iterator[At] = (
            (row, column) for row in rows for column in range(first, first + times)
        )
        if isinstance(mark, dict):
            mark.update(dict.fromkeys(places, text))
        else:
            mark.update(places)
    sheet.row_marks.clear()


def _check_extent(sheet: _OdsSheet) -> None:
    """Refuse a small file whose repeated cells would fill the memory."""
    marked = max((first + times for first, times, _, _ in sheet.row_marks), default=0)
    sheet.width = max(sheet.width, sheet.filled_to, marked)
    if (sheet.filled_to or marked) and sheet.width * sheet.row > _MOST_CELLS:
        raise _too_wide(sheet.name, address(sheet.row - 1, sheet.width - 1))


def _times(item: ElementTree.Element, what: str) -> int:
    times = int(item.get(f"{_TABLE}number-{what}-repeated", 1))
    if not 1 <= times <= 1_048_576:
        raise ValueError(times)
    return times


# .xls

#: The record of a formula; its result is the number 0 or nothing, and it is still to be computed.
_FORMULA, _EMPTY_TEXT, _TO_COMPUTE = 0x06, b"\x03", 2
_XLS_VISIBLE = ("yes", "no", "never")


def _scan_xls(content: bytes) -> dict[str, Marks]:
    import xlrd  # few files need it

    try:
        book = xlrd.open_workbook(
            file_contents=content,
            formatting_info=True,
            on_demand=True,
            ignore_workbook_corruption=True,
            logfile=io.StringIO(),
        )
        if book.datemode:
            raise _counts_from_1904()
        return {name: _scan_xls_sheet(book, name) for name in book.sheet_names()}
    except (UnreadableError, MemoryError):
        raise
    except Exception as failure:  # xlrd raises whatever its unpacking happens to raise
        if "encrypted" in str(failure):
            raise UnreadableError("password", _LOCKED) from None
        raise UnreadableError("truncated", _BROKEN) from None


def _scan_xls_sheet(book: Any, name: str) -> Marks:
    no_value: set[At] = set()
    read_record = book.get_record_parts

    def watch() -> tuple[int, int, bytes]:
        """Hand a record on to xlrd, which does not tell formulas from values."""
        kind, length, data = read_record()
        if kind == _FORMULA:
            row, column, result, options = struct.unpack_from("<HH2x8sH", data)
            is_empty = result[6:] == b"\xff\xff" and result[:1] == _EMPTY_TEXT
            # Programs that leave the computing to Excel write this; whether it was computed and
            # shows nothing cannot be told, so it is asked about.
            if is_empty or (options & _TO_COMPUTE and result == bytes(8)):
                no_value.add((row, column))
        return kind, length, data

    book.get_record_parts = watch
    try:
        sheet = book.sheet_by_name(name)
    finally:
        book.get_record_parts = read_record
    marks = Marks(no_value=no_value, visible=_XLS_VISIBLE[sheet.visibility])
    marks.hidden_rows = {row for row, about in sheet.rowinfo_map.items() if about.hidden}
    marks.hidden_columns = {column for column, about in sheet.colinfo_map.items() if about.hidden}
    marks.notes = {at: note.text.strip() for at, note in sheet.cell_note_map.items()}
    for at, runs in sheet.rich_text_runlist_map.items():
        if any(book.font_list[font].struck_out for _, font in runs):
            marks.part_struck.add(at)
    _look_at_cells(book, sheet, marks)
    book.unload_sheet(name)
    return marks


def _look_at_cells(book: Any, sheet: Any, marks: Marks) -> None:
    from xlrd.biffh import XL_CELL_ERROR, XL_CELL_NUMBER, error_text_from_code

    codes = [book.format_map[look.format_key].format_str for look in book.xf_list]
    struck = [bool(book.font_list[look.font_index].struck_out) for look in book.xf_list]
    worth = {n for n, code in enumerate(codes) if struck[n] or not is_plain(code)}
    for row in range(sheet.nrows):
        for column, kind in enumerate(sheet.row_types(row)):
            if kind == XL_CELL_ERROR:
                code = sheet.cell_value(row, column)
                marks.errors[row, column] = error_text_from_code.get(code, "#")
            look = sheet.cell_xf_index(row, column)
            if look not in worth:
                continue
            if kind == XL_CELL_NUMBER:
                marks.formats[row, column] = codes[look]
            if struck[look]:
                marks.struck.add((row, column))
