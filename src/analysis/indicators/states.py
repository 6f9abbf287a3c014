"""What each member is for one indicator: reported, not applicable or missing, and with how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.indicators.conditions import all_hold
from analysis.indicators.members import BoolArray, Figures, IntArray, Members
from analysis.plan import Indicator, Plan


@dataclass(frozen=True)
class States:
    """One entry per member; the arrays are all of one length.

    Attributes
    ----------
    reported, not_applicable : bool
        The rest are missing.
    numerator, denominator : int
        Of those that reported, else 0.
    cap : int
        The largest denominator that a missing member could still bring, else 0.
    carried : bool
        The cap rests on an earlier year's figure.
    uncapped : bool
        Missing, and nothing says how large it could be.
    """

    reported: BoolArray
    not_applicable: BoolArray
    numerator: IntArray
    denominator: IntArray
    cap: IntArray
    carried: BoolArray
    uncapped: BoolArray

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
    facts = all_hold(indicator.holds, members)
    reported = applies.is_true & facts.known
    return _each_counts_once(reported, applies.is_false, (reported & facts.holds).astype(np.int64))


def _of_counts(indicator: Indicator, members: Members) -> States:
    """Take a count per member; every member stands for 1 below the line."""
    counts = _add([members.figures(column) for column in indicator.numerator])
    nobody = np.zeros(len(members), bool)
    return _each_counts_once(counts.known, nobody, np.where(counts.known, counts.values, 0))


def _each_counts_once(
    reported: BoolArray, not_applicable: BoolArray, numerator: IntArray
) -> States:
    nobody = np.zeros(len(reported), bool)
    return States(
        reported,
        not_applicable,
        numerator,
        denominator=reported.astype(np.int64),
        cap=(~(reported | not_applicable)).astype(np.int64),
        carried=nobody,
        uncapped=nobody,
    )


def _of_ratio(indicator: Indicator, members: Members) -> States:
    """Persons or money over persons or money; a reported denominator of 0 leaves both sides."""
    above = _add([members.figures(column) for column in indicator.numerator])
    columns = [members.figures(column) for column in indicator.denominator]
    below = _add(columns)
    not_applicable = below.known & (below.values == 0)
    reported = above.known & below.known & ~not_applicable
    missing = ~(reported | not_applicable)

    cap = np.zeros(len(members), np.int64)
    carried = np.zeros(len(members), bool)
    uncapped = np.zeros(len(members), bool)
    for name, figures in zip(indicator.denominator, columns, strict=True):
        earlier = members.largest_before(name)
        cap += np.where(figures.known, figures.values, earlier.values)
        carried |= ~figures.known & earlier.known
        uncapped |= ~figures.known & ~earlier.known
    cap = np.where(above.known, np.maximum(cap, above.values), cap)
    return States(
        reported,
        not_applicable,
        numerator=np.where(reported, above.values, 0),
        denominator=np.where(reported, below.values, 0),
        cap=np.where(missing, cap, 0),
        carried=missing & carried,
        uncapped=missing & uncapped,
    )


def _add(columns: list[Figures]) -> Figures:
    """Add columns; the sum is known where all of them are."""
    values = columns[0].values
    known = columns[0].known
    for column in columns[1:]:
        values = values + column.values
        known = known & column.known
    return Figures(values, known)
