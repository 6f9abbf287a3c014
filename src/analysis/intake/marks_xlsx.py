"""Read from the XML of an .xlsx what calamine does not tell, and refuse what would break it."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from analysis.intake.files import UnreadableError
from analysis.intake.marks import MOST_CELLS, Marks

_CHUNK = 4_000_000
#: A document's root element begins well before this.
_PROLOGUE = 65_536
_ROOT = re.compile(rb"<[A-Za-z_]")
_BROKEN = "tệp hỏng, phần bên trong không đọc được; hãy mở bằng Excel rồi lưu lại dạng .xlsx"

_REFERENCE = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{1,3}[0-9]{1,7})\"")
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb"\br=\"([A-Z]{1,3})([0-9]{1,7})\"")
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)</")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\s([^>]*)>")
_HIDDEN = re.compile(rb"\bhidden=\"(?:1|true)\"")
_LETTERS = bytes(range(ord("A"), ord("Z") + 1))


def scan_xlsx(content: bytes) -> dict[str, Marks]:
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
            return {name: _scan_sheet(archive, part, name) for name, part in _sheets(archive)}
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, EOFError, OSError, ValueError):
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


def _sheets(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield the name and the part of every sheet."""
    # Without a document type there is nothing that the parser would expand or fetch.
    links = {
        link.get("Id", ""): link.get("Target", "")
        for link in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    }
    parts = {name.lower().replace("\\", "/"): name for name in archive.namelist()}
    for item in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():
        if item.tag.endswith("}workbookPr") and item.get("date1904") in ("1", "true"):
            message = (
                "tệp đếm ngày từ năm 1904 (máy Mac cũ) nên ngày dễ sai; hãy chép sang một tệp mới"
            )
            raise UnreadableError("date_1904", message)
        if not item.tag.endswith("}sheet"):
            continue
        key = next((value for name, value in item.items() if name.endswith("}id")), "")
        target = links.get(key, "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
        # A sheet that cannot be looked through is not read either.
        yield item.get("name", ""), parts[part.lower()]


def _scan_sheet(archive: zipfile.ZipFile, part: str, name: str) -> Marks:
    no_value: set[tuple[int, int]] = set()
    errors: dict[tuple[int, int], str] = {}
    rows: set[int] = set()
    columns: set[int] = set()
    box = _Box(name)
    with archive.open(part) as stream:
        for piece in _pieces(stream):
            box.widen(piece)
            rows |= _hidden_rows(piece)
            columns |= _hidden_columns(piece)
            if _FORMULA.search(piece) or b't="e"' in piece:
                for attributes, inside in _CELL.findall(piece):
                    _look_at(attributes, inside, no_value, errors)
    return Marks(frozenset(no_value), errors, (), frozenset(rows), frozenset(columns))


def _pieces(stream: object) -> Iterator[bytes]:
    """Yield the XML in pieces that end after a row, so that no cell is cut."""
    rest = b""
    while chunk := stream.read(_CHUNK):  # type: ignore[attr-defined]
        rest += chunk
        cut = rest.rfind(b"row>")
        if cut >= 0:
            yield rest[: cut + 4]
            rest = rest[cut + 4 :]
    yield rest


class _Box:
    """The smallest box from A1 around all cells named so far."""

    def __init__(self, sheet: str) -> None:
        self.sheet = sheet
        self.rows = self.columns = 1

    def widen(self, piece: bytes) -> None:
        named = b" ".join(_REFERENCE.findall(piece))
        if not named:
            return
        self.rows = max(self.rows, *map(int, set(named.translate(None, _LETTERS).split())))
        letters = set(named.translate(None, b"0123456789").split())
        self.columns = max(self.columns, *map(_number_of, letters))
        if self.rows * self.columns > MOST_CELLS:
            last = f"{max(letters, key=_number_of).decode()}{self.rows}"
            raise UnreadableError("too_wide", Marks.too_wide(self.sheet, last))


def _number_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _look_at(
    attributes: bytes,
    inside: bytes,
    no_value: set[tuple[int, int]],
    errors: dict[tuple[int, int], str],
) -> None:
    value = _VALUE.search(inside)
    is_error = b't="e"' in attributes
    has_text = value is not None and (value[1] or b't="str"' in attributes)
    if not is_error and (has_text or not _FORMULA.search(inside)):
        return
    place = _PLACE.search(attributes)
    if place is None:  # a program that leaves the addresses to be counted
        raise UnreadableError("truncated", _BROKEN)
    at = (int(place[2]) - 1, _number_of(place[1]) - 1)
    if is_error:
        errors[at] = value[1].decode("utf-8", "replace") if value else "#"
    else:
        no_value.add(at)


def _hidden_rows(piece: bytes) -> set[int]:
    if b"hidden" not in piece:
        return set()
    found = (
        re.search(rb"\br=\"([0-9]+)\"", text)
        for text in _ROW.findall(piece)
        if _HIDDEN.search(text)
    )
    return {int(number[1]) - 1 for number in found if number}


def _hidden_columns(piece: bytes) -> set[int]:
    columns: set[int] = set()
    for text in _COLUMN.findall(piece):
        ends = re.search(rb"\bmin=\"([0-9]+)\"", text), re.search(rb"\bmax=\"([0-9]+)\"", text)
        if _HIDDEN.search(text) and all(ends):
            first, last = (int(end[1]) for end in ends if end)
            columns |= set(range(first - 1, min(last, 16384)))
    return columns
