"""Which units exist: who left and joined, what became of each, and how many people they have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import pandas as pd

from analysis.plan import Plan
from analysis.study import Study, side_by_side
from analysis.tables.dictionary import dictionary

#: The events that a report names, in its order.
EVENTS = ("founded", "merged", "split", "dissolved", "transferred_in", "transferred_out")
_PEOPLE = ("members_total", "members_female")


@dataclass(frozen=True)
class Circle:
    """How many units had to report last year and this one, and how many left and joined."""

    before: int
    now: int
    left: int
    joined: int

    @property
    def is_other(self) -> bool:
        """Whether the two years' figures may differ because the units do, and not their work.

        A few units come and go every year; where a tenth of them does, the figures change.
        """
        return 10 * (self.left + self.joined) >= self.before > 0


def find_circle(study: Study, year: int, scope: str = "district", scope_id: str = "") -> Circle:
    """Compare who has to report with the year before, in the district or in one area."""

    def compare() -> Circle:
        both = [study.expected_units(y) for y in (year - 1, year)]
        if scope != "district":
            both = [units[units[scope] == scope_id] for units in both]
        last, now = (units.index for units in both)
        left, joined = last.difference(now), now.difference(last)
        return Circle(len(last), len(now), len(left), len(joined))

    return cast(Circle, study.remember(("circle", year, scope, scope_id), compare))


def same_units(
    study: Study, year: int, scope: str = "district", scope_id: str = ""
) -> Mapping[str, tuple[Any, Any]]:
    """Return last year's and this year's rows of the indicator table over the same units, by indicator.

    Empty in the share edition, which lacks the figures for a new sum.
    """

    def compute() -> dict[str, tuple[Any, Any]]:
        table = side_by_side(study, year - 1, year, "same_perimeter", scope)
        here = table if scope == "district" else table[table["scope_id"] == scope_id]
        rows = {(int(r.year), str(r.indicator)): r for r in here.itertuples(index=False)}
        return {
            key: (rows[year - 1, key], row)
            for (y, key), row in rows.items()
            if y == year and (year - 1, key) in rows
        }

    if study.params.edition != "internal":
        return {}
    key = ("same units", year, scope, scope_id)
    return cast(dict[str, tuple[Any, Any]], study.remember(key, compute))


@dataclass(frozen=True)
class Passage:
    """One event of a unit, a word of the dictionary: ``merged``."""

    day: date
    event: str
    is_arrival: bool  # the unit is the successor: somebody came into it
    #: The other unit; empty where the event names none. The name is the id where the register never
    #: knew it.
    other_id: str = ""
    other_name: str = ""
    page_year: int | None = None  # of the other one's page nearest to the event


def find_passages(study: Study, unit_id: str, year: int) -> tuple[Passage, ...]:
    """Return the events that a unit's page of a year tells of, the earliest first.

    Those of the year itself, and what became of the unit after it: its last page shows the way on,
    and its successor's first page the way back.

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
        found: dict[str, list[str]] = defaultdict(list)
        before = study.expected_units(year - 1).index
        events = study.dataset.lineage
        for row in events[events["event"] == "merged"].itertuples(index=False):
            if row.predecessor_id in before and report_year(row.date.date(), study.plan) == year:
                found[str(row.successor_id)].append(str(row.predecessor_id))
        return {key: tuple(dict.fromkeys(keys)) for key, keys in found.items()}

    merged: dict[str, tuple[str, ...]] = study.remember(("merged into", year), gather)
    return merged.get(unit_id, ())


def report_year(day: date, plan: Plan) -> int:
    """Return the year whose figures a day belongs to: each year ends at its cut-off.

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


@dataclass(frozen=True)
class Crowd:
    """Unions that have to report in a year, and their people by the register.

    ``unit_type`` is empty for all together. ``members`` and ``women`` are sums of what is known; None
    where the edition withholds them, and women also where they are not known of more unions than the
    members are. ``unknown``: of how many unions the members are not known.
    """

    unit_type: str
    units: int
    members: int | None = None
    women: int | None = None
    unknown: int = 0


@dataclass(frozen=True)
class Circumstances:
    """A year's unions, those of the year before, and the events between.

    ``types`` in the dictionary's order, without people in the edition to share; by event the names of
    those it happened to (of a merger those that went into another one).
    """

    year: int
    whole: Crowd
    before: Crowd | None
    types: tuple[Crowd, ...]
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def find_circumstances(study: Study, year: int) -> Circumstances:
    """Return the facts with which a report of a year begins.

    Examples
    --------
    >>> from analysis import load
    >>> found = find_circumstances(load(2024), 2024)
    >>> found.whole.units, found.events["founded"]
    (110, ('CĐCS Công ty TNHH Viên nén Cội Ngàn',))
    """
    units = study.expected_units(year)
    groups = dict(list(units.groupby("unit_type", observed=True)))
    return Circumstances(
        year,
        _crowd(study, year),
        _crowd(study, year - 1) if year - 1 in study.dataset.years else None,
        tuple(
            _crowd(study, year, word, groups[word])
            for word in dictionary().words["unit_type"]
            if word in groups
        ),
        _events(study, year),
    )


def _crowd(study: Study, year: int, word: str = "", units: pd.DataFrame | None = None) -> Crowd:
    """Return the unions of a year and their people: those of one type, or all together."""
    if units is None:
        units = study.expected_units(year)
        members, women = (study.roster_total(year, name) for name in _PEOPLE)
    elif study.params.edition != "internal":
        return Crowd(word, len(units))
    else:
        members, women = (int(units[name].sum()) for name in _PEOPLE)
    unknown = [_count_unknown(study, units, name, year) for name in _PEOPLE]
    is_known = unknown[1] <= unknown[0]
    return Crowd(word, len(units), members, women if is_known else None, unknown[0])


def _count_unknown(study: Study, units: pd.DataFrame, column: str, year: int) -> int:
    """Count the units that did not report a column; a figure that is withheld was reported."""
    empty = units.index[units[column].isna()]
    return sum(column not in study.hidden_columns(str(key), year) for key in empty)


def _events(study: Study, year: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    names = study.dataset.roster.sort_values("year").groupby("unit_id")["name"].last()
    for row in study.dataset.lineage.sort_values("date", kind="stable").itertuples(index=False):
        if report_year(row.date.date(), study.plan) == year:
            both = [row.predecessor_id, row.successor_id]
            if row.event in ("founded", "transferred_in"):
                both.reverse()
            known = [str(key) for key in both if pd.notna(key)]
            found[str(row.event)] += [str(names.get(key, key)) for key in known[:1]]
    return {word: tuple(dict.fromkeys(found[word])) for word in EVENTS if word in found}
