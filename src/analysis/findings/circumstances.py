"""What an office's report says first of a year: how many unions and members, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.findings.lineage import report_year
from analysis.study import Study
from analysis.tables.dictionary import dictionary

#: The events that a report names, in its order.
EVENTS = ("founded", "merged", "split", "dissolved", "transferred_in", "transferred_out")
_PEOPLE = ("members_total", "members_female")


@dataclass(frozen=True)
class Crowd:
    """Unions that have to report in a year, and their people by the register.

    Attributes
    ----------
    unit_type : str
        The type; empty for all together.
    units : int
        How many unions.
    members, women : int or None
        Sums of what is known; None where the edition withholds them, and women also where they are
        not known of more unions than the members are.
    unknown : int
        Of how many unions the members are not known.
    """

    unit_type: str
    units: int
    members: int | None = None
    women: int | None = None
    unknown: int = 0


@dataclass(frozen=True)
class Circumstances:
    """A year's unions, those of the year before, and the events between.

    Attributes
    ----------
    year : int
        The year.
    whole : Crowd
        All unions.
    before : Crowd or None
        All unions a year ago; None where the register has no such year.
    types : tuple of Crowd
        By type, in the dictionary's order; no people in the edition to share.
    events : dict of str to tuple of str
        By event, the names of those it happened to (of a merger those that went into another one).
    """

    year: int
    whole: Crowd
    before: Crowd | None
    types: tuple[Crowd, ...]
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def find_circumstances(study: Study, year: int) -> Circumstances:
    """Return the facts with which a report of a year begins.

    Parameters
    ----------
    study : Study
        With the register and its events.
    year : int
        A year of the register.

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
        _whole(study, year),
        _whole(study, year - 1) if year - 1 in study.dataset.years else None,
        tuple(
            _type(study, word, groups[word])
            for word in dictionary().words["unit_type"]
            if word in groups
        ),
        _events(study, year),
    )


def _whole(study: Study, year: int) -> Crowd:
    units = study.expected_units(year)
    members, women = (study.roster_total(year, name) for name in _PEOPLE)
    unknown = [_count_unknown(study, units, name, year) for name in _PEOPLE]
    is_known = unknown[1] <= unknown[0]
    return Crowd("", len(units), members, women if is_known else None, unknown[0])


def _count_unknown(study: Study, units: pd.DataFrame, column: str, year: int) -> int:
    """Return of how many units a count was not reported; one that is withheld was."""
    empty = units.index[units[column].isna()]
    return sum(column not in study.hidden_columns(str(key), year) for key in empty)


def _type(study: Study, word: str, units: pd.DataFrame) -> Crowd:
    if study.params.edition != "internal":
        return Crowd(word, len(units))
    members, women = (int(units[name].sum()) for name in _PEOPLE)
    unknown = [int(units[name].isna().sum()) for name in _PEOPLE]
    is_known = unknown[1] <= unknown[0]
    return Crowd(word, len(units), members, women if is_known else None, unknown[0])


def _events(study: Study, year: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in study.dataset.lineage.sort_values("date", kind="stable").itertuples(index=False):
        if report_year(row.date.date(), study.plan) == year:
            is_arrival = row.event in ("founded", "transferred_in")
            both = (row.successor_id, row.predecessor_id)
            known = [key for key in (both if is_arrival else both[::-1]) if pd.notna(key)]
            found.setdefault(str(row.event), []).extend(_name(study, key) for key in known[:1])
    return {word: tuple(dict.fromkeys(found[word])) for word in EVENTS if word in found}


def _name(study: Study, key: Any) -> str:
    """Return the latest name that the register has of a unit, or its id."""
    names = study.remember(
        "latest names",
        lambda: study.dataset.roster.sort_values("year").groupby("unit_id")["name"].last(),
    )
    return str(names.get(key, key))
