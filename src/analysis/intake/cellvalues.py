"""A cell as a file holds it, and how a person would have typed it."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time, timedelta

#: What a cell holds; ``""`` is empty.
Raw = str | int | float | bool | date | datetime | time | timedelta


def tidy(text: str) -> str:
    """Return a text in NFC without spaces around it."""
    return unicodedata.normalize("NFC", text).strip().strip("\ufeff\u200b").strip()


def shown(raw: Raw) -> str:
    """Return a raw value as a person would have typed it.

    Examples
    --------
    >>> shown(12.0), shown(0.5), shown(date(2024, 12, 31)), shown(True)
    ('12', '0,5', '31/12/2024', 'TRUE')
    """
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw).replace(".", ",")
    if isinstance(raw, datetime):
        return f"{raw:%d/%m/%Y %H:%M:%S}"
    if isinstance(raw, date):
        return f"{raw:%d/%m/%Y}"
    return str(raw)
