"""Where a unit came from and where it went: the register's events as its page tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from analysis.plan import Plan
from analysis.study import Study


@dataclass(frozen=True)
class Passage:
    """One event of a unit.

    Attributes
    ----------
    day : date
        When.
    event : str
        A word of the dictionary: ``merged``.
    is_arrival : bool
        Whether the unit is the successor: somebody came into it.
    other_id, other_name : str
        The other unit; empty where the event names none. The name is the id where the register
        never knew it.
    page_year : int or None
        The year of the other one's page nearest to the event.
    """

    day: date
    event: str
    is_arrival: bool
    other_id: str = ""
    other_name: str = ""
    page_year: int | None = None


def find_passages(study: Study, unit_id: str, year: int) -> tuple[Passage, ...]:
    """Return the events that a unit's page of a year tells of, the earliest first.

    Those of the year itself, and what became of the unit after it: on its last page a reader finds
    the way on, and on its successor's first one the way back.

    Parameters
    ----------
    study : Study
        With the events and the register.
    unit_id : str
        The unit.
    year : int
        The page's year.
    """
    events = study.dataset.lineage
    found = []
    for row in events.sort_values("date", kind="stable").itertuples(index=False):
        told_in = report_year(row.date.date(), study.plan)
        if row.predecessor_id == row.successor_id == unit_id:  # it goes on as itself
            found += [Passage(row.date.date(), str(row.event), False)] if told_in == year else []
        elif row.successor_id == unit_id and told_in == year:
            found.append(_passage(study, row, told_in, is_arrival=True))
        elif row.predecessor_id == unit_id and told_in in (year, year + 1):
            found.append(_passage(study, row, told_in, is_arrival=False))
    return tuple(found)


def merged_into(study: Study, unit_id: str, year: int) -> tuple[str, ...]:
    """Return the units that merged into one in a year's figures and reported apart before.

    Examples
    --------
    >>> from analysis import load
    >>> merged_into(load(2024), "THTHCS-TANTHANH", 2024)
    ('TH-TANTHANH', 'THCS-TANTHANH')
    """

    def gather() -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        before = study.expected_units(year - 1).index
        events = study.dataset.lineage
        for row in events[events["event"] == "merged"].itertuples(index=False):
            if row.predecessor_id in before and report_year(row.date.date(), study.plan) == year:
                found.setdefault(str(row.successor_id), []).append(str(row.predecessor_id))
        return {key: tuple(dict.fromkeys(keys)) for key, keys in found.items()}

    merged: dict[str, tuple[str, ...]] = study.remember(("merged into", year), gather)
    return merged.get(unit_id, ())


def report_year(day: date, plan: Plan) -> int:
    """Return the year whose figures a day falls into: up to its cut-off.

    Examples
    --------
    >>> from analysis import load
    >>> plan = load(2024).plan
    >>> report_year(date(2024, 11, 30), plan), report_year(date(2024, 12, 1), plan)
    (2024, 2025)
    """
    return day.year if day <= plan.cut_off_in(day.year) else day.year + 1


def _passage(study: Study, row: Any, told_in: int, *, is_arrival: bool) -> Passage:
    other = row.predecessor_id if is_arrival else row.successor_id
    if pd.isna(other):
        return Passage(row.date.date(), str(row.event), is_arrival)
    years = [y for y in study.dataset.years if other in study.expected_units(y).index]
    near = [y for y in years if (y < told_in if is_arrival else y >= told_in)]
    page_year = (max(near) if is_arrival else min(near)) if near else None
    name = study.register.at[(page_year, other), "name"] if page_year else other
    return Passage(row.date.date(), str(row.event), is_arrival, str(other), str(name), page_year)
