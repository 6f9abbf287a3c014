"""What a file really is, by its first bytes; whether it is safe to unpack; the rows of a text table."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

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


class UnreadableError(Exception):
    """Why a file cannot be read: a code for machines and a Vietnamese sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)  # so it can be pickled

    def problem(self, file: str) -> Problem:
        """Return it as a problem of a file."""
        return error(self.message, code=self.code, file=file)


@dataclass(frozen=True)
class SourceFile:
    """A file's name without a folder, its bytes, and how to read them."""

    name: str
    content: bytes
    kind: Kind


def identify(name: str, content: bytes) -> SourceFile:
    """Tell what a file is, without unpacking anything.

    Raises
    ------
    UnreadableError
        If it is nothing that can be read, or not safe to read.

    Examples
    --------
    >>> identify("bang.csv", b"year,unit_id").kind
    'csv'
    """
    ending = PurePath(name).suffix.lower()
    if not content:
        raise UnreadableError("empty_file", "tệp trống, không có byte nào")
    if len(content) > _MOST_BYTES:
        raise UnreadableError("too_big", "tệp lớn hơn 300 MB; hãy chia thành nhiều tệp")
    kind = _kind_of_bytes(content)
    if kind == "csv" and ending not in _TEXT_ENDINGS:
        raise UnreadableError("other_kind", _what_text_is(ending, content))
    if kind != "csv" and ending in _TEXT_ENDINGS:
        message = f"tệp mang đuôi {ending} nhưng bên trong là bảng tính; hãy đổi đuôi thành .{kind}"
        raise UnreadableError("other_kind", message)
    return SourceFile(name, content, kind)


def _kind_of_bytes(content: bytes) -> Kind:
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        return _kind_of_zip(content)
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            message = "tệp được đặt mật khẩu; hãy bỏ mật khẩu (Tệp → Thông tin → Mã hóa bằng mật khẩu) rồi gửi lại"
            raise UnreadableError("password", message)
        return "xls"
    return "csv"


def _what_text_is(ending: str, content: bytes) -> str:
    start = content[:2000].lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta")):
        return (
            f"tệp mang đuôi {ending or 'lạ'} nhưng bên trong là trang web hoặc XML; {_SAVE_AGAIN}"
        )
    if b"\0" in content[:2000] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"tệp hỏng hoặc không phải bảng tính; {_SAVE_AGAIN}"
    return (
        f"tệp mang đuôi {ending or 'lạ'} nhưng bên trong là văn bản, không phải bảng tính; "
        "nếu là CSV hãy đổi đuôi thành .csv"
    )


def _kind_of_zip(content: bytes) -> Kind:
    if content.count(_ENTRY) > _MOST_ENTRIES:
        raise UnreadableError("too_big", f"tệp nén có quá nhiều phần; {_SAVE_AGAIN}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        message = f"tệp bị cắt cụt hoặc hỏng, không mở được; hãy gửi lại, hoặc {_SAVE_AGAIN}"
        raise UnreadableError("truncated", message) from None
    _check_sizes(entries, len(content))
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableError("password", "tệp nén có mật khẩu; hãy bỏ mật khẩu rồi gửi lại")
    if "xl/workbook.bin" in names:
        raise UnreadableError("other_kind", f"không đọc được dạng .xlsb; {_SAVE_AGAIN}")
    if any(name.lower() == "xl/workbook.xml" for name in names):
        return "xlsx"
    if "content.xml" in names:
        return "ods"
    message = f"tệp nén này không phải bảng tính Excel hay OpenDocument; {_SAVE_AGAIN}"
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


def read_csv(file: str, content: bytes) -> tuple[list[list[Raw]], list[Problem]]:
    """Return the rows of a text table, all of one length; its broken lines and old encoding are problems.

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
