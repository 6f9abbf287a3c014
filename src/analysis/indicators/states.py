"""What each member is for one indicator: reported, not applicable or missing, and with how much."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analysis.exact import fits, multiply
from analysis.indicators.conditions import Facts, all_hold
from analysis.indicators.members import BoolArray, Figures, IntArray, Members
from analysis.plan import Indicator, Plan


@dataclass(frozen=True)
class States:
    """One entry per member; the arrays are all of one length, and 0 where they do not apply.

    A missing member can bring so much less, or so much more, once all is known of it: at the lower
    end ``low_above`` over ``low_below``, at the upper end ``high_above`` over ``high_below`` and,
    where its numerator is open, ``free`` (times ``max_rate``) over ``free``.

    Attributes
    ----------
    reported, not_applicable : bool
        The rest are missing.
    numerator, denominator : int
        Of those that reported.
    low_above, low_below, high_above, high_below, free : int
        Of the missing.
    carried : bool
        The lower end rests on an earlier year's figure.
    low_open, high_open : bool
        Nothing limits how large the denominator could be, and so the end.
    """

    reported: BoolArray
    not_applicable: BoolArray
    numerator: IntArray
    denominator: IntArray
    low_above: IntArray
    low_below: IntArray
    high_above: IntArray
    high_below: IntArray
    free: IntArray
    carried: BoolArray
    low_open: BoolArray
    high_open: BoolArray

    @property
    def missing(self) -> BoolArray:
        """Members of whom the indicator knows nothing usable."""
        return ~(self.reported | self.not_applicable)


def find_members(indicator: Indicator, plan: Plan, everyone: Members) -> Members:
    """Return those who belong to an indicator's population and were expected to report."""
    members = everyone.only(everyone.register.expected[everyone.rows])
    scopes = everyone.register.scopes
    if "unit_type" in scopes and indicator.population != "all":
        wanted = plan.types_in(indicator.population)
        belongs = np.array([name in wanted for name in scopes["unit_type"].names], bool)
        members = members.only(belongs[members.groups("unit_type")])
    if indicator.members_if:
        members = members.only(all_hold(indicator.members_if, members).is_true)
    return members


def find_states(indicator: Indicator, members: Members) -> States:
    """Return what each member is for an indicator of any measure."""
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
        reported,
        not_applicable,
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
    """Return the largest that a denominator could be, where it has a cap, and where that is carried.

    A figure of an earlier year stands in where no whole of this year is at most as large.
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
