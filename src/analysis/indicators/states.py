"""What each member is for one indicator: reported, not applicable or missing, and with how much."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from analysis.indicators.conditions import all_hold
from analysis.indicators.members import BoolArray, Figures, IntArray, Members
from analysis.plan import Indicator, Plan


@dataclass(frozen=True)
class States:
    """One entry per member row; the arrays are all of one length.

    Attributes
    ----------
    member : bool
        Belongs to the population and was expected to report.
    reported, not_applicable : bool
        Of the members; the rest are missing.
    numerator, denominator : int
        Of those that reported, else 0.
    cap : int
        The largest denominator that a missing member could still bring.
    carried : bool
        The cap rests on an earlier year's figure.
    uncapped : bool
        Missing, and nothing says how large it could be.
    """

    member: BoolArray
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
        return self.member & ~self.reported & ~self.not_applicable

    def take(self, rows: IntArray) -> States:
        """Return some of the entries."""
        return States(*(getattr(self, item.name)[rows] for item in fields(self)))


def find_members(indicator: Indicator, plan: Plan, members: Members) -> BoolArray:
    """Tell which rows belong to an indicator's population and were expected to report."""
    chosen = members.expected.copy()
    if indicator.over != "district" and members.scopes and indicator.population != "all":
        chosen &= members.types.isin(plan.types_in(indicator.population)).to_numpy(bool)
    if indicator.members_if:
        chosen &= all_hold(indicator.members_if, members).is_true
    return chosen


def find_states(indicator: Indicator, members: Members, member: BoolArray) -> States:
    """Return what each member is for an indicator.

    Parameters
    ----------
    indicator : Indicator
        Of any measure.
    members : Members
        The source that it reads.
    member : bool array
        From `find_members`.
    """
    if indicator.holds:
        return _of_facts(indicator, members, member)
    if indicator.measure == "ratio":
        return _of_ratio(indicator, members, member)
    return _of_counts(indicator, members, member)


def _of_facts(indicator: Indicator, members: Members, member: BoolArray) -> States:
    """Count a member 1 below the line, and 1 above it where the facts hold."""
    applies = all_hold(indicator.applies_if, members)
    facts = all_hold(indicator.holds, members)
    reported = member & applies.is_true & facts.known
    not_applicable = member & applies.is_false
    missing = member & ~reported & ~not_applicable
    nobody = np.zeros(len(member), bool)
    return States(
        member,
        reported,
        not_applicable,
        numerator=(reported & facts.holds).astype(np.int64),
        denominator=reported.astype(np.int64),
        cap=missing.astype(np.int64),
        carried=nobody,
        uncapped=nobody,
    )


def _of_counts(indicator: Indicator, members: Members, member: BoolArray) -> States:
    """Take a count per member; every member stands for 1 below the line."""
    counts = _add([members.figures(column) for column in indicator.numerator])
    reported = member & counts.known
    nobody = np.zeros(len(member), bool)
    return States(
        member,
        reported,
        not_applicable=nobody,
        numerator=np.where(reported, counts.values, 0),
        denominator=reported.astype(np.int64),
        cap=(member & ~reported).astype(np.int64),
        carried=nobody,
        uncapped=nobody,
    )


def _of_ratio(indicator: Indicator, members: Members, member: BoolArray) -> States:
    """Persons or money over persons or money; a reported denominator of 0 leaves both sides."""
    above = _add([members.figures(column) for column in indicator.numerator])
    columns = [members.figures(column) for column in indicator.denominator]
    below = _add(columns)
    not_applicable = member & below.known & (below.values == 0)
    reported = member & above.known & below.known & (below.values > 0)
    missing = member & ~reported & ~not_applicable

    cap = np.zeros(len(member), np.int64)
    carried = np.zeros(len(member), bool)
    uncapped = np.zeros(len(member), bool)
    for name, figures in zip(indicator.denominator, columns, strict=True):
        earlier = members.largest_before(name)
        cap += np.where(figures.known, figures.values, earlier.values)
        carried |= ~figures.known & earlier.known
        uncapped |= ~figures.known & ~earlier.known
    cap = np.where(above.known, np.maximum(cap, above.values), cap)
    return States(
        member,
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
