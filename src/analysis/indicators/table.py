"""The indicator table: every indicator at every scope, in the order and form of its contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import pandas as pd

from analysis.indicators.assembly import COLUMNS, COUNTS, OPEN_COLUMNS, Rows
from analysis.indicators.histories import FOLLOWED_SCOPES, History, find_history
from analysis.indicators.pooling import Sums
from analysis.indicators.rollups import SCOPES, Year, open_sources
from analysis.indicators.verdicts import flag_bit
from analysis.plan import Indicator, Plan
from analysis.problems import InputError, error
from analysis.tables.load import Dataset


def compute_indicators(
    dataset: Dataset,
    plan: Plan,
    years: Iterable[int] | None = None,
    scopes: Sequence[str] = SCOPES,
    *,
    with_open: bool = False,
) -> pd.DataFrame:
    """Compute the indicator table.

    Parameters
    ----------
    dataset : Dataset
        Tables without errors. All its years are read: caps and trajectories look at other years.
    plan : Plan
        The catalogue.
    years : iterable of int, optional
        The years to show; all of the roster's by default.
    scopes : sequence of str
        Which of `SCOPES` to show.
    with_open : bool
        Whether to add the columns ``needed`` and ``unknown`` beside ``breakeven``, so that a sentence
        can name units, persons or đồng: at least so many of all those that are not known.

    Returns
    -------
    DataFrame
        One row per year, indicator, scope and scope_id, columns as `COLUMNS`. Counts are whole
        numbers, ``value``, ``lower``, ``upper`` and ``breakeven`` float64 made from exact fractions
        (a share as 0.782), words are categories; what does not apply is missing.

    Raises
    ------
    InputError
        If the roster has nothing for a year that was asked for.
    """
    chosen = sorted(dataset.years if years is None else set(years))
    require_years(dataset, chosen)
    sources = open_sources(dataset, plan)
    shown = [Year(sources, year) for year in chosen]
    catalogue = plan.catalogue()
    # How long the table is follows from who is asked, so every figure is written once, in place.
    lengths = (
        len(year.groups(indicator, scope))
        for year, indicator in product(shown, catalogue)
        for scope in sources.scopes_of(indicator, scopes)
    )
    rows = Rows(sum(lengths), sources, (*COLUMNS, *OPEN_COLUMNS) if with_open else COLUMNS)
    histories = {item.id: find_history(item, sources) for item in catalogue if item.is_stage}
    for year, indicator in product(shown, catalogue):
        for scope, sums in year.roll_up(indicator, scopes):
            rows.add(
                _judge(year, indicator, scope, sums, histories.get(indicator.id)),
                indicator=indicator,
                year=year.year,
                scope=scope,
                groups=year.groups(indicator, scope),
            )
    return rows.to_frame()


def require_years(dataset: Dataset, years: Sequence[int]) -> None:
    """Refuse years of which the roster has nothing.

    Raises
    ------
    InputError
        With every such year, and those that there are.
    """
    absent = sorted(set(years) - set(dataset.years))
    if absent:
        known = ", ".join(str(year) for year in dataset.years) or "không có năm nào"
        file = dataset.files.get("roster", "roster")
        raise InputError(
            error(
                f"danh sách CĐCS không có năm này; các năm hiện có: {known}",
                code="no_year",
                file=file,
                column="year",
                value=year,
            )
            for year in absent
        )


def _judge(
    year: Year, indicator: Indicator, scope: str, sums: Sums, history: History | None
) -> dict[str, Any]:
    """Return the judged columns of one indicator, scope and year."""
    columns = year.judge(indicator, scope, sums)
    trajectory: Any = 0
    if history is not None and scope in FOLLOWED_SCOPES:
        groups = year.groups(indicator, scope)
        trajectory, overdue = history.assess(scope, groups, year.year)
        columns["flags"] |= overdue * flag_bit("overdue")
    counts = {name: getattr(sums, name) for name in COUNTS}
    return {**counts, **columns, "trajectory": trajectory}
