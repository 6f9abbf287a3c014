"""The empty register of a new office: the columns of the list of units, drop-downs, an example row."""

from __future__ import annotations

from datetime import date

from analysis.intake.formstyle import FormWorkbook, set_page
from analysis.intake.formtexts import form_texts
from analysis.tables.dictionary import dictionary

_ROOM = 500
_WIDTHS = {"name": 44, "unit_type": 30, "commune": 20}


def write_register(year: int) -> bytes:
    """Return the workbook.

    Parameters
    ----------
    year : int
        The year of the list.

    Examples
    --------
    >>> write_register(2025)[:2]
    b'PK'
    """
    texts, columns = form_texts()["register"], dictionary().tables["roster"].columns
    asked = [column for column in columns.values() if column.name != "year"]
    book = FormWorkbook(year)
    sheet = book.file.add_worksheet(form_texts()["sheets"]["roster"])
    sheet.write_string(0, 0, texts["title"].format(year=year), book.look("title"))
    sheet.write_string(1, 0, texts["hint"], book.look("label"))
    example: dict[str, str | int | date] = texts["example"]
    for place, column in enumerate(asked):
        sheet.set_column(place, place, _WIDTHS.get(column.name, 16))
        sheet.write_string(3, place, column.vi, book.look("heading"))
        book.add_rule(sheet, (4, place, _ROOM, place), column)
        for row in range(4, 60):
            sheet.write_blank(row, place, None, book.input_look(column))
        if column.name in example:
            sheet.write(4, place, example[column.name], book.input_look(column))
    sheet.set_row(3, 34)
    sheet.freeze_panes(4, 2)
    set_page(sheet, landscape=True, header_row=3)
    book.write_words()
    return book.finish()
