"""Read from the records of an old .xls what calamine does not tell.

An .xls is a small file system (OLE) whose stream "Workbook" is a row of records (BIFF). Only the few
records that say what is hidden, broken or locked are looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.intake.files import UnreadableError
from analysis.intake.marks import Marks

_END, _ENTRY = 0xFFFFFFFA, 128
_BOUNDSHEET, _FILEPASS, _EOF = 0x85, 0x2F, 0x0A
_ROW, _COLINFO, _BOOLERR, _FORMULA, _STRING = 0x0208, 0x7D, 0x0205, 0x06, 0x0207
#: What a formula's result is when it is no number, and that it is still to be computed.
_IS_TEXT, _IS_ERROR, _IS_NOTHING, _TO_COMPUTE = 0, 2, 3, 2
_ERRORS = {
    0: "#NULL!",
    7: "#DIV/0!",
    15: "#VALUE!",
    23: "#REF!",
    29: "#NAME?",
    36: "#NUM!",
    42: "#N/A",
}


def scan_xls(content: bytes) -> dict[str, Marks]:
    """Return each sheet's marks.

    Raises
    ------
    UnreadableError
        If the file is broken or locked by a password.
    """
    try:
        stream = _workbook_stream(content)
        sheets = list(_sheets(stream))
        return {name: _scan_sheet(stream, offset) for name, offset in sheets}
    except (struct.error, IndexError, ValueError):
        message = "tệp .xls bị cắt cụt hoặc hỏng; hãy mở bằng Excel rồi lưu lại dạng .xlsx"
        raise UnreadableError("truncated", message) from None


# The file system


def _workbook_stream(content: bytes) -> bytes:
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    if size not in (512, 4096):
        raise ValueError(size)
    table = _allocation(content, size)
    directory = _chain(content, table, struct.unpack_from("<I", content, 48)[0], size)
    entries = [directory[at : at + _ENTRY] for at in range(0, len(directory) - _ENTRY + 1, _ENTRY)]
    for wanted in ("Workbook", "Book"):
        for entry in entries:
            if entry[: max(struct.unpack_from("<H", entry, 64)[0] - 2, 0)] == wanted.encode(
                "utf-16-le"
            ):
                return _stream(content, table, size, entry, entries[0])
    raise ValueError("no workbook")


def _stream(content: bytes, table: list[int], size: int, entry: bytes, root: bytes) -> bytes:
    start, length = struct.unpack_from("<II", entry, 116)
    small_below = struct.unpack_from("<I", content, 56)[0]
    if length >= small_below:
        return _chain(content, table, start, size)[:length]
    small_start = struct.unpack_from("<I", content, 60)[0]
    small_table = _integers(_chain(content, table, small_start, size))
    pool = _chain(content, table, struct.unpack_from("<I", root, 116)[0], size)
    small = 1 << struct.unpack_from("<H", content, 32)[0]
    return _chain(pool, small_table, start, small, header=0)[:length]


def _allocation(content: bytes, size: int) -> list[int]:
    sectors = list(struct.unpack_from("<109I", content, 76))
    following = struct.unpack_from("<I", content, 68)[0]
    for _ in range(len(content) // size):
        if following >= _END:
            break
        more = struct.unpack_from(f"<{size // 4}I", content, size + following * size)
        sectors += more[:-1]
        following = more[-1]
    used = (content[size + s * size : size + (s + 1) * size] for s in sectors if s < _END)
    return _integers(b"".join(used))


def _integers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]))


def _chain(
    content: bytes, table: list[int], sector: int, size: int, header: int | None = None
) -> bytes:
    first = size if header is None else header
    pieces: list[bytes] = []
    for _ in range(len(table) + 1):
        if sector >= _END:
            return b"".join(pieces)
        pieces.append(content[first + sector * size : first + (sector + 1) * size])
        sector = table[sector]
    raise ValueError("a chain without an end")


# The records


def _records(stream: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, offset)
        yield kind, stream[offset + 4 : offset + 4 + length]
        if kind == _EOF:
            return
        offset += 4 + length


def _sheets(stream: bytes) -> Iterator[tuple[str, int]]:
    for kind, data in _records(stream, 0):
        if kind == _FILEPASS:
            message = "tệp được đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại"
            raise UnreadableError("password", message)
        if kind == _BOUNDSHEET:
            letters, is_wide = data[6], data[7] & 1
            name = data[8 : 8 + letters * (1 + is_wide)]
            yield (
                name.decode("utf-16-le" if is_wide else "latin-1"),
                struct.unpack_from("<I", data)[0],
            )


@dataclass
class _Found:
    no_value: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)
    awaited: tuple[int, int] | None = None


def _scan_sheet(stream: bytes, offset: int) -> Marks:
    found = _Found()
    for kind, data in _records(stream, offset):
        if kind == _ROW and struct.unpack_from("<H", data, 12)[0] & 0x20:
            found.rows.add(struct.unpack_from("<H", data)[0])
        elif kind == _COLINFO and data[8] & 1:
            first, last = struct.unpack_from("<HH", data)
            found.columns |= set(range(first, min(last, 255) + 1))
        elif kind == _BOOLERR and data[7]:
            found.errors[struct.unpack_from("<HH", data)] = _ERRORS.get(data[6], "#")
        elif kind == _FORMULA:
            _look_at_formula(data, found)
        elif kind == _STRING and found.awaited:
            found.no_value.discard(found.awaited)
    return Marks(
        frozenset(found.no_value), found.errors, (), frozenset(found.rows), frozenset(found.columns)
    )


def _look_at_formula(data: bytes, found: _Found) -> None:
    row, column, result, options = struct.unpack_from("<HH2x8sH", data)
    kind = result[0] if result[6:] == b"\xff\xff" else None
    if kind == _IS_ERROR:
        found.errors[row, column] = _ERRORS.get(result[2], "#")
    elif kind == _IS_TEXT:
        found.no_value.add((row, column))  # until its text comes, in a record of its own
        found.awaited = (row, column)
    elif kind == _IS_NOTHING or (options & _TO_COMPUTE and result == bytes(8)):
        # Programs that leave the computing to Excel write this; whether it was computed and shows
        # nothing cannot be told, so it is asked about.
        found.no_value.add((row, column))
