"""One row of the indicator table as something that can be said, shown and compared."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.findings.perimeter import find_circle, merged_into, same_units
from analysis.language import round_as_shown
from analysis.plan import Indicator, Target
from analysis.redaction import BANDED, HIDDEN
from analysis.results.trajectory import Point, find_path
from analysis.study import Study, flags_of, shown_value
from analysis.tables.dictionary import dictionary
from analysis.tables.writing import came_into, find_place

#: Words of a trajectory that speak of the pace since the path's start.
_PACES = ("regressing", "behind_recovering", "off_track")


@dataclass(frozen=True)
class Change:
    """A difference from an earlier year: of the two figures as they are shown.

    Attributes
    ----------
    year : int
        The earlier year.
    before, difference : Fraction
        As shown; a share's difference is in points of 1, a grade's in steps.
    fraction : bool
        Whether it is of a share.
    basis : str
        Whom it compares, where not the scope as it was published in both years: ``same_units``,
        or ``predecessors`` of a unit that came out of others.
    grade : str
        The word of the grade before.
    """

    year: int
    before: Fraction
    difference: Fraction
    fraction: bool
    basis: str = ""
    grade: str = ""


@dataclass(frozen=True)
class Finding:
    """What one indicator says of one scope in one year.

    Attributes
    ----------
    indicator : Indicator
        Of which indicator or part.
    year, scope, scope_id
        Of whom and when.
    expected, reported, not_applicable, missing : int
        Who is in it.
    numerator, denominator : int or None
        Over those that reported.
    value, lower, upper, breakeven : Fraction or None
        Exact value; the ends and the break-even rate as published in the table.
    target : Target or None
        The bar of the year.
    verdict, trajectory : str
        Words of the table.
    flags : frozenset of str
        Flags of the table.
    slack : int or None
        How many more (negative: too few) than the target needs.
    lacking : tuple of str
        For one unit: the columns of the empty cells that leave it undetermined, or of the facts of
        an "and" that do not hold.
    share_of_district : Fraction or None
        For the total of one unit: its part of the district's.
    issuer, place : str
        Who answers for district values, and where.
    since : int or None
        Of a fact that once done stays done: the year from which it has been, if before this one.
    needed : tuple of (int, int) or None
        Of an open question of the district: how many units, persons or đồng are still needed, of
        how many that are not known.
    judged_by : str
        For one unit: the narrower indicator that judges the same fact instead of this one.
    bands : tuple of (str, str)
        In the edition to share: the bands, in millions of đồng, that the amounts lie in.
    """

    indicator: Indicator
    year: int
    scope: str
    scope_id: str
    expected: int
    reported: int
    not_applicable: int
    missing: int
    numerator: int | None
    denominator: int | None
    value: Fraction | None
    lower: Fraction | None
    upper: Fraction | None
    breakeven: Fraction | None
    target: Target | None
    verdict: str
    trajectory: str
    slack: int | None
    flags: frozenset[str]
    issuer: str = ""
    place: str = ""
    since: int | None = None
    needed: tuple[int, int] | None = None
    judged_by: str = ""
    bands: tuple[str, str] = ("", "")
    lacking: tuple[str, ...] = ()
    share_of_district: Fraction | None = None
    change: Change | None = field(default=None, compare=False)

    @property
    def is_answer(self) -> bool:
        """Whether it is a yes or no: one unit's fact, or the district's own."""
        one_fact = self.indicator.measure == "district_value" and bool(self.indicator.holds)
        return one_fact or (self.scope == "unit" and self.indicator.is_share)

    @property
    def is_hidden(self) -> bool:
        """Whether the edition withholds its figures, because they are of few persons."""
        return HIDDEN in self.flags

    @property
    def is_banded(self) -> bool:
        """Whether its amounts are shown as bands and its rate in whole percents."""
        return BANDED in self.flags

    @property
    def is_grade(self) -> bool:
        """Whether its value is the rank of a grade."""
        columns = dictionary().tables["district"].columns
        first = next(iter(self.indicator.numerator), "")
        return self.indicator.measure == "district_value" and bool(
            first in columns and columns[first].words
        )

    @property
    def grade(self) -> str:
        """The word of the grade."""
        assert self.value is not None
        return dictionary().ranked["grade"][int(self.value)]

    @property
    def is_of_all(self) -> bool:
        """Whether its target is for the whole district: a unit is only compared with it."""
        has_rate = self.indicator.measure == "ratio" and self.target is not None
        is_wide = self.scope == "unit" and self.indicator.population == "all"
        return is_wide and has_rate and self.target.minimum < 1  # type: ignore[union-attr]

    @property
    def common_target(self) -> Target | None:
        """For one unit: a target that the plan sets for all units together and for none alone."""
        together = self.indicator.measure in ("mean_per_unit", "total")
        is_alone = self.scope == "unit" and self.target is None
        return self.indicator.target_in(self.year) if together and is_alone else None

    @property
    def is_mean(self) -> bool:
        """Whether its value is a mean over units."""
        return self.indicator.measure == "mean_per_unit" and self.scope != "unit"

    @property
    def shown(self) -> Fraction:
        """The number that a page shows for its value."""
        assert self.value is not None
        is_share = self.indicator.is_fraction
        return round_as_shown(self.value, self.target, is_share=is_share)

    @property
    def is_judged(self) -> bool:
        """Whether the year passes a verdict on it."""
        return self.verdict in ("met", "not_met", "undetermined")

    @property
    def shortfall(self) -> int:
        """How many persons, units or đồng the target lacks; 0 where it is met or unknown."""
        return -self.slack if self.slack is not None and self.slack < 0 else 0


#: Last year's findings, and whose figures they are.
Before = tuple[dict[str, Finding], str]


def by_nearness(findings: Iterable[Finding]) -> list[Finding]:
    """Return what was missed, the nearest first: persons and units, money, what has no size.

    Persons and đồng cannot be compared. Persons and units are ordered by how many are lacking, then
    by the lacking part of the bar; money by that part alone.
    """

    def distance(f: Finding) -> tuple[int, Fraction, Fraction]:
        if f.is_answer or not f.shortfall or f.target is None or f.value is None:
            return 2, Fraction(0), Fraction(0)
        part = (f.target.minimum - f.value) / (f.target.minimum or 1)
        return int(f.indicator.is_money), Fraction(0 if f.indicator.is_money else f.shortfall), part

    return sorted(findings, key=distance)


def find(
    study: Study, scope: str, scope_id: str, year: int, before: Before | None = None
) -> dict[str, Finding]:
    """Return every finding of one scope in one year, parts included, in the plan's order.

    Parameters
    ----------
    study : Study
        From `analysis.load`.
    scope : str
        One of the table's scopes.
    scope_id : str
        Which one.
    year : int
        The year.
    before : tuple, optional
        From `find_before` of the same, where the caller needs it too.

    Returns
    -------
    dict of str to Finding
        By indicator id; indicators whose population the scope has no part in are left out.
    """
    rows = study.rows(scope, scope_id, year)
    totals = study.rows("district", study.plan.issuer.id, year)
    last, basis = before or find_before(study, scope, scope_id, year)
    known = [y for y in study.dataset.years if study.plan.baseline_year < y <= year]
    has_moved = scope == "district" and any(find_circle(study, y).is_other for y in known)
    found = {}
    cells = study.cells(scope_id, year) if scope == "unit" and rows else None
    for indicator in study.plan.catalogue():
        if indicator.id not in rows:
            continue
        finding = find_in(study, indicator, rows[indicator.id])
        extra: dict[str, Any] = {}
        is_of_circle = scope == "district" and indicator.over == "units"
        if is_of_circle and find_circle(study, year).is_other:
            pair = same_units(study, year).get(indicator.id, ())
            earlier = [find_in(study, indicator, row) for row in pair]
            extra["change"] = difference(earlier[1], earlier[0], "same_units") if earlier else None
        elif indicator.id in last:
            extra["change"] = difference(finding, last[indicator.id], basis)
        if is_of_circle and has_moved and finding.trajectory in _PACES:
            # Other units, so no pace can be told: only whether they are on the path.
            extra["trajectory"] = "behind"
        if cells is not None:
            extra["since"] = _find_since(study, finding)
            extra["lacking"] = _empty_cells(finding, cells)
            if indicator.measure == "total" and finding.value is not None:
                whole = shown_value(totals[indicator.id])
                extra["share_of_district"] = finding.value / whole if whole else None
        found[indicator.id] = replace(finding, **extra)
    return {key: _beside_others(finding, found) for key, finding in found.items()}


def find_in(study: Study, indicator: Indicator, row: Any) -> Finding:
    """Return one row of the table as a finding, without comparisons."""
    return Finding(
        indicator=indicator,
        year=int(row.year),
        scope=str(row.scope),
        scope_id=str(row.scope_id),
        expected=int(row.expected),
        reported=int(row.reported),
        not_applicable=int(row.not_applicable),
        missing=int(row.missing),
        numerator=_whole(row.numerator),
        denominator=_whole(row.denominator),
        value=shown_value(row),
        lower=_fraction(row.lower),
        upper=_fraction(row.upper),
        breakeven=_fraction(row.breakeven),
        target=indicator.target_in(int(row.year)) if row.target else None,
        verdict=str(row.verdict),
        trajectory=str(row.trajectory),
        slack=_whole(row.slack),
        flags=flags_of(row),
        issuer=study.plan.issuer.short,
        place=study.plan.issuer.place,
        needed=_pair(getattr(row, "needed", None), getattr(row, "unknown", None)),
        bands=(getattr(row, "numerator_band", ""), getattr(row, "denominator_band", "")),
    )


def _pair(needed: Any, unknown: Any) -> tuple[int, int] | None:
    known = [_whole(cell) for cell in (needed, unknown)]
    if known[0] is None or known[1] is None or known[0] > known[1]:
        return None  # more than is unknown: the whole is unknown too
    return known[0], known[1]


def _whole(cell: Any) -> int | None:
    return None if cell is None or pd.isna(cell) else int(cell)


def _fraction(cell: Any) -> Fraction | None:
    return None if pd.isna(cell) else _published(float(cell))


@lru_cache(maxsize=1024)
def _published(number: float) -> Fraction:
    # The shortest decimal that stands for the table's number; most are 0, 1 or another's too.
    return Fraction(repr(number))


def find_years(
    study: Study, scope: str, scope_id: str, indicator: Indicator, until: int
) -> dict[int, Finding]:
    """Return a scope's findings of one indicator in every year up to one, where they have a value.

    Parameters
    ----------
    study, scope, scope_id
        As for `find`.
    indicator : Indicator
        Of the plan's catalogue.
    until : int
        The last year.
    """
    rows = {y: study.rows(scope, scope_id, y).get(indicator.id) for y in study.dataset.years}
    found = {y: find_in(study, indicator, row) for y, row in rows.items() if row is not None}
    return {y: f for y, f in found.items() if y <= until and f.value is not None}


def find_before(study: Study, scope: str, scope_id: str, year: int) -> Before:
    """Return last year's findings to compare a scope with, and whose figures they are.

    Parameters
    ----------
    study, scope, scope_id, year
        As for `find`.

    Returns
    -------
    found : dict of str to Finding
        By indicator id. Of a unit that others merged into in the year: their sums, without a
        verdict; a fact only where all of them agree.
    basis : str
        ``predecessors`` there, else empty.
    """
    keys = [scope_id]
    if scope == "commune":
        heirs = came_into(study.dataset.tables["communes"], year - 1, year)
        if any(find_place(scope_id, names) for names in heirs.values()):
            # The name covers another area now; `analysis.compare` adds up the old ones.
            return {}, ""
    if scope == "unit":
        earlier = merged_into(study, scope_id, year)
        keys = [*earlier, *([scope_id] if study.rows(scope, scope_id, year - 1) else [])] or keys
        if earlier:
            every = [_of_year(study, scope, key, year - 1) for key in keys]
            shared = [key for key in every[0] if all(key in one for one in every)]
            return {key: _pool([one[key] for one in every]) for key in shared}, "predecessors"
    return _of_year(study, scope, scope_id, year - 1), ""


def _of_year(study: Study, scope: str, scope_id: str, year: int) -> dict[str, Finding]:
    rows = study.rows(scope, scope_id, year)
    plan = study.plan.catalogue()
    return {i.id: find_in(study, i, rows[i.id]) for i in plan if i.id in rows}


def _pool(parts: list[Finding]) -> Finding:
    first, is_share = parts[0], parts[0].indicator.is_share
    nothing = replace(first, target=None, verdict="no_target", value=None, slack=None)
    pairs = [(part.numerator, part.denominator) for part in parts if part.value is not None]
    above = [n for n, _ in pairs if n is not None]
    below = [d for _, d in pairs if d is not None]
    if len(above) < len(parts) or (is_share and len(set(above)) > 1):
        return nothing
    numerator = above[0] if is_share else sum(above)
    denominator = sum(below) if first.indicator.measure == "ratio" else next(iter(below), None)
    value = Fraction(numerator, 1 if denominator is None else denominator)
    return replace(nothing, numerator=numerator, denominator=denominator, value=value)


def difference(now: Finding, before: Finding, basis: str) -> Change | None:
    """Return the change between two shown figures; yes/no findings have none."""
    if now.value is None or before.value is None or now.is_answer:
        return None
    size, grade = now.shown - before.shown, before.grade if before.is_grade else ""
    is_share = now.indicator.is_fraction
    return Change(before.year, before.shown, size, is_share, basis, grade)


def _empty_cells(finding: Finding, cells: pd.Series) -> tuple[str, ...]:
    """Return the columns whose empty cells leave a unit's finding open."""
    if not finding.missing:
        return ()
    indicator = finding.indicator
    conditions = (*indicator.applies_if, *indicator.holds)
    named = [name for condition in conditions for name in condition.columns]
    named += [*indicator.numerator, *indicator.denominator]
    return tuple(name for name in dict.fromkeys(named) if pd.isna(cells[name]))


