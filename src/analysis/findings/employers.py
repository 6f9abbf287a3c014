"""The names behind a share of employers: those that the plan counts and that have no union."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.indicators.rollups import Year, open_sources
from analysis.indicators.states import find_states
from analysis.plan import Indicator
from analysis.study import Study


def find_without_union(study: Study, indicator: Indicator, year: int) -> pd.DataFrame:
    """Return the employers that an indicator asks and that have no union, the largest first.

    Parameters
    ----------
    study : Study
        Of the internal edition: names and exact numbers of workers are in it.
    indicator : Indicator
        Over employers, about whether they have a union.
    year : int
        A year.

    Returns
    -------
    DataFrame
        ``name``, ``commune`` and ``workers_total``.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> found = find_without_union(study, study.plan.indicator("employers_20_unionised"), 2024)
    >>> found["workers_total"].is_monotonic_decreasing
    True
    """
    members = Year(open_sources(study.dataset, study.plan), year).asked(indicator)
    states = find_states(indicator, members)
    lacking = members.only(np.asarray(states.reported & (states.numerator == 0), bool))
    names = ("name", "commune", "workers_total")
    found = pd.DataFrame({name: lacking.cells(name) for name in names})
    found = found.astype({"workers_total": "Int64"})
    return found.sort_values(["workers_total", "name"], ascending=[False, True], ignore_index=True)
