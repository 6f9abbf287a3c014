"""Names that are probably one name written in several ways: what groups by them would split."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import pandas as pd

from analysis.problems import Problem
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset
from analysis.tables.writing import clean, loosely

#: The tables whose rows stand in a commune.
PLACED = ("roster", "employers")


def find_variants(dataset: Dataset) -> list[Problem]:
    """Warn of communes and units whose name is written in several ways, within or between years.

    Parameters
    ----------
    dataset : Dataset
        Tables as `read_dataset` returns them.

    Returns
    -------
    list of Problem
        One warning for each commune of a year, and for each unit whose name changed in spelling alone.
    """
    return [*_communes(dataset), *_names(dataset)]


def _communes(dataset: Dataset) -> list[Problem]:
    tables = {name: dataset.tables[name][["year", "commune"]].dropna() for name in PLACED}
    rows = pd.concat(tables, names=["table", "row"]).reset_index()
    same = {text: bare_place(text) for text in rows["commune"].unique()}
    rows["same"] = rows["commune"].map(same)
    # In a nation nearly every commune is written in one way, and is skipped.
    several = rows.groupby("same")["commune"].transform("nunique") > 1
    found = []
    for _, group in rows[several].groupby("same"):
        before: set[str] = set()
        for year, own in group.groupby("year"):
            counts = own["commune"].value_counts(sort=False)
            # A town may become a commune between two years: only the spelling is compared.
            old = {loosely(text) for text in before}
            new = [text for text in counts.index if text not in before and loosely(text) in old]
            if new or len(counts) > 1:
                # Of the rarest spellings the one that came last is most likely wrong.
                odd = min(reversed(new or list(counts.index)), key=lambda text: int(counts[text]))
                table, row = own.loc[own["commune"] == odd, ["table", "row"]].iloc[0]
                listed = [f"{_quoted(text)} ({times} dòng)" for text, times in counts.items()]
                listed += [
                    f"{_quoted(text)} (năm trước)"
                    for text in sorted(before - {*counts.index})
                    if new
                ]
                message = (
                    f"có lẽ là một xã viết nhiều cách: {', '.join(listed)}; báo cáo coi là các xã khác"
                    " nhau, nếu là một thì hãy viết thống nhất"
                )
                file = dataset.files[table]
                found.append(_warning(file, int(row), "commune", odd, message, int(year)))
            before = set(counts.index)
    return found


def _names(dataset: Dataset) -> list[Problem]:
    """Warn of a unit or employer whose name differs from last year's in spelling alone."""
    found = []
    for table in PLACED:
        key = dictionary().tables[table].key[-1]
        rows = dataset.tables[table][["year", key, "name"]].dropna()
        last = rows.assign(year=rows["year"] + 1).drop_duplicates(["year", key])
        both = rows.reset_index(names="row").merge(last, on=["year", key], suffixes=("", "_before"))
        other = both[both["name"] != both["name_before"]]
        for row, year, name, before in zip(
            *(other[column] for column in ("row", "year", "name", "name_before")), strict=True
        ):
            if loosely(name) == loosely(before):
                message = f"năm trước viết là {_quoted(before)}: có lẽ chỉ khác cách viết; hãy viết thống nhất"
                found.append(
                    _warning(dataset.files[table], int(row), "name", name, message, int(year))
                )
    return found


def _warning(file: str, row: int, column: str, value: str, message: str, year: int) -> Problem:
    return Problem("warning", "spelling_variants", file, row, column, value, message, year)


def _quoted(text: str) -> str:
    """Quote a name so that hidden signs in it can be seen."""
    return f"«{text}»" + (
        " có dấu cách thừa, ký tự ẩn hoặc chữ Đ lạ" if clean(text) != text else ""
    )


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
