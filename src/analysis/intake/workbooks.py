"""What a file really is, and its sheets: each looked through for what calamine does not tell of its cells."""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import PurePath
from typing import IO, Any, Literal
from xml.etree import ElementTree
from xml.parsers import expat

import python_calamine as calamine

from analysis.intake.sheets import At, Marks, Sheet, address, is_plain
from analysis.intake.writings import Raw, decode
from analysis.problems import Problem, error
from analysis.tables.texts import split_csv

Kind = Literal["xlsx", "xls", "ods", "csv"]

#: A workbook of 120,000 full rows unpacks to about 200 MB; nothing honest is much larger.
_MOST_BYTES = 300_000_000
_MOST_UNPACKED = 1_000_000_000
_MOST_ENTRIES = 5_000
#: Real sheets shrink 5 to 40 times; deflate at its best does 1,032.
_SUSPECT_UNPACKED, _MOST_RATIO = 50_000_000, 150

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_ENTRY = b"PK\x01\x02"  # stands before each entry of a zip's directory
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_TEXT_ENDINGS = (".csv", ".tsv", ".txt")
_SAVE_AGAIN = "hãy mở bằng Excel hoặc LibreOffice rồi lưu lại thành tệp .xlsx"
_BROKEN = f"tệp hỏng hoặc bị cắt cụt, không mở được; hãy gửi lại, hoặc {_SAVE_AGAIN}"
_LOCKED = (
    "tệp được đặt mật khẩu; hãy bỏ mật khẩu (Tệp → Thông tin → Mã hóa bằng mật khẩu) rồi gửi lại"
)
#: Rows times columns of the smallest box around all filled cells; a reader makes room for all of it.
_MOST_CELLS = 12_000_000
#: A document's root element begins well before this.
_PROLOGUE = 65_536
_ROOT = re.compile(rb"<[A-Za-z_]")
_VISIBLE = (
    ("no", calamine.SheetVisibleEnum.Hidden),
    ("never", calamine.SheetVisibleEnum.VeryHidden),
)


