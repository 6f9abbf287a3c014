"""Communes that became others: what each went into, and names of the past that are still in use."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.problems import Problem
from analysis.tables.load import Dataset, row_problems
from analysis.tables.variants import PLACED, bare_place
from analysis.tables.writing import loosely

#: A register stands as it was at the end of November: what comes later is seen in the next one.
_LAST_MONTH = 11


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
    same = same or {place for place in like if _has_no_title(place) or _has_no_title(commune)}
    return same.pop() if len(same) == 1 else None


def _has_no_title(commune: str) -> bool:
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
    """Warn of rows under a commune that is no more.

    Parameters
    ----------
    dataset : Dataset
        Tables as `read_dataset` returns them.
    """
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
