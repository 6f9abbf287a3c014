"""One row of the indicator table as something that can be said, shown and compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.findings.perimeter import find_circle, merged_into, same_units
from analysis.language import round_as_shown
from analysis.plan import Indicator, Target
from analysis.redaction import BANDED, HIDDEN
from analysis.redaction.published import kind_of
from analysis.results.trajectory import Point, find_path
from analysis.study import Study, flags_of, shown_value
from analysis.tables.dictionary import dictionary
from analysis.tables.writing import came_into, find_place

#: Words of a trajectory that speak of the pace since the path's start.
_PACES = ("regressing", "behind_recovering", "off_track")


@dataclass(frozen=True)
class Change:
    """A difference from an earlier year: of the two figures as they are shown."""

    year: int
    difference: Fraction  # of a share in points of 1, of a grade in steps
    fraction: bool
    #: Whom it compares, where not the scope as both years published it: ``same_units``, or the
    #: ``predecessors`` of a unit that came out of others.
    basis: str = ""
    grade: str = ""  # the word of the grade before


@dataclass(frozen=True)
class Finding:
    """What one indicator says of one scope in one year: figures and words of the indicator table."""

    indicator: Indicator
    year: int
    scope: str
    scope_id: str
    expected: int
    reported: int
    missing: int
    numerator: int | None
    denominator: int | None
    value: Fraction | None  # exact; the ends and the break-even rate as the table publishes them
    lower: Fraction | None
    upper: Fraction | None
    breakeven: Fraction | None
    target: Target | None
    verdict: str
    trajectory: str
    slack: int | None  # how many more (negative: too few) than the target needs
    flags: frozenset[str]
    #: Who answers for district values, and where.
    issuer: str = ""
    place: str = ""
    #: Of a fact that once done stays done: the year from which it has been, if before this one.
    since: int | None = None
    #: Of an open question of the district: how many units, persons or đồng are still needed, of how
    #: many that are not known.
    needed: tuple[int, int] | None = None
    #: For one unit: the narrower indicator that judges the same fact instead of this one.
    judged_by: str = ""
    #: In the edition to share: the bands, in millions of đồng, that the amounts lie in.
    bands: tuple[str, str] = ("", "")
    #: For one unit: the columns of the empty cells that leave it undetermined, or of the facts of an
    #: "and" that do not hold.
    lacking: tuple[str, ...] = ()
    #: For the total of one unit: its part of the district's.
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

    Persons and đồng cannot be compared: by how many are lacking, then by the lacking part of the bar;
    money by that part alone.
    """

    def distance(f: Finding) -> tuple[int, Fraction, Fraction]:
        if f.is_answer or not f.shortfall or f.target is None or f.value is None:
            return 2, Fraction(0), Fraction(0)
        part = (f.target.minimum - f.value) / (f.target.minimum or 1)
        return int(f.indicator.is_money), Fraction(0 if f.indicator.is_money else f.shortfall), part

    return sorted(findings, key=distance)


def strongest(findings: Sequence[Finding], most: int) -> list[Finding]:
    """Return so many of what was met: the highest rates, then what has no rate."""
    rates = [f for f in findings if f.indicator.is_fraction and not f.is_answer]
    best = sorted(rates, key=lambda f: f.value or 0, reverse=True)
    return [*best, *(f for f in findings if f not in rates)][:most]


def find(
    study: Study, scope: str, scope_id: str, year: int, before: Before | None = None
) -> dict[str, Finding]:
    """Return every finding of one scope in one year, parts included, in the plan's order.

    Parameters
    ----------
    study : Study
        Of either edition.
    scope, scope_id, year
        As in the indicator table.
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
    need, free = _whole(needed), _whole(unknown)
    # More than is unknown: the whole is unknown too.
    return None if need is None or free is None or need > free else (need, free)


def _whole(cell: Any) -> int | None:
    return None if cell is None or pd.isna(cell) else int(cell)


def _fraction(cell: Any) -> Fraction | None:
    # The shortest decimal that stands for the table's number.
    return None if pd.isna(cell) else Fraction(repr(float(cell)))


def find_years(
    study: Study, scope: str, scope_id: str, indicator: Indicator, until: int
) -> dict[int, Finding]:
    """Return a scope's findings of one indicator in every year up to one, where they have a value."""
    rows = {y: study.rows(scope, scope_id, y).get(indicator.id) for y in study.dataset.years}
    found = {y: find_in(study, indicator, row) for y, row in rows.items() if row is not None}
    return {y: f for y, f in found.items() if y <= until and f.value is not None}


