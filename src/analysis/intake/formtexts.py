"""What forms and reader share: the texts of ``forms.yaml``, a cell as a person typed it, headings compared."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any

from analysis.tables.writing import clean
from analysis.yamlfile import read_own

#: What a cell holds; ``""`` is empty.
Raw = str | int | float | bool | date | datetime | time | timedelta
#: What is asked of each task, by table and column, with the widths of the cells.
TASK_CELLS = {
    ("tasks", "state"): 20, ("tasks", "done_on"): 14, ("tasks", "count"): 12,
    ("evidence", "doc_no"): 20, ("evidence", "doc_date"): 14, ("evidence", "title"): 36,
    ("tasks", "note"): 30,
}  # fmt: skip
#: The name of the marker that a sheet of tasks carries, in the texts of the forms.
TASK_MARKER = "task_marker"
#: Between a task's code and its label.
MEANS = " = "


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


@cache
def form_texts() -> dict[str, Any]:
    """Return the texts of the forms (read once).

    Examples
    --------
    >>> form_texts()["headings"]["figure"]
    'Số lượng'
    """
    texts: dict[str, Any] = read_own(__package__, "forms.yaml")
    return texts


@lru_cache(maxsize=20_000)  # file after file has the same headings
def fold(text: str) -> str:
    """Return a heading or a word without what people write differently: case, spaces, form of marks.

    Examples
    --------
    >>> fold(" Mã  CĐCS "), fold("MÃ CĐCS")
    ('mã cđcs', 'mã cđcs')
    """
    return " ".join(clean(text).casefold().split())


def plain(text: str) -> str:
    r"""Return letters and digits of ASCII joined by hyphens, for the name of a file or to compare.

    Examples
    --------
    >>> plain("CĐCS Trường TH&THCS Húc / \u00d0akrông")
    'CDCS-Truong-TH-THCS-Huc-Dakrong'
    """
    marked = unicodedata.normalize("NFD", clean(text).replace("đ", "d").replace("Đ", "D"))
    letters = "".join(sign for sign in marked if not unicodedata.combining(sign))
    return re.sub(r"[^A-Za-z0-9]+", "-", letters).strip("-")
