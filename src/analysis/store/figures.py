"""Figures of the store as a Vietnamese reader sees them."""

from __future__ import annotations

from datetime import date

import pandas as pd
from babel.numbers import format_decimal

from analysis.tables.dictionary import Column, dictionary

NOT_REPORTED = "(chưa báo cáo)"
_YES_NO = {"true": "có", "false": "không"}


def show_figure(column: Column, text: object) -> str:
    """Return a cell's text as a reader sees it; what is not known is said in words.

    Parameters
    ----------
    column : Column
        The dictionary's entry.
    text : str or missing
        The cell as the tables spell it.

    Examples
    --------
    >>> columns = dictionary().tables["returns"].columns
    >>> show_figure(columns["fund_due"], "1500000"), show_figure(columns["plan_made"], "false")
    ('1.500.000', 'không')
    >>> show_figure(columns["grade"], "good"), show_figure(columns["informed"], "")
    ('Hoàn thành tốt nhiệm vụ', '(chưa báo cáo)')
    >>> show_figure(columns["informed"], "ba mươi")
    'ba mươi'
    """
    if pd.isna(text) or text == "":
        return NOT_REPORTED
    cell = str(text)
    kind = column.type
    try:
        if kind.is_number and kind.name != "year":
            return str(format_decimal(int(cell), locale="vi"))
        if kind.name == "date":
            return f"{date.fromisoformat(cell):%d/%m/%Y}"
    except ValueError:
        # What a file says and no cell may hold is shown as it stands.
        return cell
    return _YES_NO.get(cell, cell) if kind.name == "boolean" else _word(column, cell)


def _word(column: Column, cell: str) -> str:
    for words in dictionary().words.values():
        if tuple(words) == column.words:
            return words.get(cell, cell)
    return cell