def find_before(study: Study, scope: str, scope_id: str, year: int) -> Before:
    """Return last year's findings to compare a scope with, and whose figures they are.

    Of a unit that others merged into in the year: their sums, without a verdict; a fact only where all
    of them agree. They are ``predecessors``' there, else the name is empty.
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
    return Change(before.year, size, is_share, basis, grade)


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


def quartiles(ordered: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """Return lower quartile, median and upper one, interpolated between the two nearest, exactly.

    Examples
    --------
    >>> quartiles([Fraction(0), Fraction(1)])
    (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))
    """

    def at(quarter: int) -> Fraction:
        place = Fraction(quarter * (len(ordered) - 1), 4)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return at(1), at(2), at(3)


def planned_path(study: Study, indicator: Indicator, year: int) -> dict[int, Fraction]:
    """Return the corners of the district's path: the baseline and every planned knot after it.

    Empty where there is no baseline by ``year``, of which the page tells, or where the edition
    withholds a year's figures.
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


@dataclass(frozen=True)
class Tally:
    """Counts of verdicts among whole indicators; parts are not counted."""

    year: int
    met: int
    not_met: int
    undetermined: int
    hidden: int = 0  # whose verdict the edition withholds

    @property
    def judged(self) -> int:
        """How many the year passes a verdict on."""
        return self.met + self.not_met + self.undetermined


def tally(year: int, findings: Iterable[Finding]) -> Tally:
    """Count the verdicts of a year."""
    counts = Counter(f.verdict for f in findings if not f.indicator.is_part)
    return Tally(year, counts["met"], counts["not_met"], counts["undetermined"], counts[HIDDEN])


@dataclass(frozen=True)
class Sides:
    """Two years' verdicts over the indicators, parts apart, that both decided."""

    year: int  # the one before
    both: int
    before: int  # how many were met
    now: int
    won: tuple[Finding, ...]  # this year's that are met now and were not
    lost: tuple[Finding, ...]


def compare_sides(now: Mapping[str, Finding], before: Mapping[str, Finding]) -> Sides | None:
    """Compare a year's verdicts with the year before; None where no indicator was decided in both."""
    pairs = [
        (f, before[key].verdict == "met")
        for key, f in now.items()
        if key in before and not f.indicator.is_part
        and {f.verdict, before[key].verdict} <= {"met", "not_met"}
    ]  # fmt: skip
    if not pairs:
        return None
    return Sides(
        pairs[0][0].year - 1,
        len(pairs),
        sum(was_met for _, was_met in pairs),
        sum(f.verdict == "met" for f, _ in pairs),
        tuple(f for f, was_met in pairs if f.verdict == "met" and not was_met),
        tuple(f for f, was_met in pairs if f.verdict == "not_met" and was_met),
    )


@dataclass(frozen=True)
class Restated:
    """A finding whose verdict or value is another than it was: as it is now, and as published."""

    finding: Finding
    verdict: str
    numerator: int | None
    denominator: int | None
    is_bare: bool = False  # its figures, then and now, are not to be set side by side

    @property
    def is_other_verdict(self) -> bool:
        """Whether the verdict itself is another."""
        return self.verdict != self.finding.verdict


def write_origin(edition: str, plan: Mapping[str, Any], dataset: str) -> str:
    """Return the first line of a kept table: of which edition, plan and data it is.

    Examples
    --------
    >>> write_origin("share", {"id": "nq02", "version": 1}, "Huyện A")
    '# {"dataset": "Huyện A", "edition": "share", "plan": {"id": "nq02", "version": 1}}'
    """
    origin = {"edition": edition, "plan": dict(plan), "dataset": dataset}
    return "# " + json.dumps(origin, ensure_ascii=False, sort_keys=True)


def is_comparable(study: Study, kept: Path) -> bool:
    """Tell whether a kept table is of this study's own edition, plan and data."""
    plan, name = study.plan, study.dataset.description.name
    ours = write_origin(study.params.edition, {"id": plan.id, "version": plan.version}, name)
    try:
        with kept.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == ours
    except (OSError, ValueError):
        return False


def find_restated(study: Study, findings: dict[str, Finding], kept: Path) -> list[Restated]:
    """Compare the findings of one scope with a table that `is_comparable`: another verdict first.

    In the edition to share nothing is said of persons or money: the sums of then and now, and even a
    verdict of then, narrow down what one late return brought. What is left are the verdicts on
    counts of units, without the counts.
    """
    table = pd.read_csv(kept, keep_default_na=False, dtype=str, skiprows=1)
    rows = table.set_index(["indicator", "scope", "scope_id"]).to_dict("index")
    is_shared = study.params.edition == "share"
    changed = []
    for f in findings.values():
        before = rows.get((f.indicator.id, f.scope, f.scope_id))
        is_silent = is_shared and kind_of(f.indicator) != "open"
        if before is None or f.indicator.is_part or is_silent:
            continue
        above, below = (
            int(before[name]) if before[name] else None for name in ("numerator", "denominator")
        )
        restated = Restated(f, before["verdict"], above, below, is_shared)
        is_other = (above, below) != (f.numerator, f.denominator) and not is_shared
        if restated.is_other_verdict or is_other:
            changed.append(restated)
    return sorted(changed, key=lambda item: not item.is_other_verdict)
