"""What each unit has to do with the whole: who holds a gap, and the boards that show them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil, floor
from typing import Any, cast

import numpy as np
import pandas as pd

from analysis.findings.finding import Finding, find_in
from analysis.findings.perimeter import merged_into
from analysis.plan import Indicator, Target
from analysis.redaction import HIDDEN
from analysis.redaction.published import kind_of
from analysis.results import compute_indicators
from analysis.results.rollups import Year, open_sources
from analysis.results.states import find_states
from analysis.study import Study
from analysis.tables.writing import alphabetically

#: The verdict that a group of a task's states is shown as; a state that is withheld is `HIDDEN`.
TASK_VERDICTS = {"done": "met", "open": "not_due", "late": "not_met", "silent": "undetermined"}
#: What a verdict is passed on, or would be if its figures were known or might be shown.
JUDGED = ("met", "not_met", "undetermined", HIDDEN)

#: Up to this many units are all named, without a list of their communes.
FEW_UNITS = 4


@dataclass(frozen=True)
class Leaders:
    """Those that hold most, largest first, without choosing among equals."""

    named: tuple[tuple[str, int], ...]
    rest: int = 0  # how many more there are
    #: Where equals were too many to name: what each of them holds, and how many they are.
    size: int = 0
    ties: int = 0

    @property
    def held(self) -> int:
        """How much the named ones hold."""
        return sum(size for _, size in self.named)


def lead(pairs: Sequence[tuple[str, Any]], most: int, enough: int | None = None) -> Leaders:
    """Name the largest, never choosing among equals.

    At most ``most`` of the pairs, which stand in order; no more once the named hold ``enough``.

    Examples
    --------
    >>> lead([("a", 4), ("b", 2), ("c", 2), ("d", 1)], 2)
    Leaders(named=(('a', 4),), rest=3, size=2, ties=2)
    """
    named: list[tuple[str, Any]] = []
    for size, equals in groupby(pairs, key=lambda pair: pair[1]):
        group, rest = list(equals), len(pairs) - len(named)
        is_enough = enough is not None and sum(one for _, one in named) >= enough
        if is_enough or (len(group) == 1 and len(named) == most):
            return Leaders(tuple(named), rest)
        if len(named) + len(group) > most:
            return Leaders(tuple(named), rest, size, len(group))
        named += group
    return Leaders(tuple(named))


@dataclass(frozen=True)
class Gap:
    """Where those below a missed level are: units, communes and types, largest first."""

    finding: Finding
    #: What all units below the level lack, one by one: persons, units or đồng. Units above it do not
    #: make it smaller, so it can exceed the finding's own shortfall.
    total: int
    units: tuple[tuple[str, int], ...]
    communes: tuple[tuple[str, int], ...]
    types: tuple[tuple[str, int], ...]
    own: int = 0  # what the district itself lacks, where it counts as one more member
    has_above: bool = False  # somebody is, which makes up for a part of what others lack
    is_partial: bool = False  # the edition withholds what some units lack: they are not in it

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
    """Return where those below a missed target of the district are.

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
        _sum_by(study, finding.year, units, "commune"),
        _sum_by(study, finding.year, units, "unit_type"),
        max(lacks, 0),
        has_above or lacks < 0,
        is_partial,
    )


def _short_of(row: Any, target: Target) -> int:
    bar = target.minimum * int(row.denominator)
    return (floor(bar) + 1 if target.is_strict else ceil(bar)) - int(row.numerator)