def _find_since(study: Study, finding: Finding) -> int | None:
    """Return the earlier year since which a thing once done stays done; None if there is none."""
    if not finding.indicator.once or not finding.value:
        return None
    key = finding.indicator.id
    rows = {y: study.rows(finding.scope, finding.scope_id, y).get(key) for y in study.dataset.years}
    done = [year for year, row in rows.items() if row is not None and shown_value(row) == 1]
    return min(done) if min(done) < finding.year else None


def _beside_others(finding: Finding, found: dict[str, Finding]) -> Finding:
    """Name the facts of an "and" that do not hold or are not known, and who judges instead."""
    facts = [fact.column for fact in finding.indicator.holds]
    if finding.is_answer and len(facts) > 1:
        parts = {fact: found[f"{finding.indicator.id}.{fact}"].value for fact in facts}
        if finding.value == 0:
            return replace(finding, lacking=tuple(f for f in facts if parts[f] == 0))
        known = {fact for fact in facts if parts[fact] is not None}
        return replace(finding, lacking=tuple(c for c in finding.lacking if c not in known))
    has_level = finding.indicator.target_in(finding.year) is not None
    if finding.scope == "unit" and finding.target is None and has_level:
        question = finding.indicator.question
        judging = [f for f in found.values() if f.indicator.question == question and f.target]
        return replace(finding, judged_by=judging[0].indicator.short if judging else "")
    return finding


