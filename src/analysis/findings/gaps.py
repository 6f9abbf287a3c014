"""Who closes the gap: units, communes and employers below a level that was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil, floor
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings.finding import Finding, find_in
from analysis.plan import Indicator, Target
from analysis.redaction import HIDDEN
from analysis.results import compute_indicators
from analysis.results.rollups import Year, open_sources
from analysis.results.states import find_states
from analysis.study import Study
from analysis.tables.writing import alphabetically

#: Up to this many units are all named, without a list of their communes.
FEW_UNITS = 4


@dataclass(frozen=True)
class Leaders:
    """Those that hold most, without choosing among equals.

    Attributes
    ----------
    named : tuple of (str, int)
        Names or ids with what each holds, largest first; equals are all here or none.
    rest : int
        How many more there are.
    size, ties : int
        Where equals were too many to name: what each of them holds, and how many they are.
    """

    named: tuple[tuple[str, int], ...]
    rest: int = 0
    size: int = 0
    ties: int = 0

    @property
    def held(self) -> int:
        """How much the named ones hold."""
        return sum(size for _, size in self.named)


def lead(pairs: Sequence[tuple[str, int]], most: int, enough: int | None = None) -> Leaders:
    """Name the largest, never choosing among equals.

    Parameters
    ----------
    pairs : sequence of (str, int)
        Largest first.
    most : int
        How many may be named.
    enough : int, optional
        Stop once the named hold so much; by default name as many as may be.

    Examples
    --------
    >>> lead([("a", 4), ("b", 2), ("c", 2), ("d", 1)], 2)
    Leaders(named=(('a', 4),), rest=3, size=2, ties=2)
    """
    named: list[tuple[str, int]] = []
    for size, equals in groupby(pairs, key=lambda pair: pair[1]):
        group, held = list(equals), sum(one for _, one in named)
        rest = len(pairs) - len(named)
        if (enough is not None and held >= enough) or (len(group) == 1 and len(named) == most):
            return Leaders(tuple(named), rest)
        if len(named) + len(group) > most:
            return Leaders(tuple(named), rest, size, len(group))
        named += group
    return Leaders(tuple(named))


@dataclass(frozen=True)
class Gap:
    """Where those below a missed level are.

    Attributes
    ----------
    finding : Finding
        The missed target.
    total : int
        What all units below the level lack, one by one: persons, units or đồng. Units above it do
        not make it smaller, so it can exceed the finding's own shortfall.
    units : tuple of (str, int)
        Units and what each lacks, largest first.
    communes, types : tuple of (str, int)
        The same by commune and by unit type.
    own : int
        What the district itself lacks, where it counts as one more member.
    has_above : bool
        Whether anybody is above the level, which makes up for a part of what others lack.
    is_partial : bool
        Whether the edition withholds what some units lack: they are not in it.
    """

    finding: Finding
    total: int
    units: tuple[tuple[str, int], ...]
    communes: tuple[tuple[str, int], ...]
    types: tuple[tuple[str, int], ...]
    own: int = 0
    has_above: bool = False
    is_partial: bool = False

    @property
    def surplus(self) -> int:
        """How much more the units lack one by one than the whole does.

        Others are above the level, or whole persons were counted for each unit.
        """
        return self.total + self.own - self.finding.shortfall

    def named(self, most: int) -> Leaders:
        """Return the units to name: of facts or a few all, else those that hold at least half."""
        is_short = self.finding.indicator.is_share or len(self.units) <= FEW_UNITS
        half = None if is_short else (self.total + 1) // 2
        return lead(self.units, most, half)


def find_gap(study: Study, finding: Finding) -> Gap:
    """Return where those below a missed district target are.

    Parameters
    ----------
    study : Study
        Where the units are.
    finding : Finding
        At district scope.

    Returns
    -------
    Gap
        Empty for what has no units (the district's own facts, employers).
    """
    target = finding.target
    assert target is not None
    units: list[tuple[str, int]] = []
    is_partial, has_above = False, False
    for row in study.unit_rows(finding.indicator.id, finding.year):
        if HIDDEN in str(row.flags).split(";") or (row.reported and pd.isna(row.numerator)):
            is_partial = True
        elif row.reported:
            short = _short_of(row, target)
            has_above |= short < 0
            units += [(str(row.scope_id), short)] if short > 0 else []
    names = study.register.loc[finding.year]["name"]
    units.sort(key=lambda pair: (-pair[1], alphabetically(str(names[pair[0]]))))
    own = own_rows(study, finding.year).get(finding.indicator.id)
    is_member = finding.indicator.with_district and own is not None and own.reported
    lacks = _short_of(own, target) if is_member else 0
    return Gap(
        finding,
        sum(size for _, size in units),
        tuple(units),
        _pool(study, finding.year, units, "commune"),
        _pool(study, finding.year, units, "unit_type"),
        max(lacks, 0),
        has_above or lacks < 0,
        is_partial,
    )


def _short_of(row: Any, target: Target) -> int:
    bar = target.minimum * int(row.denominator)
    return (floor(bar) + 1 if target.is_strict else ceil(bar)) - int(row.numerator)


def _pool(
    study: Study, year: int, units: list[tuple[str, int]], column: str
) -> tuple[tuple[str, int], ...]:
    sizes: Counter[str] = Counter()
    for key, size in units:
        sizes[str(study.register.at[(year, key), column])] += size
    return tuple(sorted(sizes.items(), key=lambda pair: (-pair[1], alphabetically(pair[0]))))


def own_rows(study: Study, year: int) -> dict[str, Any]:
    """Return the district's own rows of the indicator table by indicator id, without any unit.

    It counts as if it had not ended in the year. Empty in the share edition, which lacks the figures.
    """

    def compute() -> dict[str, Any]:
        tables = dict(study.dataset.tables)
        first = pd.Timestamp(year=1, month=1, day=1)
        roster, district = tables["roster"], tables["district"]
        ended = roster["dissolved_on"].mask(roster["year"] == year, first)
        tables["roster"] = roster.assign(dissolved_on=ended)
        this_year = district["dissolved_on"].dt.year == year
        tables["district"] = district.assign(dissolved_on=district["dissolved_on"].mask(this_year))
        alone = replace(study.dataset, tables=tables)
        table = compute_indicators(alone, study.plan, [year], ["district"])
        return {str(row.indicator): row for row in table.itertuples(index=False)}

    if study.params.edition != "internal":
        return {}
    found: dict[str, Any] = study.remember(("the district alone", year), compute)
    return found


def own_facts(study: Study, year: int) -> dict[str, Finding]:
    """Return what the district itself did in a year, as facts of one unit without a verdict.

    Parameters
    ----------
    study, year
        As for `own_rows`.

    Returns
    -------
    dict of str to Finding
        By indicator id; those without a value are left out.
    """
    rows, plan = own_rows(study, year), study.plan.catalogue()
    known = [
        find_in(study, item, rows[item.id])
        for item in plan
        if item.id in rows and (item.over == "district" or item.with_district)
    ]
    return {
        f.indicator.id: replace(f, scope="unit", target=None, verdict="no_target", slack=None)
        for f in known
        if f.value is not None
    }


def find_without_union(study: Study, indicator: Indicator, year: int) -> pd.DataFrame:
    """Return the employers that an indicator asks and that have no union, the largest first.

    Parameters
    ----------
    study : Study
        Of the internal edition: names and exact numbers of workers are in it.
    indicator : Indicator
        Over employers, about whether they have a union.
    year : int
        A year.

    Returns
    -------
    DataFrame
        ``name``, ``commune`` and ``workers_total``.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> found = find_without_union(study, study.plan.indicator("employers_20_unionised"), 2024)
    >>> found["workers_total"].is_monotonic_decreasing
    True
    """
    members = Year(open_sources(study.dataset, study.plan), year).asked(indicator)
    states = find_states(indicator, members)
    lacking = members.only(np.asarray(states.reported & (states.numerator == 0), bool))
    names = ("name", "commune", "workers_total")
    found = pd.DataFrame({name: lacking.cells(name) for name in names})
    found = found.astype({"workers_total": "Int64"})
    return found.sort_values(["workers_total", "name"], ascending=[False, True], ignore_index=True)