def _sum_by(
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
    return cast(dict[str, Any], study.remember(("the district alone", year), compute))


def own_facts(study: Study, year: int) -> dict[str, Finding]:
    """Return what the district itself did in a year, as facts of one unit without a verdict.

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

    Their ``name``, ``commune`` and ``workers_total``. Of the internal edition: names and exact numbers
    are in it.

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


def board(study: Study, year: int, units: Iterable[str] | None = None) -> pd.DataFrame:
    """Return what each unit reached in each indicator that the year judges somewhere among them.

    Of all units that have to report, or of the ``units`` with these ids. In the edition to share it has
    nothing that is withheld.

    Returns
    -------
    DataFrame
        A row for each unit and indicator that asks it, in the plan's order: ``unit_id``, ``item``
        (the indicator's id), ``verdict``, ``value``, ``numerator``, ``denominator`` and ``target``
        as in the indicator table; ``gap``, what a missed target lacks (0 where it is met, empty
        where that is not known or withheld), counted in what ``kind`` says: ``persons``, ``money``
        (đồng) or ``open`` (units, facts).

    Examples
    --------
    >>> from analysis import load
    >>> cells = board(load(2024), 2024, ["DN-DABAN"])
    >>> cells.loc[cells["gap"] > 0, ["item", "gap", "kind"]].values.tolist()[:1]
    [['informed_enterprise', 1, 'persons']]
    """
    plan, table = study.plan, study.table
    chosen = list(study.expected_units(year).index if units is None else units)
    is_here = (table["scope"] == "unit") & (table["year"] == year) & table["scope_id"].isin(chosen)
    rows = table[is_here]
    judged = set(rows.loc[rows["verdict"].isin(JUDGED), "indicator"])
    items = [item for item in plan.indicators if item.id in judged]
    cells = rows[rows["indicator"].isin([item.id for item in items])]
    lacks = -cells["slack"].where(cells["verdict"] == "not_met").astype("Int64")
    figures = {name: cells[name] for name in ("value", "numerator", "denominator")}
    return pd.DataFrame(
        {
            "unit_id": pd.Categorical(cells["scope_id"].astype(str), chosen),
            "item": pd.Categorical(cells["indicator"].astype(str), [item.id for item in items]),
            "verdict": cells["verdict"].astype(str),
            **figures,
            "target": cells["target"].astype(str),
            "gap": lacks.mask(cells["verdict"] == "met", 0),
            "kind": cells["indicator"].astype(str).map({i.id: kind_of(i) for i in items}),
        }
    ).sort_values(["unit_id", "item"], ignore_index=True)


def task_board(study: Study, year: int, units: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the state of each task with each unit that has it; empty where nobody follows tasks.

    Returns
    -------
    DataFrame
        A row for each unit and task, in the plan's order: ``unit_id``, ``item`` (the task's id),
        ``state`` (of `analysis.tasks.STATES`), ``verdict`` (as `TASK_VERDICTS` groups the states),
        ``gap``, the days that it is late (0 where it is not), and ``kind``, always ``days``.
    """
    held = study.duties(year) if year in study.dataset.years else {}
    chosen = list(study.expected_units(year).index if units is None else units)
    duties = [duty for unit in chosen for duty in held.get(unit, ())]
    known = {duty.task.id for duty in duties}
    items = [task.id for task in study.plan.tasks if task.id in known]
    return pd.DataFrame(
        {
            "unit_id": pd.Categorical([duty.holder_id for duty in duties], chosen),
            "item": pd.Categorical([duty.task.id for duty in duties], items),
            "state": [duty.state for duty in duties],
            "verdict": [TASK_VERDICTS.get(duty.group, HIDDEN) for duty in duties],
            "gap": [duty.days_late if duty.group == "late" else 0 for duty in duties],
            "kind": "days",
        }
    ).sort_values(["unit_id", "item"], ignore_index=True)


def stand(
    cells: pd.DataFrame, before: pd.DataFrame | None = None, of: pd.Series | None = None
) -> pd.DataFrame:
    """Count each unit's verdicts, and what it lacks: those that need help most come first.

    Parameters
    ----------
    cells, before : DataFrame
        From `board` or `task_board`, of the year and of the one before.
    of : Series, optional
        What each unit is counted in, by its id: its commune. Itself by default.

    Returns
    -------
    DataFrame
        By unit: ``met``, ``not_met``, ``undetermined``, ``hidden`` and ``all``, how many items;
        ``persons``, ``money`` and ``days``, the sums of the gaps that are known (a person counts once for each
        item), and ``unknown``, how many missed items have a gap that is not; ``won`` and ``lost``,
        how many items went from missed to met and from met to missed since the year before. Most
        missed first, then the most persons or days lacking, then the most that is open.

    Examples
    --------
    >>> from analysis import load
    >>> stand(board(load(2024), 2024))[["met", "not_met", "persons"]].iloc[0].tolist()
    [1, 14, 29]
    """
    cells = cells.astype({"unit_id": "str", "item": "str"})
    whose = cells["unit_id"] if of is None else cells["unit_id"].map(of)
    found = pd.crosstab(whose, cells["verdict"]).reindex(columns=list(JUDGED), fill_value=0)
    found = found.reindex(whose.unique())
    found["all"] = whose.value_counts()
    for kind in ("persons", "money", "days"):
        gaps = cells["gap"].where(cells["kind"] == kind)
        found[kind] = gaps.groupby(whose).sum().astype(int)
    is_unknown = (cells["verdict"] == "not_met") & cells["gap"].isna()
    found["unknown"] = is_unknown.groupby(whose).sum()
    found[["won", "lost"]] = 0
    if before is not None:
        keys = ["unit_id", "item"]
        last = before.astype({"unit_id": "str", "item": "str"}).set_index(keys)["verdict"]
        earlier = last.reindex(pd.MultiIndex.from_frame(cells[keys])).set_axis(cells.index)
        for name, pair in {"won": ("not_met", "met"), "lost": ("met", "not_met")}.items():
            moved = (earlier == pair[0]) & (cells["verdict"] == pair[1])
            found[name] = moved.groupby(whose).sum()
    order = ["not_met", "persons", "days", "undetermined"]
    return found.sort_values(order, ascending=False, kind="stable")


def comparable(study: Study, year: int, units: Iterable[str]) -> list[str]:
    """Return the units that were themselves last year: none that others merged into since."""
    before = study.expected_units(year - 1).index
    return [unit for unit in units if unit in before and not merged_into(study, unit, year)]


def by_commune(cells: pd.DataFrame, communes: pd.Series) -> pd.DataFrame:
    """Sum a board by commune, which ``communes`` gives by the unit's id.

    A row for each commune (``unit_id``) and ``item``: ``met`` and ``judged``, how many units;
    ``verdict``, the worst that any of them has: missed, then open, withheld, met.
    """
    named = cells.assign(unit_id=cells["unit_id"].astype(str).map(communes))
    keys = [named["unit_id"], named["item"]]
    found = pd.crosstab(keys, named["verdict"])
    found = found.reindex(columns=["not_met", "undetermined", HIDDEN, "met"], fill_value=0)
    is_asked = (found.sum(axis=1) > 0).to_numpy()
    verdict = np.where(is_asked, found.columns[(found > 0).to_numpy().argmax(axis=1)], "no_target")
    judged = found["met"] + found["not_met"]
    return pd.DataFrame({"met": found["met"], "judged": judged, "verdict": verdict}).reset_index()