@dataclass(frozen=True)
class Peers:
    """What the other units of a type reached in one indicator.

    Attributes
    ----------
    count : int
        How many others have a value.
    median, lower_quartile, upper_quartile : Fraction or None
        Empty below the smallest number of peers; for a yes/no indicator only ``holding`` is filled.
    holding : int or None
        How many hold, for a yes/no indicator.
    """

    count: int
    median: Fraction | None = None
    lower_quartile: Fraction | None = None
    upper_quartile: Fraction | None = None
    holding: int | None = None

    @property
    def is_comparable(self) -> bool:
        """Whether there are enough peers."""
        return self.median is not None or self.holding is not None


def compare_with_peers(study: Study, finding: Finding) -> Peers:
    """Compare a unit's finding with the other units of its type in the same year.

    Parameters
    ----------
    study : Study
        Where the others are.
    finding : Finding
        At unit scope.

    Returns
    -------
    Peers
        Without figures where fewer than ``params.min_peers`` others have a value.
    """
    values = study.peer_values(finding.indicator.id, finding.scope_id, finding.year)
    if len(values) < study.params.min_peers:
        return Peers(len(values))
    if finding.indicator.is_share:
        # The values are 0 or 1 in order: those that hold come last.
        return Peers(len(values), holding=len(values) - bisect_left(values, 1))
    lower, median, upper = (quantile(values, quarter) for quarter in (1, 2, 3))
    return Peers(len(values), median, lower, upper)


