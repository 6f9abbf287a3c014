"""What each member is for one indicator (reported, not applicable or missing), and the sums of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from analysis.exact import fits, multiply, sum_by
from analysis.plan import Condition, Indicator, Plan
from analysis.results.members import BoolArray, Codes, Figures, IntArray, Members
from analysis.tables.dictionary import dictionary

Counts = npt.NDArray[np.int64] | npt.NDArray[np.int8]
#: What the missing add to the ends: sums, then whether there is any.
_SUMS = ("low_above", "low_below", "high_above", "high_below", "free")
_FLAGS = ("carried", "low_open", "high_open")


@dataclass(frozen=True)
class Facts:
    """One fact per member row; ``holds`` counts only where it is ``known``."""

    holds: BoolArray
    known: BoolArray

    @property
    def is_true(self) -> BoolArray:
        """Known to hold."""
        return np.logical_and(self.holds, self.known)

    @property
    def is_false(self) -> BoolArray:
        """Known not to hold."""
        return np.logical_and(~self.holds, self.known)


def all_hold(conditions: Sequence[Condition], members: Members, *, once: bool = False) -> Facts:
    """Join facts by "and": one known "no" settles it, "yes" needs all known.

    Without any condition everything holds. With ``once`` what was reported true stays true.
    """
    size = len(members)
    no = np.zeros(size, bool)
    yes = np.ones(size, bool)
    for condition in conditions:
        facts = evaluate(condition, members, once=once)
        no |= facts.is_false
        yes &= facts.is_true
    return Facts(holds=yes, known=yes | no)


def evaluate(condition: Condition, members: Members, *, once: bool = False) -> Facts:
    """Return one condition's facts; see `all_hold`."""
    if condition.present is not None:
        filled = members.cells(condition.column).notna().to_numpy(bool)
        return Facts(filled == condition.present, np.ones(len(members), bool))
    if condition.is_not is not None:
        cells = members.cells(condition.column)
        differs = (cells != condition.is_not).fillna(False)
        return Facts(differs.to_numpy(bool), cells.notna().to_numpy(bool))
    if isinstance(condition.at_least, str):
        return _at_least_word(condition, members)
    if condition.at_least is not None or condition.more_than is not None:
        return _compare(condition, members)
    figures = members.ever(condition.column) if once else members.figures(condition.column)
    return Facts(np.asarray(figures.values, bool), figures.known)


def _at_least_word(condition: Condition, members: Members) -> Facts:
    """Compare ranks; a word without a rank (``not_graded``) is reported and does not reach it."""
    ranked = dictionary().ranked["grade"]
    reached = ranked[ranked.index(str(condition.at_least)) :]
    cells = members.cells(condition.column)
    return Facts(cells.isin(reached).to_numpy(bool), cells.notna().to_numpy(bool))


def _compare(condition: Condition, members: Members) -> Facts:
    """Compare a column, or the quotient of two, with a bar.

    An unknown cell settles it where all its possible values lie on one side of the bar. A quotient
    needs both of its cells.
    """
    if condition.over is None:
        span, ones = members.span(condition.column), np.ones(len(members), np.int64)
        holds = _reaches(condition, span.low, ones)
        return Facts(holds, holds | (span.is_capped & ~_reaches(condition, span.high, ones)))
    top, base = members.figures(condition.column), members.figures(condition.over)
    known = top.known & base.known & (base.values > 0)
    return Facts(_reaches(condition, top.values, base.values), known)


def _reaches(condition: Condition, above: IntArray, below: IntArray) -> BoolArray:
    """Compare with a fraction on whole numbers alone."""
    bar = condition.at_least if condition.more_than is None else condition.more_than
    assert isinstance(bar, Fraction)
    above, below = fits(above, below, factor=max(bar.numerator, bar.denominator))
    reach, needed = multiply(above, bar.denominator), multiply(below, bar.numerator)
    return np.asarray(reach > needed if condition.more_than is not None else reach >= needed, bool)


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """``numerator`` and ``denominator`` of those that reported, and what the missing may add to them.

    That is ``low_above`` over ``low_below`` at the lower end of the bounds; at the upper end
    ``high_above`` over ``high_below`` and, where the numerator is unknown, ``free`` × ``max_rate``
    over ``free``.
    """

    numerator: IntArray
    denominator: IntArray
    low_above: IntArray
    low_below: IntArray
    high_above: IntArray
    high_below: IntArray
    free: IntArray
    #: The lower end rests on an earlier year's figure.
    carried: BoolArray
    #: Nothing limits how large the denominator could be, and so the end.
    low_open: BoolArray
    high_open: BoolArray


