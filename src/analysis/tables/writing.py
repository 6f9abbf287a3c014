"""Names of units and places: written in many ways, and communes that became others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import pandas as pd

from analysis.tables.dictionary import dictionary

_TONES = "\u0300\u0301\u0303\u0309\u0323"
#: Letters of other alphabets that look like Đ, and signs that nobody sees.
_LOOKALIKES = str.maketrans("ÐðƉɖ", "ĐđĐđ", "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
#: Letters in the order of the alphabet, behind every other sign; tones as dictionaries order them.
_LETTERS = {letter: chr(0x100000 + place) for place, letter in enumerate(_ALPHABET)}
_TONE_ORDER = "\u0300\u0309\u0303\u0301\u0323"
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,\u00a0]*%?")
#: A register stands as it was at the end of November: what comes later is seen in the next one.
LAST_MONTH = 11
_SPACES = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    r"""Return a text as it was meant to be typed; texts that then agree are the same by rule.

    Composed letters (NFC), single ordinary spaces, no signs without width, Đ for letters that only
    look like it; lines stay lines.

    Examples
    --------
    >>> clean("Khe\u00a0 Sanh\u200b"), clean("\u00d0akrông")
    ('Khe Sanh', 'Đakrông')
    """
    visible = unicodedata.normalize("NFC", text).translate(_LOOKALIKES)
    lines = visible.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in lines).strip()


@lru_cache(maxsize=20_000)  # every file has the same words
def loosely(text: str) -> str:
    """Return a name without what its writings may differ in: case, spaces, stops, tone places.

    Examples
    --------
    >>> loosely("Hướng Hoá.") == loosely("HƯỚNG  HÓA"), loosely("Húc") == loosely("Hục")
    (True, False)
    """
    marked = unicodedata.normalize("NFD", clean(text).casefold().replace("đ", "d\u0335"))
    return "".join(
        "".join(sign for sign in word if sign not in _TONES and _says_something(sign))
        + "".join(sign for sign in word if sign in _TONES)
        for word in marked.split()
    )


def _says_something(sign: str) -> bool:
    return sign.isalnum() or unicodedata.combining(sign) != 0


@lru_cache(maxsize=20_000)
def bare(loose: str) -> str:
    """Return the letters and digits of a loose writing, without marks.

    Examples
    --------
    >>> bare(loosely("Đã xây dựng"))
    'daxaydung'
    """
    return "".join(sign for sign in loose if sign.isalnum())


def lacks_only_marks(loose: str, full: str) -> bool:
    """Tell whether one loose writing is the other with some marks left out.

    Examples
    --------
    >>> lacks_only_marks(loosely("hoan thanh"), loosely("Hoàn thành"))
    True
    >>> lacks_only_marks(loosely("cổ"), loosely("có"))
    False
    """
    rest = iter(full)
    return bare(loose) == bare(full) and all(sign in rest for sign in loose)


def alphabetically(text: str) -> str:
    """Return a sort key: letters in Vietnamese order (a ă â … d đ …), then tones.

    Examples
    --------
    >>> sorted(["Thuận", "Tân Hợp", "Hướng Linh", "Thanh", "Hướng Lập"], key=alphabetically)
    ['Hướng Lập', 'Hướng Linh', 'Tân Hợp', 'Thanh', 'Thuận']
    >>> "".join(sorted("ạáãảàa", key=alphabetically))
    'aàảãáạ'
    """
    letters: list[str] = []
    tones: list[int] = []
    for sign in unicodedata.normalize("NFD", clean(text).casefold()):
        if letters and sign in _TONE_ORDER:
            tones[-1] = _TONE_ORDER.index(sign) + 1
        elif letters and unicodedata.combining(sign):
            letters[-1] = unicodedata.normalize("NFC", letters[-1] + sign)
        else:
            letters.append(sign)
            tones.append(0)
    placed = "".join(_LETTERS.get(letter, letter) for letter in letters)
    return f"{placed}\0{''.join(map(str, tones))}\0{text}"


def harmless(text: str) -> str:
    """Keep a spreadsheet from running a text as a formula; numbers stay numbers.

    Examples
    --------
    >>> harmless("=1+1"), harmless("-5"), harmless(""), harmless("Hướng Hóa")
    ("'=1+1", '-5', '', 'Hướng Hóa')
    """
    may_run = text[:1] in tuple("=+-@\t\r\n＝＋－＠") and not _NUMBER.fullmatch(text)
    return f"'{text}" if may_run else text


def as_typed(text: str) -> str:
    """Return the text that `harmless` was given.

    Examples
    --------
    >>> as_typed(harmless("=1+1")), as_typed("'n")
    ('=1+1', "'n")
    """
    return text[1:] if text[:1] == "'" and harmless(text[1:]) == text else text


def bare_place(commune: str) -> str:
    """Return a commune's name without its title, to compare two ways of writing it.

    Examples
    --------
    >>> bare_place("xã Mò Ó") == bare_place("Mò ó"), bare_place("Mò Ó") == bare_place("Mô Ô")
    (True, False)
    """
    return loosely(_title().sub("", clean(commune).casefold()))


@cache
def _title() -> re.Pattern[str]:
    titles: Iterable[str] = dictionary().area_titles
    return re.compile(rf"(?:{'|'.join(map(re.escape, titles))})\b\.?\s*(?=\S)")


def find_place(commune: str, known: Iterable[str]) -> str | None:
    """Return how a list writes a commune, with or without "xã"; a town is no commune.

    Examples
    --------
    >>> find_place("xã Húc", ["Húc", "Thuận"]), find_place("xã Lìa", ["thị trấn Lìa"])
    ('Húc', None)
    """
    places = set(known)
    if commune in places:
        return commune
    like = {place for place in places if bare_place(place) == bare_place(commune)}
    same = {place for place in like if loosely(place) == loosely(commune)}
    same = same or {place for place in like if has_no_title(place) or has_no_title(commune)}
    return same.pop() if len(same) == 1 else None


def has_no_title(commune: str) -> bool:
    """Tell whether a commune is written without "xã", "thị trấn" and the like."""
    return bare_place(commune) == loosely(commune)


def find_heirs(
    communes: pd.DataFrame, after: pd.Timestamp, until: pd.Timestamp
) -> dict[str, set[str]]:
    """Return which communes each old one went into between two days, followed to the end.

    Of the dataset's ``communes``, what came into force after the one day, until the end of the other.

    Examples
    --------
    >>> table = pd.DataFrame({"date": pd.to_datetime(["2020-01-01", "2025-07-01", "2025-07-01"]),
    ...     "old_name": ["A", "B", "C"], "new_name": ["B", "C", "C"]})
    >>> find_heirs(table, pd.Timestamp(2019, 11, 30), pd.Timestamp(2025, 11, 30))
    {'A': {'C'}, 'B': {'C'}, 'C': {'C'}}
    """
    heirs: dict[str, set[str]] = {}
    for _, events in communes[communes["date"].between(after, until, "right")].groupby("date"):
        became = events.groupby("old_name")["new_name"].agg(set).to_dict()
        heirs = {
            old: set().union(*(became.get(name, {name}) for name in names))
            for old, names in heirs.items()
        }
        heirs = {**became, **heirs}
    return dict(sorted(heirs.items()))


def came_into(communes: pd.DataFrame, year: int, until: int) -> dict[str, set[str]]:
    """Return which communes those of one year's register went into by another's; see `find_heirs`."""
    days = (pd.Timestamp(one, LAST_MONTH, 30) for one in (year, until))
    return find_heirs(communes, *days)
