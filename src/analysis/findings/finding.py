"""One row of the indicator table as something that can be said, shown and compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pandas as pd

from analysis.plan import Indicator, Target
from analysis.redaction import BANDED, HIDDEN
from analysis.study import Study, flags_of, shown_value
from analysis.tables.dictionary import dictionary


@dataclass(frozen=True)
class Change:
    """A difference from an earlier year of the same scope; a share's is in points of 1."""

    year: int
    before: Fraction
    difference: Fraction
    fraction: bool


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
    issuer : str
        Who answers for district values.
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
    def is_judged(self) -> bool:
        """Whether the year passes a verdict on it."""
        return self.verdict in ("met", "not_met", "undetermined")

    @property
    def shortfall(self) -> int:
        """How many persons, units or đồng the target lacks; 0 where it is met or unknown."""
        return -self.slack if self.slack is not None and self.slack < 0 else 0


def find(study: Study, scope: str, scope_id: str, year: int) -> dict[str, Finding]:
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

    Returns
    -------
    dict of str to Finding
        By indicator id; indicators whose population the scope has no part in are left out.
    """
    rows = study.rows(scope, scope_id, year)
    totals = study.rows("district", study.plan.issuer.id, year)
    before = study.rows(scope, scope_id, year - 1)
    found = {}
    cells = study.cells(scope_id, year) if scope == "unit" and rows else None
    for indicator in study.plan.catalogue():
        if indicator.id not in rows:
            continue
        finding = _from_row(indicator, rows[indicator.id], study)
        extra: dict[str, Any] = {}
        if indicator.id in before:
            earlier = _from_row(indicator, before[indicator.id], study)
            extra["change"] = _change(finding, earlier)
        if cells is not None:
            extra["lacking"] = _empty_cells(finding, cells)
            if indicator.measure == "total" and finding.value is not None:
                whole = shown_value(totals[indicator.id])
                extra["share_of_district"] = finding.value / whole if whole else None
        found[indicator.id] = replace(finding, **extra)
    return {key: _with_failing_facts(finding, found) for key, finding in found.items()}


def _from_row(indicator: Indicator, row: Any, study: Study) -> Finding:
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
        bands=(getattr(row, "numerator_band", ""), getattr(row, "denominator_band", "")),
    )


def _whole(cell: Any) -> int | None:
    return None if pd.isna(cell) else int(cell)


def _fraction(cell: Any) -> Fraction | None:
    # As published: the shortest decimal that stands for the table's number.
    return None if pd.isna(cell) else Fraction(repr(float(cell)))


def _change(now: Finding, before: Finding) -> Change | None:
    if now.value is None or before.value is None or now.is_grade or now.is_answer:
        return None
    return Change(before.year, before.value, now.value - before.value, now.indicator.is_fraction)


def _empty_cells(finding: Finding, cells: pd.Series) -> tuple[str, ...]:
    """Return the columns whose empty cells leave a unit's finding open."""
    if not finding.missing:
        return ()
    indicator = finding.indicator
    conditions = (*indicator.applies_if, *indicator.holds)
    named = [name for condition in conditions for name in condition.columns]
    named += [*indicator.numerator, *indicator.denominator]
    return tuple(name for name in dict.fromkeys(named) if pd.isna(cells[name]))


def _with_failing_facts(finding: Finding, found: dict[str, Finding]) -> Finding:
    """Name the facts of an "and" that do not hold, where it is one answer that fails."""
    facts = [fact.column for fact in finding.indicator.holds]
    if not finding.is_answer or finding.value != 0 or len(facts) < 2:
        return finding
    failing = tuple(f for f in facts if found[f"{finding.indicator.id}.{f}"].value == 0)
    return replace(finding, lacking=failing)