_Amounts = TypeVar("_Amounts", bound=Amounts)


@dataclass(frozen=True, kw_only=True)
class States(Amounts):
    """One entry per member; the arrays are all of one length, and 0 where they do not apply."""

    reported: BoolArray
    not_applicable: BoolArray

    @property
    def missing(self) -> BoolArray:
        """Members of whom the indicator knows nothing usable."""
        return ~(self.reported | self.not_applicable)


def find_members(indicator: Indicator, plan: Plan, everyone: Members) -> Members:
    """Return those who belong to an indicator's population and were expected to report."""
    members = find_population(indicator.population, plan, everyone)
    if indicator.members_if:
        members = members.only(all_hold(indicator.members_if, members).is_true)
    return members


def find_population(population: str, plan: Plan, everyone: Members) -> Members:
    """Return those of a plan's population who were expected to report."""
    members = everyone.only(everyone.register.expected[everyone.rows])
    scopes = everyone.register.scopes
    if population == "all" or "unit_type" not in scopes:
        return members
    wanted = plan.types_in(population)
    belongs = np.array([name in wanted for name in scopes["unit_type"].names], bool)
    return members.only(belongs[members.groups("unit_type")])


def find_states(indicator: Indicator, members: Members) -> States:
    """Return what each of an indicator's members is for it, in persons, units or đồng."""
    if indicator.holds:
        return _of_facts(indicator, members)
    if indicator.measure == "ratio":
        return _of_ratio(indicator, members)
    return _of_counts(indicator, members)


def _of_facts(indicator: Indicator, members: Members) -> States:
    """Count a member 1 below the line, and 1 above it where the facts hold."""
    applies = all_hold(indicator.applies_if, members)
    facts = all_hold(indicator.holds, members, once=indicator.once)
    return _each_counts_once(applies, facts, facts.is_true)


def _of_counts(indicator: Indicator, members: Members) -> States:
    """Take a count per member; every member stands for 1 below the line."""
    counts = _add([members.figures(column) for column in indicator.numerator])
    everybody = np.ones(len(members), bool)
    facts = Facts(counts.known, counts.known)
    return _each_counts_once(Facts(everybody, everybody), facts, counts.values)


def _each_counts_once(applies: Facts, facts: Facts, amounts: np.ndarray) -> States:
    reported = applies.is_true & facts.known
    missing = ~(reported | applies.is_false)
    held = (missing & facts.is_true).astype(np.int64)
    nothing = np.zeros_like(held)
    nobody = np.zeros(len(missing), bool)
    return States(
        reported=reported,
        not_applicable=applies.is_false,
        numerator=np.where(reported, amounts, 0).astype(np.int64, copy=False),
        denominator=reported.astype(np.int64),
        low_above=nothing,
        low_below=(missing & ~facts.is_true).astype(np.int64),
        high_above=held,
        high_below=held,
        free=(missing & ~facts.known).astype(np.int64),
        carried=nobody,
        low_open=nobody,
        high_open=nobody,
    )


def _of_ratio(indicator: Indicator, members: Members) -> States:
    """Persons or money over persons or money; a denominator of 0 leaves both sides."""
    above = _add([members.figures(column) for column in indicator.numerator])
    below = _add([members.figures(column) for column in indicator.denominator])
    not_applicable = below.known & (below.values == 0)
    reported = above.known & below.known & ~not_applicable
    missing = ~(reported | not_applicable)
    return States(
        reported=reported,
        not_applicable=not_applicable,
        numerator=np.where(reported, above.values, 0),
        denominator=np.where(reported, below.values, 0),
        **_ends_of_ratio(indicator, members, missing, above.known),
    )