class UnreadableError(Exception):
    """Why a file cannot be read: a code for machines and a Vietnamese sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)  # so it can be pickled

    def problem(self, file: str) -> Problem:
        """Return it as a problem of a file."""
        return error(self.message, code=self.code, file=file)


def identify(name: str, content: bytes) -> Kind:
    """Tell what a file is, without unpacking anything; refuse what cannot be read, or is not safe to."""
    ending = PurePath(name).suffix.lower()
    if not content:
        raise UnreadableError("empty_file", "tệp trống, không có byte nào")
    if len(content) > _MOST_BYTES:
        raise UnreadableError("too_big", "tệp lớn hơn 300 MB; hãy chia thành nhiều tệp")
    kind = _kind_of_bytes(content)
    if kind == "csv" and ending not in _TEXT_ENDINGS:
        message = (
            f"tệp mang đuôi {ending or 'lạ'} nhưng bên trong không phải bảng tính: là văn bản, trang web"
            f" hay tệp hỏng; nếu là CSV hãy đổi đuôi thành .csv, nếu không {_SAVE_AGAIN}"
        )
        raise UnreadableError("other_kind", message)
    if kind != "csv" and ending in _TEXT_ENDINGS:
        message = f"tệp mang đuôi {ending} nhưng bên trong là bảng tính; hãy đổi đuôi thành .{kind}"
        raise UnreadableError("other_kind", message)
    return kind


def _kind_of_bytes(content: bytes) -> Kind:
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        return _kind_of_zip(content)
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise UnreadableError("password", _LOCKED)
        return "xls"
    return "csv"


def _kind_of_zip(content: bytes) -> Kind:
    if content.count(_ENTRY) > _MOST_ENTRIES:
        raise UnreadableError("too_big", f"tệp nén có quá nhiều phần; {_SAVE_AGAIN}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        raise UnreadableError("truncated", _BROKEN) from None
    _check_sizes(entries, len(content))
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableError("password", _LOCKED)
    if any(name.lower() == "xl/workbook.xml" for name in names):
        return "xlsx"
    if "content.xml" in names:
        return "ods"
    message = f"tệp nén này không phải .xlsx hay .ods; {_SAVE_AGAIN}"
    raise UnreadableError("other_kind", message)


def _check_sizes(entries: list[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    suspect = unpacked > _SUSPECT_UNPACKED and unpacked > _MOST_RATIO * packed
    if unpacked > _MOST_UNPACKED or suspect:
        size = f"{unpacked / 1e6:,.0f}".replace(",", ".")
        message = f"tệp bung ra {size} MB, lớn bất thường nên không mở; {_SAVE_AGAIN}, bỏ phần thừa"
        raise UnreadableError("too_big", message)


# Text tables

#: Where two stand equally often, the comma is in the figures.
_SEPARATORS = "\t;,"
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def _read_csv(file: str, content: bytes) -> tuple[list[list[Raw]], list[Problem]]:
    """Return the rows of a text table, all of one length; its broken lines and old encoding are problems."""
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
    lengths = Counter(len(row) for row in rows if any(row))
    width = lengths.most_common(1)[0][0] if lengths else 0
    first = next((number for number, row in enumerate(rows) if len(row) == width), 0)
    for number, row in enumerate(rows):
        # Only the titles above a table may be shorter than its lines.
        if len(row) > width or (len(row) < width and number > first and any(row)):
            message = f"dòng có {len(row)} ô, các dòng khác có {width} ô"
            problems.append(error(message, code="ragged", file=file, row=number + 1))
        row[:] = [*row[:width], *[""] * (width - len(row))]
    return rows, problems


def _separator(text: str) -> str:
    """Return the sign that most often stands between the headings."""
    start = re.sub(r'"[^"]*"', "", text[:20_000])
    lines = [line for line in start.splitlines() if line.strip()][:20]
    return max(_SEPARATORS, key=lambda sign: max((line.count(sign) for line in lines), default=0))


# Workbooks


def read_sheets(name: str, content: bytes) -> tuple[list[Sheet], list[Problem]]:
    """Read every sheet of a file, in its order, and tell what is wrong with a CSV file's lines.

    A file that cannot be read at all raises `UnreadableError`.
    """
    kind = identify(name, content)
    if kind == "csv":
        rows, problems = _read_csv(name, content)
        return [Sheet("", rows)], problems
    return _read_workbook(content, scan(kind, content)), []


def scan(kind: Kind, content: bytes) -> dict[str, Marks]:
    """Return the marks of each sheet of a workbook.

    Refused are broken or locked files, those that count days from 1904, whose XML declares a document
    type or is not what the directory of the zip says, or that reach further than a reader could bear.
    """
    try:
        if kind == "xls":
            return _scan_xls(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_doctypes(archive)
            return _XlsxParts(archive).scan() if kind == "xlsx" else _OdsScan(archive).found
    except (
        *(zipfile.BadZipFile, ElementTree.ParseError, expat.ExpatError),
        *(KeyError, EOFError, OSError, ValueError, IndexError, ArithmeticError),
    ):
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
        if not part:
            return {}
        from openpyxl.styles.numbers import BUILTIN_FORMATS  # the process that asks never needs it

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
    from openpyxl.utils import column_index_from_string

    found: int = column_index_from_string(letters)
    return found


def _place(address: str) -> At:
    letters = address.rstrip("0123456789")
    return int(address[len(letters) :]) - 1, _column(letters) - 1


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
_TABLE, _OFFICE, _STYLE, _TEXT = (_NAMES % name for name in ("table", "office", "style", "text"))
_EXTRA = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_NUMBERS = ("float", "percentage", "currency")
_ERROR_SIGNS = ("#", "Err:")
_MOST_ROWS = 1_048_576
#: A number among what is shown beside it.
_SHOWN = re.compile(r"(.*?)([0-9](?:[0-9.,\s]*[0-9])?)(.*)", re.DOTALL)


class _OdsScan:
    """A walk through the XML of a workbook; identical cells, rows and columns stand there once."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.found: dict[str, Marks] = {}
        self.struck: dict[str, bool] = {}  # by style
        self._begin_sheet("")
        for part in ("styles.xml", "content.xml"):
            if part in archive.namelist() or part == "content.xml":
                with archive.open(part) as stream:
                    self._run(stream)

    def _begin_sheet(self, name: str) -> None:
        self.name, self.marks = name, Marks()
        self.row = self.column = self.columns = 0
        self.filled_to = 0  # columns up to the last filled cell of this row
        self.width = 0  # the same for all rows so far
        self.looks: list[tuple[int, str]] = []  # columns up to here: their style
        self.row_marks: list[tuple[int, int, str, str]] = []

    def _run(self, stream: IO[bytes]) -> None:
        for event, item in ElementTree.iterparse(stream, events=("start", "end")):
            if event == "start":
                if item.tag == f"{_TABLE}table":
                    self._begin_sheet(item.get(f"{_TABLE}name", ""))
                    self.found[self.name] = self.marks
            elif item.tag == f"{_STYLE}style":
                self._add_style(item)
            elif item.tag == f"{_TABLE}table-column":
                self._close_column(item)
            elif item.tag in _CELLS:
                self._close_cell(item)
            elif item.tag == f"{_TABLE}table-row":
                self._close_row(item)
                item.clear()

    def _add_style(self, item: ElementTree.Element) -> None:
        """Note whether letters of a style are struck out, as it says itself or inherits."""
        struck = self.struck.get(item.get(f"{_STYLE}parent-style-name", ""), False)
        text = item.find(f"{_STYLE}text-properties")
        for kind in ("type", "style"):
            line = None if text is None else text.get(f"{_STYLE}text-line-through-{kind}")
            struck = struck if line is None else line != "none"
        self.struck[item.get(f"{_STYLE}name", "")] = struck

    def _close_column(self, item: ElementTree.Element) -> None:
        first = self.columns
        self.columns += _times(item, "columns")
        if _is_hidden(item):
            self.marks.hidden_columns |= set(range(first, min(self.columns, _MOST_COLUMNS)))
        self.looks.append((self.columns, item.get(f"{_TABLE}default-cell-style-name", "")))

    def _close_row(self, item: ElementTree.Element) -> None:
        rows = range(self.row, min(self.row + _times(item, "rows"), _MOST_ROWS))
        if _is_hidden(item):
            self.marks.hidden_rows |= set(rows)
        self.row += _times(item, "rows")
        # A small file's repeated cells might fill the memory.
        marked = max((first + times for first, times, _, _ in self.row_marks), default=0)
        self.width = max(self.width, self.filled_to, marked)
        if (self.filled_to or marked) and self.width * self.row > _MOST_CELLS:
            raise _too_wide(self.name, address(self.row - 1, self.width - 1))
        for first, times, name, text in self.row_marks:
            mark = getattr(self.marks, name)
            places = [(row, first + place) for row in rows for place in range(times)]
            mark.update(dict.fromkeys(places, text) if isinstance(mark, dict) else places)
        self.row_marks.clear()
        self.column = self.filled_to = 0

    def _close_cell(self, item: ElementTree.Element) -> None:
        at, times = (self.row, self.column), _times(item, "columns")
        self.column += times
        kind = item.get(f"{_OFFICE}value-type", "")
        if kind:
            self.filled_to = self.column
        wide, high = (int(item.get(f"{_TABLE}number-{x}-spanned", 1)) for x in ("columns", "rows"))
        if wide > 1 or high > 1:
            self.marks.merged.append((at, (at[0] + high - 1, at[1] + wide - 1)))
        note = item.find(f"{_OFFICE}annotation")
        if note is not None:
            self.marks.notes[at] = "\n".join(_texts(note))
        self.row_marks += [(at[1], times, mark, text) for mark, text in self._marks_of(item, kind)]

    def _marks_of(self, item: ElementTree.Element, kind: str) -> Iterator[tuple[str, str]]:
        """Yield what is to be marked of a cell: which mark, and what it says."""
        texts = _texts(item)
        shown = "\n".join(texts).strip()
        is_formula = f"{_TABLE}formula" in item.attrib
        if item.get(f"{_EXTRA}value-type") == "error" or (
            is_formula and shown.startswith(_ERROR_SIGNS)
        ):
            yield "errors", shown or "#"
        elif is_formula and not kind:
            yield "no_value", ""
        if not kind:
            return
        value = item.get(f"{_OFFICE}value", "0")
        if kind == "percentage":
            yield "formats", "0%"
        elif kind in _NUMBERS and texts and not is_plain(code := _code_of(shown, value)):
            yield "formats", code
        beside = next((look for end, look in self.looks if end >= self.column), "")
        if self.struck.get(item.get(f"{_TABLE}style-name", beside)):
            yield "struck", ""
        spans = (span.get(f"{_TEXT}style-name", "") for span in item.iter(f"{_TEXT}span"))
        if any(self.struck.get(span) for span in spans):
            yield "part_struck", ""


