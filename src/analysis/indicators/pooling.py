"""Roll-ups: the states of members, summed per year and scope."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from analysis.exact import sum_by
from analysis.indicators.members import BoolArray, IntArray, Members
from analysis.indicators.states import States

Counts = npt.NDArray[np.int64] | npt.NDArray[np.int8]


@dataclass(frozen=True)
class Sums:
    """One entry per roll-up, sorted by year and name; the arrays are all of one length.

    Attributes
    ----------
    year_code, name_code : int
        Which year, and which of the scope's names.
    expected, reported, not_applicable, missing : int
        How many members; the last three make up the first.
    numerator, denominator : int
        Over those that reported.
    cap : int
        The largest denominator that the missing could still bring.
    carried, uncapped : bool
        Whether any missing member is.
    """

    year_code: IntArray
    name_code: IntArray
    expected: Counts
    reported: Counts
    not_applicable: Counts
    missing: Counts
    numerator: IntArray
    denominator: IntArray
    cap: IntArray
    carried: BoolArray
    uncapped: BoolArray

    def __len__(self) -> int:
        return len(self.year_code)

    def take(self, rows: IntArray | slice) -> Sums:
        """Return some of the entries."""
        return Sums(*(getattr(self, item.name)[rows] for item in fields(self)))


def pool(states: States, year_codes: IntArray, years: int) -> Sums:
    """Sum over everybody, an entry for every year, also where nobody is asked.

    Parameters
    ----------
    states : States
        Of members alone.
    year_codes : int array
        The year of each, as a code below ``years``.
    years : int
        How many years there are.
    """
    return _sum(states, year_codes, years, names=1)


def pool_by(states: States, members: Members, scope: str, rows: IntArray) -> Sums:
    """Sum per year and group, only where somebody is expected.

    Parameters
    ----------
    states : States
        One entry for each of ``rows``.
    members : Members
        With the groups of ``scope``.
    scope : str
        A key of ``members.scopes``.
    rows : int array
        The rows of ``members`` to sum.
    """
    keys = members.scopes[scope]
    if scope == "unit":
        return _one_by_one(states, members.year_codes[rows], keys.codes[rows])
    groups = len(keys.names)
    codes = (members.year_codes * groups + keys.codes)[rows]
    sums = _sum(states, codes, len(members.years), groups)
    return sums.take(np.flatnonzero(sums.expected))


def join(first: States, second: States) -> States:
    """Put the states of two sources (units and the district) one after the other."""
    return States(
        *(
            np.concatenate([getattr(first, item.name), getattr(second, item.name)])
            for item in fields(States)
        )
    )


def _one_by_one(states: States, year_codes: IntArray, name_codes: IntArray) -> Sums:
    """Take units as they are: one row a year, already sorted, nothing to sum."""
    return Sums(
        year_codes,
        name_codes,
        expected=states.member.view(np.int8),
        reported=states.reported.view(np.int8),
        not_applicable=states.not_applicable.view(np.int8),
        missing=states.missing.view(np.int8),
        numerator=states.numerator,
        denominator=states.denominator,
        cap=states.cap,
        carried=states.carried,
        uncapped=states.uncapped,
    )


def _sum(states: States, codes: IntArray, years: int, names: int) -> Sums:
    """Sum per code, which is year code × ``names`` + name code."""
    groups = years * names
    # Every member is one of three: missing 0, reported 1, not applicable 2.
    kinds = states.reported + np.int8(2) * states.not_applicable
    missing, reported, not_applicable = (
        np.bincount(codes * 3 + kinds, minlength=groups * 3).reshape(-1, 3).T
    )
    # The missing are few, and caps are theirs alone.
    few = np.flatnonzero(kinds == 0)
    codes_of_few = codes[few]
    return Sums(
        year_code=np.arange(groups) // names,
        name_code=np.arange(groups) % names,
        expected=missing + reported + not_applicable,
        reported=reported,
        not_applicable=not_applicable,
        missing=missing,
        numerator=sum_by(codes, states.numerator, groups),
        denominator=sum_by(codes, states.denominator, groups),
        cap=sum_by(codes_of_few, states.cap[few], groups),
        carried=sum_by(codes_of_few, states.carried[few], groups) > 0,
        uncapped=sum_by(codes_of_few, states.uncapped[few], groups) > 0,
    )
