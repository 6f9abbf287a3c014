"""Read from the XML of an .xlsx what calamine does not tell, and refuse what would break it."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import IO
from xml.etree import ElementTree
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import range_boundaries
from xlsxwriter.utility import xl_col_to_name

from analysis.intake.files import UnreadableError
from analysis.intake.scan import MOST_CELLS, Marks, Place, counts_from_1904, is_plain, too_wide

#: A document's root element begins well before this.
_PROLOGUE = 65_536
_ROOT = re.compile(rb"<[A-Za-z_]")
_BROKEN = "tệp hỏng, phần bên trong không đọc được; hãy mở bằng Excel rồi lưu lại dạng .xlsx"
_YES, _NO = ("1", "true"), ("0", "false")
#: The formats that show the money of the PC's own country, which files write as dollars.
_OWN_MONEY = (5, 6, 7, 8, 42, 44)
_MOST_COLUMNS = 16_384
_DIGITS = "0123456789"


def scan(content: bytes) -> dict[str, Marks]:
    """Return each sheet's marks.

    Raises
    ------
    UnreadableError
        If the XML declares a document type, is not what the directory of the zip says, or reaches
        further than a reader could bear.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refuse_doctypes(archive)
            return _Workbook(archive).scan()
    except (zipfile.BadZipFile, ElementTree.ParseError, expat.ExpatError):
        raise UnreadableError("truncated", _BROKEN) from None
    except (KeyError, EOFError, OSError, ValueError, IndexError):
        raise UnreadableError("truncated", _BROKEN) from None


def refuse_doctypes(archive: zipfile.ZipFile) -> None:
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


def _local(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]


def _is_on(item: ElementTree.Element | None) -> bool:
    """Tell whether a font's mark stands and is not switched off."""
    return item is not None and item.get("val", "1") not in _NO


class _Workbook:
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
                raise counts_from_1904()
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
            scan = _SheetScan(name, styles, struck, self.is_to_compute)
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

    def notes(self, sheet: str) -> dict[Place, str]:
        """Return a sheet's comments; of a thread, what was written rather than what stands for it."""
        notes: dict[Place, str] = {}
        threads: dict[Place, list[str]] = {}
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


def _place(address: str) -> Place:
    letters = address.rstrip(_DIGITS)
    return int(address[len(letters) :]) - 1, _column(letters)


@dataclass
class _SheetScan:
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
        if self.rows * self.columns > MOST_CELLS:
            raise too_wide(self.name, f"{xl_col_to_name(self.columns - 1)}{self.rows}")

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

    def _filled_by(self, area: str) -> set[Place]:
        """Return the cells that an array formula fills."""
        if not area:
            return set()
        left, top, right, bottom = range_boundaries(area)
        if (right - left + 1) * (bottom - top + 1) > MOST_CELLS:
            raise too_wide(self.name, area)
        rows, columns = range(top - 1, bottom), range(left - 1, right)
        return {(row, column) for row in rows for column in columns}