@lru_cache(maxsize=10_000)
def _code_of(shown: str, value: str) -> str:
    """Return a format code of Excel's under which a number looks as it is shown."""
    parts = _SHOWN.fullmatch(shown.replace('"', ""))
    if shown == value or parts is None:
        return "General" if shown == value else f'"{shown}"'
    before, number, after = parts.groups()
    if after.lstrip().startswith("%"):
        return "0%"
    # Which sign parts the decimals is not told: as many as make it the same number, rounded.
    digits, exact = Decimal(re.sub(r"\D", "", number)), abs(Decimal(value))
    is_same = any(abs(digits.scaleb(-n) - exact).scaleb(n) * 2 <= 1 for n in range(16))
    if not is_same:
        return f'"{shown}"'
    return f'"{before}"General"{after}"' if f"{before}{after}".strip() else "General"


def _texts(item: ElementTree.Element) -> list[str]:
    return ["".join(part.itertext()) for part in item.findall(f"{_TEXT}p")]


def _is_hidden(item: ElementTree.Element) -> bool:
    return item.get(f"{_TABLE}visibility") in ("collapse", "filter")


def _times(item: ElementTree.Element, what: str) -> int:
    times = int(item.get(f"{_TABLE}number-{what}-repeated", 1))
    if not 1 <= times <= _MOST_ROWS:
        raise ValueError(times)
    return times


# .xls

#: The record of a formula; its result is the number 0 or nothing, and it is still to be computed.
_FORMULA, _EMPTY_TEXT, _TO_COMPUTE = 0x06, b"\x03", 2


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
    marks = Marks(no_value=no_value)
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
