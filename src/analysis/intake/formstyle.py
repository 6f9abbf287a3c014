"""How a form looks and what its cells accept: formats, protection, input rules of Excel."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from analysis.intake.formtexts import form_texts
from analysis.tables.dictionary import Column, dictionary

_FONT = {"font_name": "Times New Roman", "font_size": 12, "valign": "vcenter", "text_wrap": True}
_LINE = {"border": 1, "border_color": "#7f7f7f"}
_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 15, "text_wrap": False},
    "issuer": {"bold": True, "text_wrap": False},
    "hint": {"italic": True, "text_wrap": True, "valign": "top"},
    "heading": {**_LINE, "bold": True, "align": "center", "bg_color": "#d9e2ec"},
    "group": {**_LINE, "bold": True, "bg_color": "#f0f3f6"},
    "text": _LINE,
    "middle": {**_LINE, "align": "center"},
    "fact": {"align": "left", "text_wrap": False, "bold": True},
    "label": {"text_wrap": False},
    "before": {**_LINE, "align": "right", "font_color": "#555555"},
    "code": {"font_color": "#999999", "font_size": 8, "text_wrap": False},
    "remark": {**_LINE, "locked": False},
    "blank": {"bottom": 4, "locked": False, "num_format": "@"},
}
_NUMBER_FORMATS = {
    "count": "#,##0",
    "money": "#,##0",
    "date": "dd/mm/yyyy",
    "share": "0.0%",
    "id": "@",
    "text": "@",
    "year": "0",
}
_DAYS = (date(1900, 1, 1), date(2100, 12, 31))
#: What XlsxWriter allows in a validation's title and message.
_TITLE, _MESSAGE = 32, 255
_MOST_TEXT = 2000
#: In points, for the forms' font.
_LINE_HEIGHT = 17.0
#: Letters of the forms' font on a unit of column width, words wrapped.
_FILLED = 1.1


class FormWorkbook:
    """A workbook in memory, with the formats and rules of the forms."""

    def __init__(self, year: int) -> None:
        self._buffer = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.file = xlsxwriter.Workbook(self._buffer, options)
        # The same input gives the same bytes: no clock in the file.
        self.file.set_properties({"created": datetime(year, 1, 1)})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._lists: dict[str, str] = {}

    def finish(self) -> bytes:
        """Return the workbook's bytes."""
        self.file.close()
        return self._buffer.getvalue()

    def look(self, name: str, **extra: Any) -> Any:
        """Return a named format."""
        return self._format({**_FONT, **_FORMATS[name], **extra})

    def input_look(self, column: Column) -> Any:
        """Return the format of a cell to be filled in."""
        kind = column.type.name
        align = "right" if kind in ("count", "money", "share") else "left"
        number = {"num_format": _NUMBER_FORMATS[kind]} if kind in _NUMBER_FORMATS else {}
        look = {**_FONT, **_LINE, "bg_color": "#fff8d6", "locked": False, "align": align}
        return self._format({**look, **number})

    def _format(self, spec: dict[str, Any]) -> Any:
        key = tuple(sorted(spec.items()))
        if key not in self._formats:
            self._formats[key] = self.file.add_format(spec)
        return self._formats[key]

    def write_words(self) -> None:
        """Add the sheet that the drop-downs take their words from; call it last."""
        texts = form_texts()
        sheet = self.file.add_worksheet(texts["sheets"]["words"])
        sheet.write(0, 0, texts["titles"]["words"], self.look("title"))
        for place, (name, labels) in enumerate(dictionary().words.items()):
            sheet.set_column(place, place, 36)
            for row, label in enumerate(labels.values(), start=2):
                sheet.write_string(row, place, label, self.look("text"))
            first, last = (xl_rowcol_to_cell(r, place, True, True) for r in (2, len(labels) + 1))
            reference = f"='{texts['sheets']['words']}'!{first}:{last}"
            assert self.file.define_name(f"danh_muc_{name}", reference) == 0
        set_page(sheet, landscape=True, header_row=0)
        protect(sheet)

    def add_rule(
        self,
        sheet: Worksheet,
        cells: tuple[int, int, int, int],
        column: Column,
        limit: tuple[str, str] | None = None,
    ) -> None:
        """Let cells accept only what their column may hold.

        Parameters
        ----------
        sheet : Worksheet
            The sheet.
        cells : tuple of int
            First row, first column, last row, last column, from 0.
        column : Column
            The dictionary's entry.
        limit : tuple of str, optional
            The cell that may not be exceeded, relative to the first of ``cells``, and its heading.
        """
        rules = form_texts()["rules"]
        here = xl_rowcol_to_cell(cells[0], cells[1])
        rule, message = _rule(column, here, limit)
        rule |= {
            "error_title": rules["title"][:_TITLE],
            "error_message": message[:_MESSAGE],
            "error_type": "stop",
            "input_title": _shorten(column.vi, _TITLE),
            "input_message": _shorten(column.meaning, _MESSAGE),
        }
        # XlsxWriter only returns what it refuses.
        assert sheet.data_validation(*cells, rule) == 0, (column.name, rule)


