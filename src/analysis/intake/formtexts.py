"""What forms and reader share: the texts of ``forms.yaml``, and one way to compare headings."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from analysis.tables.writing import clean


@cache
def form_texts() -> dict[str, Any]:
    """Return the texts of the forms (read once).

    Examples
    --------
    >>> form_texts()["headings"]["figure"]
    'Số lượng'
    """
    texts: dict[str, Any] = yaml.safe_load(
        files(__package__).joinpath("forms.yaml").read_text("utf-8")
    )
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
