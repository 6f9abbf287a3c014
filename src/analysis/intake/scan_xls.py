"""Read from an old .xls what calamine does not tell, with the help of xlrd."""

from __future__ import annotations

import io
import struct
from typing import Any

import xlrd

from analysis.intake.files import UnreadableError
from analysis.intake.scan import Marks, Place, counts_from_1904, is_plain

#: The record of a formula; its result is the number 0 or nothing, and it is still to be computed.
_FORMULA, _EMPTY_TEXT, _TO_COMPUTE = 0x06, b"\x03", 2
_VISIBLE = ("yes", "no", "never")


def scan(content: bytes) -> dict[str, Marks]:
    """Return each sheet's marks.

    Raises
    ------
    UnreadableError
        If the file is broken, locked by a password or counts days from 1904.
    """
    try:
        book = xlrd.open_workbook(
            file_contents=content,
            formatting_info=True,
            on_demand=True,
            ignore_workbook_corruption=True,
            logfile=io.StringIO(),
        )
        if book.datemode:
            raise counts_from_1904()
        return {name: _scan_sheet(book, name) for name in book.sheet_names()}
    except (UnreadableError, MemoryError):
        raise
    except Exception as failure:  # xlrd raises whatever its unpacking happens to raise
        if "encrypted" in str(failure):
            message = "tệp được đặt mật khẩu; hãy bỏ mật khẩu rồi gửi lại"
            raise UnreadableError("password", message) from None
        message = "tệp .xls bị cắt cụt hoặc hỏng; hãy mở bằng Excel rồi lưu lại dạng .xlsx"
        raise UnreadableError("truncated", message) from None


def _scan_sheet(book: Any, name: str) -> Marks:
    no_value: set[Place] = set()
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
    marks = Marks(no_value=no_value, visible=_VISIBLE[sheet.visibility])
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
    codes = [book.format_map[look.format_key].format_str for look in book.xf_list]
    struck = [bool(book.font_list[look.font_index].struck_out) for look in book.xf_list]
    worth = {n for n, code in enumerate(codes) if struck[n] or not is_plain(code)}
    for row in range(sheet.nrows):
        for column, kind in enumerate(sheet.row_types(row)):
            if kind == xlrd.XL_CELL_ERROR:
                code = sheet.cell_value(row, column)
                marks.errors[row, column] = xlrd.error_text_from_code.get(code, "#")
            look = sheet.cell_xf_index(row, column)
            if look not in worth:
                continue
            if kind == xlrd.XL_CELL_NUMBER:
                marks.formats[row, column] = codes[look]
            if struck[look]:
                marks.struck.add((row, column))
