"""Names of places and units: those written in several ways, and communes that became others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

import pandas as pd

from analysis.problems import Problem
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, row_problems
from analysis.tables.writing import clean, loosely

#: The tables whose rows stand in a commune.
PLACED = ("roster", "employers")
#: A register stands as it was at the end of November: what comes later is seen in the next one.
_LAST_MONTH = 11


def find_variants(dataset: Dataset) -> list[Problem]:
    """Warn of communes and units whose name is written in several ways, within or between years.

    Once for each commune of a year, and for each unit whose name changed in spelling alone.
    """
    return [*_communes(dataset), *_names(dataset)]


def _communes(dataset: Dataset) -> list[Problem]:
    tables = {name: dataset.tables[name][["year", "commune"]].dropna() for name in PLACED}
    rows = pd.concat(tables, names=["table", "row"]).reset_index()
    same = {text: bare_place(text) for text in rows["commune"].unique()}
    # In a nation nearly every commune is written in one way, and is skipped.
    ways = Counter(same.values())
    rows = rows[rows["commune"].isin([text for text, bare in same.items() if ways[bare] > 1])]
    found: list[Problem] = []
    if rows.empty:
        return found
    for _, group in rows.groupby(rows["commune"].map(same)):
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
        if rows["year"].nunique() < 2:
            continue
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


def find_place(commune: str, known: Iterable[str]) -> str | None:
    """Return how a list writes a commune, with or without "xã"; a town is no commune.

    Parameters
    ----------
    commune : str
        As it is written here.
    known : iterable of str
        As it may be written there.

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

    Parameters
    ----------
    communes : DataFrame
        The dataset's ``communes``.
    after, until : Timestamp
        Whatever came into force after the one day, until the end of the other.

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
    days = (pd.Timestamp(one, _LAST_MONTH, 30) for one in (year, until))
    return find_heirs(communes, *days)


def find_old_communes(dataset: Dataset) -> list[Problem]:
    """Warn of rows under a commune that is no more."""
    events = dataset.tables["communes"]
    found: list[Problem] = []
    if events.empty:
        return found
    still = {bare_place(name) for name in events["new_name"]}
    gone = events[~events["old_name"].map(bare_place).isin(still)]
    gone = gone.assign(from_year=gone["date"].dt.year + (gone["date"].dt.month > _LAST_MONTH))
    gone = gone.groupby("old_name").agg(
        date=("date", "min"), from_year=("from_year", "min"), new=("new_name", ", ".join)
    )
    for table in PLACED:
        rows = dataset.tables[table]
        names = {text: find_place(text, gone.index) for text in rows["commune"].dropna().unique()}
        rows = rows[rows["commune"].map(names).notna()]
        beside = gone.loc[rows["commune"].map(names)].set_axis(rows.index)
        old = rows["year"] >= beside["from_year"]
        found += row_problems(
            rows[old].assign(since=beside["date"], new=beside["new"]),
            dataset.files[table],
            "commune",
            code="old_commune",
            message="từ ngày {since:%d/%m/%Y} xã này thuộc: {new}; hãy ghi tên xã mới",
            is_error=False,
        )
    return found