def _ends_of_ratio(
    indicator: Indicator, members: Members, missing: BoolArray, is_closed: BoolArray
) -> dict[str, np.ndarray]:
    """Return what the missing add to the ends of a ratio; ``is_closed``: the numerator is known."""
    few = np.flatnonzero(missing)
    absent, closed = members.only(missing), is_closed[few]
    n, d = (
        np.add.reduce([absent.span(column).low for column in columns])
        for columns in (indicator.numerator, indicator.denominator)
    )
    rate = indicator.max_rate or Fraction(1)
    (most,) = fits(n, factor=rate.denominator)
    d = np.maximum(d, -(-multiply(most, rate.denominator) // rate.numerator))
    caps = [_find_cap(column, absent) for column in indicator.denominator]
    cap = np.maximum(np.add.reduce([cap for cap, _, _ in caps]), d)
    is_open = ~np.logical_and.reduce([is_capped for _, is_capped, _ in caps])
    ends = {
        "low_above": n,
        "low_below": cap,
        "high_above": np.where(closed, n, 0),
        "high_below": np.where(closed, d, 0),
        "free": np.where(closed, 0, cap),
        "carried": np.logical_or.reduce([is_carried for _, _, is_carried in caps]),
        "low_open": is_open,
        "high_open": is_open & ~closed,
    }
    spread = {name: np.zeros(len(missing), array.dtype) for name, array in ends.items()}
    for name, array in ends.items():
        spread[name][few] = array
    return spread


def _find_cap(column: str, members: Members) -> tuple[IntArray, BoolArray, BoolArray]:
    """Return the largest possible denominator, where it is known, and where an earlier year gave it.

    An earlier year's figure is the cap, unless a whole of this year is known and not larger.
    """
    span, earlier = members.span(column), members.largest_before(column)
    is_carried = ~members.figures(column).known & earlier.known
    is_carried &= ~(span.is_capped & (span.high <= earlier.values))
    cap = np.where(is_carried, earlier.values, np.where(span.is_capped, span.high, 0))
    return cap, span.is_capped | is_carried, is_carried


def _add(columns: list[Figures]) -> Figures:
    """Add columns; the sum is known where all of them are."""
    values = columns[0].values
    known = columns[0].known
    for column in columns[1:]:
        values = values + column.values
        known = known & column.known
    return Figures(values, known)


@dataclass(frozen=True, kw_only=True)
class Sums(Amounts):
    """One entry per roll-up: how many members, and what they add up to (or whether any is so)."""

    expected: Counts
    reported: Counts
    not_applicable: Counts
    missing: Counts

    def __len__(self) -> int:
        return len(self.expected)

    def take(self, rows: Codes) -> Sums:
        """Return some of the entries."""
        return Sums(**{name: array[rows] for name, array in vars(self).items()})


def pool(states: States) -> Sums:
    """Sum over everybody: one entry, also where nobody is asked."""
    return _sum(states, np.zeros(len(states.reported), np.int32), 1)


def pool_by(states: States, members: Members, scope: str) -> Sums:
    """Sum members' states per group of a scope, an entry for each of ``members.present(scope)``."""
    if scope == "unit":
        return _one_by_one(states)
    present = members.present(scope)
    groups = int(present[-1]) + 1 if len(present) else 0
    return _sum(states, members.groups(scope), groups).take(present)


def join(first: _Amounts, *others: _Amounts) -> _Amounts:
    """Put the states of two sources (units and the district), or sums, one after the other."""
    if not others:
        return first
    parts = [vars(one) for one in (first, *others)]
    return type(first)(**{name: np.concatenate([p[name] for p in parts]) for name in parts[0]})


def _one_by_one(states: States) -> Sums:
    """Take units as they are: each has one row a year, so nothing is summed."""
    return Sums(
        expected=np.ones(len(states.reported), np.int8),
        reported=states.reported.view(np.int8),
        not_applicable=states.not_applicable.view(np.int8),
        missing=states.missing.view(np.int8),
        numerator=states.numerator,
        denominator=states.denominator,
        **{name: getattr(states, name) for name in (*_SUMS, *_FLAGS)},
    )


def _sum(states: States, codes: Codes, groups: int) -> Sums:
    # Every member is one of three: missing 0, reported 1, not applicable 2.
    kinds = states.reported + np.int8(2) * states.not_applicable
    missing, reported, not_applicable = (
        np.bincount(codes * 3 + kinds, minlength=groups * 3).reshape(-1, 3).T
    )
    # Only the missing, who are few, add to the ends.
    few = np.flatnonzero(kinds == 0)
    ends = {n: sum_by(codes[few], getattr(states, n)[few], groups) for n in (*_SUMS, *_FLAGS)}
    ends |= {name: ends[name] > 0 for name in _FLAGS}
    return Sums(
        expected=missing + reported + not_applicable,
        reported=reported,
        not_applicable=not_applicable,
        missing=missing,
        numerator=sum_by(codes, states.numerator, groups),
        denominator=sum_by(codes, states.denominator, groups),
        **ends,
    )
