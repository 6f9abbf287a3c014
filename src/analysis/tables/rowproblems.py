"""Problems of many rows at once."""

from __future__ import annotations

from datetime import datetime
from itertools import repeat
from string import Formatter

import pandas as pd

from analysis.problems import Problem, Severity


class _Words(Formatter):
    """Writes ``{sum:,}`` with the dots of Vietnamese figures; a year has no such mark."""

    def format_field(self, value: object, format_spec: str) -> str:
        text: str = super().format_field(value, format_spec)
        return text.replace(",", ".") if "," in format_spec else text


def row_problems(
    rows: pd.DataFrame,
    file: str,
    column: str,
    *,
    code: str,
    message: str,
    is_error: bool = True,
) -> list[Problem]:
    """Return a problem for each row.

    Parameters
    ----------
    rows : DataFrame
        With ``year`` or ``date``; the index holds the row numbers of the file.
    file, column : str
        Where they stand.
    code, message : str
        What is wrong; the message may name columns of ``rows`` in braces, a sum
        as ``{sum:,}``.
    is_error : bool
        Or only a warning.
    """
    severity: Severity = "error" if is_error else "warning"
    words = _Words()
    # A nation has a hundred thousand warnings: only the columns that are shown, as plain lists.
    named = [name for _, name, _, _ in Formatter().parse(message) if name]
    places = zip(rows.index.tolist(), rows[column].tolist(), _years_of(rows), strict=True)
    facts = zip(*(rows[name].tolist() for name in named), strict=True) if named else repeat(())
    return [
        Problem(
            severity,
            code,
            file,
            row,
            column,
            _spell(value),
            words.vformat(message, (), dict(zip(named, own, strict=True))),
            year,
        )
        for (row, value, year), own in zip(places, facts, strict=False)
    ]


def _spell(value: object) -> str:
    if pd.isna(value):
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


def _years_of(rows: pd.DataFrame) -> list[int | None]:
    years = rows["year"] if "year" in rows else rows["date"].dt.year
    return [None if pd.isna(year) else int(year) for year in years.tolist()]
