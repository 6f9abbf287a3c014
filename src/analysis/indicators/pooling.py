"""Roll-ups: the states of members, summed over everybody or per group of one scope."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from analysis.exact import sum_by
from analysis.indicators.members import BoolArray, Codes, IntArray, Members
from analysis.indicators.states import States

Counts = npt.NDArray[np.int64] | npt.NDArray[np.int8]


#: What the missing add to the ends: sums, then whether there is any.
_SUMS = ("low_above", "low_below", "high_above", "high_below", "free")
_FLAGS = ("carried", "low_open", "high_open")


@dataclass(frozen=True)
class Sums:
    """One entry per roll-up; the arrays are all of one length, named as in `States`.

    Attributes
    ----------
    expected, reported, not_applicable, missing : int
        How many members; the last three make up the first.
    numerator, denominator : int
        Over those that reported.
    low_above, low_below, high_above, high_below, free : int
        Over the missing.
    carried, low_open, high_open : bool
        Whether any missing member is.
    """

    expected: Counts
    reported: Counts
    not_applicable: Counts
    missing: Counts
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

    def __len__(self) -> int:
        return len(self.expected)

    def take(self, rows: Codes) -> Sums:
        """Return some of the entries."""
        return Sums(*(getattr(self, item.name)[rows] for item in fields(self)))


def pool(states: States) -> Sums:
    """Sum over everybody: one entry, also where nobody is asked."""
    return _sum(states, np.zeros(len(states.reported), np.int32), 1)


def pool_by(states: States, members: Members, scope: str) -> Sums:
    """Sum per group of a scope, an entry for each of ``members.present(scope)``."""
    if scope == "unit":
        return _one_by_one(states)
    present = members.present(scope)
    groups = int(present[-1]) + 1 if len(present) else 0
    return _sum(states, members.groups(scope), groups).take(present)


def join(first: States, second: States) -> States:
    """Put the states of two sources (units and the district) one after the other."""
    return States(
        *(
            np.concatenate([getattr(first, item.name), getattr(second, item.name)])
            for item in fields(States)
        )
    )


def _one_by_one(states: States) -> Sums:
    """Take units as they are: each has one row a year, nothing to sum."""
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
    # The missing are few, and ends are theirs alone.
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
