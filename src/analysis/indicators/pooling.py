"""Roll-ups: the states of members, summed per year and scope."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from analysis.exact import sum_by
from analysis.indicators.members import BoolArray, IntArray, Members
from analysis.indicators.states import States

#: The sums of a roll-up, in the order of the columns that `pool` returns.
SUMS = ("expected", "reported", "not_applicable", "missing", "numerator", "denominator", "cap")


def _summands(states: States) -> dict[str, np.ndarray]:
    return {
        "expected": states.member,
        "reported": states.reported,
        "not_applicable": states.not_applicable,
        "missing": states.missing,
        "numerator": states.numerator,
        "denominator": states.denominator,
        "cap": states.cap,
        "carried": states.carried,
        "uncapped": states.uncapped,
    }


def pool(states: States, year_codes: IntArray, years: int) -> pd.DataFrame:
    """Sum over everybody, a row for every year, also where nobody is asked.

    Parameters
    ----------
    states : States
        Of any number of member rows.
    year_codes : int array
        The year of each row, as a code below ``years``.
    years : int
        How many years there are.

    Returns
    -------
    DataFrame
        ``year_code``, ``name_code`` (0), the columns of `SUMS`, ``carried`` and ``uncapped``
        (whether any missing member is).
    """
    return _sum(states, year_codes, years).assign(year_code=np.arange(years), name_code=0)


def pool_by(states: States, members: Members, scope: str, wanted: BoolArray) -> pd.DataFrame:
    """Sum per year and group, only where somebody is expected.

    Parameters
    ----------
    states : States
        One entry per row of ``members``.
    members : Members
        With the groups of ``scope``.
    scope : str
        A key of ``members.scopes``.
    wanted : bool array
        Which of the years to roll up.

    Returns
    -------
    DataFrame
        As `pool`, ``name_code`` pointing into the scope's names, sorted by year and name.
    """
    keys = members.scopes[scope]
    rows = np.flatnonzero(states.member & wanted[members.year_codes])
    chosen = _take(states, rows)
    if scope == "unit":
        # A unit has one row a year, already sorted: nothing to sum.
        own = pd.DataFrame(_summands(chosen)).astype(dict.fromkeys(SUMS, np.int64))
        return own.assign(year_code=members.year_codes[rows], name_code=keys.codes[rows])
    groups = len(keys.names)
    codes = members.year_codes[rows] * groups + keys.codes[rows]
    sums = _sum(chosen, codes, len(members.years) * groups)
    present = np.flatnonzero(sums["expected"].to_numpy() > 0)
    sums = sums.iloc[present].reset_index(drop=True)
    return sums.assign(year_code=present // groups, name_code=present % groups)


def join(first: States, second: States) -> States:
    """Put the states of two sources (units and the district) one after the other."""
    return _map(lambda a, b: np.concatenate([a, b]), first, second)


def _take(states: States, rows: IntArray) -> States:
    return _map(lambda array: array[rows], states)


def _map(function: Any, *states: States) -> States:
    names = [item.name for item in fields(States)]
    return States(*(function(*(getattr(s, name) for s in states)) for name in names))


def _sum(states: States, codes: IntArray, groups: int) -> pd.DataFrame:
    sums = {name: sum_by(codes, array, groups) for name, array in _summands(states).items()}
    frame = pd.DataFrame(sums)
    return frame.assign(carried=frame["carried"] > 0, uncapped=frame["uncapped"] > 0)