def _rule(column: Column, here: str, limit: tuple[str, str] | None) -> tuple[dict[str, Any], str]:
    rules, kind = form_texts()["rules"], column.type
    if kind.name in ("count", "money"):
        return _number_rule(column, here, limit)
    if kind.name == "boolean":
        answers = list(form_texts()["answers"].values())
        return {"validate": "list", "source": answers}, rules["boolean"]
    if kind.name == "word":
        return {"validate": "list", "source": f"=danh_muc_{column.word_list}"}, rules["word"]
    if kind.name == "date":
        days = {"minimum": _DAYS[0], "maximum": _DAYS[1]}
        return {"validate": "date", "criteria": "between", **days}, rules["date"]
    if kind.name == "share":
        return {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 1}, rules[
            "share"
        ]
    most = 32 if kind.name == "id" else _MOST_TEXT
    return {"validate": "length", "criteria": "<=", "value": most}, rules.get(
        kind.name, rules["text"]
    )


def _number_rule(
    column: Column, here: str, limit: tuple[str, str] | None
) -> tuple[dict[str, Any], str]:
    rules, kind = form_texts()["rules"], column.type
    if limit is None:
        message = rules[kind.name].format(largest=f"{kind.largest:,}".replace(",", "."))
        ends = {"minimum": 0, "maximum": kind.largest}
        return {"validate": "integer", "criteria": "between", **ends}, message
    cell, heading = limit
    # An empty whole is not zero: the part may be typed first.
    formula = f'=AND(ISNUMBER({here}),{here}>=0,{here}=INT({here}),OR({cell}="",{here}<={cell}))'
    at_most = form_texts()["at_most"].format(heading=heading)
    return {"validate": "custom", "value": formula}, rules["part"].format(at_most=at_most)


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def fit_row(sheet: Worksheet, row: int, cells: Iterable[tuple[str, float]]) -> None:
    """Make a row high enough for wrapped texts; programs differ in doing that themselves.

    Parameters
    ----------
    sheet : Worksheet
        The sheet.
    row : int
        The row, from 0.
    cells : iterable of (str, float)
        Texts, each with the width of its column in letters.
    """
    lines = [sum(_count_lines(part, width) for part in text.split("\n")) for text, width in cells]
    sheet.set_row(row, _LINE_HEIGHT * max(lines, default=1))


def _count_lines(text: str, width: float) -> int:
    return max(1, math.ceil(len(text) / (width * _FILLED)))


def protect(sheet: Worksheet) -> None:
    """Lock what is not to be filled in; whoever needs to can unlock it without a password."""
    sheet.protect("", {"format_columns": True, "format_rows": True, "select_locked_cells": True})


def set_page(sheet: Worksheet, *, landscape: bool, header_row: int) -> None:
    """Make a sheet print on A4, one page wide, its headings repeated."""
    sheet.set_paper(9)
    if landscape:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(0.5, 0.5, 0.6, 0.6)
    sheet.repeat_rows(header_row)
    sheet.hide_gridlines(2)
    sheet.set_footer("&C&P/&N")