def quantile(ordered: Sequence[Fraction], quarter: int) -> Fraction:
    """Return a quartile by linear interpolation between the two nearest values, exactly.

    Examples
    --------
    >>> quantile([Fraction(0), Fraction(1)], 2)
    Fraction(1, 2)
    """
    place = Fraction(quarter * (len(ordered) - 1), 4)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def planned_path(study: Study, indicator: Indicator, year: int) -> dict[int, Fraction]:
    """Return the corners of the district's path: the baseline and every planned knot after it.

    Parameters
    ----------
    study : Study
        With the yearly values.
    indicator : Indicator
        With stage targets.
    year : int
        The year that the page tells of; later baselines are not shown.

    Returns
    -------
    dict of int to Fraction
        Empty where there is no baseline by that year, or the edition withholds a year's figures.
    """
    points = {}
    for known in study.dataset.years:
        row = study.rows("district", study.plan.issuer.id, known)[indicator.id]
        if HIDDEN in flags_of(row):
            return {}  # a path needs every year's figures
        value = shown_value(row)
        points[known] = Point(int(row.reported), int(row.missing), row.verdict, value, None, None)
    path = find_path(points, indicator, study.plan)
    if path.baseline is None or path.baseline[0] > year:
        return {}
    start = path.baseline
    corners = {start[0]: path.at(start[0]) or start[1]}
    corners.update((knot, planned) for knot, planned in path.knots if knot > start[0])
    return corners
